//! Changes of alerts as data points.

use crate::model::{
    Entity, Kind, Level, Number, Time, Unit,
    notification::{Change, Notification},
    published::Published,
    wording,
};

/// Dimensions of one metric; the shortest and longest of their texts.
const MOST_DIMENSIONS: usize = 30;
const LONGEST_NAME: usize = 255;
const LONGEST_VALUE: usize = 1024;
/// What CloudWatch can hold, beside 0.
const SMALLEST: f64 = 8.515_920e-109;
const LARGEST: f64 = 1.174_271e108;

/// One data point of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub at: Time,
    pub dimensions: Vec<(String, String)>,
}

impl Datum {
    /// The level, 0 after a proven recovery. An end without a proof has none, and is counted.
    pub fn of_level(notification: &Notification, change: &Change) -> Self {
        let (name, value, unit) = match (change.kind, change.is_cleared()) {
            (_, true) => ("alert_level", 0.0, "None"),
            (Kind::Resolved, false) => ("ended_without_proof", 1.0, "Count"),
            (Kind::Happened, false) => ("events", 1.0, "Count"),
            _ => ("alert_level", number(change.level), "None"),
        };
        Self { name, value, unit, at: change.at, dimensions: dimensions(notification, &change.entity) }
    }

    /// The reading, where the change has one of its own and CloudWatch can hold it.
    pub fn of_value(notification: &Notification, change: &Change) -> Option<Self> {
        let is_old = change.kind == Kind::Resolved && !change.is_cleared();
        let value = change.value.map(Number::as_f64).filter(|value| !is_old && can_hold(*value))?;
        let (unit, dimensions) = (unit(change.unit), dimensions(notification, &change.entity));
        Some(Self { name: "value", value, unit, at: change.at, dimensions })
    }

    /// What a look saw, and the level that fires after it: 0 for none.
    pub fn of_reading(notification: &Notification, reading: &Published) -> Vec<Self> {
        let (at, dimensions) = (reading.at, dimensions(notification, &reading.entity));
        let level = reading.level.map_or(0.0, number);
        let level =
            Self { name: "alert_level", value: level, unit: "None", at, dimensions: dimensions.clone() };
        let value = reading.value.as_f64();
        let value = can_hold(value).then(|| {
            let unit = unit(Some(reading.unit));
            Self { name: "value", value, unit, at, dimensions }
        });
        std::iter::once(level).chain(value).collect()
    }

    /// The whole notification in one: the highest level that fires, without entities.
    pub fn of_all(notification: &Notification) -> Self {
        let all_cleared = notification.alerts.iter().all(Change::is_cleared);
        let firing = notification.alerts.iter().filter(|change| change.kind != Kind::Resolved);
        let seen = notification.readings.iter().filter_map(|reading| reading.level);
        let level = firing.map(|change| change.level).chain(seen).max();
        let dimensions = around(notification);
        let (name, value, unit) = match level {
            Some(level) => ("alert_level", number(level), "None"),
            None if all_cleared => ("alert_level", 0.0, "None"),
            None => ("ended_without_proof", notification.alerts.len() as f64, "Count"),
        };
        Self { name, value, unit, at: notification.at, dimensions }
    }

    /// So many alerts had no place.
    pub fn of_left_out(notification: &Notification, alerts: usize) -> Self {
        let (value, dimensions) = (alerts as f64, around(notification));
        Self { name: "alerts_left_out", value, unit: "Count", at: notification.at, dimensions }
    }
}

fn can_hold(value: f64) -> bool {
    value == 0.0 || (SMALLEST..=LARGEST).contains(&value.abs())
}

const fn number(level: Level) -> f64 {
    match level {
        Level::Info => 1.0,
        Level::Warning => 2.0,
        Level::Critical => 3.0,
    }
}

const fn unit(unit: Option<Unit>) -> &'static str {
    match unit {
        Some(Unit::Percent) => "Percent",
        Some(Unit::Bytes) => "Bytes",
        Some(Unit::Seconds) => "Seconds",
        Some(Unit::Documents | Unit::Shards | Unit::Pods) => "Count",
        Some(
            Unit::Health | Unit::Reachability | Unit::Condition | Unit::Liveness | Unit::Count | Unit::Factor,
        )
        | None => "None",
    }
}

/// `rule`, `cluster`, and `test` on a test message.
fn around(notification: &Notification) -> Vec<(String, String)> {
    let mut dimensions = Vec::new();
    push(&mut dimensions, "rule", &notification.rule);
    push(&mut dimensions, "cluster", &notification.cluster);
    if notification.test {
        push(&mut dimensions, "test", "true");
    }
    dimensions
}

/// The same and the entity's labels, as far as there is room.
fn dimensions(notification: &Notification, entity: &Entity) -> Vec<(String, String)> {
    let mut dimensions = around(notification);
    for (name, value) in entity.labels() {
        push(&mut dimensions, name, value);
    }
    dimensions
}

/// Without what is empty, said already, or too many. A label that is called like a dimension of ours gets another name.
fn push(dimensions: &mut Vec<(String, String)>, name: &str, value: &str) {
    let (mut name, value) = (ascii(name, LONGEST_NAME), ascii(value, LONGEST_VALUE));
    if name.is_empty() || value.is_empty() || dimensions.contains(&(name.clone(), value.clone())) {
        return;
    }
    if dimensions.iter().any(|(other, _)| *other == name) {
        name = ascii(&format!("entity_{name}"), LONGEST_NAME);
    }
    let is_new = dimensions.iter().all(|(other, _)| *other != name);
    if is_new && dimensions.len() < MOST_DIMENSIONS {
        dimensions.push((name, value));
    }
}

/// Printable ASCII, which is all that dimensions may hold; everything else percent-encoded. A name starts with no colon.
fn ascii(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in wording::clean(text).trim_start_matches(':').chars() {
        if c == ' ' || c.is_ascii_graphic() {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    if out.len() > most {
        out.truncate(most - 3);
        out.push_str("...");
    }
    out.trim().to_owned()
}
