//! Every metric name and log field, once.

use std::{
    collections::BTreeMap,
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
    model::{notification::Notification, published::Published, tally},
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
struct ByRule {
    rule: String,
    cluster: String,
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
    readings: Family<Vec<(String, String)>, Gauge<f64, AtomicU64>>,
    readings_left_out: Family<ByRule, Gauge>,
    /// Of each rule that publishes there: what it showed last.
    shown: Arc<Mutex<Shown>>,
}

/// Label sets by the rule that they are of.
type Shown = BTreeMap<RuleKey, Vec<Vec<(String, String)>>>;

/// The most readings of one rule.
const MOST_READINGS: usize = 1000;

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
            readings: Family::default(),
            readings_left_out: Family::default(),
            shown: Arc::default(),
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
        all.register(
            "reading",
            "What a rule saw in its last look, by rule, cluster and entity",
            self.readings.clone(),
        );
        all.register(
            "readings_left_out",
            "Entities of a rule beyond those that are shown",
            self.readings_left_out.clone(),
        );
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

    /// Replaces what is shown of one rule.
    pub fn readings(&self, key: &RuleKey, readings: &[Published]) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.remove(key).unwrap_or_default() {
            self.readings.remove(&gone);
        }
        let by_rule = ByRule { rule: key.rule.clone(), cluster: key.cluster.clone() };
        self.readings_left_out.remove(&by_rule);
        let some = &readings[..readings.len().min(MOST_READINGS)];
        let mut sets = Vec::with_capacity(some.len());
        for reading in some {
            let labels = labels_of(key, reading);
            self.readings.get_or_create(&labels).set(reading.value.as_f64());
            sets.push(labels);
        }
        if some.len() < readings.len() {
            let left_out = i64::try_from(readings.len() - some.len()).unwrap_or(i64::MAX);
            self.readings_left_out.get_or_create(&by_rule).set(left_out);
        }
        if !sets.is_empty() {
            shown.insert(key.clone(), sets);
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

/// Rule, cluster and the entity's labels, under names that Prometheus takes; one that is taken already is prefixed.
fn labels_of(key: &RuleKey, reading: &Published) -> Vec<(String, String)> {
    let mut labels = vec![("rule".to_owned(), key.rule.clone()), ("cluster".to_owned(), key.cluster.clone())];
    for (name, value) in reading.entity.labels() {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut name: String = name.chars().map(plain).collect();
        let is_taken = |name: &String| labels.iter().any(|(other, _)| other == name);
        while is_taken(&name) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.insert_str(0, "entity_");
        }
        labels.push((name, value.to_owned()));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entity, Number, Time, Unit as Of};

    fn reading(labels: &[(&str, &str)], value: i64) -> Published {
        let entity = Entity::new(labels.iter().copied());
        let (value, at) = (Number::Int(value), Time::UNIX_EPOCH);
        Published { id: String::new(), entity, value, unit: Of::Percent, level: None, at }
    }

    #[test]
    fn readings_are_replaced_whole_and_what_is_not_seen_any_more_is_not_shown() {
        let (telemetry, key) = (Telemetry::new(), RuleKey::new("disk", "main"));
        telemetry.readings(&key, &[reading(&[("node", "a")], 91), reading(&[("node", "b")], 40)]);
        telemetry.readings(&RuleKey::new("other", "main"), &[reading(&[], 7)]);
        telemetry.readings(&key, &[reading(&[("node", "a\"\n")], 92)]);
        let page = telemetry.render();
        assert!(
            page.contains("highwater_reading{rule=\"disk\",cluster=\"main\",node=\"a\\\"\\n\"} 92.0\n"),
            "{page}"
        );
        assert!(page.contains("highwater_reading{rule=\"other\",cluster=\"main\"} 7.0\n"), "{page}");
        assert!(!page.contains("40.0") && !page.contains("91.0"), "{page}");
        telemetry.readings(&key, &[]);
        assert!(!telemetry.render().contains("disk"), "a rule that sees nothing shows nothing");
    }

    #[test]
    fn an_entity_s_labels_never_stand_in_the_place_of_a_rule_s() {
        let page = |labels: &[(&str, &str)]| {
            let telemetry = Telemetry::new();
            telemetry.readings(&RuleKey::new("r", "c"), &[reading(labels, 1)]);
            telemetry.render()
        };
        let shown = page(&[("rule", "x"), ("k8s.pod", "y"), ("0", "z")]);
        assert!(shown.contains("{rule=\"r\",cluster=\"c\","), "{shown}");
        for label in ["entity_rule=\"x\"", "k8s_pod=\"y\"", "entity_0=\"z\""] {
            assert!(shown.contains(label), "{label} in {shown}");
        }
    }

    #[test]
    fn what_is_beyond_a_thousand_entities_is_counted() {
        let (telemetry, key) = (Telemetry::new(), RuleKey::new("r", "c"));
        let many: Vec<Published> = (0..1200).map(|n| reading(&[("n", &n.to_string())], n)).collect();
        telemetry.readings(&key, &many);
        let page = telemetry.render();
        assert_eq!(page.matches("highwater_reading{").count(), 1000);
        assert!(page.contains("highwater_readings_left_out{rule=\"r\",cluster=\"c\"} 200\n"), "{page}");
    }
}
