//! What happened, oldest first.

use std::time::Duration;

use serde_json::json;

use crate::{
    cli::{
        args::Format,
        out::Out,
        paint::Tone,
        table::{Row, Table},
        words,
    },
    config::Settings,
    model::{Time, span},
    store::Past,
};

/// What happened in the `since` before `now`.
pub fn show(
    history: &[Past],
    (now, since): (Time, Duration),
    settings: &Settings,
    format: Format,
    out: Out,
) -> String {
    if format == Format::Json {
        let change = |past: &Past| json!({ "rule": past.key.rule, "cluster": past.key.cluster, "change": past.transition });
        return json!({ "changes": history.iter().map(change).collect::<Vec<_>>() }).to_string() + "\n";
    }
    if history.is_empty() {
        return format!("nothing happened in {}\n", span::show(since));
    }
    let mut table = Table::new(["what", "when", "rule", "cluster", "entity", "value", "peak"], &[5, 6]);
    for Past { key, transition } in history {
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
        table.push(Row::new(tone, [&what, &when, &key.rule, &key.cluster, &entity, &value, &peak]));
    }
    table.render_folded(out.width, &[3, 4, 5, 6])
}
