//! Instants and the distances between them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A point in time; always UTC. Zones matter only to schedules and to what people read.
pub type Time = DateTime<Utc>;

/// A point of a rule's time grid: what `now` is for one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    pub at: Time,
    /// The most that one step between two determinate looks may add to an age, so that one stale breach never proves an hour.
    #[serde(with = "millis")]
    pub reach: Duration,
}

impl Tick {
    pub const fn new(at: Time, reach: Duration) -> Self {
        Self { at, reach }
    }

    /// What the step since the determinate look at `last` adds to an age.
    pub fn step_since(&self, last: Time) -> Duration {
        elapsed(last, self.at).min(self.reach)
    }
}

/// The time from `earlier` to `later`; zero if the clock went backwards.
pub fn elapsed(earlier: Time, later: Time) -> Duration {
    (later - earlier).to_std().unwrap_or_default()
}

/// The latest multiple of `step` since the epoch that is not after `at`.
pub fn floor_to(at: Time, step: Duration) -> Time {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let millis = at.timestamp_millis();
    DateTime::from_timestamp_millis(millis - millis.rem_euclid(step)).unwrap_or(at)
}

/// Durations as whole milliseconds, in stored state.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
