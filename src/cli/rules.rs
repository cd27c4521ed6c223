//! `rules`: what is loaded, and when it looks next.

use std::{collections::BTreeMap, process::ExitCode};

use anstream::adapter::strip_str;
use chrono_tz::Tz;

use super::{
    args::Global,
    load,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
    table::{Row, Table},
    words,
};
use crate::{
    clock::Clock,
    config::{Rule, RuleKey, RuleSet, Settings},
    engine::{schedule::wake_at, watch::Watch},
    model::{Attention, LevelPolicy, Time, span, time::elapsed},
    store::{Reader, StoreError, Stored},
};

pub fn run(global: &Global, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let loaded = load::rules(&settings)?;
    let stored = remembered(&settings)?;
    let now = Clock::system().now();
    let lines = lines(&loaded.set, stored.as_ref(), now, settings.timezone);
    let mut text = table(&lines, true).render(None);
    if out
        .width
        .is_some_and(|width| text.lines().any(|line| strip_str(line).to_string().chars().count() > width))
    {
        text = table(&lines, false).render(out.width);
    }
    out.print(&text)?;
    Ok(Code::Fine.into())
}

/// One rule on one cluster: its cells, and its levels.
type Shown = (Tone, Vec<String>, String);

fn lines(set: &RuleSet, stored: Option<&BTreeMap<RuleKey, Stored>>, now: Time, zone: Tz) -> Vec<Shown> {
    let mut lines = Vec::new();
    for rule in set.rules.values() {
        for key in rule.keys() {
            let next = next_look(rule, &key, stored, now);
            let next = next.map_or_else(|| "never".to_owned(), |next| show_next(next, now, zone));
            let levels: Vec<String> = rule.policy.levels.iter().map(|level| in_words(rule, level)).collect();
            let cells = vec![
                rule.id.clone(),
                rule.kind.to_owned(),
                key.cluster,
                rule.timing.schedule.to_string(),
                next,
            ];
            lines.push((Tone::Plain, cells, levels.join("; ")));
        }
    }
    for id in &set.disabled {
        let cells = [id.as_str(), "disabled", "", "", ""].map(str::to_owned).to_vec();
        lines.push((Tone::Quiet, cells, String::new()));
    }
    lines
}

/// Levels stand in a column where there is room, and below their rule where there is not.
fn table(lines: &[Shown], wide: bool) -> Table {
    let header = ["rule", "check", "cluster", "schedule", "next look", "levels"];
    let mut table = Table::new(header.into_iter().take(if wide { 6 } else { 5 }), &[]).flexible(&[
        (1, 8),
        (0, 20),
        (4, 8),
    ]);
    for (tone, cells, levels) in lines {
        let mut row = Row::new(*tone, cells.iter());
        if wide {
            row.cells.push(levels.clone());
        } else if !levels.is_empty() {
            row.notes.push(levels.clone());
        }
        table.push(row);
    }
    table
}

/// What a daemon on this store knows; `None` where none ever ran.
fn remembered(settings: &Settings) -> Result<Option<BTreeMap<RuleKey, Stored>>, Stop> {
    match Reader::open(&settings.store.path).and_then(|store| store.load()) {
        Ok(stored) => Ok(Some(stored)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// As the daemon would plan it; without one, the next point of the rule's own schedule.
fn next_look(
    rule: &std::sync::Arc<Rule>,
    key: &RuleKey,
    stored: Option<&BTreeMap<RuleKey, Stored>>,
    now: Time,
) -> Option<Time> {
    let found = stored.and_then(|stored| stored.get(key)).filter(|found| found.watermark.is_some());
    let Some(found) = found else {
        return rule
            .timing
            .next_after(now - rule.timing.lag(), Attention::default())
            .map(|at| at + rule.timing.lag());
    };
    let watch = Watch { fresh: false, ..Watch::new(rule.clone(), &key.cluster, found.clone()) };
    wake_at(&rule.timing, &watch.progress(now), now)
}

/// `10:05 (in 3m)`; `overdue` where no daemon looks.
fn show_next(next: Time, now: Time, zone: Tz) -> String {
    if next < now {
        return "overdue".to_owned();
    }
    let form = if elapsed(now, next).as_secs() < 86_400 { "%H:%M:%S" } else { "%-d %b %H:%M" };
    format!("{} (in {})", next.with_timezone(&zone).format(form), span::show(elapsed(now, next)))
}

/// `warning at least 88 % for 2m`
fn in_words(rule: &Rule, level: &LevelPolicy) -> String {
    let lasts = level.fire_after;
    let lasts = if lasts.is_zero() { String::new() } else { format!(" for {}", span::show(lasts)) };
    let when = level.when.show(rule.check.scale().unit());
    let when = when.strip_prefix("at least ").filter(|bound| words::is_top(bound)).unwrap_or(&when);
    format!("{} {when}{lasts}", level.level)
}
