//! How often an alert fired before, and for how long: one that comes every night is read otherwise than one that never came.

use std::{collections::VecDeque, time::Duration};

use super::{Time, span, time::elapsed};

/// What is older is forgotten.
pub const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);
/// More episodes of one alert are not counted.
const MOST: usize = 100;

/// The ended episodes of one alert, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precedent {
    ended: VecDeque<(Time, Duration)>,
}

impl Precedent {
    /// Takes notice of an episode from `since` to `at`.
    pub fn note(&mut self, since: Time, at: Time) {
        self.ended.push_back((at, elapsed(since, at)));
        while self.ended.len() > MOST || self.ended.front().is_some_and(|(end, _)| is_old(*end, at)) {
            self.ended.pop_front();
        }
    }

    /// Nothing of it counts any more.
    pub fn is_over(&self, now: Time) -> bool {
        self.ended.back().is_none_or(|(end, _)| is_old(*end, now))
    }

    /// `7th time in 30 days, median 14m`, said of an alert that fires at `now`; of the first one nothing.
    pub fn words(&self, now: Time) -> Option<String> {
        let recent = self.ended.iter().filter(|(end, _)| !is_old(*end, now));
        let mut lasted: Vec<Duration> = recent.map(|(_, lasted)| *lasted).collect();
        lasted.sort_unstable();
        let median = *lasted.get(lasted.len().checked_sub(1)? / 2)?;
        let times = match lasted.len() {
            MOST.. => format!("more than {MOST} times"),
            before => format!("{} time", ordinal(before + 1)),
        };
        Some(format!("{times} in 30 days, median {}", span::show(median)))
    }
}

fn is_old(end: Time, now: Time) -> bool {
    elapsed(end, now) > REMEMBERED
}

fn ordinal(n: usize) -> String {
    let ending = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    #[test]
    fn the_first_time_has_no_precedent_and_later_ones_count_what_is_over() {
        let mut precedent = Precedent::default();
        assert_eq!(precedent.words(at(0)), None);
        for (begin, length) in [(0, 5), (100, 14), (200, 60)] {
            precedent.note(at(begin), at(begin + length));
        }
        assert_eq!(precedent.words(at(300)).unwrap(), "4th time in 30 days, median 14m");
        let month = 30 * 24 * 60;
        assert_eq!(precedent.words(at(month + 50)).unwrap(), "3rd time in 30 days, median 14m");
        assert_eq!(precedent.words(at(month + 261)), None);
        assert!(precedent.is_over(at(month + 261)) && !precedent.is_over(at(month + 260)));
    }

    #[test]
    fn very_many_are_not_counted_to_the_last() {
        let mut precedent = Precedent::default();
        for n in 0..150 {
            precedent.note(at(10 * n), at(10 * n + 3));
        }
        assert_eq!(precedent.words(at(1500)).unwrap(), "more than 100 times in 30 days, median 3m");
    }

    #[test]
    fn ordinals_are_english() {
        let words = [2, 3, 4, 11, 12, 13, 21, 22, 100].map(ordinal);
        assert_eq!(words, ["2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "100th"]);
    }
}
