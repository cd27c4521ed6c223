//! A simulated world: the engine as it is, with a clock that jumps to the next deadline, a store in memory and scripted eyes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    checks::{Advice, Check, Defaults, Look, Memory},
    clock::Clock,
    config::{
        Rule, RuleKey, RuleSet, Settings,
        rule::{Publish, Source},
        settings,
    },
    engine::{
        Engine,
        doors::Doors,
        evaluate::{Eyes, evaluate_by},
        schedule,
    },
    model::{
        Bound, Condition, Entity, Finding, Level, LevelPolicy, Missing, Number, Observation, Op, Policy,
        Reading, Reason, Scale, Schedule, Time, Timing, Unit,
        notification::{Change, Delivery},
        policy::BlindPolicy,
        query::{Query, Response},
        reason::Cause,
        silence::{Silence, Terms},
    },
    sinks::{Destination, Message, Portions, Sink},
    store::{Settlement, Store},
};

pub const MINUTE: Duration = Duration::from_secs(60);

pub fn at(text: &str) -> Time {
    format!("2026-03-02T{text}:00Z").parse().unwrap()
}

/// Never asked: the world brings its own eyes.
#[derive(Debug)]
pub struct Scripted {
    pub window: Option<Duration>,
}

impl Check for Scripted {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    fn window(&self) -> Option<Duration> {
        self.window
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        Vec::new()
    }

    fn read(&self, _: &Look, _: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (Observation::NoData("scripted".to_owned()), memory)
    }

    fn advise(&self, _: &Entity, _: &Reading) -> Advice {
        Advice::default()
    }
}

/// Takes everything; a pager has a message per alert, of up to three at once, and is shown every alert anew.
#[derive(Debug)]
struct Ear {
    pager: bool,
}

impl Sink for Ear {
    fn destination(&self) -> Destination {
        Destination::Stdout
    }

    fn render(
        &self,
        delivery: &crate::model::notification::Delivery,
        _: Option<&crate::model::notification::Handle>,
    ) -> Message {
        Message::Line(delivery.notification.text.clone())
    }

    fn render_plain(&self, delivery: &crate::model::notification::Delivery) -> Message {
        self.render(delivery, None)
    }

    fn portions(&self) -> Portions {
        if self.pager { Portions::Each { most: 3, single: 1 } } else { Portions::Together }
    }

    fn refresh(&self) -> Option<Duration> {
        self.pager.then_some(MINUTE * 10)
    }

    fn classify(&self, _: &crate::sinks::Asked<'_>, _: &crate::sinks::Answer) -> crate::sinks::Verdict {
        crate::sinks::Verdict::Accepted { handle: None }
    }
}

/// `above 10 %`, warning, at once, every five minutes; a window of fifteen if `windowed`.
pub fn rule(windowed: bool) -> Rule {
    let when = Condition::new(Op::Above, Bound::Value(Number::Int(10)));
    let level = LevelPolicy {
        level: Level::Warning,
        clear: when.complement(),
        when,
        fire_after: Duration::ZERO,
        recover_after: Duration::ZERO,
    };
    let policy = Policy {
        levels: vec![level],
        no_data: Missing::KEEP,
        absent: Missing::KEEP,
        blind: BlindPolicy::default(),
        grouped: false,
        unit: Unit::Count,
    };
    Rule {
        id: "errors".to_owned(),
        summary: "Errors".to_owned(),
        clusters: vec!["main".to_owned()],
        kind: "scripted",
        check: Arc::new(Scripted { window: windowed.then_some(MINUTE * 15) }),
        timing: Timing {
            schedule: Schedule::Every(MINUTE * 5),
            while_firing: None,
            while_unsettled: Schedule::Every(MINUTE),
            query_delay: Duration::from_secs(if windowed { 30 } else { 0 }),
            offset: Duration::ZERO,
            max_catch_up: MINUTE * 60,
            windowed,
        },
        policy,
        notify: vec!["ear".to_owned()],
        notify_by_level: BTreeMap::new(),
        publish: Publish::default(),
        repeat: None,
        flapping: None,
        labels: BTreeMap::new(),
        runbook: None,
        title: None,
        message: None,
        fingerprint: "scripted".to_owned(),
        source: Source::default(),
    }
}

pub fn a_settings() -> Settings {
    let ear: Arc<dyn Sink> = Arc::new(Ear { pager: false });
    let pager: Arc<dyn Sink> = Arc::new(Ear { pager: true });
    Settings {
        clusters: BTreeMap::new(),
        rules: Vec::new(),
        store: settings::Store { path: "unused".into() },
        sinks: BTreeMap::from([
            ("ear".to_owned(), ear.clone()),
            ("other".to_owned(), ear),
            ("pager".to_owned(), pager),
        ]),
        routing: crate::config::Routing::default(),
        kinds: BTreeMap::new(),
        defaults: settings::RuleDefaults::default(),
        self_notify: vec!["other".to_owned()],
        heartbeat: None,
        canary: None,
        timezone: chrono_tz::UTC,
        server: settings::Server { listen: ([127, 0, 0, 1], 0).into(), heartbeat_token: None },
        telemetry: settings::Telemetry { level: "info".to_owned(), format: settings::LogFormat::Text },
        texts: BTreeMap::new(),
        delivery: settings::DeliverySettings {
            give_up_after: MINUTE * 1440,
            timeout: MINUTE,
            stale_after: MINUTE * 10,
            alert_after: MINUTE * 5,
            max_queued: 10_000,
            max_queued_bytes: 64 << 20,
        },
    }
}

pub fn percent(value: f64) -> Observation {
    Observation::one(Entity::empty(), Finding::Value(Reading::new(Number::Float(value), Unit::Percent)))
}

/// Ada's silence of the rule of these tests.
pub fn muted(until: &str, created: &str) -> Silence {
    let (reason, who) = ("patching".to_owned(), "ada".to_owned());
    let terms = Terms { until: at(until), reason, who, created: at(created) };
    Silence::new(Silence::matchers_of("errors", None), terms)
}

pub fn unreachable() -> Observation {
    Observation::Indeterminate(Reason::new(Cause::Unreachable, "connection refused"))
}

pub type Signal = Arc<dyn Fn(Time) -> Observation + Send + Sync>;

/// One rule in a world of its own.
pub struct World {
    pub engine: Engine,
    pub clock: Clock,
    pub rule: Rule,
    pub store: Store,
    /// What is to be seen at a tick, and when the answer can be had.
    pub signal: Signal,
    /// Everything that was told, with the sink and the time.
    pub heard: Vec<(String, Time, Change)>,
    /// The title of every notification.
    pub titles: Vec<String>,
    pub delivered: Vec<Delivery>,
}

impl World {
    pub async fn new(
        rule: Rule,
        start: Time,
        signal: impl Fn(Time) -> Observation + Send + Sync + 'static,
    ) -> Self {
        let clock = Clock::standing_at(start);
        let store = Store::in_memory(clock.clone()).unwrap();
        Self::over(store, clock, rule, signal).await
    }

    /// The same over a store of the test's own.
    pub async fn over(
        store: Store,
        clock: Clock,
        rule: Rule,
        signal: impl Fn(Time) -> Observation + Send + Sync + 'static,
    ) -> Self {
        let engine = Self::engine(&rule, &store, &clock).await;
        Self {
            engine,
            clock,
            rule,
            store,
            signal: Arc::new(signal),
            heard: Vec::new(),
            titles: Vec::new(),
            delivered: Vec::new(),
        }
    }

    async fn engine(rule: &Rule, store: &Store, clock: &Clock) -> Engine {
        let rules = RuleSet {
            rules: BTreeMap::from([(rule.id.clone(), Arc::new(rule.clone()))]),
            disabled: Vec::new(),
        };
        let engine =
            Engine::new(Arc::new(a_settings()), rules, store.clone(), Doors::default(), clock.clone());
        engine.take_up(store.load().await.unwrap(), 0).await.unwrap();
        engine
    }

    /// Everything in memory is gone; the store is not.
    pub async fn restart(&mut self, now: Time) {
        self.clock.turn_to(now);
        self.engine = Self::engine(&self.rule, &self.store, &self.clock).await;
    }

    pub fn key(&self) -> RuleKey {
        RuleKey::new(&self.rule.id, "main")
    }

    /// Lives until `end`, jumping from look to look.
    pub async fn live_until(&mut self, end: Time) {
        loop {
            let now = self.clock.now();
            let watch = self.engine.watch(&self.key()).unwrap();
            let mut watch = watch.lock().await;
            let wake = schedule::wake_at(&watch.rule.timing, &watch.progress(now), now).unwrap();
            if wake > end {
                break;
            }
            self.clock.turn_to(wake.max(now));
            let signal = self.signal.clone();
            evaluate_by(&self.engine, &mut watch, Eyes::Script(&*signal)).await.unwrap();
            drop(watch);
            self.listen().await;
        }
        self.clock.turn_to(end);
        self.engine.notice_others().await;
        self.engine.tell_what_is_withheld().await;
        self.engine.remind().await;
        self.engine.refresh().await;
        self.listen().await;
    }

    pub async fn listen(&mut self) {
        let now = self.clock.now();
        for sink in ["ear", "other", "pager"] {
            loop {
                let heads = self.store.heads(sink, now).await.unwrap();
                if heads.is_empty() {
                    break;
                }
                for queued in heads {
                    self.titles.push(crate::model::wording::title(&queued.delivery.notification));
                    self.delivered.push(queued.delivery.clone());
                    let said = queued.delivery.notification.alerts.iter();
                    self.heard.extend(said.map(|change| (sink.to_owned(), now, change.clone())));
                    let accepted = Settlement::Accepted { handles: BTreeMap::new() };
                    self.store.settle(&queued.key, accepted).await.unwrap();
                }
            }
        }
    }

    /// What `sink` heard: `10:05 fired warning`.
    pub fn said_to(&self, sink: &str) -> Vec<String> {
        let to_sink = self.heard.iter().filter(|(to, ..)| to == sink);
        let words = to_sink.map(|(_, now, change)| {
            let note = change.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
            let reason = change.reason.filter(|reason| *reason != crate::model::Ending::Cleared);
            let reason = reason.map(|reason| format!(" {}", reason.name())).unwrap_or_default();
            format!("{} {} {}{reason}{note}", now.format("%H:%M"), change.kind.name(), change.level)
        });
        words.collect()
    }

    /// Every recorded outcome, as (from, to, outcome, n).
    pub async fn outcomes(&self) -> Vec<(String, String, &'static str, u64)> {
        let runs = self.store.runs(Time::UNIX_EPOCH).await.unwrap();
        let clock = |at: Time| at.format("%H:%M").to_string();
        runs.into_iter()
            .map(|run| (clock(run.from), clock(run.to), run.outcome.name(), u64::from(run.n)))
            .collect()
    }
}
