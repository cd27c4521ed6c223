//! What a rule wants judged: its levels, and what missing data means.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Condition, Level, Number, Reading, Unit, time::millis};

/// Everything that [`super::step()`] needs to know of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Ordered from the mildest to the worst; all point the same way.
    pub levels: Vec<LevelPolicy>,
    /// An entity that was asked about and has no number.
    pub no_data: Missing,
    /// An entity that is gone from an exhaustive answer.
    pub absent: Missing,
    /// Evaluation keeps failing.
    pub blind: BlindPolicy,
    /// The rule judges groups (`per:`) rather than one whole.
    pub grouped: bool,
    /// What its readings count.
    pub unit: Unit,
}

impl Policy {
    pub fn level(&self, level: Level) -> Option<&LevelPolicy> {
        self.levels.iter().find(|policy| policy.level == level)
    }

    /// Whether larger values are worse.
    pub fn points_up(&self) -> bool {
        self.levels.first().is_none_or(|level| level.when.op.points_up())
    }

    /// The reading of whoever a complete count does not name.
    pub fn none(&self) -> Reading {
        let none = Reading::new(Number::Int(0), self.unit);
        if self.unit == Unit::Documents { none.fact("documents", 0) } else { none }
    }

    /// A quiet entity has to be remembered only where its silence may fire.
    pub fn remembers_the_quiet(&self) -> bool {
        self.no_data.may_fire() || self.absent.may_fire()
    }
}

/// One level: its own threshold, clear threshold and `for`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelPolicy {
    pub level: Level,
    pub when: Condition,
    pub clear: Condition,
    #[serde(with = "millis")]
    pub fire_after: Duration,
    #[serde(with = "millis")]
    pub recover_after: Duration,
}

/// Which side of its thresholds a reading is on, for one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Breach,
    /// Between `clear` and `when`: nothing changes for who is up.
    Between,
    Clear,
}

impl LevelPolicy {
    /// The verdict, where the reading proves it: `None` for what a mere bound of the true number leaves open.
    pub fn prove(&self, reading: &Reading) -> Result<Option<Verdict>, String> {
        let verdict = self.judge(reading)?;
        let Some(limit) = &reading.limit else { return Ok(Some(verdict)) };
        let proven = match verdict {
            Verdict::Breach => limit.side.proves(self.when.op),
            Verdict::Clear => limit.side.proves(self.clear.op),
            Verdict::Between => false,
        };
        Ok(proven.then_some(verdict))
    }

    /// Breach wins where `when` and `clear` overlap once resolved.
    pub fn judge(&self, reading: &Reading) -> Result<Verdict, String> {
        if self.when.op.holds(reading.value, self.when.resolve(reading)?) {
            return Ok(Verdict::Breach);
        }
        let clear = self.clear.op.holds(reading.value, self.clear.resolve(reading)?);
        Ok(if clear { Verdict::Clear } else { Verdict::Between })
    }
}

/// What missing data means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// How long such looks change nothing; `None` is for ever.
    pub keep: Option<Duration>,
    /// What they mean after that.
    pub then: MissingThen,
    /// An entity that fires for being gone is forgotten after this long.
    pub forget: Option<Duration>,
}

/// What missing data means once it has been missing long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingThen {
    /// The alert ends, with the reason.
    Resolve,
    /// It is a breach of every level up to this one.
    Fire(Level),
}

impl Missing {
    /// Changes nothing, for ever.
    pub const KEEP: Self = Self { keep: None, then: MissingThen::Resolve, forget: None };

    pub const fn resolve() -> Self {
        Self { keep: Some(Duration::ZERO), then: MissingThen::Resolve, forget: None }
    }

    pub const fn fire(level: Level) -> Self {
        Self { keep: Some(Duration::ZERO), then: MissingThen::Fire(level), forget: None }
    }

    pub const fn keep_then(keep: Duration, then: MissingThen) -> Self {
        Self { keep: Some(keep), then, forget: None }
    }

    pub const fn may_fire(&self) -> bool {
        self.keep.is_some() && matches!(self.then, MissingThen::Fire(_))
    }
}

/// When a rule that cannot see says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindPolicy {
    #[serde(with = "millis")]
    pub after: Duration,
    pub level: Level,
}

impl Default for BlindPolicy {
    fn default() -> Self {
        Self { after: Duration::from_secs(300), level: Level::Warning }
    }
}
