//! How a command ends: its exit code, and the words where it did not do what was asked.

use std::{fmt, io, process::ExitCode};

use crate::{config::complaint::Complaints, store::StoreError};

/// What the exit codes mean. `check` adds its own: 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Fine = 0,
    /// `sinks test`: the service did not take it.
    No = 1,
    /// The command line asks for what there is not.
    Usage = 64,
    /// A fault of highwater's own.
    Fault = 70,
    /// Store, lock, port, or an output that cannot be written.
    Io = 74,
    /// Settings or rules that are wrong.
    Config = 78,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command stops before it did what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Fault(String),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Io(String),
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// Whoever read the output has gone away: nobody is left to tell.
    #[error("the reader of the output has gone")]
    Unheard,
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    Complaints(Complaints),
}

impl Stop {
    pub const fn code(&self) -> Code {
        match self {
            Self::Usage(_) => Code::Usage,
            Self::Fault(_) => Code::Fault,
            Self::Store(_) | Self::Io(_) | Self::Output(_) | Self::Unheard => Code::Io,
            Self::Config(_) | Self::Complaints(_) => Code::Config,
        }
    }

    /// `what` that is named on the command line is not known; the nearest names are.
    pub fn unknown<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut near: Vec<&str> = known.into_iter().collect();
        near.sort_by_cached_key(|name| distance(word, name));
        let all = near.len();
        near.truncate(3);
        let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        let hint = match all {
            0 => format!("there is no {what} at all"),
            1..=3 => format!("known are {}", names.join(", ")),
            _ => format!("the nearest are {}", names.join(", ")),
        };
        Self::Usage(format!("unknown {what} `{word}`\nhint: {hint}"))
    }
}

/// A name that holds the whole word is nearer than one that is spelt alike.
fn distance(word: &str, name: &str) -> (bool, usize) {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    (!name.contains(&word), strsim::damerau_levenshtein(&word, &name))
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Unheard } else { Self::Output(error) }
    }
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Self {
        Self::Fault("a text could not be composed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_ones() {
        let known =
            ["elasticsearch-storage", "elasticsearch-cluster-health", "http-5xx", "shard-capacity", "zzz"];
        let Stop::Usage(words) = Stop::unknown("rule", "storage", known) else { panic!("usage") };
        assert!(
            words.starts_with("unknown rule `storage`\nhint: the nearest are `elasticsearch-storage`"),
            "{words}"
        );
        let Stop::Usage(words) = Stop::unknown("rule", "htp-5xx", known) else { panic!("usage") };
        assert!(words.contains("nearest are `http-5xx`"), "{words}");
        let Stop::Usage(words) = Stop::unknown("sink", "x", []) else { panic!("usage") };
        assert!(words.ends_with("there is no sink at all"), "{words}");
    }

    #[test]
    fn a_reader_that_left_is_not_an_output_that_cannot_be_written() {
        assert!(matches!(Stop::from(io::Error::from(io::ErrorKind::BrokenPipe)), Stop::Unheard));
        assert!(matches!(Stop::from(io::Error::from(io::ErrorKind::StorageFull)), Stop::Output(_)));
    }
}
