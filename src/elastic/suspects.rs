//! What is remembered of searches, so that merging them costs the cluster less and not more: which spoilt others' answers,
//! which match so many documents that they are cheaper alone, and how large a merged one may be.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::TimeDelta;

use super::sought::MOST_WEIGHT;
use crate::model::Time;

/// After so long a search is trusted again, and a merged one may be large again.
const KEEP: TimeDelta = TimeDelta::minutes(30);
const MOST: usize = 10_000;
const MOST_TOTALS: usize = 100_000;

/// Matching documents up to which a search is cheaper as a named filter of many. Alone it costs an engine some milliseconds and
/// little per document; as a filter among others it costs nothing but 0.2 to 0.8 µs per matching document.
pub(super) const SPARSE: u64 = 10_000;

/// What a search did to those that it travelled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspicion {
    /// A merged search failed for it: it is not merged.
    Spoils,
    /// A whole batch was refused for it: it travels alone.
    Breaks,
}

#[derive(Debug, Default)]
pub(super) struct Suspects {
    known: Mutex<HashMap<u64, (Suspicion, Time)>>,
    /// How many documents each search matched.
    totals: Mutex<HashMap<u64, u64>>,
    ease: Mutex<Option<(usize, Time)>>,
}

impl Suspects {
    pub fn of(&self, mark: u64, now: Time) -> Option<Suspicion> {
        let known = lock(&self.known);
        known.get(&mark).filter(|(_, at)| is_fresh(*at, now)).map(|(suspicion, _)| *suspicion)
    }

    pub fn note(&self, mark: u64, suspicion: Suspicion, now: Time) {
        let mut known = lock(&self.known);
        if known.len() >= MOST {
            known.retain(|_, (_, at)| is_fresh(*at, now));
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(mark, (suspicion, now));
    }

    /// How many documents it matched the last time; `None` where nobody knows yet.
    pub fn total(&self, mark: u64) -> Option<u64> {
        lock(&self.totals).get(&mark).copied()
    }

    pub fn note_total(&self, mark: u64, total: u64) {
        let mut totals = lock(&self.totals);
        if totals.len() >= MOST_TOTALS {
            totals.clear();
        }
        totals.insert(mark, total);
    }

    /// How much a merged search may weigh now.
    pub fn most_weight(&self, now: Time) -> usize {
        lock(&self.ease).filter(|(_, at)| is_fresh(*at, now)).map_or(MOST_WEIGHT, |(most, _)| most)
    }

    /// One of this weight was too much: half of it is the most for a while.
    pub fn ease(&self, weight: usize, now: Time) {
        let most = self.most_weight(now).min(weight / 2).max(1);
        *lock(&self.ease) = Some((most, now));
    }
}

fn is_fresh(at: Time, now: Time) -> bool {
    at <= now && now - at < KEEP
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Time {
        Time::from_timestamp(1_000_000 + minutes * 60, 0).unwrap()
    }

    #[test]
    fn a_suspect_is_trusted_again_after_a_while() {
        let suspects = Suspects::default();
        suspects.note(7, Suspicion::Spoils, at(0));
        assert_eq!(suspects.of(7, at(29)), Some(Suspicion::Spoils));
        assert_eq!((suspects.of(7, at(30)), suspects.of(8, at(0))), (None, None));
    }

    #[test]
    fn what_was_too_much_is_halved_until_it_is_not_and_grows_back() {
        let suspects = Suspects::default();
        assert_eq!(suspects.most_weight(at(0)), MOST_WEIGHT);
        suspects.ease(500, at(0));
        suspects.ease(250, at(1));
        assert_eq!((suspects.most_weight(at(30)), suspects.most_weight(at(31))), (125, MOST_WEIGHT));
        suspects.ease(1, at(40));
        assert_eq!(suspects.most_weight(at(40)), 1, "one search is always asked");
    }
}
