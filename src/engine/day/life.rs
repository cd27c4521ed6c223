//! The engine as it is, through that day: a clock that jumps from look to look, and a store that outlives every restart.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::watch;

use super::{
    alert::Net,
    oracle::Line,
    truth::{DAY, Milli, Truth, milli, time},
};
use crate::{
    clock::Clock,
    config::{RuleKey, RuleSet, Settings, load_rules, load_with},
    engine::{
        Engine,
        doors::Doors,
        evaluate::{Eyes, evaluate_by},
        schedule::wake_at,
        watch::Pace,
    },
    model::{Ending, Time},
    store::{Settlement, Store},
};

const SETTINGS: &str = "\
clusters:
  main: { urls: [http://127.0.0.1:9200] }
sinks:
  people: { stdout: {} }
  ourselves: { stdout: {} }
self: { notify: [ourselves] }
defaults: { notify: [people], flapping: off }
";

pub struct Life<'t> {
    truth: &'t Truth,
    settings: Arc<Settings>,
    pub rules: RuleSet,
    clock: Clock,
    store: Store,
    engine: Engine,
    /// When each rule looks next; of those of one instant, whoever may speak for the others first.
    agenda: BTreeSet<(Time, bool, RuleKey)>,
    arrivals: watch::Receiver<u64>,
    /// Everything that was told.
    heard: Vec<Line>,
}

impl<'t> Life<'t> {
    pub async fn begin(truth: &'t Truth) -> Self {
        let (settings, rules) = loaded();
        let clock = Clock::standing_at(time(0));
        let store = Store::in_memory(clock.clone()).unwrap();
        let engine = started(&settings, &rules, &store, &clock).await;
        let (agenda, heard, arrivals) = (BTreeSet::new(), Vec::new(), store.arrivals());
        let mut life = Self { truth, settings, rules, clock, store, engine, agenda, arrivals, heard };
        life.arm().await;
        life
    }

    /// All that was told that day.
    pub async fn live(mut self) -> Vec<Line> {
        let mut halts: Vec<(Milli, Milli)> = self.truth.restarts.iter().map(|at| (*at, *at)).collect();
        halts.push((self.truth.down.from, self.truth.down.to));
        halts.sort_unstable();
        for (from, to) in halts {
            self.live_until(from).await;
            self.clock.turn_to(time(to));
            self.engine = started(&self.settings, &self.rules, &self.store, &self.clock).await;
            self.arm().await;
        }
        self.live_until(DAY).await;
        self.heard
    }

    async fn arm(&mut self) {
        self.agenda.clear();
        for watch in self.engine.watches() {
            let watch = watch.lock().await;
            let now = self.clock.now();
            let due = wake_at(&watch.rule.timing, &watch.progress(now), now).unwrap();
            self.agenda.insert(place(due.max(now), watch.key.clone()));
        }
    }

    async fn live_until(&mut self, end: Milli) {
        while let Some((due, _, key)) = self.agenda.first().cloned() {
            if milli(due) >= end {
                break;
            }
            self.agenda.pop_first();
            self.clock.turn_to(due);
            let next = self.look(&key).await;
            self.agenda.insert(place(next, key));
            self.engine.tell_what_is_withheld().await;
            self.listen().await;
        }
    }

    /// One turn of one rule, and when the next one is due.
    async fn look(&self, key: &RuleKey) -> Time {
        let watch = self.engine.watch(key).unwrap();
        let mut watch = watch.lock().await;
        let double = |look: &_, queries: &[_]| self.truth.answers(look, queries);
        loop {
            evaluate_by(&self.engine, &mut watch, Eyes::Double(&double)).await.unwrap();
            if watch.pace != Pace::AtOnce {
                break;
            }
        }
        let now = self.clock.now();
        watch.busy_until = Some(now);
        wake_at(&watch.rule.timing, &watch.progress(now), now).unwrap()
    }

    /// Both sinks take everything.
    async fn listen(&mut self) {
        if !self.arrivals.has_changed().unwrap() {
            return;
        }
        self.arrivals.mark_unchanged();
        let now = self.clock.now();
        for sink in ["people", "ourselves"] {
            loop {
                let heads = self.store.heads(sink, now).await.unwrap();
                if heads.is_empty() {
                    break;
                }
                for queued in heads {
                    let rule = &queued.delivery.notification.rule;
                    for change in &queued.delivery.notification.alerts {
                        let ending = change.reason.filter(|reason| *reason != Ending::Cleared);
                        let what = ending.map_or(change.kind.name(), Ending::name);
                        let level = change.level;
                        let net = Net { what, level, at: milli(change.at) };
                        let (rule, entity) = (rule.clone(), change.entity.clone());
                        self.heard.push(Line { told: milli(now), rule, entity, net });
                    }
                    let accepted = Settlement::Accepted { handles: Default::default() };
                    self.store.settle(&queued.key, accepted).await.unwrap();
                }
            }
        }
    }
}

fn place(due: Time, key: RuleKey) -> (Time, bool, RuleKey) {
    (due, key.rule != "elasticsearch-unreachable", key)
}

async fn started(settings: &Arc<Settings>, rules: &RuleSet, store: &Store, clock: &Clock) -> Engine {
    let engine = Engine::new(settings.clone(), rules.clone(), store.clone(), Doors::default(), clock.clone());
    engine.take_up(store.load().await.unwrap(), 0).await.unwrap();
    engine
}

/// Settings and rules as files, read as the program reads them.
fn loaded() -> (Arc<Settings>, RuleSet) {
    let folder = tempfile::tempdir().unwrap();
    let (settings, rules) = (folder.path().join("highwater.yaml"), folder.path().join("rules.yaml"));
    std::fs::write(&settings, SETTINGS).unwrap();
    std::fs::write(&rules, include_str!("rules.yaml")).unwrap();
    let read = load_with(&[settings], &[], &std::collections::BTreeMap::new(), false);
    let mut settings = read.unwrap_or_else(|complaints| panic!("{complaints}"));
    settings.rules = vec![rules];
    let loaded = load_rules(&settings).unwrap_or_else(|complaints| panic!("{complaints}"));
    (Arc::new(settings), loaded.set)
}
