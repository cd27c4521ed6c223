//! Changes of alerts as log events, in batches that one request takes.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::super::{amazon::part::Part, webhook};
use crate::model::{
    Kind, Time,
    notification::{Change, Delivery, Notification, Status},
    wording,
};

/// One request takes no more than this, with [`OVERHEAD`] for each event, no more events than this, and no longer a time.
const MOST_BYTES: usize = 1_048_576;
const OVERHEAD: usize = 26;
const MOST_EVENTS: usize = 10_000;
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// The service takes up to a megabyte in one event; readers of logs take less.
const LARGEST_EVENT: usize = 256 * 1024 - OVERHEAD;

pub struct Event {
    pub at: Time,
    pub json: String,
}

/// How much of a change is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// Without facts and explanations.
    Plain,
    /// What has to be known, whatever else was too long.
    Bare,
}

/// The events of one request, the oldest first: from `part.from` on as many as it takes. `None` where none are left.
///
/// Where the last request has no room for all, it counts the others.
pub fn batch(delivery: &Delivery, part: Part) -> Option<(Vec<Event>, Part)> {
    let mut changes: Vec<&Change> = delivery.notification.alerts.iter().collect();
    changes.sort_by_key(|change| change.at);
    let left = changes.get(part.from..).filter(|left| !left.is_empty())?;
    let (shell, form) =
        (shell(&delivery.notification), if part.is_short() { Form::Plain } else { Form::Whole });
    let (mut events, mut size) = (Vec::<Event>::new(), 0);
    for change in left {
        let event = Event { at: change.at, json: told(&alone(&shell, change), delivery.zone, form) };
        size += event.json.len() + OVERHEAD;
        let spans = events.first().is_some_and(|first| event.at - first.at >= LONGEST);
        if spans || size > MOST_BYTES || events.len() == MOST_EVENTS {
            break;
        }
        events.push(event);
    }
    let mut to = part.from + events.len();
    if part.is_last() && to < changes.len() {
        events = vec![counted(&delivery.notification, left)];
        to = changes.len();
    }
    Some((events, Part { to, ..part }))
}

/// What all events share.
fn shell(notification: &Notification) -> Notification {
    let mut shell = notification.clone();
    shell.alerts.clear();
    shell.text.clear();
    shell.digest = None;
    shell
}

/// As if nothing else had changed.
fn alone(shell: &Notification, change: &Change) -> Notification {
    let status = if change.kind == Kind::Resolved { Status::Resolved } else { Status::Firing };
    Notification { alerts: vec![change.clone()], status, level: change.level, ..shell.clone() }
}

/// One event, in the longest form that fits.
fn told(alone: &Notification, zone: Tz, form: Form) -> String {
    let mut json = String::new();
    for form in [form, Form::Plain, Form::Bare] {
        json = webhook::escaped(&object(alone, zone, form).to_string());
        if json.len() <= LARGEST_EVENT {
            break;
        }
    }
    json
}

fn object(alone: &Notification, zone: Tz, form: Form) -> Value {
    let short = if form == Form::Whole { alone.clone() } else { webhook::plain(alone) };
    let own = alone.alerts.iter().find(|change| change.kind == Kind::Happened);
    let text = match own.map(|event| (event, crate::model::event::message(&event.facts))) {
        Some((event, None)) => wording::said(event),
        Some((_, Some(own))) => own.to_owned(),
        None => wording::text(&short, zone),
    };
    let message = if form == Form::Whole { text } else { wording::cut(&text, 1000) };
    let mut object = Map::from_iter([("message".to_owned(), message.into())]);
    match form {
        Form::Bare => bare(&mut object, alone),
        Form::Whole | Form::Plain => fill(&mut object, &short),
    }
    Value::Object(object)
}

/// The fields that the `webhook` sink has, of the one change and of what is around it. The author's words are in the text.
fn fill(object: &mut Map<String, Value>, alone: &Notification) {
    let changes = alone.alerts.iter().map(serde_json::to_value);
    for fields in changes.chain([serde_json::to_value(alone)]) {
        let Ok(Value::Object(fields)) = fields else { continue };
        for (name, value) in fields {
            if !["alerts", "text"].contains(&name.as_str()) {
                object.entry(name).or_insert(value);
            }
        }
    }
}

fn bare(object: &mut Map<String, Value>, alone: &Notification) {
    for change in &alone.alerts {
        object.insert("event_id".to_owned(), change.event_id.clone().into());
        object.insert("alert_key".to_owned(), change.alert_key.clone().into());
        object.insert("kind".to_owned(), json!(change.kind));
        object.insert("level".to_owned(), json!(change.level));
    }
    object.insert("rule".to_owned(), wording::cut(&alone.rule, 200).into());
    object.insert("cluster".to_owned(), wording::cut(&alone.cluster, 200).into());
}

/// In place of events that no request has room for.
fn counted(notification: &Notification, left: &[&Change]) -> Event {
    let Notification { rule, cluster, notification_id, .. } = notification;
    let message = format!("{}: and {} more alerts", wording::title(notification), left.len());
    let object = json!({
        "message": message, "event_id": notification_id, "notification_id": notification_id,
        "rule": rule, "cluster": cluster, "left_out": left.len(),
    });
    let at = left.last().map_or(notification.at, |last| last.at);
    Event { at, json: webhook::escaped(&object.to_string()) }
}
