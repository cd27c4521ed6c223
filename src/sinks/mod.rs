//! Whom to tell: one file per kind of sink. Pure: a delivery in, a message out; an answer in, a verdict out.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]

mod slack;
mod stdout;
mod webhook;

#[cfg(test)]
mod tests;

use std::{fmt::Debug, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    kinds::kinds,
    model::{
        notification::{Delivery, Handle},
        secret::Secret,
    },
};

pub use self::{slack::Slack, stdout::Stdout, webhook::Webhook};

kinds! {
    /// Where notifications go: exactly one kind.
    pub enum Kind as dyn Sink by into_sink {
        "slack" => Slack,
        "stdout" => Stdout,
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

    /// What the service's answer means.
    fn classify(&self, answer: &Answer) -> Verdict;

    /// The shortest time between two messages to this sink.
    fn pace(&self) -> Duration {
        Duration::ZERO
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

/// Where attempts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Http { url: Secret, headers: Vec<(String, Secret)> },
    Stdout,
}

/// What is sent, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A `POST` of this body.
    Http { headers: Vec<(String, String)>, body: String },
    /// One line, without its end.
    Line(String),
}

/// What came back from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Http {
        status: u16,
        retry_after: Option<Duration>,
        body: String,
    },
    /// No answer: refused, timed out, cut off. The words name no URL. Whether it arrived is not known.
    Lost(String),
    /// Nothing was sent, and nothing would be next time: a secret is missing, the address is not allowed.
    Unsent(String),
    /// The line was written.
    Written,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted {
        handle: Option<Handle>,
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
        Answer::Lost(why) => Err(Verdict::Later { after: None, why: why.clone() }),
        Answer::Unsent(why) => Err(Verdict::Misconfigured { why: why.clone() }),
        Answer::Written => Err(Verdict::Misconfigured { why: "there is nobody to send to".to_owned() }),
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
