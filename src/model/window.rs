//! The span of time that one look is about.

use std::time::Duration;

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
        Self { start: end - length, end }
    }

    /// The same back to where the last look ended, so that nothing between two looks is missed; at most `most` in all.
    #[must_use]
    pub fn reaching_back_to(self, until: Option<Time>, most: Duration) -> Self {
        let until = until.map_or(self.start, |until| until.max(self.end - most));
        Self { start: self.start.min(until), end: self.end }
    }
}
