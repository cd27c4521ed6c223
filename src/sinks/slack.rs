use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

use super::{Answer, Destination, Message, Sink, Verdict, answered};
use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
};

/// A Slack channel, by its incoming webhook.
///
/// One message per evaluation: red for critical, amber for warning, blue for info, green only for what is proven to be over.
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
        Destination::Http { url: self.webhook_url.clone(), headers: Vec::new() }
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        self.render_plain(delivery)
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let text = super::cut(&escape(&delivery.notification.text), 2000);
        let body = serde_json::json!({ "text": text, "link_names": false, "parse": "none" });
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Message::Http { headers, body: body.to_string() }
    }

    fn classify(&self, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = super::in_words(status, body);
        match status {
            200 if body.trim() == "ok" => Verdict::Accepted { handle: None },
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            400 | 413 | 422 => Verdict::Never { why },
            _ => Verdict::Misconfigured { why },
        }
    }

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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
