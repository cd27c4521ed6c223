//! Signs of life that others send: what is remembered of one heartbeat.

use std::time::Duration;

use super::{Time, time::elapsed};

/// What somebody says of himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// All is well, or a run has ended well.
    Alive,
    /// A run begins. That alone is no sign of life.
    Started,
    /// A run has failed.
    Failed,
}

/// The latest signs of one heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    pub alive: Option<Time>,
    /// The run that goes on.
    pub started: Option<Time>,
    /// Not yet followed by a good one.
    pub failed: Option<Time>,
    /// How long the last run took.
    pub took: Option<Duration>,
    /// Since when somebody listens without a break; `None` where that is not known.
    pub listening: Option<Time>,
}

impl Pings {
    /// After one more sign.
    #[must_use]
    pub fn after(mut self, sign: Sign, at: Time) -> Self {
        if sign == Sign::Started {
            self.started = Some(at);
            return self;
        }
        if let Some(started) = self.started.take() {
            self.took = Some(elapsed(started, at));
        }
        match sign {
            Sign::Alive => (self.alive, self.failed) = (Some(at), None),
            Sign::Failed | Sign::Started => self.failed = Some(at),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_run_takes_as_long_as_from_its_start_to_its_end_good_or_bad() {
        let run = Pings::default().after(Sign::Started, at(0));
        assert_eq!((run.alive, run.started), (None, Some(at(0))));
        let good = run.clone().after(Sign::Alive, at(90));
        assert_eq!((good.took, good.started), (Some(Duration::from_secs(90)), None));
        let bad = run.after(Sign::Failed, at(30));
        assert_eq!((bad.took, bad.failed, bad.alive), (Some(Duration::from_secs(30)), Some(at(30)), None));
    }

    #[test]
    fn only_a_good_sign_ends_a_failure() {
        let failed = Pings::default().after(Sign::Failed, at(0)).after(Sign::Started, at(1));
        assert_eq!(failed.failed, Some(at(0)));
        assert_eq!(failed.after(Sign::Alive, at(2)).failed, None);
    }
}
