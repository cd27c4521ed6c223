//! Alerts that come and go too often: told once that they do, then once that they settled.

use std::{collections::VecDeque, time::Duration};

use super::{Kind, Time, time::elapsed};

/// How often is too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// Firing and ending count one each.
    pub changes: u32,
    pub within: Duration,
    /// It settled when nothing changed for so long.
    pub settle: Duration,
}

impl Default for Flapping {
    fn default() -> Self {
        Self { changes: 5, within: Duration::from_secs(3600), settle: Duration::from_secs(1800) }
    }
}

/// The latest changes of one alert, and since when there are too many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flaps {
    recent: VecDeque<Time>,
    since: Option<Time>,
    /// The last change of the time in which it flapped, after it settled.
    settled: Option<Time>,
}

impl Flaps {
    /// Takes notice of a change. Only an alert that fires begins to flap: who is told that it does, is told that it fires.
    pub fn note(&mut self, policy: &Flapping, kind: Kind, at: Time) {
        if !matches!(kind, Kind::Fired | Kind::Resolved) {
            return;
        }
        if self.has_settled(policy, at) {
            *self = Self { settled: self.last(), ..Self::default() };
        }
        self.recent.push_back(at);
        while self.recent.len() > policy.changes as usize {
            self.recent.pop_front();
        }
        let many = self.recent.len() == policy.changes as usize;
        let first = self.recent.front().copied().unwrap_or(at);
        if kind == Kind::Fired && many && elapsed(first, at) <= policy.within && self.since.is_none() {
            self.since = Some(at);
        }
    }

    /// Since when it flaps, if it does at `now`.
    pub fn flaps_since(&self, policy: &Flapping, now: Time) -> Option<Time> {
        self.since.filter(|_| !self.has_settled(policy, now))
    }

    /// When it changed last while it flapped.
    pub fn quiet_since(&self) -> Option<Time> {
        if self.since.is_some() { self.last() } else { self.settled }
    }

    fn last(&self) -> Option<Time> {
        self.recent.back().copied()
    }

    /// Nothing of it matters any more.
    pub fn is_over(&self, policy: &Flapping, now: Time) -> bool {
        let old = |last| elapsed(last, now) > policy.within.max(policy.settle);
        self.last().is_none_or(old)
    }

    fn has_settled(&self, policy: &Flapping, now: Time) -> bool {
        self.since.is_some() && self.last().is_some_and(|last| elapsed(last, now) >= policy.settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    /// Fires and ends by turns at these minutes; since when it flaps then.
    fn flaps(minutes: &[i64], now: i64) -> Option<Time> {
        let (policy, mut flaps) = (Flapping::default(), Flaps::default());
        for (n, minute) in minutes.iter().enumerate() {
            flaps.note(&policy, if n % 2 == 0 { Kind::Fired } else { Kind::Resolved }, at(*minute));
            flaps.note(&policy, Kind::Raised, at(*minute));
        }
        flaps.flaps_since(&policy, at(now))
    }

    #[test]
    fn the_fifth_change_within_an_hour_is_too_many_and_the_fourth_is_not() {
        assert_eq!(flaps(&[0, 10, 20, 30], 30), None);
        assert_eq!(flaps(&[0, 10, 20, 30, 40], 40), Some(at(40)));
        assert_eq!(flaps(&[0, 20, 40, 60, 61], 61), None, "the first is more than an hour ago");
        assert_eq!(flaps(&[0, 20, 40, 50, 60], 60), Some(at(60)));
    }

    #[test]
    fn it_settles_when_nothing_changed_for_half_an_hour_and_then_counts_anew() {
        let quick = [0, 1, 2, 3, 4];
        assert_eq!(flaps(&quick, 33), Some(at(4)));
        assert_eq!(flaps(&quick, 34), None);
        assert_eq!(flaps(&[0, 1, 2, 3, 4, 5, 40], 40), None);
        let (policy, mut one) = (Flapping::default(), Flaps::default());
        for minute in quick {
            one.note(&policy, Kind::Fired, at(minute));
        }
        one.note(&policy, Kind::Fired, at(40));
        assert_eq!((one.quiet_since(), one.flaps_since(&policy, at(40))), (Some(at(4)), None));
        assert_eq!(flaps(&[0, 1, 2, 3, 4, 30, 59, 88], 90), Some(at(4)), "slower, but never quiet");
    }

    #[test]
    fn an_alert_that_ends_does_not_begin_to_flap() {
        let policy = Flapping { changes: 2, ..Flapping::default() };
        let mut flaps = Flaps::default();
        flaps.note(&policy, Kind::Fired, at(0));
        flaps.note(&policy, Kind::Resolved, at(1));
        assert_eq!(flaps.flaps_since(&policy, at(1)), None);
        flaps.note(&policy, Kind::Fired, at(2));
        assert_eq!(flaps.flaps_since(&policy, at(2)), Some(at(2)));
        assert!(!flaps.is_over(&policy, at(60)) && flaps.is_over(&policy, at(63)));
    }
}
