use serde_json::Value;

use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{
        Message,
        tests::{amazon::every_part, json},
    },
};

pub const CONTRACT: Contract =
    Contract { status, limits: keeps_to_cloudwatchs_limits, harmless, retry_after: true };

pub fn status(status: u16) -> &'static str {
    match status {
        200..=299 => "accepted",
        408 | 425 | 429 | 500.. => "later",
        300..=399 | 401 | 403 | 404 | 405 | 407 | 410 => "misconfigured",
        _ => "never",
    }
}

pub fn events(message: &Message) -> Vec<(i64, String)> {
    let json = json(message);
    let events = json["logEvents"].as_array().unwrap().iter();
    let event =
        |event: &Value| (event["timestamp"].as_i64().unwrap(), event["message"].as_str().unwrap().to_owned());
    events.map(event).collect()
}

fn keeps_to_cloudwatchs_limits(message: &Message, delivery: &Delivery) {
    let mut told = 0;
    for part in every_part("cloudwatch_logs", message, delivery) {
        let events = events(&part);
        told += events.len();
        assert!((1..=10_000).contains(&events.len()));
        assert!(events.is_sorted_by_key(|(at, _)| *at));
        assert!(events[events.len() - 1].0 - events[0].0 < 24 * 3600 * 1000);
        assert!(events.iter().all(|(_, text)| text.len() + 26 <= 262_144));
        let bytes: usize = events.iter().map(|(_, text)| text.len() + 26).sum();
        assert!(bytes <= 1_048_576, "{bytes}");
    }
    assert_eq!(told, delivery.notification.alerts.len(), "every alert is an event");
}

/// Each event is one JSON object, and its own identity is ours.
fn harmless(message: &Message) -> Result<(), String> {
    for (_, text) in events(message) {
        let event: Value = serde_json::from_str(&text).map_err(|why| format!("{why}: {text}"))?;
        if !event["message"].is_string() || event["event_id"] != "v" {
            return Err(text);
        }
    }
    Ok(())
}
