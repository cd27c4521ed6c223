//! Several rules in one simulated world, minute by minute, in an order of the test's choice.

use std::{collections::BTreeMap, sync::Arc};

use super::world::{MINUTE, Signal, a_settings, at, percent, rule};
use crate::{
    clock::Clock,
    config::{Routing, Rule, RuleKey, RuleSet},
    engine::{
        Engine,
        doors::Doors,
        evaluate::{Eyes, evaluate_by},
        schedule,
    },
    model::{
        Alert, Entity, Time,
        inhibition::Inhibition,
        matcher::Matcher,
        notification::{Change, Told},
        route::Route,
        silence::Silence,
    },
    store::{Settlement, Store},
};

/// Who was told when, of which rule, and what.
pub type Heard = (String, Time, String, Change);

pub struct Town {
    pub engine: Engine,
    pub clock: Clock,
    pub store: Store,
    /// The rules in the order in which they are judged, with what each sees.
    pub rules: Vec<(Rule, Signal)>,
    pub silences: Vec<Silence>,
    pub heard: Vec<Heard>,
    /// How long between two rounds.
    pub step: std::time::Duration,
    routing: Routing,
    arrivals: tokio::sync::watch::Receiver<u64>,
}

/// Judged every minute; tells whom the routes say.
pub fn routed(id: &str) -> Rule {
    let mut rule = rule(false);
    rule.id = id.to_owned();
    rule.timing.schedule = crate::model::Schedule::Every(MINUTE);
    rule.notify = vec!["routes".to_owned()];
    rule
}

/// High in the given spans.
pub fn high(spans: &[(&str, &str)]) -> Signal {
    let spans: Vec<(Time, Time)> = spans.iter().map(|(from, to)| (at(from), at(to))).collect();
    Arc::new(move |tick| {
        let is_high = spans.iter().any(|(from, to)| (*from..*to).contains(&tick));
        percent(if is_high { 30.0 } else { 1.0 })
    })
}

pub fn matchers(texts: &[&str]) -> Vec<Matcher> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub fn route(texts: &[&str], notify: &[&str]) -> Route {
    Route {
        matchers: matchers(texts),
        at_least: None,
        notify: notify.iter().map(|sink| (*sink).to_owned()).collect(),
        goes_on: false,
        active: None,
    }
}

/// Everything goes to `ear`.
pub fn to_ear() -> Routing {
    let mut routing = Routing::default();
    routing.routes = vec![route(&[], &["ear"])];
    routing
}

pub fn inhibition(when: &str, silences: &str) -> Inhibition {
    Inhibition { when: matchers(&[when]), silences: matchers(&[silences]), equal: vec!["cluster".to_owned()] }
}

impl Town {
    pub async fn new(routing: Routing, rules: Vec<(Rule, Signal)>, start: &str) -> Self {
        let clock = Clock::standing_at(at(start));
        let store = Store::in_memory(clock.clone()).unwrap();
        let engine = Self::engine(&routing, &rules, &store, &clock).await;
        let arrivals = store.arrivals();
        let (silences, heard) = (Vec::new(), Vec::new());
        Self { engine, clock, store, rules, silences, heard, step: MINUTE, routing, arrivals }
    }

    async fn engine(routing: &Routing, rules: &[(Rule, Signal)], store: &Store, clock: &Clock) -> Engine {
        let by_id = rules.iter().map(|(rule, _)| (rule.id.clone(), Arc::new(rule.clone())));
        let set = RuleSet { rules: by_id.collect(), disabled: Vec::new() };
        let settings = crate::config::Settings { routing: routing.clone(), ..a_settings() };
        let engine = Engine::new(Arc::new(settings), set, store.clone(), Doors::default(), clock.clone());
        engine.take_up(store.load().await.unwrap(), 0).await.unwrap();
        engine
    }

    /// Everything in memory is gone; the store is not.
    pub async fn restart(&mut self) {
        self.engine = Self::engine(&self.routing, &self.rules, &self.store, &self.clock).await;
    }

    /// Round by round: every rule that is due, then what is done beside looking.
    pub async fn live_until(&mut self, end: &str) {
        while self.clock.now() < at(end) {
            self.live_a_round().await;
        }
    }

    pub async fn live_a_round(&mut self) {
        self.clock.turn_to(self.clock.now() + self.step);
        self.engine.silences.store(Arc::new(self.silences.clone()));
        for (rule, signal) in self.rules.clone() {
            let watch = self.engine.watch(&RuleKey::new(&rule.id, "main")).unwrap();
            let mut watch = watch.lock().await;
            let now = self.clock.now();
            let due = schedule::wake_at(&watch.rule.timing, &watch.progress(now), now).unwrap();
            if due <= now {
                evaluate_by(&self.engine, &mut watch, Eyes::Script(&*signal)).await.unwrap();
            }
        }
        self.engine.tell_what_is_withheld().await;
        self.engine.remind().await;
        self.listen().await;
    }

    pub async fn listen(&mut self) {
        if !self.arrivals.has_changed().unwrap() {
            return;
        }
        self.arrivals.mark_unchanged();
        let now = self.clock.now();
        for sink in ["ear", "other", "pager"] {
            loop {
                let heads = self.store.heads(sink, now).await.unwrap();
                if heads.is_empty() {
                    break;
                }
                for queued in heads {
                    let notification = &queued.delivery.notification;
                    let said = notification
                        .alerts
                        .iter()
                        .map(|change| (sink.to_owned(), now, notification.rule.clone(), change.clone()));
                    self.heard.extend(said);
                    let accepted = Settlement::Accepted { handles: BTreeMap::new() };
                    self.store.settle(&queued.key, accepted).await.unwrap();
                }
            }
        }
    }

    /// What `sink` heard of `rule`: `10:05 fired warning (note)`.
    pub fn said_to(&self, sink: &str, rule: &str) -> Vec<String> {
        said(&self.heard, sink, rule)
    }

    /// What each sink was told of a rule, by entity.
    pub async fn told(&self, rule: &str) -> BTreeMap<Entity, BTreeMap<String, Told>> {
        self.engine.watch(&RuleKey::new(rule, "main")).unwrap().lock().await.told.clone()
    }

    /// The alerts of a rule as they are.
    pub async fn alerts(&self, rule: &str) -> BTreeMap<Entity, Alert> {
        self.engine.watch(&RuleKey::new(rule, "main")).unwrap().lock().await.state.alerts.clone()
    }
}

/// What `sink` heard of `rule`: `10:05 fired warning (note)`.
pub fn said(heard: &[Heard], sink: &str, rule: &str) -> Vec<String> {
    let said = heard.iter().filter(|(to, _, of, _)| to == sink && of == rule);
    let words = said.map(|(_, now, _, change)| {
        let note = change.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
        format!("{} {} {}{note}", now.format("%H:%M"), change.kind.name(), change.level)
    });
    words.collect()
}
