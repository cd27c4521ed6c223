//! What holds for every kind of sink, asked of all of them: a new kind is asked without being named here,
//! but has to say in [`contracts`] what its service takes.

mod amazon;
mod contracts;
mod golden;
mod hostile;
mod limits;
mod mail;
mod numbers;
mod phones;
mod secrets;
mod statuses;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use chrono_tz::Europe::Copenhagen;

use serde_json::Value;

use super::*;
use crate::model::{
    notification::{Change, Digest, Notification, Status},
    samples,
};

fn parse(example: &str) -> Kind {
    serde_saphyr::from_str(example).unwrap()
}

/// Every kind's example, and those of other forms of it, by name.
fn every_example() -> impl Iterator<Item = (&'static str, &'static str)> {
    Kind::ALL.iter().copied().chain(contracts::OTHER_FORMS)
}

/// Every kind by name, as its example makes it.
fn every_sink() -> impl Iterator<Item = (&'static str, Arc<dyn Sink>)> {
    every_example().map(|(name, example)| (name, parse(example).into_sink()))
}

fn delivery(mut notification: Notification) -> Delivery {
    notification.text = crate::model::wording::text(&notification, Copenhagen);
    Delivery::of_rule("alerts", notification, Copenhagen)
}

/// As the engine cuts it for this sink.
fn cut(sink: &Arc<dyn Sink>, whole: &Delivery) -> Vec<Delivery> {
    let Portions::Each { most, .. } = sink.portions() else { return vec![whole.clone()] };
    let alerts = whole.notification.alerts.clone();
    if alerts.len() > most {
        let open = alerts.iter().filter(|change| change.kind != crate::model::Kind::Resolved).count();
        let digest =
            Digest { id: "d".to_owned(), of: alerts.len(), open, unproven: false, standing: Vec::new() };
        return vec![delivery(Notification { digest: Some(digest), ..whole.notification.clone() })];
    }
    let alone = |change: Change| {
        let resolved = change.kind == crate::model::Kind::Resolved;
        let status = if resolved { Status::Resolved } else { Status::Firing };
        let level = change.level;
        delivery(Notification { alerts: vec![change], status, level, ..whole.notification.clone() })
    };
    alerts.into_iter().map(alone).collect()
}

fn body(message: &Message) -> Cow<'_, str> {
    match message {
        Message::Http(request) => Cow::Borrowed(&request.body),
        Message::Mail(letter) => Cow::Owned(serde_json::to_string(letter).unwrap()),
        Message::Line(line) => Cow::Borrowed(line),
        Message::Datagrams(datagrams) => Cow::Borrowed(datagrams.first().map_or("", String::as_str)),
    }
}

fn json(message: &Message) -> Value {
    serde_json::from_str(&body(message)).unwrap()
}

/// The fields of a form, in order.
fn fields(message: &Message) -> Vec<(String, String)> {
    let body = body(message);
    let pairs = body.split('&').map(|field| field.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), percent_decoded(value))).collect()
}

fn every_text(json: &Value, check: &mut impl FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    match json {
        Value::String(text) => check(text),
        Value::Array(values) => values.iter().try_for_each(|value| every_text(value, check)),
        Value::Object(map) => map.values().try_for_each(|value| every_text(value, check)),
        _ => Ok(()),
    }
}

/// What this sink makes of an answer to its first message.
fn said(sink: &Arc<dyn Sink>, answer: &Answer) -> Verdict {
    let delivery = delivery(samples::notification(vec![samples::change(
        crate::model::Kind::Fired,
        crate::model::Level::Critical,
    )]));
    let message = sink.render(&delivery, None);
    sink.classify(&Asked { delivery: &delivery, message: &message, handle: None }, answer)
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
