use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Asked, Destination, Endpoint, Message, Portions, Sink, Verdict, answered};
use crate::model::{
    Level,
    notification::{Delivery, Handle, Notification, Status},
    secret::Secret,
    span::Span,
    wording,
};

/// Pushover: a message on the phones of a user or a group, few words each.
///
/// Critical comes with high priority (or as an emergency, which sounds until somebody acknowledges it), warning with the normal
/// one, info and what ended quietly. When more than 5 alerts fire at once, the worst 4 come alone, the others together.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pushover {
    /// The application's token.
    pub token: Secret,
    /// The key of a user or a group.
    pub user: Secret,
    /// Only these devices of the user; left out: all.
    #[serde(default)]
    pub devices: Vec<String>,
    /// What fires at critical sounds every `retry` until it is acknowledged or over, at most for `expire`.
    pub emergency: Option<Emergency>,
    /// Another address for the service.
    #[serde(default = "service")]
    pub url: Secret,
}

/// How an emergency sounds.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// At least 30s.
    #[serde(default = "every_minute")]
    pub retry: Span,
    /// At most 3h.
    #[serde(default = "an_hour")]
    pub expire: Span,
}

const fn every_minute() -> Span {
    Span::seconds(60)
}

const fn an_hour() -> Span {
    Span::seconds(3600)
}

fn service() -> Secret {
    Secret::literal("https://api.pushover.net")
}

const MESSAGES: &str = "/1/messages.json";
const TITLE: usize = 250;
const MESSAGE: usize = 1024;
const LINK: usize = 512;

impl Pushover {
    pub const EXAMPLE: &str = "pushover: { token: \"${env:PUSHOVER_TOKEN}\", user: \"${env:PUSHOVER_USER}\", emergency: { retry: 1m, expire: 1h } }";

    fn message(&self, notification: &Notification, (title, text): (&str, &str)) -> Message {
        let priority = self.priority(notification);
        let (priority_text, at) = (priority.to_string(), notification.at.timestamp().to_string());
        let devices = self.devices.join(",");
        let mut fields =
            vec![("title", title), ("message", text), ("priority", &priority_text), ("timestamp", &at)];
        let link = notification.runbook.as_deref().and_then(wording::web_address);
        if let Some(link) = link.as_deref().filter(|link| link.chars().count() <= LINK) {
            fields.extend([("url", link), ("url_title", "Runbook")]);
        }
        if !devices.is_empty() {
            fields.push(("device", &devices));
        }
        let emergency = self.emergency.filter(|_| priority == EMERGENCY);
        let times =
            emergency.map(|times| [times.retry, times.expire].map(|time| time.0.as_secs().to_string()));
        if let Some([retry, expire]) = &times {
            fields.extend([("retry", retry.as_str()), ("expire", expire)]);
        }
        Message::form(MESSAGES, &fields)
    }

    fn priority(&self, notification: &Notification) -> i8 {
        match (notification.status, notification.level) {
            (Status::Firing, Level::Critical) if notification.test => HIGH,
            (Status::Firing, Level::Critical) if self.emergency.is_some() => EMERGENCY,
            (Status::Firing, Level::Critical) => HIGH,
            (Status::Firing, Level::Warning) => NORMAL,
            (Status::Firing, Level::Info) | (Status::Resolved, _) => QUIET,
        }
    }
}

const EMERGENCY: i8 = 2;
const HIGH: i8 = 1;
const NORMAL: i8 = 0;
const QUIET: i8 = -1;

impl Sink for Pushover {
    fn destination(&self) -> Destination {
        let mut endpoint = Endpoint::new(self.url.clone());
        let keys = [("token", &self.token), ("user", &self.user)];
        endpoint.body_secrets.extend(keys.map(|(name, key)| (name.to_owned(), key.clone())));
        Destination::Http(endpoint)
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        let notification = &delivery.notification;
        let title = wording::cut(&wording::title(notification), TITLE);
        self.message(notification, (&title, &wording::brief(notification, delivery.zone, MESSAGE)))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let notification = Notification { runbook: None, ..delivery.notification.clone() };
        let title = wording::cut(&wording::title(&notification), 100);
        self.message(&notification, (&title, &wording::brief(&notification, delivery.zone, 400)))
    }

    fn portions(&self) -> Portions {
        Portions::Each { most: 5, single: 4 }
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = super::in_words(status, body);
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        match status {
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            200 if is_cancelling(asked.message) => Verdict::Accepted { handle: None },
            200 if json["status"] == 1 => taken(asked, &json),
            // it was acknowledged, or is over by itself
            400..=499 if is_cancelling(asked.message) => Verdict::Accepted { handle: None },
            400 | 413 | 422 if !is_about_keys(&json) => Verdict::Never { why },
            300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            _ => Verdict::Misconfigured { why },
        }
    }

    /// No more than two requests at a time are liked.
    fn pace(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("token", &self.token), ("user", &self.user)]
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = super::complaint_about_url("url", &self.url).into_iter().collect();
        if self.emergency.is_some_and(|times| times.retry.0 < Duration::from_secs(30)) {
            complaints.push("`emergency.retry` has to be at least `30s`".to_owned());
        }
        if self.emergency.is_some_and(|times| times.expire.0 > Duration::from_secs(3 * 3600)) {
            complaints.push("`emergency.expire` has to be at most `3h`".to_owned());
        }
        let fine = |name: &String| {
            (1..=25).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        for name in self.devices.iter().filter(|name| !fine(name)) {
            complaints.push(format!("`{name}` is no name of a device; write one like `my-phone`"));
        }
        complaints
    }
}

/// What sounded before need not sound any more: it is over, or this sounds in its place.
fn taken(asked: &Asked<'_>, json: &Value) -> Verdict {
    let receipt = json["receipt"].as_str().filter(|receipt| is_receipt(receipt));
    let handle = receipt.map(|receipt| Handle(receipt.to_owned()));
    match asked.handle.filter(|handle| is_receipt(&handle.0)) {
        None => Verdict::Accepted { handle },
        Some(sounding) => Verdict::Then {
            handle: Some(handle.unwrap_or_else(|| Handle(String::new()))),
            message: Box::new(Message::form(&format!("{RECEIPTS}{}{CANCEL}", sounding.0), &[])),
        },
    }
}

const RECEIPTS: &str = "/1/receipts/";
const CANCEL: &str = "/cancel.json";

fn is_receipt(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_cancelling(message: &Message) -> bool {
    matches!(message, Message::Http(request) if request.path.starts_with(RECEIPTS))
}

/// `{"user":"invalid","errors":["user identifier is invalid"],"status":0}`
fn is_about_keys(json: &Value) -> bool {
    ["token", "user"].iter().any(|key| json[key].is_string())
}
