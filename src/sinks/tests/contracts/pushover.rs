use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{Message, tests::fields},
};

pub const CONTRACT: Contract = Contract {
    status,
    limits: keeps_to_the_limits_of_pushover,
    harmless: |message| match fields(message) {
        // without `html=1` and `monospace=1` all text is itself
        fields if fields.iter().all(|(name, _)| KNOWN.contains(&name.as_str())) => Ok(()),
        fields => Err(format!("{fields:?}")),
    },
    retry_after: true,
};

const KNOWN: [&str; 8] = ["title", "message", "priority", "timestamp", "url", "url_title", "retry", "expire"];

fn status(status: u16) -> &'static str {
    match status {
        408 | 425 | 429 | 500.. => "later",
        400 | 413 | 422 => "never",
        _ => "misconfigured",
    }
}

fn keeps_to_the_limits_of_pushover(message: &Message, delivery: &Delivery) {
    let fields = fields(message);
    let length = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, text)| text.chars().count())
    };
    assert!((1..=250).contains(&length("title").unwrap()));
    assert!((1..=1024).contains(&length("message").unwrap()));
    assert!(length("url").unwrap_or(0) <= 512);
    let priority = &fields.iter().find(|(name, _)| name == "priority").unwrap().1;
    assert_eq!(priority == "2", length("retry").is_some() && length("expire").is_some());
    if delivery.notification.alerts.len() > 20 {
        assert!(fields.iter().any(|(_, text)| text.contains(" more")), "who is left out is counted");
    }
}
