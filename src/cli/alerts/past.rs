//! What happened, oldest first.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    cli::{
        alerts::withheld_in_words,
        args::Format,
        out::Out,
        paint::Tone,
        sinks::{deed_as_json, deed_in_words},
        table::{Row, Table},
        words,
    },
    config::Settings,
    model::{Time, notification::Untold, span},
    store::{Done, Past},
};

/// What happened, and what people did with messages that were given up.
pub struct Happened {
    pub history: Vec<Past>,
    pub deeds: Vec<Done>,
}

/// What happened in the `since` before `now`.
pub fn show(
    Happened { history, deeds }: &Happened,
    (now, since): (Time, Duration),
    settings: &Settings,
    format: Format,
    out: Out,
) -> String {
    if format == Format::Json {
        let change = |past: &Past| {
            let withheld: Vec<Value> = past.untold.iter().map(untold_as_json).collect();
            json!({ "rule": past.key.rule, "cluster": past.key.cluster, "change": past.transition, "withheld": withheld })
        };
        let changes: Vec<Value> = history.iter().map(change).collect();
        let deeds: Vec<Value> = deeds.iter().map(deed_as_json).collect();
        return json!({ "changes": changes, "deeds": deeds }).to_string() + "\n";
    }
    let handled = deeds.iter().rev().map(|done| deed_in_words(done, now, settings.timezone) + "\n");
    let handled: String = handled.collect();
    if history.is_empty() && deeds.is_empty() {
        return format!("nothing happened in {}\n", span::show(since));
    }
    let mut table = Table::new(["what", "when", "rule", "cluster", "entity", "value", "peak"], &[5, 6]);
    for Past { key, transition, untold } in history {
        let reading = transition.reading.as_ref();
        let value = reading.map(|reading| reading.unit.show(reading.value)).unwrap_or_default();
        let peak =
            reading.zip(transition.peak).map(|(reading, peak)| reading.unit.show(peak)).unwrap_or_default();
        let when = words::clock(transition.at, now, settings.timezone);
        let (tone, what) = match transition.ending {
            Some(ending) if ending.name() == "cleared" => (Tone::Clear, "recovered".to_owned()),
            Some(ending) => (Tone::Quiet, ending.name().replace('_', " ")),
            None => (transition.level.into(), format!("{} {}", transition.kind.name(), transition.level)),
        };
        let entity = transition.entity.to_string();
        let mut row = Row::new(tone, [&what, &when, &key.rule, &key.cluster, &entity, &value, &peak]);
        row.notes.extend(untold_in_words(untold));
        table.push(row);
    }
    let table =
        if history.is_empty() { String::new() } else { table.render_folded(out.width, &[3, 4, 5, 6]) };
    table + &handled
}

fn untold_in_words(untold: &[Untold]) -> Vec<String> {
    withheld_in_words(untold.iter().map(|untold| (untold.by.words.as_str(), untold.sink.as_str())))
}

fn untold_as_json(untold: &Untold) -> Value {
    json!({ "sink": untold.sink, "by": untold.by.words, "silence": untold.by.silence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notification::By;

    #[test]
    fn who_was_not_told_is_named_once_for_each_cause() {
        let untold = |sink: &str, words: &str| {
            let by = By { words: words.to_owned(), silence: None, is_brief: false };
            Untold { sink: sink.to_owned(), by }
        };
        let night = "maintenance patch night until 23:00 CET";
        let all = [untold("bot", night), untold("genie", "muted by ada"), untold("hook", night)];
        assert_eq!(
            untold_in_words(&all),
            [format!("withheld from bot, hook: {night}"), "withheld from genie: muted by ada".to_owned()]
        );
        assert_eq!(untold_as_json(&all[1])["by"], "muted by ada");
    }
}
