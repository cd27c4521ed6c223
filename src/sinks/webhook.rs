mod answer;
mod body;
mod inert;
mod preset;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use self::preset::Preset;
use super::{
    Answer, Asked, Belated, ClientTls, Destination, Endpoint, Events, Message, Method, Request, Signature,
    Sink, Verdict,
};
use crate::model::{
    Facts, Kind,
    notification::{Delivery, Handle, Notification},
    secret::{Part, Secret},
    template::Form,
    wording,
};

/// Highwater's own JSON, a chat's, or a body of your own, with `Idempotency-Key: <notification_id>`, the same on every attempt.
///
/// Any 2xx is success. 408, 425, 429 and 5xx are tried again, for as long as `delivery.give_up_after` says. 401, 403, 404, 405, 407,
/// 410 and redirects, which are not followed, mean that the settings are wrong: everything waits until they are mended. Any other
/// answer, as 400, 413 or 422, refuses this one message: it is sent once more in a plain form, without facts and explanations (in
/// place of a `body` of your own that is highwater's own JSON), and if that is refused too, it is a dead letter (`highwater sinks dead`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `http://` or `https://`. What stands behind the host may open the service, and is in no log and no message; `highwater render`
    /// shows of it what looks like no key.
    pub url: Secret,
    /// How it is sent.
    #[serde(default)]
    pub method: Verb,
    /// Sent as `Authorization: Bearer …`.
    pub bearer_token: Option<Secret>,
    /// More headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// A chat whose JSON is sent in place of highwater's own.
    pub preset: Option<Preset>,
    /// Telegram: which chat, in quotes.
    pub chat_id: Option<String>,
    /// A template of the body. It speaks of `title`, `text`, `alerts` and whatever else highwater's own JSON has at its top, and of an
    /// alert as a rule's `message` does. In a JSON body a value brings its own quotes: `{"text": {{ text }}}`.
    pub body: Option<String>,
    /// What `body` is, where it is not JSON: `text/plain`.
    pub content_type: Option<String>,
    /// Proves to the receiver that it was us.
    pub signature: Option<SignatureForm>,
    /// Certificates of this webhook alone.
    pub tls: Option<TlsForm>,
}

/// How a body is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// The usual.
    #[default]
    Post,
    /// For who wants it.
    Put,
    /// For who wants it.
    Patch,
}

/// `sha256=` and the HMAC-SHA256, in hexadecimal, of the timestamp, a `.` and the body as it is sent. It is made anew by each attempt.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureForm {
    /// The key that the receiver has too.
    pub secret: Secret,
    /// Where the signature stands.
    #[serde(default = "signature_header")]
    pub header: String,
    /// Where the timestamp stands, in seconds since 1970.
    #[serde(default = "timestamp_header")]
    pub timestamp_header: String,
}

/// Certificates, as PEM files; they are read again when they change.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsForm {
    /// Beside the operating system's trust store.
    pub ca: Option<PathBuf>,
    /// Who we are; it needs `client_key`.
    pub client_certificate: Option<PathBuf>,
    /// Unencrypted.
    pub client_key: Option<PathBuf>,
}

fn signature_header() -> String {
    "X-Highwater-Signature".to_owned()
}

fn timestamp_header() -> String {
    "X-Highwater-Timestamp".to_owned()
}

impl Webhook {
    pub const EXAMPLE: &str = "webhook: { url: \"${env:WEBHOOK_URL}\", bearer_token: \"${env:WEBHOOK_TOKEN}\", headers: { X-Team: search } }";

    fn form(&self) -> Form {
        let json = self.content_type.as_deref().is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
        if json { Form::Json } else { Form::Text }
    }

    /// An operator's template that fails is no reason to be silent: then it is our own JSON.
    fn message(&self, delivery: &Delivery) -> Message {
        let (notification, chat) = (&delivery.notification, self.chat_id.as_deref());
        if let Some(preset) = self.preset {
            return self.request(notification, preset.body(delivery, chat).to_string());
        }
        match self.body.as_ref().map(|template| body::render(template, self.form(), notification)) {
            Some(Ok(text)) => self.request(notification, text),
            Some(Err(_)) | None => ours(self.method, notification),
        }
    }

    fn request(&self, notification: &Notification, body: String) -> Message {
        let kind = self.content_type.as_deref().unwrap_or("application/json");
        request(self.method, kind, (notification, body))
    }

    fn complaints_about_body(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut add = |wrong: bool, words: &str| complaints.extend(wrong.then(|| words.to_owned()));
        let telegram = self.preset == Some(Preset::Telegram);
        add(
            self.preset.is_some() && self.body.is_some(),
            "`preset` and `body` both say what is sent; keep one",
        );
        add(
            telegram && self.chat_id.is_none(),
            "`preset: telegram` needs a `chat_id`; write one like `\"-1001234567890\"`",
        );
        add(!telegram && self.chat_id.is_some(), "`chat_id` is for `preset: telegram` alone");
        add(self.content_type.is_some() && self.body.is_none(), "`content_type` is for a `body` of your own");
        let header_like =
            |text: &String| text.is_ascii() && text.contains('/') && !text.contains(char::is_control);
        add(
            self.content_type.as_ref().is_some_and(|text| !header_like(text)),
            "`content_type` is not one; write one like `text/plain`",
        );
        complaints.extend(self.body.as_ref().and_then(|text| body::complaint(text, self.form())));
        complaints
    }

    fn complaints_about_proof(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(signature) = &self.signature {
            for name in [&signature.header, &signature.timestamp_header] {
                complaints.extend(complaint_about_header(name, self.bearer_token.is_some()));
            }
            if signature.header.eq_ignore_ascii_case(&signature.timestamp_header) {
                complaints.push("signature and timestamp need a header each".to_owned());
            }
        }
        let tls = self.tls.as_ref();
        if tls.is_some_and(|tls| tls.client_certificate.is_some() != tls.client_key.is_some()) {
            complaints.push("`client_certificate` and `client_key` need each other".to_owned());
        }
        complaints
    }
}

/// Ours: a webhook's own headers may not say otherwise.
const RESERVED: [&str; 4] = ["content-type", "content-length", "host", "idempotency-key"];

impl Sink for Webhook {
    fn destination(&self) -> Destination {
        let mut endpoint = Endpoint::new(self.url.clone()).with_key_in_url(self.preset.is_some());
        endpoint.headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let Some(token) = &self.bearer_token {
            let mut parts = vec![Part::Literal("Bearer ".to_owned())];
            parts.extend(token.parts.iter().cloned());
            endpoint = endpoint.header("Authorization", Secret { parts });
        }
        endpoint.signature = self.signature.clone().map(|form| Signature {
            secret: form.secret,
            header: form.header,
            timestamp_header: form.timestamp_header,
        });
        endpoint.tls = self.tls.clone().map(|form| ClientTls {
            ca: form.ca,
            certificate: form.client_certificate,
            key: form.client_key,
        });
        Destination::Http(endpoint)
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        self.message(delivery)
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        match self.preset {
            Some(preset) => {
                let body = preset.plain(delivery, self.chat_id.as_deref());
                self.request(&delivery.notification, body.to_string())
            }
            None => ours(self.method, &plain(&delivery.notification)),
        }
    }

    fn fault(&self, notification: &Notification) -> Option<String> {
        body::render(self.body.as_ref()?, self.form(), notification).err()
    }

    fn has_template(&self) -> bool {
        self.body.is_some()
    }

    /// What the chats ask for, and a little less than they would bear.
    fn pace(&self) -> Duration {
        match self.preset {
            Some(Preset::Telegram | Preset::GoogleChat) => Duration::from_secs(1),
            Some(Preset::Discord) => Duration::from_millis(500),
            Some(Preset::Mattermost) => Duration::from_millis(100),
            None => Duration::ZERO,
        }
    }

    /// For a program each event is a call.
    fn events(&self) -> Events {
        Events::Each { most: if self.preset.is_some() { 10 } else { usize::MAX } }
    }

    fn belated(&self) -> Belated {
        if self.preset.is_some() { Belated::Merged } else { Belated::Each }
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        answer::classify(self.preset, answer)
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let token = self.bearer_token.iter().map(|token| ("bearer_token", token));
        let headers = self.headers.iter().filter(|(name, _)| carries_a_credential(name));
        let signature = self.signature.iter().map(|signature| ("signature", &signature.secret));
        token.chain(headers.map(|(_, value)| ("headers", value))).chain(signature).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = super::complaint_about_url("url", &self.url).into_iter().collect();
        for name in self.headers.keys() {
            complaints.extend(complaint_about_header(name, self.bearer_token.is_some()));
        }
        complaints.extend(self.complaints_about_body());
        complaints.extend(self.complaints_about_proof());
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

fn ours(verb: Verb, notification: &Notification) -> Message {
    request(verb, "application/json", (notification, body(notification)))
}

fn request(verb: Verb, kind: &str, (notification, body): (&Notification, String)) -> Message {
    let headers = vec![
        ("Content-Type".to_owned(), kind.to_owned()),
        ("Idempotency-Key".to_owned(), notification.notification_id.clone()),
    ];
    let method = match verb {
        Verb::Post => Method::Post,
        Verb::Put => Method::Put,
        Verb::Patch => Method::Patch,
    };
    Message::Http(Request { method, path: String::new(), headers, body })
}

/// The notification's JSON: the body of this sink, a line of `stdout`.
pub(super) fn body(notification: &Notification) -> String {
    #[expect(clippy::expect_used, reason = "its keys are text and its numbers finite, so it has a JSON form")]
    let json = serde_json::to_string(notification).expect("a notification has a JSON form");
    escaped(&json)
}

/// The same as lines: a notification is one, and of events each has its own.
pub(super) fn lines(notification: &Notification) -> String {
    let events = notification.alerts.iter().all(|change| change.kind == Kind::Happened);
    if !events || notification.alerts.len() < 2 {
        return body(notification);
    }
    let lines: Vec<String> = alone(notification).map(|one| body(&one)).collect();
    lines.join("\n")
}

/// A notification of several events as one of each.
pub(super) fn alone(notification: &Notification) -> impl Iterator<Item = Notification> {
    let shell =
        Notification { alerts: Vec::new(), text: String::new(), digest: None, ..notification.clone() };
    notification.alerts.iter().map(move |change| {
        let text = wording::said(change);
        let notification_id = change.event_id.clone();
        Notification {
            alerts: vec![change.clone()],
            text,
            notification_id,
            level: change.level,
            ..shell.clone()
        }
    })
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
