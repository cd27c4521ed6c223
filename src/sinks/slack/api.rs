//! What the answers of Slack's Web API mean for one step of a bot's delivery.
//!
//! Its methods answer 200 with `ok: false` and a word in `error` (the reference of each method lists its words).

use std::time::Duration;

use serde_json::Value;

use super::{answer::seconds_in, bot::Step};
use crate::{
    model::notification::Handle,
    sinks::{Verdict, in_words},
};

/// What one answer says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// `place`: where the message is now.
    Taken {
        place: Option<Handle>,
    },
    /// The message that was to be edited or replied to cannot be.
    Gone,
    /// What was sent is at fault.
    Poison {
        why: String,
    },
    Final(Verdict),
}

/// The message cannot be edited, though another can be posted; an archived channel may be one that was ours before.
const NO_EDIT: [&str; 9] = [
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "is_inactive",
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "no_dual_broadcast_content_update",
    "external_channel_migrating",
];

/// The thread takes no reply, though the channel may take a message.
const NO_REPLY: [&str; 9] = [
    "thread_not_found",
    "message_not_found",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
    "restricted_action_non_threadable_channel",
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "invalid_thread_ts",
];

const PASSING: [&str; 9] = [
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "message_limit_exceeded",
    "update_failed",
];

/// This message is at fault; the next may be taken.
const POISON: [&str; 20] = [
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "missing_text_or_fallback_or_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "block_mismatch",
    "invalid_attachments",
    "too_many_attachments",
    "attachment_payload_limit_exceeded",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "metadata_too_large",
    "metadata_must_be_sent_from_app",
    "invalid_arguments",
    "invalid_arg_name",
    "invalid_array_arg",
    "invalid_charset",
    "invalid_json",
    "json_not_object",
];

/// No message will be taken, and what would help.
const BROKEN: [(&str, &str); 21] = [
    (
        "channel_not_found",
        "there is no such channel for this bot; was it renamed? Its id stays the same. A private one needs an invitation",
    ),
    ("not_in_channel", "invite the bot: `/invite` in the channel"),
    ("is_archived", "unarchive the channel, or name another"),
    ("invalid_auth", "the token is wrong, or is of another workspace"),
    ("not_authed", "the token is empty"),
    ("token_revoked", "make a new token: install the app again"),
    ("token_expired", "make a new token, or switch token rotation off"),
    ("account_inactive", "the bot or its workspace is gone"),
    ("missing_scope", "add the scope to the app, and install it again"),
    ("no_permission", "add the scope `chat:write` to the app, and install it again"),
    ("not_allowed_token_type", "it has to be a bot's token, `xoxb-…`"),
    ("restricted_action", "an administrator forbids this bot to post there"),
    (
        "restricted_action_read_only_channel",
        "only some may post in this channel: allow the bot, or name another",
    ),
    ("restricted_action_thread_only_channel", "this channel takes nothing but replies: name another"),
    ("posting_to_general_channel_denied", "an administrator forbids posting to this channel"),
    ("ekm_access_denied", "an administrator has suspended posting"),
    ("team_access_not_granted", "the app was not granted access to this workspace"),
    ("access_denied", "the app was not granted access"),
    ("accesslimited", "Slack is not to be reached from this network, says the workspace"),
    ("org_login_required", "the workspace is being moved to an organization: wait for its end"),
    ("messages_tab_disabled", "this is the app's own conversation, which takes no messages: name a channel"),
];

pub fn read(status: u16, after: Option<Duration>, body: &str, step: Step) -> Said {
    let why = in_words(status, body);
    let json: Option<Value> = serde_json::from_str(body).ok();
    let after = after.or_else(|| seconds_in(json.as_ref()));
    let code = json.as_ref().and_then(|json| json["error"].as_str());
    match (status, code) {
        (408 | 425 | 429 | 500..=599, _) => Said::Final(Verdict::Later { after, why }),
        (200..=299, None) if json.as_ref().is_some_and(|json| json["ok"] == true) => {
            Said::Taken { place: json.as_ref().and_then(place) }
        }
        (_, Some(code)) => refused(code, step, (why, after), json.as_ref()),
        (400 | 413 | 422, None) => Said::Poison { why },
        (300..=399, None) => misconfigured(format!("{why}; redirects are not followed")),
        (200..=299, None) => misconfigured(format!("{why}; is `api_url` Slack's Web API?")),
        _ => misconfigured(why),
    }
}

fn refused(code: &str, step: Step, (why, after): (String, Option<Duration>), json: Option<&Value>) -> Said {
    if PASSING.contains(&code) {
        return Said::Final(Verdict::Later { after, why });
    }
    if (step.is_edit() && NO_EDIT.contains(&code)) || (step == Step::Reply && NO_REPLY.contains(&code)) {
        return Said::Gone;
    }
    if POISON.contains(&code) {
        return Said::Poison { why };
    }
    let known = BROKEN.iter().find(|(name, _)| *name == code);
    let needed =
        json.and_then(|json| json["needed"].as_str()).map(|needed| format!(" (`{}`)", plain(needed)));
    let help = known.map(|(_, help)| format!("; {help}{}", needed.unwrap_or_default())).unwrap_or_default();
    misconfigured(format!("Slack says `{}`{help}", plain(code)))
}

fn misconfigured(why: String) -> Said {
    Said::Final(Verdict::Misconfigured { why })
}

/// A word of the service's, as far as it is one.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || "_-:.,".contains(*c)).take(64).collect()
}

fn place(json: &Value) -> Option<Handle> {
    Some(Handle(format!("{}/{}", json["channel"].as_str()?, json["ts"].as_str()?)))
}
