//! What services say, where their words say more than the status.

use std::time::Duration;

use serde_json::Value;

use super::preset::Preset;
use crate::sinks::{Answer, Verdict, answered, in_words};

pub fn classify(preset: Option<Preset>, answer: &Answer) -> Verdict {
    let (status, after, body) = match answered(answer) {
        Ok(answer) => answer,
        Err(verdict) => return verdict,
    };
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let why = in_words(status, body);
    let own = match preset {
        Some(Preset::Telegram) => telegram(status, &json, &why),
        Some(Preset::Mattermost) => mattermost(&json, &why),
        Some(Preset::Discord | Preset::GoogleChat) | None => None,
    };
    if let Some(verdict) = own {
        return verdict;
    }
    match status {
        200..=299 => Verdict::Accepted { handle: None },
        408 | 425 | 429 | 500..=599 => Verdict::Later { after: after.or_else(|| asked_for(&json)), why },
        300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
        401 | 403 | 404 | 405 | 407 | 410 => Verdict::Misconfigured { why },
        _ => Verdict::Never { why },
    }
}

/// Discord says it at the top, in seconds with a fraction; Telegram among its parameters.
fn asked_for(json: &Value) -> Option<Duration> {
    let said = [&json["retry_after"], &json["parameters"]["retry_after"]];
    let seconds = said.into_iter().find_map(Value::as_f64).filter(|seconds| *seconds >= 0.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// `ok` decides. What is wrong with the chat is 400 too, and no fault of the message.
fn telegram(status: u16, json: &Value, why: &str) -> Option<Verdict> {
    const CHAT: [&str; 5] =
        ["chat not found", "chat_id is empty", "not enough rights", "CHAT_WRITE_FORBIDDEN", "TOPIC_CLOSED"];
    let misconfigured = |help: &str| Some(Verdict::Misconfigured { why: format!("{why}; {help}") });
    let said = json["description"].as_str().unwrap_or_default();
    if let Some(id) = json["parameters"]["migrate_to_chat_id"].as_i64() {
        return misconfigured(&format!("the group has become another: its `chat_id` is now `{id}`"));
    }
    match status {
        200..=299 if json["ok"] != true => {
            misconfigured("Telegram would say `ok`: does the `url` end in `/sendMessage`?")
        }
        400 if CHAT.iter().any(|words| said.contains(words)) => {
            misconfigured("is `chat_id` right, and the bot a member?")
        }
        _ => None,
    }
}

/// A webhook that is gone is 400, one that is switched off 501.
fn mattermost(json: &Value, why: &str) -> Option<Verdict> {
    const BROKEN: [(&str, &str); 4] = [
        ("web.incoming_webhook.invalid", "the webhook was removed; make a new one"),
        ("web.incoming_webhook.disabled", "an administrator has switched incoming webhooks off"),
        ("web.incoming_webhook.channel", "the channel is gone, or locked to another"),
        ("web.incoming_webhook.permissions", "who made the webhook may not write there"),
    ];
    let id = json["id"].as_str()?;
    let (_, help) = BROKEN.iter().find(|(begin, _)| id.starts_with(begin))?;
    Some(Verdict::Misconfigured { why: format!("{why}; {help}") })
}
