mod answer;
mod blocks;
mod escape;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::escape::escape;
use super::{Answer, Asked, Destination, Endpoint, Message, Sink, Verdict};
use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
};

/// A Slack channel, by its incoming webhook.
///
/// One message per evaluation: red for critical, amber for warning, blue for info; green only for what is proven to be over,
/// grey for what ended otherwise. More than 10 alerts become a digest that names 20 and counts the rest.
/// Nothing that a document holds can mention anybody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The whole URL is a secret: whoever has it can write to the channel.
    pub webhook_url: Secret,
}

impl Slack {
    pub const EXAMPLE: &str = "slack: { webhook_url: \"${env:SLACK_WEBHOOK_URL}\" }";
}

impl Sink for Slack {
    fn destination(&self) -> Destination {
        Destination::Http(Endpoint::new(self.webhook_url.clone()))
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        message(blocks::message(&delivery.notification, delivery.zone))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let text = escape(&delivery.notification.text, blocks::TEXT);
        message(serde_json::json!({ "text": text }))
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        answer::classify(answer)
    }

    /// One message a second per channel is what Slack takes.
    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("webhook_url", &self.webhook_url)]
    }

    fn complaints(&self) -> Vec<String> {
        super::complaint_about_url("webhook_url", &self.webhook_url).into_iter().collect()
    }
}

/// Names and addresses in the text are not looked up, and links are not unfolded.
fn message(mut body: Value) -> Message {
    for (key, value) in [
        ("link_names", Value::Bool(false)),
        ("parse", Value::from("none")),
        ("unfurl_links", Value::Bool(false)),
        ("unfurl_media", Value::Bool(false)),
    ] {
        body[key] = value;
    }
    Message::json("", body.to_string())
}
