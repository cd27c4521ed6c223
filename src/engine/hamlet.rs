//! A [`super::town::Town`] without a store: the same drafts, the same telling, and nothing that has to be waited for, so that
//! very many timelines can be lived through.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    draft::{Draft, outcome_of},
    schedule,
    tell::{self, Telling},
    texts::Faults,
    town::Heard,
    undecided,
    watch::{ToldBySink, Watch},
    withhold::Causes,
    world::{Signal, a_settings, at},
};
use crate::{
    config::{Routing, Rule, Settings},
    model::{Alert, Entity, Time, Transition, inhibition::Speakers, silence::Silence},
    store::Stored,
};

/// Two or three rules on one cluster, of which each is judged in every round.
pub struct Hamlet {
    pub silences: Vec<Silence>,
    pub heard: Vec<Heard>,
    settings: Settings,
    pub now: Time,
    step: Duration,
    signals: Vec<Signal>,
    watches: Vec<Watch>,
    speakers: Speakers,
    history: Vec<(usize, Transition)>,
}

impl Hamlet {
    pub fn new(routing: Routing, rules: Vec<(Rule, Signal)>, start: &str, step: Duration) -> Self {
        let speakers = Speakers::new(routing.inhibit.clone());
        let settings = Settings { routing, ..a_settings() };
        let (watches, signals) = rules
            .into_iter()
            .map(|(rule, signal)| (Watch::new(Arc::new(rule), "main", Stored::default()), signal))
            .unzip();
        let (silences, heard, history) = (Vec::new(), Vec::new(), Vec::new());
        Self { silences, heard, settings, now: at(start), step, signals, watches, speakers, history }
    }

    /// What is in memory is gone; what a store would keep is not.
    pub fn restart(&mut self) {
        self.speakers = Speakers::new(self.settings.routing.inhibit.clone());
        for n in 0..self.watches.len() {
            let before = self.watches[n].clone();
            let stored = Stored {
                card: before.card(),
                watermark: before.watermark,
                owed: before.owed,
                state: before.state,
                memory: before.memory,
                told: before.told,
            };
            let precedents = before.precedents;
            let mut watch = Watch { precedents, ..Watch::new(before.rule, "main", stored) };
            if let Some(policy) = watch.rule.flapping {
                for (_, past) in self.history.iter().filter(|(of, _)| *of == n) {
                    watch.flaps.entry(past.entity.clone()).or_default().note(&policy, past.kind, past.at);
                }
            }
            self.watches[n] = watch;
            self.note_speakers(n);
        }
    }

    /// Every rule that is due, then what is done beside looking.
    pub fn live_a_round(&mut self) {
        self.now += self.step;
        for n in 0..self.watches.len() {
            self.look(n);
        }
        let mut by_key: Vec<usize> = (0..self.watches.len()).collect();
        by_key.sort_by_key(|n| &self.watches[*n].key);
        for n in by_key {
            let watch = &self.watches[n];
            if tell::waits(watch) && self.telling(n, false, |telling| tell::is_due(telling, watch)) {
                self.commit(n, Draft::of(&self.watches[n]));
            }
        }
    }

    fn look(&mut self, n: usize) {
        let watch = &self.watches[n];
        let Some(plan) = schedule::plan(&watch.rule.timing, &watch.progress(self.now), self.now) else {
            return;
        };
        let observation = self.signals[n](plan.present);
        let mut draft = Draft::of(watch);
        draft.pass_over(plan.passed_over);
        draft.judge(watch, &observation, watch.tick(plan.present), outcome_of(&observation));
        self.commit(n, draft);
    }

    fn commit(&mut self, n: usize, draft: Draft) {
        let watch = &self.watches[n];
        let (looked, news) = (draft.watermark > watch.watermark, !draft.transitions.is_empty());
        let (turn, after) = self.telling(n, news, |telling| draft.finish(watch, telling));
        for delivery in turn.deliveries {
            let (to, rule) = (delivery.sink, delivery.notification.rule);
            let said = delivery.notification.alerts.into_iter();
            self.heard.extend(said.map(|change| (to.clone(), self.now, rule.clone(), change)));
        }
        let changed = !turn.history.is_empty();
        self.history.extend(turn.history.into_iter().map(|transition| (n, transition)));
        self.watches[n] = Watch { fresh: watch.fresh && !looked, ..after };
        if changed {
            self.note_speakers(n);
        }
    }

    fn telling<T>(&self, n: usize, news: bool, work: impl FnOnce(&Telling<'_>) -> T) -> T {
        let (zone, routing) = (chrono_tz::UTC, &self.settings.routing);
        let causes = Causes {
            now: self.now,
            zone,
            silences: &self.silences,
            windows: routing.open_windows(self.now),
            speakers: &self.speakers,
            undecided: self.undecided(n, news),
        };
        work(&Telling {
            now: self.now,
            zone,
            routes: &routing.routes,
            causes: Some(&causes),
            last_seen: None,
            sinks: &self.settings.sinks,
            texts: &self.settings.texts,
            faults: &Faults::default(),
        })
    }

    fn undecided(&self, n: usize, news: bool) -> Option<String> {
        let rules = self.watches.iter().map(|watch| &*watch.rule);
        let is_due = |rule: &Rule| undecided::is_due(self.watch(&rule.id), self.now);
        undecided::undecided(&self.settings.routing.inhibit, (&self.watches[n], news), rules, is_due)
    }

    fn note_speakers(&mut self, n: usize) {
        let watch = &self.watches[n];
        let firing = watch.state.alerts.iter().filter(|(_, alert)| alert.level.is_some());
        let firing = firing.map(|(entity, alert)| watch.rule.labels_of("main", entity, alert.level));
        self.speakers.replace(&watch.key.rule, "main", firing);
    }

    fn watch(&self, rule: &str) -> &Watch {
        self.watches.iter().find(|watch| watch.key.rule == rule).unwrap()
    }

    /// What each sink was told of a rule, by entity.
    pub fn told(&self, rule: &str) -> ToldBySink {
        self.watch(rule).told.clone()
    }

    /// The alerts of a rule as they are.
    pub fn alerts(&self, rule: &str) -> BTreeMap<Entity, Alert> {
        self.watch(rule).state.alerts.clone()
    }
}
