//! What Slack's answers to an incoming webhook mean.

use std::time::Duration;

use serde_json::Value;

use crate::sinks::{Answer, Verdict, answered, in_words};

/// This message is at fault; the next may be taken.
const POISON: [&str; 9] = [
    "invalid_payload",
    "no_text",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "too_many_attachments",
    "msg_too_long",
    "msg_blocks_too_long",
    "missing_text_or_fallback_or_attachments",
];

/// No message will be taken, and what would help.
const BROKEN: [(&str, &str); 11] = [
    ("no_service", "the webhook was removed or disabled; make a new one"),
    ("no_service_id", "the webhook's URL is incomplete"),
    ("no_team", "the webhook's URL is wrong, or its workspace is gone"),
    ("team_disabled", "the workspace is disabled"),
    ("invalid_token", "the webhook's URL is wrong"),
    ("user_not_found", "the webhook's user is gone; make a new one"),
    ("channel_not_found", "the channel is gone; make a webhook for another"),
    ("channel_is_archived", "unarchive the channel, or make a webhook for another"),
    ("action_prohibited", "an administrator forbids it"),
    ("posting_to_general_channel_denied", "an administrator forbids posting to this channel"),
    ("team_access_not_granted", "the app was not granted access to this workspace"),
];

pub fn classify(answer: &Answer) -> Verdict {
    let (status, retry_after, body) = match answered(answer) {
        Ok(answer) => answer,
        Err(verdict) => return verdict,
    };
    let why = in_words(status, body);
    let json: Option<Value> = serde_json::from_str(body).ok();
    match status {
        408 | 425 | 429 | 500..=599 => {
            Verdict::Later { after: retry_after.or_else(|| seconds_in(json.as_ref())), why }
        }
        200 if body.trim() == "ok" || says_ok(json.as_ref()) => Verdict::Accepted { handle: None },
        _ => refused(status, code(json.as_ref(), body), why, seconds_in(json.as_ref())),
    }
}

/// Its own word decides, then the status.
fn refused(status: u16, code: &str, why: String, after: Option<Duration>) -> Verdict {
    if let Some((_, help)) = BROKEN.iter().find(|(name, _)| *name == code) {
        return Verdict::Misconfigured { why: format!("{why}; {help}") };
    }
    if POISON.contains(&code) {
        return Verdict::Never { why };
    }
    if ["ratelimited", "rate_limited", "rollup_error", "internal_error", "fatal_error"].contains(&code) {
        return Verdict::Later { after, why };
    }
    match status {
        400 | 413 | 422 => Verdict::Never { why },
        300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
        200..=299 => Verdict::Misconfigured {
            why: format!("{why}; Slack would say `ok`: is this an incoming webhook's URL?"),
        },
        _ => Verdict::Misconfigured { why },
    }
}

/// The word for what is wrong: the body itself, or `error` in it.
fn code<'a>(json: Option<&'a Value>, body: &'a str) -> &'a str {
    json.and_then(|json| json["error"].as_str()).unwrap_or(body.trim())
}

fn says_ok(json: Option<&Value>) -> bool {
    json.is_some_and(|json| json["ok"] == true)
}

pub fn seconds_in(json: Option<&Value>) -> Option<Duration> {
    let seconds = json?["retry_after"].as_f64().filter(|seconds| *seconds >= 0.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}
