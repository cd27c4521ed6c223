//! From changes to a notification: the words that explain, the order in which people read, the identities.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono_tz::Tz;

use crate::{
    checks::Advice,
    engine::{
        own,
        tell::Telling,
        texts::{self, Faults},
        watch::Watch,
    },
    model::{
        Kind, Level, Reading, identity,
        notification::{Change, Delivery, Notification, Status, in_reading_order},
        published::{self, Published},
        wording,
    },
};

/// Cause, next step and the author's own words. Neither a fault in them nor a template that fails holds a message back.
pub fn with_words(faults: &Faults, watch: &Watch, mut change: Change) -> Change {
    if change.kind != Kind::Resolved {
        let reading = change.value.zip(change.unit);
        let reading = reading.map(|(value, unit)| Reading::new(value, unit));
        let reading = reading.map(|reading| Reading { facts: change.facts.clone(), ..reading });
        let check = &watch.rule.check;
        let advise = AssertUnwindSafe(|| match &reading {
            Some(reading) => check.advise(&change.entity, reading),
            None => check.advise_of_silence(&change.entity),
        });
        let advice = catch_unwind(advise).unwrap_or_else(|_| {
            tracing::error!(rule = watch.key.rule, "advice panicked");
            Advice::default()
        });
        (change.cause, change.next_step) = (advice.cause, advice.next_step);
        let precedent = watch.precedents.get(&change.entity);
        change.precedent = precedent.and_then(|precedent| precedent.words(change.since));
    }
    if watch.rule.kind == own::KIND {
        // it fires above nothing: a threshold would only puzzle
        (change.threshold, change.peak) = (None, None);
    }
    texts::message(faults, &watch.rule, &watch.key.cluster, &mut change);
    change
}

/// What a recovery of highwater's own alerts says is over, it does not say as if it still were.
fn summary(watch: &Watch, changes: &[Change]) -> String {
    let over = watch.rule.kind == own::KIND && changes.iter().all(Change::is_cleared);
    let recovered = over.then(|| own::recovered(&watch.key)).flatten();
    recovered.unwrap_or_else(|| watch.rule.summary.clone())
}

/// One notification for one sink: the worst first.
pub fn delivery(watch: &Watch, sink: &str, changes: Vec<Change>, telling: &Telling<'_>) -> Delivery {
    delivery_in_order(watch, sink, in_reading_order(changes), telling)
}

/// The same in the order that is given.
pub fn delivery_in_order(watch: &Watch, sink: &str, changes: Vec<Change>, telling: &Telling<'_>) -> Delivery {
    let resolved = changes.iter().all(|change| change.kind == Kind::Resolved);
    let ids = changes.iter().map(|change| change.event_id.as_str());
    let mut notification = Notification {
        version: 1,
        notification_id: identity::notification_id(sink, ids),
        rule: watch.key.rule.clone(),
        summary: summary(watch, &changes),
        title: None,
        cluster: watch.key.cluster.clone(),
        at: changes.iter().map(|change| change.at).max().unwrap_or(telling.now),
        status: if resolved { Status::Resolved } else { Status::Firing },
        level: changes.iter().map(|change| change.level).max().unwrap_or(Level::Info),
        text: String::new(),
        labels: watch.rule.labels.clone(),
        runbook: watch.rule.runbook.clone(),
        alerts: changes,
        readings: Vec::new(),
        note: None,
        digest: None,
        test: false,
    };
    texts::of_sink(telling.faults, &watch.rule, (sink, telling.texts.get(sink)), &mut notification);
    let delivery = with_text(Delivery::of_rule(sink, notification, telling.zone), telling.zone);
    if let Some(kind) = telling.sinks.get(sink) {
        texts::own_of_sink(telling.faults, (sink, kind.as_ref()), &delivery.notification);
    }
    delivery
}

/// What a look saw, for each sink that the rule publishes to; a look at very much becomes several deliveries.
pub fn readings(watch: &Watch, readings: &[Published], zone: Tz) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for sink in &watch.rule.publish.sinks {
        for some in readings.chunks(published::TOGETHER) {
            deliveries.push(Delivery::of_readings(sink, numbers(watch, sink, some), zone));
        }
    }
    deliveries
}

fn numbers(watch: &Watch, sink: &str, readings: &[Published]) -> Notification {
    let ids = readings.iter().map(|reading| reading.id.as_str());
    let rule = &watch.rule;
    Notification {
        version: 1,
        notification_id: identity::notification_id(sink, ids),
        rule: watch.key.rule.clone(),
        summary: rule.summary.clone(),
        title: None,
        cluster: watch.key.cluster.clone(),
        at: readings.iter().map(|reading| reading.at).max().unwrap_or_default(),
        status: Status::Resolved,
        level: Level::Info,
        text: format!("{} readings of {}", readings.len(), watch.key),
        labels: rule.labels.clone(),
        runbook: None,
        alerts: Vec::new(),
        readings: readings.to_vec(),
        note: None,
        digest: None,
        test: false,
    }
}

/// The whole in plain text, written anew.
pub fn with_text(mut delivery: Delivery, zone: Tz) -> Delivery {
    delivery.notification.text = wording::text(&delivery.notification, zone);
    delivery
}
