use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{Message, tests::fields},
};

pub const CONTRACT: Contract = Contract {
    status,
    limits: keeps_to_two_parts,
    harmless: |message| match &fields(message)[..] {
        [(to, _), (from, _), (body, _)] if to == "To" && from == "From" && body == "Body" => Ok(()),
        fields => Err(format!("{fields:?}")),
    },
    retry_after: true,
};

fn status(status: u16) -> &'static str {
    match status {
        200 | 201 => "accepted",
        408 | 425 | 429 | 500.. => "later",
        400 | 413 | 422 => "never",
        _ => "misconfigured",
    }
}

fn keeps_to_two_parts(message: &Message, delivery: &Delivery) {
    let text = fields(message).pop().unwrap().1;
    assert!((1..=320).contains(&text.chars().count()), "{}", text.chars().count());
    let title = delivery.notification.summary.chars().next().unwrap();
    assert!(text.contains(title));
    if delivery.notification.alerts.len() > 20 {
        assert!(text.contains(" more"), "who is left out is counted");
    }
}
