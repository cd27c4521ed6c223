//! What holds for every kind of sink, asked of all of them: a new kind is asked without being named here,
//! except for its status table and what makes a body harmless.

mod golden;
mod hostile;
mod limits;
mod secrets;
mod statuses;

use std::{collections::BTreeMap, sync::Arc};

use chrono_tz::Europe::Copenhagen;

use super::*;
use crate::model::notification::Notification;

fn parse(example: &str) -> Kind {
    serde_saphyr::from_str(example).unwrap()
}

/// Every kind by name, as its example makes it.
fn every_sink() -> impl Iterator<Item = (&'static str, Arc<dyn Sink>)> {
    Kind::ALL.iter().map(|(name, example)| (*name, parse(example).into_sink()))
}

fn delivery(mut notification: Notification) -> Delivery {
    notification.text = crate::model::wording::text(&notification, Copenhagen);
    Delivery { sink: "alerts".to_owned(), notification, zone: Copenhagen }
}

fn body(message: &Message) -> &str {
    match message {
        Message::Http { body, .. } => body,
        Message::Line(line) => line,
    }
}

/// Both ways in which a sink may write a delivery.
fn both(sink: &Arc<dyn Sink>, delivery: &Delivery) -> [Message; 2] {
    [sink.render(delivery, None), sink.render_plain(delivery)]
}

#[test]
fn every_file_has_a_row_and_every_row_a_file() {
    let rows: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(crate::kinds::files_of("sinks"), rows);
}

#[test]
fn every_example_parses_under_its_own_name_and_has_no_complaints() {
    for (name, text) in Kind::ALL {
        let kind = parse(text);
        assert_eq!(kind.name(), *name);
        assert_eq!(kind.into_sink().complaints(), Vec::<String>::new());
    }
}

#[test]
fn every_kind_and_each_of_its_keys_is_described() {
    let schema = serde_json::to_value(schemars::schema_for!(Kind)).unwrap();
    for (name, _) in Kind::ALL {
        let kind = schema["oneOf"].as_array().unwrap().iter().find(|kind| kind["required"][0] == *name);
        let of = kind.unwrap()["properties"][name]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(schema["$defs"][of]["description"].is_string(), "{name}");
        for (key, about) in schema["$defs"][of]["properties"].as_object().into_iter().flatten() {
            assert!(about["description"].is_string(), "{name}.{key}");
        }
    }
}

#[test]
fn an_unknown_key_and_an_unknown_kind_are_refused() {
    for (name, _) in Kind::ALL {
        let text = format!("{name}: {{ nonsense: 1 }}");
        assert!(serde_saphyr::from_str::<Kind>(&text).is_err(), "{text}");
    }
    assert!(serde_saphyr::from_str::<BTreeMap<String, Kind>>("a: { pigeon: {} }").is_err());
}
