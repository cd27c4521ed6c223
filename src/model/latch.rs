//! One level's own small state machine.
//!
//! | state | breach | between | clear |
//! |---|---|---|---|
//! | inactive | pending (age 0), firing if that is `for` | inactive | inactive |
//! | pending | older by the step; firing when its age reaches `for` | inactive | inactive |
//! | firing | firing | firing | recovering (age 0), inactive if that is `recover_for` |
//! | recovering | firing | firing | older by the step; inactive when its age reaches `recover_for` |
//!
//! *Up* means firing or recovering. Looks that prove nothing are never shown to a latch, so they neither add to an age nor
//! discard one; a step adds the time since the latch's last determinate look, at most the tick's `reach`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LevelPolicy, Tick, Time, Verdict, time::millis};

/// One level's state. Inactive latches are not stored at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latch {
    #[default]
    Inactive,
    Pending(Age),
    Firing,
    Recovering(Age),
}

/// How long a latch has waited, and the determinate look that it was last shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    #[serde(with = "millis")]
    pub waited: Duration,
    pub seen: Time,
}

impl Age {
    const fn start(tick: Tick) -> Self {
        Self { waited: Duration::ZERO, seen: tick.at }
    }

    fn grown(self, tick: Tick) -> Self {
        // after a clock was set back, time goes on from there
        Self { waited: self.waited + tick.step_since(self.seen), seen: tick.at }
    }
}

impl Latch {
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering(_))
    }

    pub const fn is_inactive(self) -> bool {
        matches!(self, Self::Inactive)
    }

    /// One determinate look.
    #[must_use]
    pub fn step(self, policy: &LevelPolicy, verdict: Verdict, tick: Tick) -> Self {
        match (self, verdict) {
            (Self::Inactive, Verdict::Breach) => Self::pending(Age::start(tick), policy),
            (Self::Pending(age), Verdict::Breach) => Self::pending(age.grown(tick), policy),
            (Self::Inactive | Self::Pending(_), _) => Self::Inactive,
            (Self::Firing, Verdict::Clear) => Self::recovering(Age::start(tick), policy),
            (Self::Recovering(age), Verdict::Clear) => Self::recovering(age.grown(tick), policy),
            (Self::Firing | Self::Recovering(_), _) => Self::Firing,
        }
    }

    /// It fired, returned to firing or ended: what makes the latches below it take over.
    pub const fn hands_down(self, after: Self) -> bool {
        match (self, after) {
            (Self::Inactive | Self::Pending(_) | Self::Recovering(_), Self::Firing) => true,
            (before, Self::Inactive) => before.is_up(),
            _ => false,
        }
    }

    fn pending(age: Age, policy: &LevelPolicy) -> Self {
        if age.waited >= policy.fire_after { Self::Firing } else { Self::Pending(age) }
    }

    fn recovering(age: Age, policy: &LevelPolicy) -> Self {
        if age.waited >= policy.recover_after { Self::Inactive } else { Self::Recovering(age) }
    }
}
