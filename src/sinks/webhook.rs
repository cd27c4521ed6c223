use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Answer, Asked, Belated, Destination, Endpoint, Message, Method, Request, Sink, Verdict, answered,
};
use crate::model::{
    Facts,
    notification::{Delivery, Handle, Notification},
    secret::{Part, Secret},
    wording,
};

/// A `POST` of highwater's own JSON, with `Idempotency-Key: <notification_id>`, the same on every attempt.
///
/// Any 2xx is success. 408, 425, 429 and 5xx are tried again; other answers, redirects among them, are not.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `http://` or `https://`; only its scheme and host are ever shown.
    pub url: Secret,
    /// Sent as `Authorization: Bearer …`.
    pub bearer_token: Option<Secret>,
    /// More headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

impl Webhook {
    pub const EXAMPLE: &str = "webhook: { url: \"${env:WEBHOOK_URL}\", bearer_token: \"${env:WEBHOOK_TOKEN}\", headers: { X-Team: search } }";
}

/// Ours: a webhook's own headers may not say otherwise.
const RESERVED: [&str; 4] = ["content-type", "content-length", "host", "idempotency-key"];

impl Sink for Webhook {
    fn destination(&self) -> Destination {
        let mut endpoint = Endpoint::new(self.url.clone());
        endpoint.headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let Some(token) = &self.bearer_token {
            let mut parts = vec![Part::Literal("Bearer ".to_owned())];
            parts.extend(token.parts.iter().cloned());
            endpoint = endpoint.header("Authorization", Secret { parts });
        }
        Destination::Http(endpoint)
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        message(&delivery.notification)
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        message(&plain(&delivery.notification))
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = super::in_words(status, body);
        match status {
            200..=299 => Verdict::Accepted { handle: None },
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            401 | 403 | 404 | 405 | 407 | 410 => Verdict::Misconfigured { why },
            _ => Verdict::Never { why },
        }
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let token = self.bearer_token.iter().map(|token| ("bearer_token", token));
        let headers = self.headers.iter().filter(|(name, _)| carries_a_credential(name));
        token.chain(headers.map(|(_, value)| ("headers", value))).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = super::complaint_about_url("url", &self.url).into_iter().collect();
        for name in self.headers.keys() {
            complaints.extend(complaint_about_header(name, self.bearer_token.is_some()));
        }
        complaints
    }
}

fn carries_a_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "key", "password", "secret", "token"].iter().any(|word| name.contains(word))
}

fn complaint_about_header(name: &str, has_token: bool) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) {
        return Some(format!("header `{name}` is highwater's own; take it out of `headers`"));
    }
    if has_token && lower == "authorization" {
        return Some(format!("header `{name}` and `bearer_token` say the same twice; keep one"));
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let fine = !name.is_empty() && name.bytes().all(is_token);
    (!fine).then(|| format!("`{name}` is not a header name; write one like `X-Team`"))
}

fn message(notification: &Notification) -> Message {
    let headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Idempotency-Key".to_owned(), notification.notification_id.clone()),
    ];
    Message::Http(Request { method: Method::Post, path: String::new(), headers, body: body(notification) })
}

/// The notification's JSON: the body of this sink, a line of `stdout`.
pub(super) fn body(notification: &Notification) -> String {
    #[expect(clippy::expect_used, reason = "its keys are text and its numbers finite, so it has a JSON form")]
    let json = serde_json::to_string(notification).expect("a notification has a JSON form");
    escaped(&json)
}

/// JSON that no terminal obeys.
pub(super) fn escaped(json: &str) -> String {
    if json.chars().any(steers) { json.chars().fold(String::new(), push_escaped) } else { json.to_owned() }
}

/// What JSON may hold bare but a terminal would obey. It can only stand inside of JSON's own strings.
fn steers(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

fn push_escaped(mut out: String, c: char) -> String {
    match c {
        c if steers(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push(c),
    }
    out
}

/// The same without what may have been too much: facts and the words about single alerts.
pub(super) fn plain(notification: &Notification) -> Notification {
    let mut plain = notification.clone();
    plain.text = wording::cut(&plain.text, 1000);
    for alert in &mut plain.alerts {
        alert.facts = Facts::default();
        (alert.cause, alert.next_step, alert.message) = (None, None, None);
    }
    plain
}
