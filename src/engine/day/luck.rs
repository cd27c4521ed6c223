//! Chance with a seed, and spells of trouble.

use super::truth::{DAY, Milli, SECOND};

/// From `from` (inclusive) to `to` (exclusive).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spell {
    pub from: Milli,
    pub to: Milli,
}

impl Spell {
    pub fn holds(self, at: Milli) -> bool {
        (self.from..self.to).contains(&at)
    }
}

pub fn is_in(spells: &[Spell], at: Milli) -> bool {
    spells.iter().any(|spell| spell.holds(at))
}

pub struct Luck(fastrand::Rng);

impl Luck {
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A number of `from..to`.
    pub fn pick(&mut self, from: i64, to: i64) -> i64 {
        self.0.i64(from..to)
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.usize(..all.len())]
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    /// Whole seconds, for the edges of windows and of schedules have to be met.
    pub fn seconds(&mut self, from: i64, to: i64) -> Milli {
        self.pick(from, to) * SECOND
    }

    /// A spell of so many seconds that begins within an hour of the day.
    pub fn in_hour(&mut self, hour: i64, (shortest, longest): (i64, i64)) -> Spell {
        let from = hour * 3600 * SECOND + self.seconds(0, 3600);
        Spell { from, to: from + self.seconds(shortest, longest) }
    }

    /// Spells over the whole day that do not touch: `apart` and `long` are seconds, from and to.
    pub fn spells(&mut self, apart: (i64, i64), long: (i64, i64)) -> Vec<Spell> {
        let mut spells = Vec::new();
        let mut at = self.seconds(apart.0, apart.1);
        while at < DAY {
            let to = at + self.seconds(long.0, long.1);
            spells.push(Spell { from: at, to });
            at = to + self.seconds(apart.0, apart.1);
        }
        spells
    }
}
