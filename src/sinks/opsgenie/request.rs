//! The requests that make, change and close an alert, and the look at what came of one.
//!
//! Limits (Opsgenie's reference of its alert API): message 130 characters, alias 512, description 15,000, details 8,000 in all,
//! entity 512, note 25,000.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Opsgenie, Responder, ResponderKind};
use crate::{
    model::{notification::Delivery, wording::cut},
    sinks::{Message, Method, Request, page::Page},
};

const MESSAGE: usize = 130;
const DESCRIPTION: usize = 15_000;
const DETAILS: usize = 8_000;
const NOTE: usize = 25_000;
const WHO: &str = "highwater";

/// One request of the few that a delivery takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Create,
    Priority,
    Note,
    Close,
}

/// What a look at a result is about: kept as the body of its `GET`, which is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub of: Step,
    /// How many looks there were before.
    pub before: u32,
}

/// What was asked: a step itself, or what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    Step(Step),
    Look(Look),
}

impl Question {
    pub fn of(message: &Message) -> Self {
        let Message::Http(request) = message else { return Self::Step(Step::Create) };
        if request.method == Method::Get {
            let look = serde_json::from_str(&request.body);
            return Self::Look(look.unwrap_or(Look { of: Step::Create, before: 0 }));
        }
        let path = request.path.split('?').next().unwrap_or_default();
        Self::Step(match path.rsplit('/').next() {
            Some("close") => Step::Close,
            Some("notes") => Step::Note,
            Some("priority") => Step::Priority,
            _ => Step::Create,
        })
    }
}

pub fn message(sink: &Opsgenie, step: Step, delivery: &Delivery) -> Message {
    let page = Page::of(delivery);
    match step {
        Step::Create => create(&page, full(sink, &page)),
        Step::Priority => {
            let body = json!({ "priority": sink.priority(page.level()) });
            request(Method::Put, &of_alert(&page, "priority"), &body)
        }
        Step::Note => told(&page, "notes", &page.text()),
        Step::Close => told(&page, "close", &page.text()),
    }
}

/// No more than has to be said. Where a change of priority is refused it is one more of the same, so that somebody hears of it.
pub fn plain(sink: &Opsgenie, step: Step, delivery: &Delivery) -> Message {
    let page = Page::of(delivery);
    match step {
        Step::Note => told(&page, "notes", &page.headline()),
        Step::Close => told(&page, "close", &page.headline()),
        Step::Create | Step::Priority => {
            let mut fields = Map::new();
            fields.insert("priority".to_owned(), json!(sink.priority(page.level())));
            create(&page, fields)
        }
    }
}

pub fn look(request_id: &str, look: Look) -> Message {
    let body = json!(look).to_string();
    let path = format!("/v2/alerts/requests/{request_id}");
    Message::Http(Request { method: Method::Get, path, headers: Vec::new(), body })
}

fn create(page: &Page<'_>, fields: Map<String, Value>) -> Message {
    let mut body = Map::new();
    body.insert("message".to_owned(), cut(&page.headline(), MESSAGE).into());
    body.insert("alias".to_owned(), page.key().into());
    body.extend(fields);
    request(Method::Post, "/v2/alerts", &Value::Object(body))
}

fn full(sink: &Opsgenie, page: &Page<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("description", cut(&page.text(), DESCRIPTION).into());
    if !sink.responders.is_empty() {
        add("responders", sink.responders.iter().map(responder).collect());
    }
    if !sink.tags.is_empty() {
        add("tags", json!(sink.tags));
    }
    add("details", Value::Object(page.details(DETAILS)));
    add("entity", page.source().into());
    add("source", WHO.into());
    add("priority", json!(sink.priority(page.level())));
    fields
}

fn responder(responder: &Responder) -> Value {
    match responder.kind {
        ResponderKind::Team => json!({ "type": "team", "name": responder.name }),
        ResponderKind::User => json!({ "type": "user", "username": responder.name }),
        ResponderKind::Escalation => json!({ "type": "escalation", "name": responder.name }),
        ResponderKind::Schedule => json!({ "type": "schedule", "name": responder.name }),
    }
}

fn told(page: &Page<'_>, how: &str, note: &str) -> Message {
    let body = json!({ "note": cut(note, NOTE), "user": WHO, "source": WHO });
    request(Method::Post, &of_alert(page, how), &body)
}

fn of_alert(page: &Page<'_>, what: &str) -> String {
    format!("/v2/alerts/{}/{what}?identifierType=alias", page.key())
}

fn request(method: Method, path: &str, body: &Value) -> Message {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Message::Http(Request { method, path: path.to_owned(), headers, body: body.to_string() })
}

/// Whether it can stand in a path as it is, and leads nowhere else.
pub fn is_segment(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}
