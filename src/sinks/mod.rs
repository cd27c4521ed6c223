//! Whom to tell: one file per kind of sink. Pure: a delivery in, a message out; an answer in, a verdict out.

use std::{fmt::Debug, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
};

/// One way of telling. The config struct *is* the sink; its doc comments are its reference entry.
pub trait Sink: Debug + Send + Sync {
    /// Where attempts go. Secrets stay references; they are looked up for each attempt and stored nowhere.
    fn destination(&self) -> Destination;

    /// The message, without URL or secrets: rendered once just before the first attempt, stored, and sent as it is by every attempt.
    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message;

    /// What the service's answer means.
    fn classify(&self, answer: &Answer) -> Verdict;

    /// The shortest time between two messages to this sink.
    fn pace(&self) -> Duration {
        Duration::ZERO
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
