//! One alert of a rule as a sink would be told it: for people who write texts.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    config::{Rule, Settings},
    engine::{compose, tell::Telling, texts::Faults, watch::Watch},
    model::{
        Alert, Bound, Ending, Entity, Kind, Level, LevelPolicy, Number, Reading, Time, Transition,
        notification::{Change, Delivery},
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
        // advice on facts that nobody has seen would mislead
        (change.cause, change.next_step) = (None, None);
    }
    let delivery = compose::delivery(&watch, subject.sink, vec![change], &telling);
    (delivery, faults.into_failed())
}

fn transition(now: Time, subject: &Subject<'_>) -> Transition {
    let policy = &subject.rule.policy;
    let level = policy.level(subject.level);
    let made_up = || made_up(subject.rule, level);
    let reading = subject.alert.and_then(|alert| alert.latest.clone()).or_else(made_up);
    let resolved = subject.kind == Kind::Resolved;
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
        threshold: reading.as_ref().and_then(threshold),
        peak: reading.as_ref().map(|reading| reading.value),
        reading,
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

/// A reading just at the threshold; without facts, because only a look has them.
fn made_up(rule: &Rule, level: Option<&LevelPolicy>) -> Option<Reading> {
    let value = match level.map(|level| &level.when.bound) {
        Some(Bound::Value(number)) => *number,
        Some(Bound::Share(_) | Bound::Free(_) | Bound::Mark { .. }) | None => Number::Int(90),
    };
    Some(Reading::new(value, rule.check.scale().unit()))
}
