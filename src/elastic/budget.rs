//! How many retries a cluster has to bear.

use std::{collections::VecDeque, sync::Mutex};

use chrono::TimeDelta;

use crate::model::Time;

/// Retries in a minute that are always allowed, so that a quiet cluster gets some too.
const FLOOR: u32 = 3;
/// One retry for so many requests.
const REQUESTS_PER_RETRY: u32 = 10;
const SPAN: TimeDelta = TimeDelta::seconds(60);

/// Requests and retries of the last minute, by the second.
#[derive(Debug, Default)]
pub(super) struct Budget {
    seconds: Mutex<VecDeque<Second>>,
}

#[derive(Debug)]
struct Second {
    at: Time,
    requests: u32,
    retries: u32,
}

impl Budget {
    pub fn note_request(&self, now: Time) {
        self.with(now, |seconds| current(seconds, now).requests += 1);
    }

    /// Takes one retry, where one is left.
    pub fn take_retry(&self, now: Time) -> bool {
        self.with(now, |seconds| {
            let requests: u32 = seconds.iter().map(|second| second.requests).sum();
            let retries: u32 = seconds.iter().map(|second| second.retries).sum();
            let left = retries < FLOOR.max(requests / REQUESTS_PER_RETRY);
            if left {
                current(seconds, now).retries += 1;
            }
            left
        })
    }

    fn with<T>(&self, now: Time, act: impl FnOnce(&mut VecDeque<Second>) -> T) -> T {
        let mut seconds = self.seconds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // What lies in the future was written before the clock went backwards.
        seconds.retain(|second| second.at <= now && now - second.at < SPAN);
        act(&mut seconds)
    }
}

fn current(seconds: &mut VecDeque<Second>, now: Time) -> &mut Second {
    let fresh = seconds.back().is_none_or(|last| now - last.at >= TimeDelta::seconds(1));
    if fresh {
        seconds.push_back(Second { at: now, requests: 0, retries: 0 });
    }
    let last = seconds.len() - 1;
    &mut seconds[last]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn retries_stay_below_a_tenth_of_the_requests_of_a_minute() {
        let budget = Budget::default();
        let mut retries = 0;
        for second in 0..50 {
            for _ in 0..20 {
                budget.note_request(at(second));
                retries += u32::from(budget.take_retry(at(second)));
            }
        }
        assert_eq!(retries, 100);
    }

    #[test]
    fn a_quiet_cluster_gets_a_few_and_they_come_back_after_a_minute() {
        let budget = Budget::default();
        budget.note_request(at(0));
        let taken = (0..10).filter(|_| budget.take_retry(at(0))).count();
        assert_eq!(taken, 3);
        assert!(!budget.take_retry(at(59)));
        assert!(budget.take_retry(at(60)));
    }

    #[test]
    fn a_clock_that_goes_backwards_does_not_hold_retries_back() {
        let budget = Budget::default();
        while budget.take_retry(at(1000)) {}
        assert!(budget.take_retry(at(0)));
    }
}
