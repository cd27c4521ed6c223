//! The span of time that one look is about.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;

/// From `start` (inclusive) to `end` (exclusive). The end is exactly the tick, so a look can be repeated later with the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    pub start: Time,
    pub end: Time,
}

impl Window {
    pub fn ending(end: Time, length: Duration) -> Self {
        let start = TimeDelta::from_std(length).ok().and_then(|length| end.checked_sub_signed(length));
        Self { start: start.unwrap_or(Time::UNIX_EPOCH), end }
    }

    /// The same back to where the last look ended, so that nothing between two looks is missed; at most `most` in all.
    #[must_use]
    pub fn reaching_back_to(self, until: Option<Time>, most: Duration) -> Self {
        let until = until.map_or(self.start, |until| until.max(self.end - most));
        Self { start: self.start.min(until), end: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::at;

    #[test]
    fn a_length_beyond_all_calendars_begins_with_the_epoch() {
        let window = Window::ending(at(9, 30), Duration::from_secs(900));
        assert_eq!(window.start, at(9, 15));
        for length in [Duration::MAX, Duration::from_secs(100_000_000 * 86_400)] {
            assert_eq!(Window::ending(at(9, 30), length).start, Time::UNIX_EPOCH);
        }
    }
}
