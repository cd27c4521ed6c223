//! One alert of a rule as a sink would be told it: for people who write texts.

mod example;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    config::{Rule, Settings},
    engine::{
        compose,
        tell::Telling,
        texts::{self, Faults},
        watch::Watch,
    },
    model::{
        Alert, Ending, Entity, Kind, Level, Reading, Time, Transition,
        notification::{Change, Delivery},
        policy::Verdict,
    },
    store::Stored,
};

/// What is to be shown.
#[derive(Debug)]
pub struct Subject<'a> {
    pub rule: &'a Arc<Rule>,
    pub cluster: &'a str,
    pub sink: &'a str,
    pub kind: Kind,
    pub level: Level,
    /// The entity and its alert, if one is open; otherwise a made-up one.
    pub entity: Entity,
    pub alert: Option<&'a Alert>,
}

/// The delivery, and what was wrong with texts on the way.
pub fn preview(
    settings: &Settings,
    now: Time,
    subject: &Subject<'_>,
) -> (Delivery, BTreeMap<String, String>) {
    let faults = Faults::default();
    let watch = Watch::new(subject.rule.clone(), subject.cluster, Stored::default());
    let telling = Telling {
        now,
        zone: settings.timezone,
        routes: &settings.routing.routes,
        causes: None,
        last_seen: None,
        sinks: &settings.sinks,
        texts: &settings.texts,
        faults: &faults,
    };
    let change = Change::new(&subject.rule.id, subject.cluster, &transition(now, subject));
    let mut change = compose::with_words(&faults, &watch, change);
    if subject.alert.is_none() {
        without_advice(&faults, subject, &mut change);
    }
    let delivery = compose::delivery(&watch, subject.sink, vec![change], &telling);
    (delivery, faults.into_failed())
}

/// Whether this alert is what is to be shown: its facts and its value belong together, and breach the level.
pub fn is_like(rule: &Rule, (kind, level): (Kind, Level), alert: &Alert) -> bool {
    let (Some(policy), Some(latest)) = (rule.policy.level(level), &alert.latest) else { return false };
    kind != Kind::Resolved && matches!(policy.judge(latest), Ok(Verdict::Breach))
}

/// Advice on facts that nobody has seen would mislead: it is said where it would stand, and whose words it would be.
fn without_advice(faults: &Faults, subject: &Subject<'_>, change: &mut Change) {
    let kind = subject.rule.kind;
    change.cause = change.cause.take().map(|_| format!("(example) what `{kind}` found behind it"));
    change.next_step =
        change.next_step.take().map(|_| format!("(example) what `{kind}` says to do about it"));
    texts::message(faults, subject.rule, subject.cluster, change);
}

fn transition(now: Time, subject: &Subject<'_>) -> Transition {
    let (rule, resolved) = (subject.rule, subject.kind == Kind::Resolved);
    let level = rule.policy.level(subject.level);
    let breach = || example::breach(rule, subject.level);
    let seen = subject.alert.and_then(|alert| alert.latest.clone());
    let worst = seen.clone().unwrap_or_else(breach);
    let reading = if resolved && seen.is_none() { example::clear(rule) } else { worst.clone() };
    let threshold = |reading: &Reading| {
        let level = level?;
        let crossed = if resolved { &level.clear } else { &level.when };
        crossed.resolve(reading).ok()
    };
    let since = subject.alert.and_then(|alert| alert.since);
    Transition {
        entity: subject.entity.clone(),
        kind: subject.kind,
        level: subject.level,
        previous_level: previous(subject),
        since: since.unwrap_or(now - std::time::Duration::from_secs(14 * 60)),
        at: now,
        n: 0,
        threshold: threshold(&reading),
        peak: Some(worst.value),
        reading: Some(reading),
        ending: resolved.then_some(Ending::Cleared),
    }
}

fn previous(subject: &Subject<'_>) -> Option<Level> {
    let levels = &subject.rule.policy.levels;
    match subject.kind {
        Kind::Fired => None,
        Kind::Raised => levels.iter().map(|level| level.level).rfind(|level| *level < subject.level),
        Kind::Lowered => levels.iter().map(|level| level.level).find(|level| *level > subject.level),
        _ => Some(subject.level),
    }
}
