//! Every metric name and log field, once.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    config::RuleKey,
    model::{notification::Notification, tally},
    store::Outcome,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Look {
    rule: String,
    cluster: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    sink: String,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToldAlert {
    rule: String,
    level: &'static str,
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySink {
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    result: &'static str,
}

/// One rule's alerts of one level and state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AlertLabels {
    pub rule: String,
    pub level: &'static str,
    pub state: &'static str,
}

/// What `/metrics` shows (OpenMetrics).
#[derive(Clone)]
pub struct Telemetry {
    registry: Arc<Mutex<Registry>>,
    evaluations: Family<Look, Counter>,
    lateness: Histogram,
    duration: Histogram,
    deliveries: Family<Sent, Counter>,
    alerts_told: Family<ToldAlert, Counter>,
    outbox_rows: Family<BySink, Gauge>,
    outbox_oldest: Family<BySink, Gauge<f64, AtomicU64>>,
    alerts: Family<AlertLabels, Gauge>,
    reloads: Family<ByResult, Counter>,
    store_bytes: Gauge,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Telemetry")
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl Telemetry {
    pub fn new() -> Self {
        let new = Self {
            registry: Arc::default(),
            evaluations: Family::default(),
            lateness: Histogram::new([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0]),
            duration: Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
            deliveries: Family::default(),
            alerts_told: Family::default(),
            outbox_rows: Family::default(),
            outbox_oldest: Family::default(),
            alerts: Family::default(),
            reloads: Family::default(),
            store_bytes: Gauge::default(),
        };
        new.register();
        new
    }

    fn register(&self) {
        let mut all = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.sub_registry_with_prefix("highwater");
        all.register("evaluations", "Due ticks by rule and outcome", self.evaluations.clone());
        all.register_with_unit(
            "evaluation_lateness",
            "Start of a look after it was due",
            Unit::Seconds,
            self.lateness.clone(),
        );
        all.register_with_unit(
            "evaluation_duration",
            "One turn of a rule",
            Unit::Seconds,
            self.duration.clone(),
        );
        all.register("deliveries", "Attempts by sink and verdict", self.deliveries.clone());
        all.register(
            "alerts_told",
            "Alerts that sinks took as firing or raised, by rule, level and sink",
            self.alerts_told.clone(),
        );
        all.register("outbox_rows", "Deliveries that wait", self.outbox_rows.clone());
        all.register_with_unit(
            "outbox_oldest",
            "Age of the oldest that waits",
            Unit::Seconds,
            self.outbox_oldest.clone(),
        );
        all.register("alerts", "Alerts by rule, level and state", self.alerts.clone());
        all.register("reloads", "Reloads of the rule files by result", self.reloads.clone());
        all.register_with_unit("store", "Size of the store", Unit::Bytes, self.store_bytes.clone());
    }

    pub fn recorded(&self, key: &RuleKey, outcome: Outcome, ticks: u32) {
        let look = Look { rule: key.rule.clone(), cluster: key.cluster.clone(), outcome: outcome.name() };
        self.evaluations.get_or_create(&look).inc_by(u64::from(ticks));
    }

    pub fn turned(&self, late: Duration, took: Duration) {
        self.lateness.observe(late.as_secs_f64());
        self.duration.observe(took.as_secs_f64());
    }

    pub fn delivered(&self, sink: &str, verdict: &'static str) {
        self.deliveries.get_or_create(&Sent { sink: sink.to_owned(), verdict }).inc();
    }

    /// `sink` took this notification.
    pub fn told(&self, sink: &str, notification: &Notification) {
        for (level, count) in tally::told(notification) {
            let (rule, sink) = (notification.rule.clone(), sink.to_owned());
            self.alerts_told.get_or_create(&ToldAlert { rule, level: level.name(), sink }).inc_by(count);
        }
    }

    pub fn reloaded(&self, well: bool) {
        self.reloads.get_or_create(&ByResult { result: if well { "success" } else { "failure" } }).inc();
    }

    pub fn outbox(&self, sink: &str, rows: u64, oldest: Duration) {
        let by_sink = BySink { sink: sink.to_owned() };
        self.outbox_rows.get_or_create(&by_sink).set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.outbox_oldest.get_or_create(&by_sink).set(oldest.as_secs_f64());
    }

    /// Replaces the picture of all alerts.
    pub fn alerts(&self, counts: impl IntoIterator<Item = (AlertLabels, i64)>) {
        self.alerts.clear();
        for (labels, count) in counts {
            self.alerts.get_or_create(&labels).set(count);
        }
    }

    pub fn store_size(&self, bytes: u64) {
        self.store_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The whole in OpenMetrics text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        match encode(&mut text, &registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}
