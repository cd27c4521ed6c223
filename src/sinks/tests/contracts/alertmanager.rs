use super::{Contract, opsgenie::has_no_tags};
use crate::{
    model::notification::Delivery,
    sinks::{
        Message,
        tests::{every_text, json},
    },
};

pub const CONTRACT: Contract = Contract {
    status,
    limits: every_alert_is_in_it,
    harmless: |message| every_text(&json(message), &mut has_no_tags),
    retry_after: true,
};

fn status(status: u16) -> &'static str {
    match status {
        200 => "accepted",
        408 | 425 | 429 | 500.. => "later",
        201..=399 | 401..=405 | 407 | 410 => "misconfigured",
        _ => "never",
    }
}

fn every_alert_is_in_it(message: &Message, delivery: &Delivery) {
    let told = json(message);
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), delivery.notification.alerts.len(), "every alert is in it");
    for alert in told {
        for name in alert["labels"].as_object().unwrap().keys() {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit()), "{name:?}");
        }
        let (starts, ends) = (alert["startsAt"].as_str().unwrap(), alert["endsAt"].as_str().unwrap());
        assert!(starts <= ends, "Alertmanager refuses an end before the start");
    }
}
