use super::{Contract, opsgenie::has_no_tags};
use crate::{
    model::notification::Delivery,
    sinks::{
        Message,
        tests::{body, every_text, json},
    },
};

pub const CONTRACT: Contract = Contract {
    status,
    limits: keeps_to_pagerdutys_limits,
    harmless: |message| every_text(&json(message), &mut has_no_tags),
    retry_after: true,
};

fn status(status: u16) -> &'static str {
    match status {
        202 => "accepted",
        408 | 425 | 429 | 500.. => "later",
        200..=399 | 401..=405 | 407 | 410 => "misconfigured",
        _ => "never",
    }
}

fn keeps_to_pagerdutys_limits(message: &Message, delivery: &Delivery) {
    assert!(body(message).len() <= 512 << 10, "an event has at most 512 KB");
    let json = json(message);
    let length = |value: &serde_json::Value| value.as_str().unwrap_or_default().chars().count();
    assert!((1..=255).contains(&length(&json["dedup_key"])));
    assert!((1..=1024).contains(&length(&json["payload"]["summary"])));
    assert!((1..=255).contains(&length(&json["payload"]["source"])));
    if let Some(digest) = &delivery.notification.digest {
        let summary = json["payload"]["summary"].as_str().unwrap();
        assert!(summary.contains(&format!("{} alerts in one", digest.of)));
    }
}
