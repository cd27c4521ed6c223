mod card;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Asked, Destination, Endpoint, Message, Sink, Verdict, answered};
use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
};

/// A Microsoft Teams channel or chat, by the webhook of a workflow.
///
/// In the channel's menu: `Workflows`, then `Post to a channel when a webhook request is received`; the URL it shows is the
/// `webhook_url`. One card per evaluation: red for critical, amber for warning, blue for info; green only for what is proven to
/// be over, grey for what ended otherwise. More than 10 alerts become a digest that names 20 and counts the rest.
/// Nothing that a document holds is formatted, linked or mentions anybody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// The whole URL is a secret: whoever has it can write to the channel.
    pub webhook_url: Secret,
}

impl Teams {
    pub const EXAMPLE: &str = "teams: { webhook_url: \"${env:TEAMS_WEBHOOK_URL}\" }";
}

impl Sink for Teams {
    fn destination(&self) -> Destination {
        Destination::Http(Endpoint::new(self.webhook_url.clone()).with_key_in_url(true))
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        Message::json("", card::message(&delivery.notification, delivery.zone).to_string())
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        Message::json("", card::plain(&delivery.notification).to_string())
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = super::in_words(status, body);
        match status {
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            200 | 202 => accepted(body, why),
            400 | 413 | 422 => refused(body, why),
            300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            404 | 410 => {
                Verdict::Misconfigured { why: format!("{why}; the workflow is gone; make a new one") }
            }
            _ => Verdict::Misconfigured { why },
        }
    }

    /// More than four requests a second are throttled.
    fn pace(&self) -> Duration {
        Duration::from_millis(300)
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("webhook_url", &self.webhook_url)]
    }

    fn complaints(&self) -> Vec<String> {
        super::complaint_about_url("webhook_url", &self.webhook_url).into_iter().collect()
    }
}

/// The older connectors say 200 even where the channel behind them did not take the message.
fn accepted(body: &str, why: String) -> Verdict {
    const FAILED: &str = "Microsoft Teams endpoint returned HTTP error ";
    match body.split_once(FAILED).map(|(_, code)| code.get(..3).unwrap_or_default()) {
        None => Verdict::Accepted { handle: None },
        Some("400" | "413") => Verdict::Never { why },
        Some("401" | "403" | "404" | "410") => Verdict::Misconfigured { why },
        Some(_) => Verdict::Later { after: None, why },
    }
}

/// A 400 may also be about the workflow itself.
fn refused(body: &str, why: String) -> Verdict {
    const BROKEN: [(&str, &str); 4] = [
        ("WorkflowTriggerIsNotEnabled", "the workflow is turned off; turn it on"),
        ("TriggerRequestMethodNotValid", "this is not the webhook of a workflow"),
        ("WorkflowSuspended", "the workflow is suspended; turn it on"),
        ("DirectApiAuthorizationRequired", "let anyone trigger the workflow: the URL is the secret"),
    ];
    match BROKEN.iter().find(|(code, _)| body.contains(code)) {
        Some((_, help)) => Verdict::Misconfigured { why: format!("{why}; {help}") },
        None => Verdict::Never { why },
    }
}
