//! The engine as it is, through that day: a clock that jumps from look to look, and a store that outlives every restart.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use tokio::sync::watch;

use super::{
    alert::Net,
    luck::Spell,
    oracle::Line,
    truth::{BELL, DAY, MINUTE, Milli, Truth, milli, time},
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
    model::{
        Ending, Time,
        silence::{Silence, Terms},
    },
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
    /// When each rule looks next; those of one instant in any order.
    agenda: BTreeSet<(Time, u64, RuleKey)>,
    arrivals: watch::Receiver<u64>,
    /// When is done next what is done beside looking.
    bell: Milli,
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
        let bell = BELL;
        let mut life = Self { truth, settings, rules, clock, store, engine, agenda, arrivals, bell, heard };
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
            while self.bell < to {
                self.bell += MINUTE;
            }
            self.engine = started(&self.settings, &self.rules, &self.store, &self.clock).await;
            self.mute();
            self.arm().await;
            self.pass().await;
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
            self.agenda.insert(self.place(due.max(now), watch.key.clone()));
        }
    }

    async fn live_until(&mut self, end: Milli) {
        while let Some((due, _, key)) = self.agenda.first().cloned() {
            if milli(due) >= end {
                break;
            }
            self.ring_until(milli(due)).await;
            self.agenda.pop_first();
            if due > self.clock.now() {
                self.clock.turn_to(due);
                self.pass().await;
            }
            let next = self.look(&key).await;
            self.agenda.insert(self.place(next, key));
            self.pass().await;
        }
        self.ring_until(end).await;
    }

    /// Silences begin and end, and reminders ring.
    async fn ring_until(&mut self, end: Milli) {
        while self.bell < end {
            self.clock.turn_to(time(self.bell));
            self.bell += MINUTE;
            self.mute();
            self.engine.tell_what_is_withheld().await;
            self.engine.remind().await;
            self.listen().await;
        }
    }

    /// What no look brings about.
    async fn pass(&mut self) {
        self.engine.tell_what_is_withheld().await;
        self.listen().await;
    }

    fn mute(&self) {
        let now = milli(self.clock.now());
        let begun = self.truth.muted.iter().filter(|(_, spell)| spell.from <= now);
        let silence = |(rule, spell): &(&str, Spell)| {
            let (reason, who) = ("work".to_owned(), "ada".to_owned());
            let terms = Terms { until: time(spell.to), reason, who, created: time(spell.from) };
            Silence::new(Silence::matchers_of(rule, None), terms)
        };
        self.engine.silences.store(Arc::new(begun.map(silence).collect()));
    }

    fn place(&self, due: Time, key: RuleKey) -> (Time, u64, RuleKey) {
        let mut hasher = DefaultHasher::new();
        (self.truth.seed, due, &key.rule).hash(&mut hasher);
        (due, hasher.finish(), key)
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
                        let notes = change.note.as_deref().unwrap_or_default();
                        let note = ["flapping", "settled"]
                            .into_iter()
                            .find(|note| notes.contains(&format!("{note}: ")));
                        let net = Net { note, ..Net::new(what, change.level, milli(change.at)) };
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
