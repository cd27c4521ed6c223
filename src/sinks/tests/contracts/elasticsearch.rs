use serde_json::Value;

use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{Message, history, tests::body},
};

pub const CONTRACT: Contract =
    Contract { status, limits: every_change_is_a_small_document, harmless, retry_after: true };

fn status(status: u16) -> &'static str {
    match status {
        408 | 429 | 500.. => "later",
        400 | 413 | 422 => "never",
        _ => "misconfigured",
    }
}

fn lines(message: &Message) -> Vec<Value> {
    body(message).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Elasticsearch takes 100 MB at once, and an `_id` of 512 bytes.
fn every_change_is_a_small_document(message: &Message, delivery: &Delivery) {
    let lines = lines(message);
    assert_eq!(lines.len(), 2 * delivery.notification.alerts.len(), "every alert is in it");
    assert!(lines.iter().step_by(2).all(|action| action["create"]["_id"].as_str().unwrap().len() <= 512));
    assert!(body(message).len() < 100 << 20);
}

/// No document brings a field of its own, and none breaks out of its line.
fn harmless(message: &Message) -> Result<(), String> {
    let mappings = history::mappings();
    for document in lines(message).iter().skip(1).step_by(2) {
        let stray =
            document.as_object().unwrap().keys().find(|name| mappings["properties"].get(*name).is_none());
        if let Some(name) = stray {
            return Err(format!("`{name}` is not mapped"));
        }
    }
    Ok(())
}
