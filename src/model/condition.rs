//! Thresholds: what a rule compares, and how a relative one becomes a number for one entity.

use serde::{Deserialize, Serialize};

use super::{Number, Reading, Unit};

/// A comparator. Equality belongs to exactly one side of each pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Op {
    pub fn holds(self, value: Number, bound: Number) -> bool {
        match self {
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
        }
    }

    /// Holds exactly where `self` does not.
    pub const fn complement(self) -> Self {
        match self {
            Self::Above => Self::AtMost,
            Self::AtLeast => Self::Below,
            Self::Below => Self::AtLeast,
            Self::AtMost => Self::Above,
        }
    }

    /// The same comparison seen from the other end of the scale: free space below is used space above.
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::AtLeast => Self::AtMost,
            Self::Below => Self::Above,
            Self::AtMost => Self::AtLeast,
        }
    }

    /// Whether larger values are worse.
    pub const fn points_up(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::AtLeast => "at least",
            Self::Below => "below",
            Self::AtMost => "at most",
        }
    }
}

/// What a reading is compared with. All but `Value` are resolved per entity, from the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// In the reading's own unit.
    Value(Number),
    /// A percentage of the reading's whole, where the reading itself is an amount (`5%` of the shard limit).
    Share(Number),
    /// An amount that is free of the whole, where the reading is how full it is in percent (`50GB` of a disk).
    Free(Number),
    /// A mark of the entity, e.g. `watermark.low`, less a margin.
    Mark { name: String, margin: Option<Margin> },
}

/// How far before a mark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    Percent(Number),
    Bytes(Number),
}

/// A comparison with a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    pub op: Op,
    pub bound: Bound,
}

impl Condition {
    pub const fn new(op: Op, bound: Bound) -> Self {
        Self { op, bound }
    }

    pub fn complement(&self) -> Self {
        Self { op: self.op.complement(), bound: self.bound.clone() }
    }

    /// The threshold as a number in the reading's unit; an error names what the reading lacks.
    pub fn resolve(&self, reading: &Reading) -> Result<Number, String> {
        match &self.bound {
            Bound::Value(number) => Ok(*number),
            Bound::Share(percent) => {
                let whole = whole(reading)?;
                number(whole * percent.as_f64() / 100.0)
            }
            Bound::Free(bytes) => {
                let whole = whole(reading)?;
                number(100.0 * (whole - bytes.as_f64()) / whole)
            }
            Bound::Mark { name, margin } => {
                let mark = reading.marks.get(name).ok_or_else(|| format!("`{name}` is not known here"))?;
                number(mark.as_f64() - margin_in_percent(*margin, reading)?)
            }
        }
    }

    /// As a rule would say it: `at least 85 %`.
    pub fn show(&self, unit: Unit) -> String {
        match &self.bound {
            Bound::Value(number) => format!("{} {}", self.op.words(), unit.show(*number)),
            Bound::Share(percent) => format!("{} {}", self.op.words(), Unit::Percent.show(*percent)),
            Bound::Free(bytes) => format!("{} {} free", self.op.mirrored().words(), Unit::Bytes.show(*bytes)),
            Bound::Mark { name, margin: None } => format!("{} {name}", self.op.words()),
            Bound::Mark { name, margin: Some(Margin::Percent(margin)) } => {
                format!("{} {name} - {}", self.op.words(), Unit::Percent.show(*margin))
            }
            Bound::Mark { name, margin: Some(Margin::Bytes(margin)) } => {
                format!("{} {name} - {}", self.op.words(), Unit::Bytes.show(*margin))
            }
        }
    }
}

fn margin_in_percent(margin: Option<Margin>, reading: &Reading) -> Result<f64, String> {
    match margin {
        None => Ok(0.0),
        Some(Margin::Percent(percent)) => Ok(percent.as_f64()),
        Some(Margin::Bytes(bytes)) => Ok(100.0 * bytes.as_f64() / whole(reading)?),
    }
}

fn whole(reading: &Reading) -> Result<f64, String> {
    let whole = reading.whole.map(Number::as_f64).filter(|whole| *whole > 0.0);
    whole.ok_or_else(|| "the size of the whole is not known here".to_owned())
}

fn number(value: f64) -> Result<Number, String> {
    Number::finite(value).ok_or_else(|| "the threshold is not a number here".to_owned())
}

/// What thresholds a kind of check understands. The rule files' parser asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// `yellow` or `red`, meaning "at least".
    Health,
    /// `unreachable`.
    Reachability,
    /// `strained` or `down`, meaning "at least".
    Condition,
    /// `down`.
    Liveness,
    /// Percent used; `< 50GB` is free space, `watermark.low` a mark.
    Fullness,
    /// Percent.
    Percent,
    /// An amount, or a percentage of its limit.
    Room(Unit),
    /// An amount.
    Amount(Unit),
    /// A factor: `3x`, `0.2x`.
    Factor,
}

impl Scale {
    pub const fn unit(self) -> Unit {
        match self {
            Self::Health => Unit::Health,
            Self::Reachability => Unit::Reachability,
            Self::Condition => Unit::Condition,
            Self::Liveness => Unit::Liveness,
            Self::Fullness | Self::Percent => Unit::Percent,
            Self::Room(unit) | Self::Amount(unit) => unit,
            Self::Factor => Unit::Factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(used: f64) -> Reading {
        Reading::new(Number::Float(used), Unit::Percent)
            .of_whole(Number::Int(1000 << 30))
            .mark("watermark.low", Number::Float(85.0))
    }

    #[test]
    fn equality_belongs_to_exactly_one_side() {
        for op in [Op::Above, Op::AtLeast, Op::Below, Op::AtMost] {
            for (value, bound) in [(1, 2), (2, 2), (3, 2)] {
                let (value, bound) = (Number::Int(value), Number::Int(bound));
                assert_ne!(op.holds(value, bound), op.complement().holds(value, bound));
            }
        }
    }

    #[test]
    fn free_space_becomes_fullness() {
        let below_50gb = Condition::new(Op::Above, Bound::Free(Number::Int(50 << 30)));
        assert_eq!(below_50gb.resolve(&disk(10.0)), Ok(Number::Float(95.0)));
        assert_eq!(below_50gb.show(Unit::Percent), "below 50 GB free");
    }

    #[test]
    fn a_margin_is_taken_off_its_mark_in_percent_or_in_bytes() {
        let mark =
            |margin| Condition::new(Op::AtLeast, Bound::Mark { name: "watermark.low".to_owned(), margin });
        assert_eq!(mark(Some(Margin::Percent(Number::Int(5)))).resolve(&disk(1.0)), Ok(Number::Float(80.0)));
        assert_eq!(
            mark(Some(Margin::Bytes(Number::Int(100 << 30)))).resolve(&disk(1.0)),
            Ok(Number::Float(75.0))
        );
    }

    #[test]
    fn a_threshold_that_cannot_be_resolved_is_an_error_and_not_a_number() {
        let bare = Reading::new(Number::Int(1), Unit::Percent);
        assert!(Condition::new(Op::Above, Bound::Free(Number::Int(1))).resolve(&bare).is_err());
    }
}
