//! What came back, and what it means.

use std::time::Duration;

use super::Message;
use crate::model::notification::Handle;

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

impl Answer {
    /// Whether it proves that nothing was taken: nobody was there, or whoever was said no. A server that failed, a gateway
    /// that waited in vain and an answer that was lost prove nothing.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Unreached(_) | Self::Unsent(_) => true,
            Self::Http { status, .. } => matches!(status, 400..=407 | 409..=499 | 503),
            Self::Mail(reply) => reply.code >= 400 && reply.refused.is_empty(),
            Self::Lost(_) | Self::Written => false,
        }
    }
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
pub(in crate::sinks) fn answered(answer: &Answer) -> Result<(u16, Option<Duration>, &str), Verdict> {
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
pub(in crate::sinks) fn written(answer: &Answer) -> Verdict {
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
