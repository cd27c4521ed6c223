//! Coming and going too often, said from all that ever became of one alert: nothing is remembered from look to look.

use super::truth::Milli;

/// How many changes within how long are too many, and for how long there is none when it settled.
#[derive(Clone, Copy, Debug)]
pub struct TooOften {
    pub changes: usize,
    pub within: Milli,
    pub settle: Milli,
}

/// When it fired and when it ended, in their order.
#[derive(Default)]
pub struct Story(Vec<(Milli, bool)>);

impl Story {
    pub fn fires(&mut self, at: Milli) {
        self.0.push((at, true));
    }

    pub fn ends(&mut self, at: Milli) {
        self.0.push((at, false));
    }

    /// Whether it comes and goes too often: since a firing that was one change too many, and until nothing came for long enough. What
    /// was before that counts no more.
    pub fn is_restless(&self, limit: &TooOften, now: Milli) -> bool {
        let (mut first, mut restless) = (0, false);
        for (n, (at, fires)) in self.0.iter().enumerate() {
            if restless && at - self.0[n - 1].0 >= limit.settle {
                (first, restless) = (n, false);
            }
            let counted = &self.0[first..=n];
            let oldest = counted.len().checked_sub(limit.changes).map(|skipped| counted[skipped].0);
            restless |= *fires && oldest.is_some_and(|oldest| at - oldest <= limit.within);
        }
        restless && now < self.settles(limit)
    }

    /// When nothing will have come for long enough, if nothing comes.
    pub fn settles(&self, limit: &TooOften) -> Milli {
        self.0.last().map_or(Milli::MIN, |(last, _)| last + limit.settle)
    }
}
