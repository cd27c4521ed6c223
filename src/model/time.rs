//! Instants and the distances between them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
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
    /// Which time it is that ticks like this one come: see [`Course`].
    #[serde(default)]
    pub round: u32,
}

impl Tick {
    pub const fn new(at: Time, reach: Duration) -> Self {
        Self { at, reach, round: 0 }
    }

    /// When an episode begins that begins now. A tick that comes again is later by a nanosecond each time, so that its episode is not
    /// taken for the one of before.
    pub fn breach(&self) -> Time {
        self.at + TimeDelta::nanoseconds(i64::from(self.round % 1_000_000))
    }

    /// What the step since the determinate look at `last` adds to an age.
    pub fn step_since(&self, last: Time) -> Duration {
        elapsed(last, self.at).min(self.reach)
    }
}

/// On which ticks the episodes of a rule began: a clock that is set back brings some of them again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The tick on which the newest episode began.
    pub last: Option<Time>,
    /// How often one began on an earlier tick than the one before it, or on the same.
    pub round: u32,
}

impl Course {
    /// The tick as one of its round, and what is known after an episode that begins on it.
    #[must_use]
    pub fn through(self, tick: Tick) -> (Self, Tick) {
        let again = self.last.is_some_and(|last| tick.at <= last);
        let round = self.round.wrapping_add(u32::from(again));
        (Self { last: Some(tick.at), round }, Tick { round, ..tick })
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
