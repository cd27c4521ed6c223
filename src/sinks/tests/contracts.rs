//! What each kind's service takes and means: the tests that run over all kinds ask here.

mod alertmanager;
pub mod cloudwatch_logs;
pub mod cloudwatch_metrics;
mod elasticsearch;
mod email;
mod file;
mod opsgenie;
mod pagerduty;
mod pushover;
mod slack;
mod statsd;
mod stdout;
mod teams;
mod twilio;
mod webhook;

use crate::{model::notification::Delivery, sinks::Message};

pub struct Contract {
    /// The verdict on a status of the first message's answer, where its body says nothing of itself.
    pub status: fn(u16) -> &'static str,
    /// Panics where a message is more than the service takes, or leaves something out in silence.
    pub limits: fn(&Message, &Delivery),
    /// Whether nothing that a document holds has a meaning in the message.
    pub harmless: fn(&Message) -> Result<(), String>,
    /// Whether the service says when to come back, in `Retry-After`.
    pub retry_after: bool,
}

/// Kinds that have another form than their example shows, each under a name of its own.
pub const OTHER_FORMS: [(&str, &str); 1] = [("slack_bot", crate::sinks::Slack::BOT)];

pub fn of(kind: &str) -> Contract {
    match kind {
        "alertmanager" => alertmanager::CONTRACT,
        "cloudwatch_logs" => cloudwatch_logs::CONTRACT,
        "cloudwatch_metrics" => cloudwatch_metrics::CONTRACT,
        "elasticsearch" => elasticsearch::CONTRACT,
        "email" => email::CONTRACT,
        "file" => file::CONTRACT,
        "opsgenie" => opsgenie::CONTRACT,
        "pagerduty" => pagerduty::CONTRACT,
        "pushover" => pushover::CONTRACT,
        "statsd" => statsd::CONTRACT,
        "slack" | "slack_bot" => slack::CONTRACT,
        "stdout" => stdout::CONTRACT,
        "teams" => teams::CONTRACT,
        "twilio" => twilio::CONTRACT,
        "webhook" => webhook::CONTRACT,
        _ => panic!("`{kind}` has no contract in src/sinks/tests/contracts yet"),
    }
}
