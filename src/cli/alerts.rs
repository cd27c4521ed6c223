//! `alerts`: what is pending and firing, what is over and not told yet, or what happened, from the store beside the daemon.

mod over;
mod past;
mod waiting;

use std::{cmp::Reverse, collections::BTreeMap, process::ExitCode};

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{
    args::{self, Format, Global},
    check::show::show_since,
    load, mute,
    out::Out,
    paint::Tone,
    silences,
    stop::{Code, Stop},
    table::{Row, Table},
    words,
};
use over::Over;
use waiting::Waiting;

use crate::{
    clock::Clock,
    config::{RuleKey, Settings},
    model::{Alert, Entity, Latch, Level, Time, notification::Withheld, silence::Silence, wording},
    store::{OpenAlert, Reader},
};

pub fn run(global: &Global, args: &args::Alerts, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let store = Reader::open(&settings.store.path)?;
    let now = Clock::system().now();
    let text = match args.since {
        None => open(&Now::read(&store, now)?, &settings, args.format, out),
        Some(since) => {
            let happened =
                past::Happened { history: store.history(now - since)?, deeds: store.deeds(now - since)? };
            past::show(&happened, (now, since), &settings, args.format, out)
        }
    };
    out.print(&text)?;
    if args.since.is_none() && args.format == Format::Table && !Reader::is_watched(&settings.store.path) {
        let words = "no daemon is running: this is how it stood when the last one stopped";
        out.print(&format!("{}\n", Tone::Unknown.paint(words)))?;
    }
    Ok(Code::Fine.into())
}

/// What the store holds at this moment.
struct Now {
    at: Time,
    alerts: Vec<OpenAlert>,
    silences: Vec<Silence>,
    /// By rule and entity: which sinks wait, and what they would have been told.
    withheld: BTreeMap<(RuleKey, Entity), Vec<(String, Withheld)>>,
    /// What has ended, and was not told to everybody.
    over: Vec<Over>,
    /// What was composed and not delivered, by sink.
    waiting: Vec<Waiting>,
}

impl Now {
    fn read(store: &Reader, at: Time) -> Result<Self, Stop> {
        let mut alerts = store.alerts()?;
        alerts.sort_by_key(|open| (Reverse(open.alert.level), open.key.clone(), open.entity.clone()));
        let mut withheld = BTreeMap::new();
        let stored = store.load()?;
        let over = over::read(store, &stored, &alerts)?;
        for (key, stored) in stored {
            for (entity, sinks) in stored.told {
                let waiting: Vec<(String, Withheld)> =
                    sinks.into_iter().filter_map(|(sink, told)| Some((sink, told.withheld?))).collect();
                if !waiting.is_empty() {
                    withheld.insert((key.clone(), entity), waiting);
                }
            }
        }
        let (silences, waiting) = (store.silences(at)?, waiting::read(store)?);
        Ok(Self { at, alerts, silences, withheld, over, waiting })
    }

    fn silence(&self, open: &OpenAlert) -> Option<&Silence> {
        self.silences.iter().find(|silence| silence.covers(&words::labels(open), self.at))
    }

    fn withheld_of(&self, open: &OpenAlert) -> &[(String, Withheld)] {
        self.withheld.get(&(open.key.clone(), open.entity.clone())).map_or(&[], Vec::as_slice)
    }
}

/// The told level; of a pending alert the one that it would have.
fn level_of(open: &OpenAlert) -> Option<Level> {
    open.alert.level.or_else(|| open.alert.latches.keys().next_back().copied())
}

fn open(now: &Now, settings: &Settings, format: Format, out: Out) -> String {
    if format == Format::Json {
        return json_of_open(now).to_string() + "\n";
    }
    let zone = settings.timezone;
    let mut table = Table::new(["state", "rule", "cluster", "entity", "value", "peak", "since"], &[4, 5]);
    for open in &now.alerts {
        table.push(open_row(now, open, settings));
    }
    for over in &now.over {
        table.push(over.row(now.at, settings.timezone));
    }
    let mut text =
        if table.is_empty() { String::new() } else { table.render_folded(out.width, &[2, 3, 4, 5]) + "\n" };
    for silence in &now.silences {
        let (subject, until) = (mute::subject(silence), wording::when(silence.until, now.at, zone));
        text += &Tone::Quiet
            .paint(&format!("muted: {subject} until {until}: {} ({})", silence.reason, silence.who));
        text.push('\n');
    }
    for waiting in &now.waiting {
        text += &format!("{}\n", waiting.in_words(now.at, zone));
    }
    text + &counted(now) + "\n"
}

fn open_row(now: &Now, open: &OpenAlert, settings: &Settings) -> Row {
    let alert = &open.alert;
    let level = level_of(open);
    let (tone, state) = match (alert.highest_up(), level) {
        (Some((_, Latch::Recovering(_))), _) => (Tone::Clear, "recovering"),
        (Some(_), Some(level)) => (level.into(), level.name()),
        _ => (Tone::Waiting, "pending"),
    };
    let reading = alert.latest.as_ref();
    let value = reading.map(|reading| reading.unit.show(reading.value)).unwrap_or_default();
    let peak = reading.zip(alert.peak).map(|(reading, peak)| reading.unit.show(peak)).unwrap_or_default();
    let since = alert.since.map(|since| show_since(since, now.at, settings.timezone)).unwrap_or_default();
    let entity = open.entity.to_string();
    let mut row = Row::new(tone, [state, &open.key.rule, &open.key.cluster, &entity, &value, &peak, &since]);
    row.notes.extend(silence(alert, (now.at, settings.timezone)));
    row.notes.extend(why_nobody_hears(now, open, settings));
    row
}

/// A value is as old as the silence since then.
fn silence(alert: &Alert, (now, zone): (Time, Tz)) -> Option<String> {
    let silence = alert.silence?;
    Some(format!("{} {}", silence.of.words(), wording::when(silence.since, now, zone)))
}

/// What withholds it, and from whom; a silence of an alert that everybody knows withholds nothing yet.
fn why_nobody_hears(now: &Now, open: &OpenAlert, settings: &Settings) -> Vec<String> {
    let withheld = now.withheld_of(open);
    if let Some(silence) = now.silence(open).filter(|_| withheld.is_empty()) {
        let until = wording::when(silence.until, now.at, settings.timezone);
        return vec![format!("muted until {until}: {}", silence.reason)];
    }
    withheld_in_words(withheld.iter().map(|(sink, withheld)| (withheld.by.words.as_str(), sink.as_str())))
}

/// A line for each cause, with the sinks that were not told.
fn withheld_in_words<'a>(untold: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut causes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (by, sink) in untold {
        causes.entry(by).or_default().push(sink);
    }
    causes.into_iter().map(|(by, sinks)| format!("withheld from {}: {by}", sinks.join(", "))).collect()
}

/// `2 critical, 1 pending`
fn counted(now: &Now) -> String {
    let mut counts: BTreeMap<Reverse<Option<Level>>, usize> = BTreeMap::new();
    for open in &now.alerts {
        *counts.entry(Reverse(open.alert.level)).or_default() += 1;
    }
    let part = |(level, count): (&Reverse<Option<Level>>, &usize)| match level.0 {
        Some(level) => Tone::from(level).paint(&format!("{count} {level}")),
        None => Tone::Waiting.paint(&format!("{count} pending")),
    };
    let mut parts: Vec<String> = counts.iter().map(part).collect();
    if parts.is_empty() {
        parts.push(Tone::Clear.paint("nothing is pending or firing"));
    }
    parts.extend(over::counted(now));
    parts.join(", ")
}

fn json_of_open(now: &Now) -> Value {
    let alert = |open: &OpenAlert| {
        let (alert, reading) = (&open.alert, open.alert.latest.as_ref());
        json!({
            "rule": open.key.rule, "cluster": open.key.cluster, "summary": open.card.summary,
            "entity": open.entity, "state": alert.state(), "level": level_of(open),
            "value": reading.map(|reading| reading.value), "unit": reading.map(|reading| reading.unit),
            "since": alert.since, "seen": alert.seen, "silence": alert.silence, "peak": alert.peak,
            "facts": reading.map(|reading| &reading.facts.0),
            "muted": now.silence(open).map(silences::as_json),
            "withheld": now.withheld_of(open).iter().map(withheld_as_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "at": now.at,
        "alerts": now.alerts.iter().map(alert).collect::<Vec<_>>(),
        "over": now.over.iter().map(Over::as_json).collect::<Vec<_>>(),
        "deliveries": now.waiting.iter().map(Waiting::as_json).collect::<Vec<_>>(),
        "silences": now.silences.iter().map(silences::as_json).collect::<Vec<_>>(),
    })
}

fn withheld_as_json((sink, withheld): &(String, Withheld)) -> Value {
    json!({ "sink": sink, "by": withheld.by.words, "silence": withheld.by.silence, "kind": withheld.change.kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::{Silence, Silent};

    #[test]
    fn who_is_gone_or_has_no_data_is_shown_with_the_time_since_when() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let now = at("2026-11-22T12:00:00Z");
        let of = |of, since: &str| {
            let since = at(since);
            let alert = Alert { silence: Some(Silence { of, since, seen: now }), ..Alert::default() };
            silence(&alert, (now, Tz::UTC)).unwrap()
        };
        assert_eq!(of(Silent::Absent, "2026-11-22T10:02:00Z"), "gone since 10:02 UTC");
        assert_eq!(of(Silent::NoData, "2026-11-20T10:02:00Z"), "no data since 20 Nov 10:02 UTC");
        assert_eq!(silence(&Alert::default(), (now, Tz::UTC)), None);
    }
}
