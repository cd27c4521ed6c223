//! One record of Zeebe's exporter, whichever version wrote it.

use serde_json::Value;

use super::open::Group;
use crate::model::{query::Document, wording};

/// The most characters of a name, and of a message.
const NAME: usize = 200;
const MESSAGE: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Created,
    Migrated,
    Resolved,
}

/// What is known of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub intent: Intent,
    pub key: i64,
    /// Milliseconds since the epoch.
    pub at: i64,
    pub group: Group,
    pub instance: Option<i64>,
    pub element_instance: Option<i64>,
    pub message: String,
}

/// What a document of the exporter's is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Record(Box<Record>),
    /// A command, a rejection, another kind of record.
    Other,
    /// An incident's record that does not say which.
    Unreadable,
}

pub fn of(document: &Document) -> Kind {
    let Some(source) = document.source.as_ref() else { return Kind::Unreadable };
    let is =
        |name: &str, wanted: &str| source.get(name).and_then(Value::as_str).is_none_or(|is| is == wanted);
    if !is("recordType", "EVENT") || !is("valueType", "INCIDENT") {
        return Kind::Other;
    }
    let intent = match source.get("intent").and_then(Value::as_str) {
        Some("CREATED") => Intent::Created,
        Some("MIGRATED") => Intent::Migrated,
        Some("RESOLVED") => Intent::Resolved,
        Some(_) => return Kind::Other,
        None => return Kind::Unreadable,
    };
    let value = source.get("value").unwrap_or(&Value::Null);
    let Some(key) = key(source, &["key"]) else { return Kind::Unreadable };
    Kind::Record(Box::new(Record {
        intent,
        key,
        at: document.at / 1_000_000,
        group: group(value),
        instance: self::key(value, &["processInstanceKey", "workflowInstanceKey"]),
        element_instance: self::key(value, &["elementInstanceKey", "activityInstanceKey"]),
        message: wording::cut(&wording::clean(&text(value, &["errorMessage"])), MESSAGE),
    }))
}

fn group(value: &Value) -> Group {
    let name = |names: &[&str], otherwise: &str| {
        let found = wording::cut(&text(value, names), NAME);
        if found.is_empty() { otherwise.to_owned() } else { found }
    };
    Group {
        process: name(&["bpmnProcessId", "processId", "workflowId"], "(unknown)"),
        element: name(&["elementId", "activityId"], "(unknown)"),
        error: name(&["errorType"], "UNKNOWN"),
        tenant: name(&["tenantId"], "<default>"),
    }
}

/// Keys are whole numbers of 64 bits; -1 and null are none.
fn key(value: &Value, names: &[&str]) -> Option<i64> {
    let found = names.iter().find_map(|name| value.get(name))?;
    let key = found.as_i64().or_else(|| found.as_str()?.parse().ok())?;
    (key >= 0).then_some(key)
}

fn text(value: &Value, names: &[&str]) -> String {
    match names.iter().find_map(|name| value.get(name)) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}
