//! When a sink may be asked next: its pace, and what the service said of when to come back. Each of the service's methods has its
//! own gate: a limit on one is no limit on another.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The gates of one sink, shared by its lanes.
#[derive(Clone, Debug)]
pub struct Gates {
    pace: Duration,
    by_method: Arc<Mutex<BTreeMap<&'static str, Gate>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gate {
    /// The end of what the last request takes of the pace.
    paced: Option<Instant>,
    /// The end of a service's `Retry-After`, which holds for all lanes from the instant it is read.
    quiet: Option<Instant>,
}

impl Gates {
    pub fn of(pace: Duration) -> Self {
        Self { pace, by_method: Arc::default() }
    }

    /// How long until `method` may be asked, if it may not be now.
    pub fn closed(&self, method: &str) -> Option<Duration> {
        let gate = self.lock().get(method).copied().unwrap_or_default();
        left(gate.paced).max(left(gate.quiet))
    }

    /// How long `method` is to be left alone, if it is.
    pub fn quiet(&self, method: &str) -> Option<Duration> {
        left(self.lock().get(method)?.quiet)
    }

    /// Takes the next place in the pace of `method`, if it may be asked now.
    pub fn pass(&self, method: &'static str) -> bool {
        let mut gates = self.lock();
        let gate = gates.entry(method).or_default();
        let open = left(gate.paced).max(left(gate.quiet)).is_none();
        if open {
            gate.paced = Some(Instant::now() + self.pace);
        }
        open
    }

    pub fn keep_quiet(&self, method: &'static str, at_least: Duration) {
        let mut gates = self.lock();
        let gate = gates.entry(method).or_default();
        gate.quiet = gate.quiet.max(Some(Instant::now() + at_least));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Gate>> {
        self.by_method.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left(until: Option<Instant>) -> Option<Duration> {
    until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_on_one_method_is_none_on_another_and_each_keeps_the_pace() {
        let minute = Duration::from_secs(60);
        let gates = Gates::of(minute);
        assert!(gates.pass("edit") && gates.pass("post"));
        assert!(!gates.pass("edit") && !gates.pass("post"));
        gates.keep_quiet("edit", 3 * minute);
        gates.keep_quiet("edit", 2 * minute);
        assert!(gates.quiet("edit").unwrap() > 2 * minute, "the longest holds");
        assert!(gates.closed("edit").unwrap() > 2 * minute);
        assert_eq!(gates.quiet("post"), None);
        assert!(gates.closed("post").unwrap() <= minute);
        let hasty = Gates::of(Duration::ZERO);
        assert!(hasty.pass("post") && hasty.pass("post"));
    }
}
