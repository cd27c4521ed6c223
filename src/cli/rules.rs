//! `rules`: what is loaded, and when it looks next.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use chrono_tz::Tz;

use super::{
    args::Global,
    load, mute,
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
    model::{Attention, LevelPolicy, Time, matcher::Matcher, silence::Silence, span, time::elapsed, wording},
    store::{Reader, StoreError, Stored},
};

pub fn run(global: &Global, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let loaded = load::rules(&settings)?;
    let stored = remembered(&settings)?;
    let now = Clock::system().now();
    let known =
        Known { stored: stored.as_ref(), silences: &silences(&settings, now)?, now, zone: settings.timezone };
    out.print(&table(&loaded.set, &known).render_folded(out.width, &[1, 3, 5, 6]))?;
    Ok(Code::Fine.into())
}

/// What the rules themselves do not say.
struct Known<'a> {
    stored: Option<&'a BTreeMap<RuleKey, Stored>>,
    silences: &'a [Silence],
    now: Time,
    zone: Tz,
}

fn table(set: &RuleSet, known: &Known<'_>) -> Table {
    let header = ["rule", "check", "cluster", "schedule", "next look", "levels", "tells"];
    let mut table = Table::new(header, &[]);
    for rule in set.rules.values() {
        for key in rule.keys() {
            table.push(row(rule, &key, known));
        }
    }
    for id in &set.disabled {
        table.push(Row::new(Tone::Quiet, [id, "disabled", "", "", "", "", ""]));
    }
    table
}

fn row(rule: &Arc<Rule>, key: &RuleKey, known: &Known<'_>) -> Row {
    let next = next_look(rule, key, known.stored, known.now);
    let next = next.map_or_else(|| "never".to_owned(), |next| show_next(next, known.now, known.zone));
    let levels: Vec<String> = rule.policy.levels.iter().map(|level| in_words(rule, level)).collect();
    let schedule = rule.timing.schedule.to_string();
    let (levels, tells) = (levels.join("; "), tells(rule));
    let mut row =
        Row::new(Tone::Plain, [&rule.id, rule.kind, &key.cluster, &schedule, &next, &levels, &tells]);
    let of_rule =
        known.silences.iter().filter(|silence| silence.matchers.contains(&Matcher::equal("rule", &rule.id)));
    row.notes.extend(of_rule.map(|silence| {
        let subject = mute::subject(silence);
        let of = subject.strip_prefix(&rule.id).map_or(format!(" {subject}"), str::to_owned);
        let until = wording::when(silence.until, known.now, known.zone);
        format!("muted{of} until {until}: {} ({})", silence.reason, silence.who)
    }));
    row
}

/// `alerts`; `alerts, critical: pager`
fn tells(rule: &Rule) -> String {
    let mut parts = vec![rule.notify.join(", ")];
    for (level, sinks) in rule.notify_by_level.iter().filter(|(_, sinks)| **sinks != rule.notify) {
        parts.push(format!("{level}: {}", sinks.join(", ")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// What a daemon on this store knows; `None` where none ever ran.
fn remembered(settings: &Settings) -> Result<Option<BTreeMap<RuleKey, Stored>>, Stop> {
    match Reader::open(&settings.store.path).and_then(|store| store.load()) {
        Ok(stored) => Ok(Some(stored)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Those that hold now.
fn silences(settings: &Settings, now: Time) -> Result<Vec<Silence>, Stop> {
    match Reader::open(&settings.store.path).and_then(|store| store.silences(now)) {
        Ok(silences) => Ok(silences),
        Err(StoreError::Missing { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// As the daemon would plan it; without one, the next point of the rule's own schedule.
fn next_look(
    rule: &Arc<Rule>,
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
    format!("{} (in {})", words::clock(next, now, zone), span::show(elapsed(now, next)))
}

/// `warning at least 88 %, clear below 86 %, for 2m, recovered after 5m`; what goes without saying is not said.
fn in_words(rule: &Rule, level: &LevelPolicy) -> String {
    let unit = rule.check.scale().unit();
    let when = level.when.show(unit);
    let when = when.strip_prefix("at least ").filter(|bound| words::is_top(bound)).unwrap_or(&when);
    let mut parts = vec![format!("{} {when}", level.level)];
    if level.clear != level.when.complement() {
        parts.push(format!("clear {}", level.clear.show(unit)));
    }
    if !level.fire_after.is_zero() {
        parts.push(format!("for {}", span::show(level.fire_after)));
    }
    if !level.recover_after.is_zero() {
        parts.push(format!("recovered after {}", span::show(level.recover_after)));
    }
    parts.join(", ")
}
