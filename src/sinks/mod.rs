//! Whom to tell: one file per kind of sink. Pure: a delivery in, a message out; an answer in, a verdict out.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]

mod alertmanager;
mod amazon;
mod cloudwatch_logs;
mod cloudwatch_metrics;
mod elasticsearch;
mod email;
mod file;
mod opsgenie;
mod page;
mod pagerduty;
mod pushover;
mod slack;
mod statsd;
mod stdout;
mod teams;
mod twilio;
mod webhook;

#[cfg(test)]
mod tests;

use std::{fmt::Debug, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    kinds::kinds,
    model::{
        Time,
        notification::{Delivery, Handle, Notification},
        secret::Secret,
        signing::Signing,
    },
};

pub use self::{
    alertmanager::Alertmanager,
    cloudwatch_logs::CloudwatchLogs,
    cloudwatch_metrics::CloudwatchMetrics,
    elasticsearch::{Elasticsearch, history},
    email::{Email, MailServer, MailTls},
    file::{File, Journal},
    opsgenie::Opsgenie,
    pagerduty::Pagerduty,
    pushover::Pushover,
    slack::Slack,
    statsd::Statsd,
    stdout::Stdout,
    teams::Teams,
    twilio::Twilio,
    webhook::Webhook,
};

kinds! {
    /// Where notifications go: exactly one kind.
    pub enum Kind as dyn Sink by into_sink {
        "alertmanager" => Alertmanager,
        "cloudwatch_logs" => CloudwatchLogs,
        "cloudwatch_metrics" => CloudwatchMetrics,
        "elasticsearch" => Elasticsearch,
        "email" => Email,
        "file" => File,
        "opsgenie" => Opsgenie,
        "pagerduty" => Pagerduty,
        "pushover" => Pushover,
        "slack" => Slack,
        "statsd" => Statsd,
        "stdout" => Stdout,
        "teams" => Teams,
        "twilio" => Twilio,
        "webhook" => Webhook,
    }
}

/// One way of telling. The config struct *is* the sink; its doc comments are its reference entry.
pub trait Sink: Debug + Send + Sync {
    /// Where attempts go. Secrets stay references; they are looked up for each attempt and stored nowhere.
    fn destination(&self) -> Destination;

    /// The message, without URL or secrets: rendered once just before the first attempt, stored, and sent as it is by every attempt.
    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message;

    /// A plain and small message in place of one that the service would not take: the last attempt before it is a dead letter.
    fn render_plain(&self, delivery: &Delivery) -> Message;

    /// The plain message in place of `refused`, which may have been one of several.
    fn render_instead(&self, delivery: &Delivery, _refused: &Message) -> Message {
        self.render_plain(delivery)
    }

    /// The message for the attempt after one of which nobody knows whether it was taken: marked as a possible repeat, where the
    /// service would take it twice. `answer` is what came back from that attempt; `None`: highwater ended meanwhile.
    fn repeat(&self, _: &Message, _answer: Option<&Answer>) -> Option<Message> {
        None
    }

    /// What the service's answer to one message means.
    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict;

    /// The shortest time between two messages to this sink.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }

    /// How the changes of one evaluation are cut into messages.
    fn portions(&self) -> Portions {
        Portions::Together
    }

    /// So often a firing alert is shown anew, without news: an edited message, a sign that it still fires.
    fn refresh(&self) -> Option<Duration> {
        None
    }

    /// What waited while the sink took nothing.
    fn belated(&self) -> Belated {
        Belated::Merged
    }

    /// What is wrong with a template of its own for this notification; its built-in words are sent then.
    fn fault(&self, _: &Notification) -> Option<String> {
        None
    }

    /// Whether it has a template of its own.
    fn has_template(&self) -> bool {
        false
    }

    /// It counts what every other sink was told, and nobody has to name it.
    fn counts(&self) -> bool {
        false
    }

    /// What must not stand in a file as plain text, by its key.
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        Vec::new()
    }

    /// What is wrong with this configuration beyond its form.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How the changes of one evaluation are cut into messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portions {
    /// One message for all of them.
    Together,
    /// One message per alert, as long as no more than `most` change at once; of more, the worst `single` have their own, and the
    /// others share one digest, which lives as long as one of them fires.
    Each { most: usize, single: usize },
}

/// What becomes of deliveries that wait for one another while a sink takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belated {
    /// For people, and for services that only need the newest: one message says what has happened meanwhile.
    Merged,
    /// For services that keep a state or a count: each is delivered, in order.
    Each,
}

/// Where attempts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Http(Endpoint),
    /// Servers of one cluster: each of them gets the message, and it is taken when one of them takes it.
    Cluster(Vec<Endpoint>),
    Mail(Mailbox),
    Stdout,
    File(Journal),
    /// Documents into an index of a watched cluster that is there already.
    History {
        name: String,
        index: String,
    },
    /// Datagrams to a host and a port.
    Udp(String),
}

impl Destination {
    /// Everything that has to be looked up for an attempt.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Http(endpoint) => endpoint.secrets().collect(),
            Self::Cluster(endpoints) => endpoints.iter().flat_map(Endpoint::secrets).collect(),
            Self::Mail(mailbox) => [&mailbox.server].into_iter().chain(&mailbox.password).collect(),
            Self::Stdout | Self::File(_) | Self::Udp(_) | Self::History { .. } => Vec::new(),
        }
    }
}

/// An HTTP service, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A message's own path is appended to it.
    pub url: Secret,
    pub headers: Vec<(String, Secret)>,
    /// Put into the top of a JSON body, or behind a form's fields, by each attempt: services that want their key there.
    pub body_secrets: Vec<(String, Secret)>,
    /// Each attempt is signed for Amazon.
    pub sign: Option<Signing>,
    /// User and password of `Authorization: Basic …`.
    pub basic: Option<(Secret, Secret)>,
    /// Made anew by each attempt, over the bytes that it sends.
    pub signature: Option<Signature>,
    /// Beside what everybody trusts.
    pub tls: Option<ClientTls>,
}

/// `sha256=…` over `timestamp.body`, and where both stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub secret: Secret,
    pub header: String,
    pub timestamp_header: String,
}

/// PEM files of one endpoint alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientTls {
    pub ca: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

impl Endpoint {
    pub const fn new(url: Secret) -> Self {
        Self {
            url,
            headers: Vec::new(),
            body_secrets: Vec::new(),
            basic: None,
            sign: None,
            signature: None,
            tls: None,
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let named = self.headers.iter().chain(&self.body_secrets);
        let basic = self.basic.iter().flat_map(|(user, password)| [user, password]);
        let signature = self.signature.iter().map(|signature| &signature.secret);
        [&self.url].into_iter().chain(named.map(|(_, secret)| secret)).chain(basic).chain(signature)
    }
}

/// A mail server, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// A URL as [`MailServer`] reads it.
    pub server: Secret,
    pub password: Option<Secret>,
    /// A file of certificates that are trusted beside those of the operating system.
    pub ca: Option<PathBuf>,
}

/// What is sent, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    Http(Request),
    Mail(Box<Letter>),
    /// One line, without its end.
    Line(String),
    /// Each is sent on its own, and may get lost.
    Datagrams(Vec<String>),
}

/// One HTTP request, without what is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: Method,
    /// Appended to the endpoint's URL, query included; empty: the URL as it is.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// A `Get` sends none: there a sink may keep what it asks for.
    pub body: String,
}

/// One mail. What it says is text; the door makes headers and parts of it, the same bytes each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub from: String,
    /// Whom it is addressed to.
    pub to: Vec<String>,
    /// Who has not got it yet.
    pub missing: Vec<String>,
    pub at: Time,
    pub subject: String,
    /// Without its angle brackets.
    pub message_id: String,
    /// The message that this one belongs to.
    pub thread: Option<String>,
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub html: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
}

impl Message {
    /// A `POST` of JSON.
    pub fn json(path: &str, body: String) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self::Http(Request { method: Method::Post, path: path.to_owned(), headers, body })
    }

    /// A `POST` of a form.
    pub fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        Self::Http(Request { method: Method::Post, path: path.to_owned(), headers, body: fields.join("&") })
    }
}

/// One message that was sent, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub delivery: &'a Delivery,
    pub message: &'a Message,
    pub handle: Option<&'a Handle>,
}

/// What came back from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Http {
        status: u16,
        retry_after: Option<Duration>,
        body: String,
    },
    /// What a mail server said last.
    Mail(MailReply),
    /// No answer: timed out, cut off. The words name no URL. Whether it arrived is not known.
    Lost(String),
    /// Nobody was there: connection refused, no such name. Nothing was sent; the next attempt may do better.
    Unreached(String),
    /// Nothing was sent, and nothing would be next time: a secret is missing, the address is not allowed.
    Unsent(String),
    /// The line was written, the datagrams are on their way.
    Written,
}

/// What a mail server said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReply {
    pub step: MailStep,
    pub code: u16,
    pub said: String,
    /// Who was refused, while others were not, and what was said of each.
    pub refused: Vec<(String, String)>,
}

/// How far a mail came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailStep {
    Greeting,
    Login,
    Sender,
    Recipients,
    Content,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted {
        handle: Option<Handle>,
    },
    /// This message is done with, but the delivery only with another: its result is to be fetched, a reply goes into the thread, the
    /// message that was to be edited is gone.
    Then {
        handle: Option<Handle>,
        message: Box<Message>,
    },
    /// Nothing is wrong, but the service needs time: this message after so long. Nobody else waits meanwhile.
    Wait {
        message: Box<Message>,
        after: Duration,
    },
    /// Try again: after this long, or by the usual back-off.
    Later {
        after: Option<Duration>,
        why: String,
    },
    /// This message will never be taken; the next may be.
    Never {
        why: String,
    },
    /// No message will be taken until somebody mends the settings.
    Misconfigured {
        why: String,
    },
}

impl Verdict {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Then { .. } => "then",
            Self::Wait { .. } => "wait",
            Self::Later { .. } => "later",
            Self::Never { .. } => "never",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }
}

/// Status, `Retry-After` and body; or the verdict, where there was no answer.
fn answered(answer: &Answer) -> Result<(u16, Option<Duration>, &str), Verdict> {
    match answer {
        Answer::Http { status, retry_after, body } => Ok((*status, *retry_after, body)),
        Answer::Lost(why) | Answer::Unreached(why) => Err(Verdict::Later { after: None, why: why.clone() }),
        Answer::Unsent(why) => Err(Verdict::Misconfigured { why: why.clone() }),
        Answer::Mail(_) | Answer::Written => {
            Err(Verdict::Misconfigured { why: "there is nobody to send to".to_owned() })
        }
    }
}

/// The verdict of sinks that are written to: nobody there answers.
fn written(answer: &Answer) -> Verdict {
    match answer {
        Answer::Written => Verdict::Accepted { handle: None },
        Answer::Lost(why) | Answer::Unreached(why) => Verdict::Later { after: None, why: why.clone() },
        Answer::Unsent(why) => Verdict::Misconfigured { why: why.clone() },
        Answer::Http { status, .. } | Answer::Mail(MailReply { code: status, .. }) => {
            Verdict::Misconfigured { why: format!("it answered {status}, and should only be written to") }
        }
    }
}

/// An answer as people read it: `answered 404: no_service`. At most 256 bytes of the body, without control characters.
pub fn in_words(status: u16, body: &str) -> String {
    let shown: String = body.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut end = shown.len().min(256);
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    match shown[..end].trim() {
        "" => format!("answered {status}"),
        body => format!("answered {status}: {body}"),
    }
}

/// Everything but what stands for itself in every place of a URL.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The text of an encoded one.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|_| byte == b'%').and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A URL that starts with plain text has to start like one; whether a looked-up one does is seen at the first attempt.
fn complaint_about_url(key: &str, url: &Secret) -> Option<String> {
    use crate::model::secret::Part;
    let start = match url.parts.first() {
        None => "",
        Some(Part::Literal(start)) => start.as_str(),
        Some(Part::Env(_) | Part::File(_)) => return None,
    };
    let fine = start.starts_with("https://") || start.starts_with("http://");
    (!fine).then(|| format!("`{key}` has to start with `https://` or `http://`"))
}
