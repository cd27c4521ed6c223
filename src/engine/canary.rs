//! A rule of our own that fires and recovers for no reason but to be told: its whole way is the one of every alert, and where it does not
//! arrive, no other would.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    checks::{Advice, Check, Defaults, Look, Memory},
    config::{
        Rule, RuleSet, Settings,
        rule::{Publish, Source},
        settings::Canary,
    },
    engine::{
        Engine, lock,
        own::{NO_CLUSTER, Own, policy, unscheduled},
    },
    model::{
        Entity, Finding, Kind, Level, Number, Observation, Reading, Reason, Scale, Schedule, Time, Timing,
        Unit,
        notification::Delivery,
        query::{Query, Response},
        span,
        time::elapsed,
    },
};

/// The reserved id of its rule.
pub const ID: &str = "highwater-canary";
/// Its kind, which no file can name.
pub const KIND: &str = "canary";

/// The longest that it fires.
const SONG: Duration = Duration::from_secs(60);

/// When each sink last took the end of a song, and since when anybody listens for that.
#[derive(Debug, Default)]
pub struct Heard {
    since: Option<Time>,
    by: BTreeMap<String, Time>,
}

/// Adds the canary's rule, where the settings want one.
pub fn with_canary(settings: &Settings, mut set: RuleSet) -> RuleSet {
    if let Some(canary) = &settings.canary {
        set.rules.insert(ID.to_owned(), Arc::new(rule(canary)));
    }
    set
}

fn rule(canary: &Canary) -> Rule {
    let soon = Schedule::Every((canary.every / 2).min(SONG));
    let schedule = Schedule::Every(canary.every);
    Rule {
        id: ID.to_owned(),
        summary: "Canary: highwater's alerts arrive here".to_owned(),
        clusters: vec![NO_CLUSTER.to_owned()],
        kind: KIND,
        check: Arc::new(Song),
        timing: Timing { schedule, while_firing: Some(soon.clone()), while_unsettled: soon, ..unscheduled() },
        policy: policy(Some(Level::Info)),
        notify: canary.notify.clone(),
        notify_by_level: BTreeMap::new(),
        repeat: None,
        flapping: None,
        publish: Publish::default(),
        labels: BTreeMap::new(),
        runbook: None,
        title: None,
        message: None,
        fingerprint: ID.to_owned(),
        source: Source::default(),
    }
}

/// Looks at nothing: every second look is a breach.
#[derive(Debug)]
struct Song;

impl Check for Song {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Count)
    }

    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        Vec::new()
    }

    fn read(&self, _: &Look, _: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        let sings = memory.0.get("sings").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let reading = Reading::new(Number::Int(i64::from(!sings)), Unit::Count);
        let observation = Observation::one(Entity::empty(), Finding::Value(reading));
        (observation, Memory(json!({ "sings": !sings })))
    }

    fn advise(&self, _: &Entity, reading: &Reading) -> Advice {
        let sings = reading.value > Number::Int(0);
        let cause = "nothing is wrong: this goes the way of every alert, and ends by itself".to_owned();
        Advice { cause: sings.then_some(cause), next_step: None }
    }
}

impl Engine {
    /// A sink took a message: whether it was the end of a song.
    pub(super) fn note_song(&self, delivery: &Delivery) {
        let notification = &delivery.notification;
        let ended = notification.alerts.iter().any(|change| change.kind == Kind::Resolved);
        if notification.rule == ID && ended {
            lock(&self.songs).by.insert(delivery.sink.clone(), self.clock.now());
        }
    }

    /// Sinks that did not hear the canary for longer than it is silent by itself.
    pub(super) async fn mind_canary(&self) {
        let Some(canary) = &self.settings.canary else { return };
        let now = self.clock.now();
        let patience = canary.every + SONG + self.settings.delivery.alert_after;
        for sink in &canary.notify {
            let last = {
                let mut songs = lock(&self.songs);
                let since = *songs.since.get_or_insert(now);
                songs.by.get(sink).copied().unwrap_or(since)
            };
            let silent = elapsed(last, now);
            let words = format!(
                "its last song arrived {} ago, one is due every {}",
                span::show(silent),
                span::show(canary.every)
            );
            let number = if silent > patience { silent.as_secs() } else { 0 };
            self.say_of_itself(Own::Canary { sink: sink.clone() }, number, &words).await;
        }
    }
}

#[cfg(test)]
mod tests;
