//! Limits hold by characters, whatever a notification carries, and nothing is lost in silence.

use serde_json::Value;

use super::*;
use crate::model::{
    Entity, Facts, Kind as What, Level,
    notification::Change,
    samples::{change, notification},
};

fn huge(n: usize) -> Change {
    let long = "😀&".repeat(5000);
    let facts = (0..12).fold(Facts::default(), |facts, n| facts.with(&format!("{n}{long}"), long.clone()));
    Change {
        entity: Entity::of("node", format!("{n}{long}")),
        facts,
        cause: Some(long.clone()),
        next_step: Some(long.clone()),
        message: Some(long),
        ..change(What::Fired, Level::Critical)
    }
}

fn every_size() -> Vec<Delivery> {
    let small =
        |n| Change { entity: Entity::of("node", format!("es-{n}")), ..change(What::Fired, Level::Warning) };
    let mut long = notification((0..10).map(huge).collect());
    long.summary = "x".repeat(10_000);
    long.labels = (0..200).map(|n| (format!("l{n}"), "v".repeat(100))).collect();
    long.runbook = Some(format!("https://wiki/{}", "r".repeat(5000)));
    vec![
        delivery(notification(vec![huge(0)])),
        delivery(long),
        delivery(notification((0..11).map(huge).collect())),
        delivery(notification((0..10_000).map(small).collect())),
    ]
}

#[test]
fn every_message_of_every_kind_keeps_to_the_services_limits() {
    for delivery in every_size() {
        for (name, sink) in every_sink() {
            for message in both(&sink, &delivery) {
                let json: Value = serde_json::from_str(body(&message)).unwrap();
                match name {
                    "slack" => keeps_to_slacks_limits(&json),
                    "stdout" | "webhook" => assert_eq!(
                        json["alerts"].as_array().unwrap().len(),
                        delivery.notification.alerts.len(),
                        "every alert is in it"
                    ),
                    _ => panic!("`{name}` does not say yet what its limits are"),
                }
            }
        }
    }
}

fn keeps_to_slacks_limits(json: &Value) {
    let length = |value: &Value| value.as_str().unwrap_or_default().encode_utf16().count();
    assert!(length(&json["text"]) <= 3000);
    let mut blocks = 0;
    for attachment in json["attachments"].as_array().into_iter().flatten() {
        assert!(length(&attachment["fallback"]) <= 3000);
        for block in attachment["blocks"].as_array().unwrap() {
            blocks += 1;
            assert!(length(&block["text"]["text"]) <= 3000);
            let fields = block["fields"].as_array().cloned().unwrap_or_default();
            assert!(fields.len() <= 10);
            assert!(fields.iter().all(|field| (1..=2000).contains(&length(&field["text"]))));
            let elements = block["elements"].as_array().cloned().unwrap_or_default();
            assert!(elements.iter().all(|element| (1..=3000).contains(&length(&element["text"]))));
        }
    }
    assert!(blocks <= 50);
}

#[test]
fn a_digest_names_twenty_and_counts_every_other() {
    let all = every_size().pop().unwrap();
    let slack = parse("slack: { webhook_url: \"${env:X}\" }").into_sink();
    let message = slack.render(&all, None);
    let text = body(&message);
    assert_eq!(text.matches("• node=es-").count(), 20);
    assert!(text.contains("and 9980 more"));
    assert!(text.contains("10000 alerts: 10000 warning"));
}
