//! The documents of the history, and the mappings that they need: nothing is mapped by guessing.

use serde_json::{Map, Value, json};

use crate::{
    model::{
        Kind,
        notification::{Change, Notification},
        published::Published,
        wording,
    },
    sinks::webhook,
};

/// The most characters of a text for people.
const TEXT: usize = 10_000;

/// The body of a bulk request: each change a document, made if it is not there.
pub fn lines(notification: &Notification) -> String {
    let mut lines = String::new();
    for change in &notification.alerts {
        let action = json!({ "create": { "_id": change.event_id } });
        for line in [action, document(notification, change)] {
            lines.push_str(&webhook::escaped(&line.to_string()));
            lines.push('\n');
        }
    }
    for reading in &notification.readings {
        let action = json!({ "create": { "_id": reading.id } });
        for line in [action, number(notification, reading)] {
            lines.push_str(&webhook::escaped(&line.to_string()));
            lines.push('\n');
        }
    }
    lines
}

/// A reading as it is published, in the fields of a change.
fn number(notification: &Notification, reading: &Published) -> Value {
    let pair = |(name, value): (&String, &String)| format!("{name}={value}");
    let entity: Vec<String> =
        reading.entity.labels().map(|(name, value)| format!("{name}={value}")).collect();
    let document = json!({
        "@timestamp": reading.at,
        "event_id": reading.id,
        "notification_id": notification.notification_id,
        "rule": notification.rule,
        "cluster": notification.cluster,
        "labels": notification.labels.iter().map(pair).collect::<Vec<_>>(),
        "change": "reading",
        "level": reading.level,
        "entity": reading.entity.to_string(),
        "entity_labels": entity,
        "value": reading.value,
        "unit": reading.unit,
    });
    given(document)
}

/// Without what it does not have.
fn document(notification: &Notification, change: &Change) -> Value {
    let text = |text: &Option<String>| text.as_ref().map(|text| wording::cut(text, TEXT));
    let pair = |(name, value): (&String, &String)| format!("{name}={value}");
    let entity: Vec<String> = change.entity.labels().map(|(name, value)| format!("{name}={value}")).collect();
    let lasted = (change.kind == Kind::Resolved).then(|| wording::lasted(change).as_secs());
    let document = json!({
        "@timestamp": change.at,
        "event_id": change.event_id,
        "episode_id": change.episode_id,
        "alert_key": change.alert_key,
        "notification_id": notification.notification_id,
        "rule": notification.rule,
        "summary": wording::cut(&notification.summary, TEXT),
        "cluster": notification.cluster,
        "labels": notification.labels.iter().map(pair).collect::<Vec<_>>(),
        "runbook": notification.runbook,
        "change": change.kind,
        "level": change.level,
        "previous_level": change.previous_level,
        "entity": change.entity.to_string(),
        "entity_labels": entity,
        "value": change.value,
        "unit": change.unit,
        "threshold": change.threshold,
        "peak": change.peak,
        "since": change.since,
        "lasted_seconds": lasted,
        "reason": change.reason,
        "cause": text(&change.cause),
        "next_step": text(&change.next_step),
        "message": text(&change.message),
        "note": text(&change.note),
        "facts": change.facts,
        "test": notification.test.then_some(true),
    });
    given(document)
}

fn given(document: Value) -> Value {
    let Value::Object(fields) = document else { return document };
    let given: Map<String, Value> = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
    Value::Object(given)
}

/// Every field by name; a document with another one is refused. `facts` are kept and shown, but not searched.
pub fn mappings() -> Value {
    let keyword = json!({ "type": "keyword", "ignore_above": 1024 });
    let (text, date, number) =
        (json!({ "type": "text" }), json!({ "type": "date" }), json!({ "type": "double" }));
    json!({
        "dynamic": "strict",
        "properties": {
            "@timestamp": date,
            "event_id": keyword,
            "episode_id": keyword,
            "alert_key": keyword,
            "notification_id": keyword,
            "rule": keyword,
            "summary": text,
            "cluster": keyword,
            "labels": keyword,
            "runbook": keyword,
            "change": keyword,
            "level": keyword,
            "previous_level": keyword,
            "entity": keyword,
            "entity_labels": keyword,
            "value": number,
            "unit": keyword,
            "threshold": number,
            "peak": number,
            "since": date,
            "lasted_seconds": { "type": "long" },
            "reason": keyword,
            "cause": text,
            "next_step": text,
            "message": text,
            "note": text,
            "facts": { "type": "object", "enabled": false },
            "test": { "type": "boolean" },
        },
    })
}

/// One shard is plenty; a copy of it where there is a second node.
pub fn settings() -> Value {
    json!({ "number_of_shards": 1, "auto_expand_replicas": "0-1" })
}

/// What a data stream of this name is made from.
pub fn template(name: &str) -> Value {
    json!({
        "index_patterns": [name],
        "data_stream": {},
        "priority": 500,
        "template": { "settings": settings(), "mappings": mappings() },
        "_meta": { "description": "the history of highwater's alerts, made by `highwater setup`" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Ending, Level, Number,
        samples::{change, notification, readings, resolved},
    };

    #[test]
    fn every_field_that_is_written_is_mapped_and_every_mapped_one_is_written() {
        let full = Change {
            previous_level: Some(Level::Warning),
            cause: Some("c".to_owned()),
            next_step: Some("n".to_owned()),
            message: Some("m".to_owned()),
            note: Some("told late".to_owned()),
            ..resolved(Ending::Cleared)
        };
        let notification = Notification { test: true, ..notification(vec![full.clone()]) };
        let written = document(&notification, &full);
        let written: Vec<&String> = written.as_object().unwrap().keys().collect();
        let mappings = mappings();
        let mapped: Vec<&String> = mappings["properties"].as_object().unwrap().keys().collect();
        assert_eq!(written, mapped);
    }

    #[test]
    fn a_reading_is_a_document_in_mapped_fields_under_an_id_of_its_own() {
        let notification = readings(&[("es-1", Number::Float(91.5)), ("es-2", Number::Int(40))]);
        let body = lines(&notification);
        let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({ "create": { "_id": "r0" } }));
        assert_eq!((&lines[1]["value"], &lines[1]["level"]), (&json!(91.5), &json!("critical")));
        assert_eq!((&lines[3]["change"], lines[3].get("level")), (&json!("reading"), None));
        let mapped = mappings();
        for field in lines[1].as_object().unwrap().keys() {
            assert!(mapped["properties"].get(field).is_some(), "{field}");
        }
    }

    #[test]
    fn every_change_is_one_action_under_its_own_id_and_what_is_not_known_is_left_out() {
        let mut unknown = change(Kind::Fired, Level::Warning);
        (unknown.value, unknown.peak, unknown.event_id) = (None, None, "w\n\"".to_owned());
        let notification = notification(vec![change(Kind::Fired, Level::Critical), unknown]);
        let body = lines(&notification);
        let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(body.ends_with('\n') && lines.len() == 4);
        assert_eq!(lines[0], json!({ "create": { "_id": "v" } }));
        assert_eq!(lines[2]["create"]["_id"], "w\n\"");
        assert_eq!(lines[1]["value"], 91.24);
        assert!(lines[3].get("value").is_none() && lines[3].get("lasted_seconds").is_none());
    }
}
