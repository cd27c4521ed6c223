//! Alerts about highwater itself: the same state machine, the same outbox, another sink than the one concerned.

mod check;
mod ghost;
mod open;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    config::{
        Rule, RuleKey, RuleSet, Settings,
        routing::ROUTES,
        rule::{Publish, Source},
    },
    engine::{
        Engine,
        draft::{Draft, outcome_of},
        tell::{self, Telling},
        texts::Faults,
        watch::Watch,
        withhold::ENDING,
    },
    model::{Ending, Entity, Finding, Level, Number, Observation, Reading, Tick, Unit},
    store::{Stored, Turn},
};

use check::OwnCheck;
pub(super) use check::{policy, unscheduled};
pub use ghost::ghost;

/// The kind of rule that no file can name.
pub const KIND: &str = "highwater";

/// What stands in the place of a cluster's name where none is concerned.
pub const NO_CLUSTER: &str = "highwater";

/// What highwater says of itself. The ids are reserved: `highwater-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// A rule cannot be judged.
    Blind { rule: String, cluster: String, level: Level },
    /// A delivery was given up.
    DeadLetter { sink: String },
    /// Something is left for a sink that is not in the settings any more.
    SinkGone { sink: String },
    /// A sink takes nothing until somebody mends its settings.
    SinkMisconfigured { sink: String },
    /// Messages wait for a sink for too long.
    Outbox { sink: String },
    /// The store was damaged, or is not on disk.
    Store,
    /// The newest rule files are not what is running.
    Reload,
    /// Looks start late.
    Late,
    /// A text of a rule or a sink cannot be filled in.
    Template { of: String },
    /// The canary is not heard by a sink.
    Canary { sink: String },
    /// Little room is left on the disk of the store.
    Disk,
    /// A certificate that others show us ends soon.
    Certificate { host: String },
    /// A cluster's clocks differ from ours.
    ClockSkew { cluster: String },
    /// A silence ends soon, and something waits for that; `sinks` will hear of it.
    SilenceEnding { id: String, sinks: Vec<String> },
}

impl Own {
    pub fn key(&self) -> RuleKey {
        match self {
            Self::Blind { rule, cluster, .. } => RuleKey::new(&format!("highwater-blind {rule}"), cluster),
            Self::DeadLetter { sink } => RuleKey::new(&format!("highwater-dead-letter {sink}"), NO_CLUSTER),
            Self::SinkGone { sink } => RuleKey::new(&format!("highwater-sink-gone {sink}"), NO_CLUSTER),
            Self::SinkMisconfigured { sink } => {
                RuleKey::new(&format!("highwater-sink-misconfigured {sink}"), NO_CLUSTER)
            }
            Self::Outbox { sink } => RuleKey::new(&format!("highwater-outbox {sink}"), NO_CLUSTER),
            Self::Store => RuleKey::new("highwater-store", NO_CLUSTER),
            Self::Reload => RuleKey::new("highwater-reload", NO_CLUSTER),
            Self::Late => RuleKey::new("highwater-late", NO_CLUSTER),
            Self::SilenceEnding { id, .. } => RuleKey::new(&format!("{ENDING} {id}"), NO_CLUSTER),
            Self::Template { of } => RuleKey::new(&format!("highwater-template {of}"), NO_CLUSTER),
            Self::Canary { sink } => RuleKey::new(&format!("highwater-canary-silent {sink}"), NO_CLUSTER),
            Self::Disk => RuleKey::new("highwater-disk", NO_CLUSTER),
            Self::Certificate { host } => RuleKey::new(&format!("highwater-certificate {host}"), NO_CLUSTER),
            Self::ClockSkew { cluster } => RuleKey::new("highwater-clock-skew", cluster),
        }
    }

    /// The reserved id read back, as a start finds it in the store.
    fn of(key: &RuleKey) -> Option<Self> {
        let (name, subject) = key.rule.split_once(' ').unwrap_or((&key.rule, ""));
        let subject = subject.to_owned();
        match name {
            "highwater-blind" => {
                Some(Self::Blind { rule: subject, cluster: key.cluster.clone(), level: Level::Warning })
            }
            "highwater-dead-letter" => Some(Self::DeadLetter { sink: subject }),
            "highwater-sink-gone" => Some(Self::SinkGone { sink: subject }),
            "highwater-sink-misconfigured" => Some(Self::SinkMisconfigured { sink: subject }),
            "highwater-outbox" => Some(Self::Outbox { sink: subject }),
            "highwater-store" => Some(Self::Store),
            "highwater-reload" => Some(Self::Reload),
            "highwater-late" => Some(Self::Late),
            ENDING => Some(Self::SilenceEnding { id: subject, sinks: Vec::new() }),
            "highwater-template" => Some(Self::Template { of: subject }),
            "highwater-canary-silent" => Some(Self::Canary { sink: subject }),
            "highwater-disk" => Some(Self::Disk),
            "highwater-certificate" => Some(Self::Certificate { host: subject }),
            "highwater-clock-skew" => Some(Self::ClockSkew { cluster: key.cluster.clone() }),
            _ => None,
        }
    }

    fn level(&self) -> Level {
        match self {
            Self::Blind { level, .. } => *level,
            Self::DeadLetter { .. } | Self::SinkGone { .. } | Self::SinkMisconfigured { .. } => {
                Level::Critical
            }
            Self::Store | Self::Canary { .. } => Level::Critical,
            Self::Disk | Self::Certificate { .. } | Self::ClockSkew { .. } => Level::Warning,
            Self::Outbox { .. } | Self::Reload | Self::Late | Self::Template { .. } => Level::Warning,
            Self::SilenceEnding { .. } => Level::Info,
        }
    }

    fn unit(&self) -> Unit {
        match self {
            Self::Blind { .. }
            | Self::Outbox { .. }
            | Self::Late
            | Self::Canary { .. }
            | Self::ClockSkew { .. } => Unit::Seconds,
            _ => Unit::Count,
        }
    }

    fn concerned_sink(&self) -> Option<&str> {
        match self {
            Self::DeadLetter { sink }
            | Self::SinkGone { sink }
            | Self::SinkMisconfigured { sink }
            | Self::Outbox { sink }
            | Self::Canary { sink } => Some(sink),
            _ => None,
        }
    }

    /// What it is about is not in the settings any more. That something is left for a gone sink still counts.
    fn is_gone(&self, settings: &Settings) -> bool {
        match self {
            Self::SinkGone { .. } => false,
            Self::Canary { sink } => {
                settings.canary.as_ref().is_none_or(|canary| !canary.notify.contains(sink))
            }
            Self::Template { of } => {
                of.strip_prefix("sink ").is_some_and(|sink| !settings.sinks.contains_key(sink))
            }
            _ => self.concerned_sink().is_some_and(|sink| !settings.sinks.contains_key(sink)),
        }
    }

    /// Who hears of it: whom the settings name, or the routes, but never the sink concerned; by default everybody else.
    fn notify(&self, settings: &Settings) -> Vec<String> {
        if let Self::SilenceEnding { sinks, .. } = self {
            return sinks.clone();
        }
        let other = |sink: &&String| Some(sink.as_str()) != self.concerned_sink();
        let named: Vec<String> = settings.self_notify.iter().filter(other).cloned().collect();
        if !named.is_empty() {
            return named;
        }
        if !settings.routing.routes.is_empty() {
            return vec![ROUTES.to_owned()];
        }
        let for_people = settings.sinks.iter().filter(|(_, sink)| !sink.counts());
        for_people.map(|(name, _)| name).filter(other).cloned().collect()
    }

    pub fn reading(&self, number: Number) -> Reading {
        Reading::new(number, self.unit())
    }

    fn rule(&self, settings: &Settings) -> Rule {
        let key = self.key();
        Rule {
            id: key.rule.clone(),
            summary: self.summary(),
            clusters: vec![key.cluster],
            kind: KIND,
            check: Arc::new(OwnCheck { unit: self.unit(), next_step: self.next_step() }),
            timing: unscheduled(),
            policy: policy(Some(self.level())),
            notify: self.notify(settings),
            notify_by_level: BTreeMap::new(),
            publish: Publish::default(),
            repeat: None,
            flapping: None,
            labels: BTreeMap::new(),
            runbook: None,
            title: None,
            message: None,
            fingerprint: key.rule,
            source: Source::default(),
        }
    }
}

/// One of highwater's own alerts as a rule, by the id that people see; `None` where nothing is known of what it is about.
pub fn named(id: &str, rules: &RuleSet, settings: &Settings) -> Option<Rule> {
    let own = Own::of(&RuleKey::new(id, NO_CLUSTER))?;
    let (own, clusters) = match own {
        Own::Blind { rule, cluster, .. } => {
            let of = rules.rules.get(&rule)?;
            (Own::Blind { rule, cluster, level: of.policy.blind.level }, of.clusters.clone())
        }
        Own::ClockSkew { .. } => (own, settings.clusters.keys().cloned().collect()),
        Own::SilenceEnding { .. } => return None,
        own if own.is_gone(settings) => return None,
        own => (own, vec![NO_CLUSTER.to_owned()]),
    };
    Some(Rule { clusters, ..own.rule(settings) })
}

/// The sink that must not be told of one of highwater's own alerts, for it is what the alert is about.
pub fn concerned(key: &RuleKey) -> Option<&str> {
    let about = [
        "highwater-dead-letter ",
        "highwater-sink-gone ",
        "highwater-sink-misconfigured ",
        "highwater-outbox ",
        "highwater-canary-silent ",
    ];
    about.into_iter().find_map(|name| key.rule.strip_prefix(name))
}

/// How a recovery of one of highwater's own alerts is called; `None` for the rules of files.
pub fn recovered(key: &RuleKey) -> Option<String> {
    Own::of(key).map(|own| own.recovered())
}

/// There is one of these alerts per rule and sink that ever was: what is over and told leaves nothing in the store.
fn forgotten_if_over((mut turn, after): (Turn, Watch)) -> (Turn, Watch) {
    turn.forget_rule |= after.is_over();
    (turn, after)
}

/// What an alert about highwater itself is told with.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub telling: &'a Telling<'a>,
    pub settings: &'a Settings,
}

/// The watches of highwater's own alerts that are, or were, open.
#[derive(Debug, Default)]
pub struct OwnAlerts {
    watches: BTreeMap<RuleKey, Watch>,
}

impl OwnAlerts {
    /// Takes up what a start found; what is not one of ours stays in `stored`.
    pub fn take_up(&mut self, settings: &Settings, stored: &mut BTreeMap<RuleKey, Stored>) {
        let keys: Vec<(RuleKey, Own)> =
            stored.keys().filter_map(|key| Some((key.clone(), Own::of(key)?))).collect();
        for (key, own) in keys {
            let Some(found) = stored.remove(&key) else { continue };
            let watch = Watch::new(Arc::new(own.rule(settings)), &key.cluster, found);
            self.watches.insert(key, watch);
        }
    }

    pub fn keep(&mut self, watch: Watch) {
        self.watches.insert(watch.key.clone(), watch);
    }

    /// What a rule says of its own sight.
    pub fn blind(&self, place: Place<'_>, of: &Watch, finding: Finding, tick: Tick) -> Option<(Turn, Watch)> {
        let policy = &of.rule.policy.blind;
        let own =
            Own::Blind { rule: of.key.rule.clone(), cluster: of.key.cluster.clone(), level: policy.level };
        self.turn(place, &own, finding, tick)
    }

    /// A rule that ends, or begins anew, has not been seen again: its blindness ends for the same reason, and never as recovered.
    pub fn close_blind(
        &self,
        of: &Watch,
        (ending, last): (Ending, bool),
        telling: &Telling<'_>,
    ) -> Option<(Turn, Watch)> {
        let level = of.rule.policy.blind.level;
        let own = Own::Blind { rule: of.key.rule.clone(), cluster: of.key.cluster.clone(), level };
        self.close(&own.key(), (ending, last), telling)
    }

    /// What is said of sinks that are gone from the settings is over, but nobody has seen it get well.
    pub fn close_gone(&self, place: Place<'_>) -> Vec<(Turn, Watch)> {
        // what is withheld could never be told
        let telling = Telling { causes: None, ..*place.telling };
        let gone =
            self.watches.keys().filter(|key| Own::of(key).is_some_and(|own| own.is_gone(place.settings)));
        gone.filter_map(|key| self.close(key, (Ending::SinkRemoved, true), &telling)).collect()
    }

    fn close(
        &self,
        key: &RuleKey,
        (ending, last): (Ending, bool),
        telling: &Telling<'_>,
    ) -> Option<(Turn, Watch)> {
        let known = self.watches.get(key)?;
        if known.is_over() {
            return None;
        }
        let mut draft = Draft::of(known);
        draft.close(known, ending, telling.now);
        if last {
            draft.forget_rule();
        }
        Some(forgotten_if_over(draft.finish(known, telling)))
    }

    /// The turn that a look at `own` makes, if it changes anything: a clear one of an alert that is not open does not.
    pub fn turn(&self, place: Place<'_>, own: &Own, finding: Finding, tick: Tick) -> Option<(Turn, Watch)> {
        let quiet = matches!(&finding, Finding::Value(reading) if reading.value <= Number::Int(0));
        let known = self.watches.get(&own.key());
        if quiet && known.is_none_or(Watch::is_over) {
            return None;
        }
        let rule = Arc::new(own.rule(place.settings));
        let watch = match known {
            Some(watch) => Watch { rule, ..watch.clone() },
            None => Watch::new(rule, &own.key().cluster, Stored::default()),
        };
        let observation = Observation::one(Entity::empty(), finding);
        let mut draft = Draft::of(&watch);
        draft.judge(&watch, &observation, tick, outcome_of(&observation));
        draft.runs.clear();
        // its own words hold no template of a rule, and a sink's template was told of already
        let faults = Faults::default();
        let telling = Telling { last_seen: None, faults: &faults, ..*place.telling };
        Some(forgotten_if_over(draft.finish(&watch, &telling)))
    }

    /// Of which nothing was told yet, for something withholds it.
    pub fn withheld(&self, telling: &Telling<'_>) -> Vec<(Turn, Watch)> {
        let due = self.watches.values().filter(|watch| tell::is_due(telling, watch));
        due.map(|watch| forgotten_if_over(Draft::of(watch).finish(watch, telling))).collect()
    }
}

impl Engine {
    pub(super) fn telling_of_itself<T>(&self, work: impl FnOnce(Place<'_>) -> T) -> T {
        let (silences, speakers) = (self.silences.load_full(), self.speakers());
        let causes = self.causes(&silences, &speakers);
        let faults = Faults::default();
        let telling = self.telling(Some(&causes), None, &faults);
        work(Place { telling: &telling, settings: &self.settings })
    }

    /// The same as for rules: what nothing withholds any more is told.
    pub(super) async fn tell_what_was_withheld_of_itself(&self) {
        let mut alerts = self.own.lock().await;
        let turns = self.telling_of_itself(|place| alerts.withheld(place.telling));
        for (turn, after) in turns {
            match self.store.commit(turn).await {
                Ok(()) => alerts.keep(after),
                Err(error) => tracing::error!(%error, "commit failed"),
            }
        }
    }

    /// Shows one of highwater's own alerts a number; above zero is a breach, and the facts' `reason` says why.
    pub async fn say_of_itself(&self, own: Own, number: u64, reason: &str) {
        let mut reading = own.reading(Number::count(number));
        if number > 0 {
            reading = reading.fact("reason", reason);
        }
        let now = self.clock.now();
        let mut alerts = self.own.lock().await;
        let tick = Tick::new(now, Duration::from_secs(60));
        let turn = self.telling_of_itself(|place| alerts.turn(place, &own, Finding::Value(reading), tick));
        let Some((turn, after)) = turn else { return };
        match self.store.commit(turn).await {
            Ok(()) => {
                self.note_speakers(&after);
                alerts.keep(after);
            }
            Err(error) => tracing::error!(%error, alert = own.key().rule, "commit failed"),
        }
    }
}
