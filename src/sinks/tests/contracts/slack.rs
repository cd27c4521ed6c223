use serde_json::Value;

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
    limits: keeps_to_slacks_limits,
    harmless: |message| every_text(&json(message), &mut is_plain_for_slack),
    retry_after: true,
};

fn status(status: u16) -> &'static str {
    match status {
        408 | 425 | 429 | 500.. => "later",
        400 | 413 | 422 => "never",
        _ => "misconfigured",
    }
}

fn keeps_to_slacks_limits(message: &Message, _: &Delivery) {
    let json = json(message);
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

/// The only angle brackets are those of the runbook's own link; every `&` starts an escape.
fn is_plain_for_slack(text: &str) -> Result<(), String> {
    let rest = text.replace("<https://runbooks/disk|runbook>", "");
    let rest = rest.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    if rest.contains(['<', '>', '&']) { Err(format!("{text:?}")) } else { Ok(()) }
}
