use serde_json::Value;

use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{
        Message,
        tests::{body, json},
    },
};

pub const CONTRACT: Contract = Contract {
    status,
    limits: keeps_to_the_limits_of_teams,
    harmless: |message| is_inert(&json(message)),
    retry_after: true,
};

fn status(status: u16) -> &'static str {
    match status {
        200 | 202 => "accepted",
        408 | 425 | 429 | 500.. => "later",
        400 | 413 | 422 => "never",
        _ => "misconfigured",
    }
}

fn keeps_to_the_limits_of_teams(message: &Message, delivery: &Delivery) {
    assert!(body(message).len() < 28 * 1024, "{}", body(message).len());
    let json = json(message);
    assert_eq!(json["attachments"].as_array().unwrap().len(), 1);
    let alerts = delivery.notification.alerts.len();
    if alerts > 20 {
        assert!(body(message).contains(&format!("and {} more", alerts - 20)), "who is left out is counted");
    }
}

/// Only text runs hold what comes from outside, for they know no Markdown; everything else is of the house.
fn is_inert(json: &Value) -> Result<(), String> {
    let Value::Object(map) = json else {
        return json.as_array().into_iter().flatten().try_for_each(is_inert);
    };
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
    for (key, value) in map {
        let Some(text) = value.as_str() else {
            is_inert(value)?;
            continue;
        };
        let fine = match (kind, key.as_str()) {
            ("TextRun", "text") => !text.contains("{{"),
            ("Action.OpenUrl", "url") => text == "https://runbooks/disk" || text.starts_with("https://wiki/"),
            _ => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .:/$-".contains(&byte)),
        };
        if !fine || key == "selectAction" || key == "entities" {
            return Err(format!("{kind}.{key}: {text:?}"));
        }
    }
    Ok(())
}
