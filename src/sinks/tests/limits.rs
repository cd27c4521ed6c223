//! Limits hold by characters, whatever a notification carries, and nothing is lost in silence.

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
    for whole in every_size() {
        for (name, sink) in every_sink() {
            for delivery in cut(&sink, &whole) {
                for message in both(&sink, &delivery) {
                    (contracts::of(name).limits)(&message, &delivery);
                }
            }
        }
    }
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
