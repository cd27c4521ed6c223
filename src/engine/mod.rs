//! The order of things: when to look, what a look changes, what is told, and who hears of it.
//!
//! [`evaluate`] spells the data's way. [`schedule`] says which ticks are due, [`draft`] gathers what a turn changes, [`tell`]
//! compares alerts with what sinks were told, [`compose`] finds the words; [`daemon`] turns the wheel.

pub mod agenda;
pub mod beat;
pub mod beforehand;
mod canary;
pub mod commit;
pub mod compose;
pub mod daemon;
#[cfg(test)]
mod day;
pub mod deliver;
pub mod doors;
pub mod draft;
pub mod dry_run;
#[cfg(test)]
mod edge_tests;
mod endings;
pub mod evaluate;
mod events;
#[cfg(test)]
mod flapping_tests;
mod follow;
#[cfg(test)]
mod hamlet;
pub mod heartbeat;
mod letters;
#[cfg(test)]
mod letters_tests;
pub mod own;
pub mod portions;
pub mod preview;
pub mod reload;
pub mod schedule;
pub mod setup;
pub mod start;
pub mod subject;
mod surroundings;
pub mod tell;
#[cfg(test)]
mod telling_tests;
pub mod texts;
#[cfg(test)]
mod town;
mod undecided;
pub mod upkeep;
pub mod watch;
mod whom;
#[cfg(test)]
mod withheld_properties;
#[cfg(test)]
mod withheld_tests;
pub mod withhold;
#[cfg(test)]
mod world;
#[cfg(test)]
mod world_tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::Mutex as TurnLock;

use crate::{
    clock::Clock,
    config::{RuleKey, RuleSet, Settings},
    model::{Observation, Time, inhibition::Speakers, silence::Silence},
    store::Store,
    telemetry::Telemetry,
};

use self::{
    agenda::Agenda, doors::Doors, own::OwnAlerts, reload::Scans, tell::Telling, texts::Faults, watch::Watch,
    withhold::Causes,
};

/// The kind of rule that says for all others that their cluster cannot be reached.
const GUARD: &str = "elasticsearch_unreachable";

/// Everything that one running evaluator holds. Rules hold no state; all of it is in the watches, and in the store.
#[derive(Debug)]
pub struct Engine {
    pub settings: Arc<Settings>,
    pub store: Store,
    pub doors: Doors,
    pub clock: Clock,
    pub telemetry: Telemetry,
    rules: ArcSwap<RuleSet>,
    watches: Mutex<BTreeMap<RuleKey, Arc<TurnLock<Watch>>>>,
    /// Those in which something is open, or believed to be: only they may have something to tell without a look.
    lively: Mutex<BTreeSet<RuleKey>>,
    agenda: Mutex<Agenda>,
    /// One reload at a time, with what the scans before have seen.
    scans: TurnLock<Scans>,
    /// One round of upkeep at a time.
    upkeep: TurnLock<()>,
    own: TurnLock<OwnAlerts>,
    silences: ArcSwap<Vec<Silence>>,
    /// Alerts that speak for others. Held for as long as one turn is composed, and never over a wait.
    speakers: RwLock<Speakers>,
    /// Clusters whose own alert says that they cannot be reached.
    down: Mutex<BTreeSet<String>>,
    pulse: Mutex<Pulse>,
    /// The latest start of a look since the last inspection.
    latest_start: Mutex<Duration>,
    /// One at a time says how many dead letters are left.
    letters: TurnLock<()>,
    /// A store that the start had to move aside.
    found_damaged: Mutex<Option<(Time, String)>>,
    /// When sinks heard the canary.
    songs: Mutex<canary::Heard>,
    /// One look at the surroundings at a time.
    surroundings: TurnLock<surroundings::Surroundings>,
}

/// Signs of life since the last heartbeat.
#[derive(Debug, Default)]
pub struct Pulse {
    pub ticked: Option<Time>,
    pub complete: Option<Time>,
}

impl Engine {
    /// Builds the engine over what the store remembers; nothing runs yet.
    pub fn new(settings: Arc<Settings>, rules: RuleSet, store: Store, doors: Doors, clock: Clock) -> Self {
        let rules = canary::with_canary(&settings, rules);
        let speakers = RwLock::new(Speakers::new(settings.routing.inhibit.clone()));
        Self {
            settings,
            store,
            doors,
            clock,
            telemetry: Telemetry::new(),
            rules: ArcSwap::from_pointee(rules),
            watches: Mutex::default(),
            lively: Mutex::default(),
            agenda: Mutex::default(),
            scans: TurnLock::default(),
            upkeep: TurnLock::default(),
            own: TurnLock::default(),
            silences: ArcSwap::default(),
            speakers,
            down: Mutex::default(),
            pulse: Mutex::default(),
            latest_start: Mutex::default(),
            letters: TurnLock::default(),
            found_damaged: Mutex::default(),
            songs: Mutex::default(),
            surroundings: TurnLock::default(),
        }
    }

    pub fn rules(&self) -> Arc<RuleSet> {
        self.rules.load_full()
    }

    pub fn watches(&self) -> Vec<Arc<TurnLock<Watch>>> {
        lock(&self.watches).values().cloned().collect()
    }

    /// Those in which something is open, or believed to be.
    fn lively(&self) -> Vec<Arc<TurnLock<Watch>>> {
        let lively = lock(&self.lively).clone();
        lively.iter().filter_map(|key| self.watch(key)).collect()
    }

    fn hold(&self, watch: Watch) {
        self.note_lively(&watch);
        lock(&self.watches).insert(watch.key.clone(), Arc::new(TurnLock::new(watch)));
    }

    /// Wherever a watch changes or begins.
    fn note_lively(&self, watch: &Watch) {
        let mut lively = lock(&self.lively);
        if watch.is_over() {
            lively.remove(&watch.key);
        } else if !lively.contains(&watch.key) {
            lively.insert(watch.key.clone());
        }
    }

    pub fn watch(&self, key: &RuleKey) -> Option<Arc<TurnLock<Watch>>> {
        lock(&self.watches).get(key).cloned()
    }

    pub fn pulse(&self) -> MutexGuard<'_, Pulse> {
        lock(&self.pulse)
    }

    /// The deadline of one request to a cluster.
    fn timeout_of(&self, cluster: &str) -> Duration {
        self.settings.clusters.get(cluster).map_or(Duration::from_secs(10), |cluster| cluster.timeout)
    }

    /// Whether a rule's blindness is its cluster's, whose own alert speaks for all. Where no such alert is pending or open, nobody
    /// speaks but the rule itself.
    async fn excuses(&self, watch: &Watch, observation: &Observation) -> bool {
        let Observation::Indeterminate(reason) = observation else { return false };
        if reason.cause.is_passing() && watch.rule.kind != GUARD {
            self.hear_the_guard(&watch.key.cluster).await;
        }
        self.is_down(&watch.key.cluster)
    }

    /// A cluster that stops to answer does so for all rules at once: who is told first that it does must not depend on whose
    /// answer was awaited longest. A look of the guard that is under way is waited for.
    async fn hear_the_guard(&self, cluster: &str) {
        let rules = self.rules();
        for guard in rules.rules.values().filter(|rule| rule.kind == GUARD) {
            if let Some(guard) = self.watch(&RuleKey::new(&guard.id, cluster)) {
                drop(guard.lock().await);
            }
        }
    }

    fn is_down(&self, cluster: &str) -> bool {
        lock(&self.down).contains(cluster)
    }

    /// What a cluster cannot answer at all is said once.
    fn said_once(&self, watch: &mut Watch, observation: &Observation) {
        if let Observation::NotApplicable(reason) = observation
            && !watch.said_not_applicable
        {
            watch.said_not_applicable = true;
            tracing::warn!(rule = watch.key.rule, cluster = watch.key.cluster, %reason, "rule not applicable here");
        }
    }

    fn speakers(&self) -> RwLockReadGuard<'_, Speakers> {
        self.speakers.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What withholds news at this moment.
    fn causes<'a>(&'a self, silences: &'a [Silence], speakers: &'a Speakers) -> Causes<'a> {
        let (now, zone) = (self.clock.now(), self.settings.timezone);
        let windows = self.settings.routing.open_windows(now);
        Causes { now, zone, silences, windows, speakers, undecided: None }
    }

    fn telling<'a>(
        &'a self,
        causes: Option<&'a Causes<'a>>,
        watch: Option<&Watch>,
        faults: &'a Faults,
    ) -> Telling<'a> {
        let blind = watch.and_then(|watch| Some(watch.state.blind.rule.as_ref()?.at));
        Telling {
            now: self.clock.now(),
            zone: self.settings.timezone,
            routes: &self.settings.routing.routes,
            causes,
            last_seen: blind,
            sinks: &self.settings.sinks,
            texts: &self.settings.texts,
            faults,
        }
    }
}

/// A lock that a panic elsewhere cannot poison for everybody: the data under it is replaced whole, never left half-done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
