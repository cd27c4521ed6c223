//! Why a look could not tell, or why something ended: data first, words second.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a look proves nothing: its cause for the program, its words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub cause: Cause,
    /// One line, lower case, without full stop: `2 of 7 shards failed (too_many_buckets_exception)`.
    pub text: String,
    /// What a rule would say to accept this, e.g. the index pattern `http_logs_*,-http_logs_api-2023.01.01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// The status of a well-formed refusal by Elasticsearch itself: 403 tells of one who is there, 401 of a wrong password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Reason {
    pub fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, text: text.into(), accept: None, status: None }
    }

    #[must_use]
    pub fn accepted_by(mut self, exclusion: impl Into<String>) -> Self {
        self.accept = Some(exclusion.into());
        self
    }

    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

/// The kinds of not knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nobody answers: refused, no such host, TLS, hung, no master.
    Unreachable,
    /// It answers, but not to this question in time.
    Timeout,
    /// It answers, but refuses us: 401 or 403.
    Refused,
    /// It answers 429.
    Overloaded,
    /// It answers with another 5xx.
    Failing,
    /// Part of the answer is missing: shards, clusters, buckets, pages.
    Partial,
    /// What came is not an answer: HTML, cut off, too large, without what was asked for.
    Malformed,
    /// An index, a field or a node selector that nothing matches.
    Missing,
    /// Nothing new has arrived for too long.
    Lagging,
    /// The question itself is refused (400).
    Invalid,
    /// The engine has no such feature.
    Unsupported,
    /// A fault of ours (a panic in one evaluation).
    Fault,
}

impl Cause {
    /// Passes by itself: a windowed tick that failed so stays owed.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Unreachable | Self::Timeout | Self::Overloaded | Self::Failing)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Overloaded => "overloaded",
            Self::Failing => "failing",
            Self::Partial => "partial",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::Lagging => "lagging",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Fault => "fault",
        }
    }
}
