use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Asked, Belated, Destination, Events, Message, Sink, Verdict, webhook, written};
use crate::model::{
    amount::Bytes,
    notification::{Delivery, Handle},
};

/// JSON lines in a file: one line per notification, the body of the `webhook` sink.
///
/// Each line is written whole. A file that would grow beyond `rotate` is synced to disk and becomes `path.1`, that one `path.2`, up
/// to `keep`. A file that somebody else moved away (`logrotate`) is begun anew. A line may come twice after a crash, with the same
/// `notification_id`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// From the working directory. Folders that are missing are made.
    pub path: PathBuf,
    /// The most that the file may hold before it is rotated. A line that is longer has a file of its own.
    #[serde(default = "hundred_megabytes")]
    pub rotate: Bytes,
    /// How many rotated files are kept.
    #[serde(default = "five")]
    pub keep: u32,
}

/// A file of lines, and when it is rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    pub path: PathBuf,
    pub rotate: u64,
    pub keep: u32,
}

const fn hundred_megabytes() -> Bytes {
    Bytes::megabytes(100)
}

const fn five() -> u32 {
    5
}

impl File {
    pub const EXAMPLE: &str = "file: { path: var/alerts.jsonl, rotate: 100MB, keep: 5 }";
}

impl Sink for File {
    fn destination(&self) -> Destination {
        Destination::File(Journal { path: self.path.clone(), rotate: self.rotate.0, keep: self.keep })
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        Message::Line(webhook::lines(&delivery.notification))
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        Message::Line(webhook::lines(&webhook::plain(&delivery.notification)))
    }

    fn events(&self) -> Events {
        Events::Together
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        written(answer)
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.path.file_name().is_none() {
            complaints.push("`path` names no file; write one like `var/alerts.jsonl`".to_owned());
        }
        if self.rotate.0 == 0 {
            complaints.push("`rotate` has to be more than nothing; write one like `100MB`".to_owned());
        }
        if !(1..=1000).contains(&self.keep) {
            complaints.push("`keep` has to be from 1 to 1000".to_owned());
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(yaml: &str) -> Vec<String> {
        serde_saphyr::from_str::<File>(yaml).unwrap().complaints()
    }

    #[test]
    fn a_file_that_cannot_be_rotated_is_told_when_loaded() {
        assert_eq!(complaints("{ path: a }"), Vec::<String>::new());
        assert!(complaints("{ path: a, keep: 0 }")[0].contains("`keep`"));
        assert!(complaints("{ path: a, rotate: 0B }")[0].contains("`rotate`"));
        assert!(complaints("{ path: / }")[0].contains("`path`"));
        let error = serde_saphyr::from_str::<File>("{ path: a, rotate: 100 }").unwrap_err();
        assert!(error.to_string().contains("`100` has no unit"), "{error}");
    }
}
