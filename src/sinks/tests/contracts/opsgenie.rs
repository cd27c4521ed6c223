use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{
        Message,
        tests::{every_text, json},
    },
};

pub const CONTRACT: Contract = Contract {
    status,
    limits: keeps_to_opsgenies_limits,
    harmless: |message| every_text(&json(message), &mut has_no_tags),
    retry_after: true,
};

/// A bare 202 without a `requestId` is no Opsgenie.
fn status(status: u16) -> &'static str {
    match status {
        408 | 425 | 429 | 500.. => "later",
        200..=299 | 300..=399 | 401..=405 | 407 | 410 => "misconfigured",
        _ => "never",
    }
}

fn keeps_to_opsgenies_limits(message: &Message, delivery: &Delivery) {
    let json = json(message);
    let length = |name: &str| json[name].as_str().unwrap_or_default().chars().count();
    assert!((1..=130).contains(&length("message")), "{json}");
    assert!((1..=512).contains(&length("alias")));
    assert!(length("description") <= 15_000);
    assert!(length("entity") <= 512);
    let details = json["details"].as_object().cloned().unwrap_or_default();
    let details =
        details.iter().map(|(name, value)| name.chars().count() + value.as_str().unwrap().chars().count());
    assert!(details.sum::<usize>() <= 8_000);
    assert!(json["tags"].as_array().is_none_or(|tags| tags.len() <= 20));
    if let Some(digest) = &delivery.notification.digest {
        assert!(json["message"].as_str().unwrap().contains(&format!("{} alerts in one", digest.of)));
    }
}

pub fn has_no_tags(text: &str) -> Result<(), String> {
    if text.contains(['<', '>']) { Err(format!("{text:?}")) } else { Ok(()) }
}
