//! What can go wrong with the memory, in words.

use std::{path::PathBuf, sync::Arc};

use rusqlite::ErrorCode;

use crate::{config::RuleKey, model::Time};

/// Why the store cannot do as asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the store `{path}` is in use by another daemon\nhint: one store serves one daemon; `alerts`, `mute` and `check` work beside it"
    )]
    Locked { path: PathBuf },
    #[error("no store at `{path}`\nhint: the first `highwater run` makes it")]
    Missing { path: PathBuf },
    #[error(
        "the store `{path}` has schema {found}, this highwater knows up to {known}\nhint: run the version that wrote it, or a newer one"
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error(
        "the store `{path}` has schema {found}, this highwater reads {known}\nhint: start the daemon once, it brings the store forward"
    )]
    Older { path: PathBuf, found: u32, known: u32 },
    #[error("`{path}` is a database of something else\nhint: name a file of its own in `store.sqlite.path`")]
    Foreign { path: PathBuf },
    #[error("cannot {doing} `{path}`: {why}\nhint: the folder of the store must be writable by highwater")]
    File { doing: &'static str, path: PathBuf, why: String },
    #[error("the watermark of `{key}` would go back from {stored} to {given}", stored = show(.stored), given = show(.given))]
    WatermarkBack { key: RuleKey, stored: Option<Time>, given: Option<Time> },
    #[error("no delivery `{id}` waits for sink `{sink}`")]
    NoSuchDelivery { sink: String, id: String },
    #[error(
        "no dead letter `{id}` is there for sink `{sink}`\nhint: `highwater sinks dead {sink}` lists them"
    )]
    NoSuchLetter { sink: String, id: String },
    #[error("a value cannot be written: {0}")]
    Unwritable(String),
    #[error("the store is damaged: {0}")]
    Damaged(String),
    #[error("the store cannot work: {0}")]
    Sqlite(Arc<rusqlite::Error>),
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The place fails, not what was asked of it: full, unreadable, read-only, held by somebody else.
    pub(super) fn is_trouble(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::File { .. } => true,
            Self::Sqlite(error) => error.sqlite_error_code().is_some_and(|code| {
                !matches!(code, ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
            }),
            _ => false,
        }
    }

    /// The file may be whole, but there is no room to work on it.
    pub(super) fn is_want_of_room(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
    }

    /// What is in the file is not what was written.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sqlite(error) => {
                let code = error.sqlite_error_code();
                matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

fn show(time: &Option<Time>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.to_rfc3339())
}
