//! The alerts of a notification as Alertmanager's API v2 takes them.

use std::{collections::BTreeMap, time::Duration};

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::{
    model::{
        Entity, Kind, Level, Time,
        notification::{Change, Delivery, Notification},
        wording,
    },
    sinks::page::neutral,
};

/// Characters of a label's value, and of an annotation.
const LABEL: usize = 500;
const ANNOTATION: usize = 3000;

/// A JSON list, one entry for each alert and severity: the newest that is known of it.
pub fn of(delivery: &Delivery, lives_on: Duration, with_annotations: bool) -> String {
    let mut alerts: BTreeMap<(&Entity, Level), Value> = BTreeMap::new();
    for change in &delivery.notification.alerts {
        let annotations = if with_annotations { annotations(delivery, change) } else { Map::new() };
        let mut put = |level: Level, ends: Time| {
            let labels = labels(&delivery.notification, change, level);
            let (starts, ends) = (rfc3339(change.since), rfc3339(ends.max(change.since)));
            let alert =
                json!({ "labels": labels, "annotations": annotations, "startsAt": starts, "endsAt": ends });
            alerts.insert((&change.entity, level), alert);
        };
        let moved = matches!(change.kind, Kind::Raised | Kind::Lowered);
        if let Some(old) = change.previous_level.filter(|old| moved && *old != change.level) {
            put(old, change.at);
        }
        put(change.level, if change.kind == Kind::Resolved { change.at } else { change.at + lives_on });
    }
    alerts.into_values().collect::<Vec<Value>>().into_iter().collect::<Value>().to_string()
}

/// What the alert is, and by what Alertmanager knows it again. A name that is taken gets its origin before it.
fn labels(notification: &Notification, change: &Change, level: Level) -> Map<String, Value> {
    let mut labels = Map::new();
    let fixed = [
        ("alertname", notification.rule.as_str()),
        ("severity", level.name()),
        ("cluster", notification.cluster.as_str()),
    ];
    for (name, value) in fixed {
        add(&mut labels, ("", name), value);
    }
    for (name, value) in change.entity.labels() {
        add(&mut labels, ("entity_", name), value);
    }
    for (name, value) in &notification.labels {
        add(&mut labels, ("label_", name), value);
    }
    labels
}

fn add(labels: &mut Map<String, Value>, (origin, name): (&str, &str), value: &str) {
    let value = wording::cut(&neutral(value).replace('\n', " "), LABEL);
    if value.is_empty() {
        return;
    }
    let mut name = label_name(name);
    if labels.get(&name).is_some_and(|known| *known == value) {
        return;
    }
    if labels.contains_key(&name) {
        name = label_name(&format!("{origin}{name}"));
    }
    let (first, mut n) = (name.clone(), 1);
    while labels.contains_key(&name) {
        n += 1;
        name = format!("{first}_{n}");
    }
    labels.insert(name, value.into());
}

/// As Prometheus allows: letters, digits and `_`, no digit first; `kubernetes.pod-name` is `kubernetes_pod_name`.
fn label_name(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().take(200).map(fits).collect();
    let starts_well = name.starts_with(|c: char| !c.is_ascii_digit());
    if starts_well { name } else { format!("_{name}") }
}

fn annotations(delivery: &Delivery, change: &Change) -> Map<String, Value> {
    let notification = &delivery.notification;
    let summary = wording::subject(notification);
    let unproven = change.reason.filter(|_| change.kind == Kind::Resolved && !change.is_cleared());
    let first = unproven.map(|reason| format!("{}: ", reason.words())).unwrap_or_default();
    let test = if notification.test { "TEST: " } else { "" };
    let mut annotations = Map::new();
    let mut add = |name: &str, text: Option<String>| {
        let text = text.map(|text| wording::cut(&neutral(&text), ANNOTATION)).filter(|text| !text.is_empty());
        annotations.extend(text.map(|text| (name.to_owned(), Value::String(text))));
    };
    add("summary", Some(format!("{test}{first}{summary}")));
    add("description", Some(description(delivery, change)));
    add("runbook_url", notification.runbook.clone());
    add("reason", change.reason.map(|reason| reason.words().to_owned()));
    annotations
}

fn description(delivery: &Delivery, change: &Change) -> String {
    let mut lines: Vec<String> = delivery.notification.note.iter().cloned().collect();
    lines.push(wording::line(change, delivery.zone));
    let facts: Vec<String> = wording::facts(change).map(|(name, value)| format!("{name}: {value}")).collect();
    lines.push(facts.join(", "));
    lines.extend(change.cause.as_ref().map(|cause| format!("cause: {cause}")));
    lines.extend(change.next_step.as_ref().map(|step| format!("next: {step}")));
    lines.extend(change.message.clone());
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn rfc3339(at: Time) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests;
