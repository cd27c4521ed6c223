//! Whether anybody may have written beside us, without asking the database: it is asked every second otherwise, mostly for nothing.

use std::{
    fs, mem,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::place;
use crate::model::Time;

/// What is younger may be followed by something of the same time: file systems count in steps, some in two seconds.
const BLUR: Duration = Duration::from_secs(3);

/// The time of the file that every write goes to first, ours and others'.
#[derive(Debug, Default)]
pub(super) struct Traces {
    log: Option<PathBuf>,
    seen: Mutex<Option<SystemTime>>,
}

impl Traces {
    pub fn beside(store: &Path) -> Self {
        Self { log: Some(place::beside(store, "-wal")), seen: Mutex::default() }
    }

    /// In doubt, there are some.
    pub fn are_new(&self, now: Time) -> bool {
        let changed = self.log.as_ref().and_then(|log| fs::metadata(log).ok()?.modified().ok());
        let before = self.remember(changed);
        let Some(changed) = changed else { return true };
        let settled = now.signed_duration_since(Time::from(changed)).to_std().is_ok_and(|age| age > BLUR);
        before != Some(changed) || !settled
    }

    /// What was noticed was not read: it counts as new.
    pub fn forget(&self) {
        self.remember(None);
    }

    fn remember(&self, changed: Option<SystemTime>) -> Option<SystemTime> {
        mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(at: u64) -> (tempfile::TempDir, Traces, impl Fn(u64)) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("store.db-wal");
        fs::write(&log, "").unwrap();
        let touch = move |at| {
            let file = fs::File::options().write(true).open(&log).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        };
        touch(at);
        let traces = Traces::beside(&folder.path().join("store.db"));
        (folder, traces, touch)
    }

    fn at(seconds: i64) -> Time {
        Time::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn what_has_just_been_written_may_be_followed_by_more() {
        let (_folder, traces, touch) = written(100);
        assert!([100, 101, 103].map(at).into_iter().all(|now| traces.are_new(now)));
        assert!(!traces.are_new(at(104)));
        touch(104);
        assert!(traces.are_new(at(104)), "written again");
        assert!(!traces.are_new(at(1000)));
    }

    #[test]
    fn a_write_during_a_long_stall_is_seen_after_it() {
        let (_folder, traces, touch) = written(100);
        assert!(traces.are_new(at(200)) && !traces.are_new(at(201)));
        touch(210);
        assert!(traces.are_new(at(300)), "older than the blur, but not what was seen");
    }

    #[test]
    fn in_doubt_there_are_some() {
        let (folder, traces, _touch) = written(100);
        assert!(traces.are_new(at(200)) && !traces.are_new(at(201)));
        traces.forget();
        assert!(traces.are_new(at(202)) && !traces.are_new(at(203)));
        assert!(traces.are_new(at(50)), "a clock that was set back");
        fs::remove_file(folder.path().join("store.db-wal")).unwrap();
        assert!(traces.are_new(at(204)) && traces.are_new(at(205)));
        assert!(Traces::default().are_new(at(0)) && Traces::default().are_new(at(1)), "no file at all");
    }
}
