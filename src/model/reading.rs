//! One number for one entity, with the facts that explain it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Number, Op, Unit};

/// The facts that explain a reading, in the order in which people should read them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(pub serde_json::Map<String, Value>);

impl Facts {
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(Value::as_u64)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One number for one entity, the facts that explain it, and what resolves relative thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub value: Number,
    pub unit: Unit,
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
    /// What 100 % is: bytes of the disk, the shard limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Number>,
    /// Named marks of this entity in the reading's unit, e.g. `watermark.low` → 85.0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, Number>,
    /// Where the true number may lie beyond the value: which side, and why that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// A value that is only a bound of the true number: it proves what the true number would prove as well, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub side: Side,
    /// One line, like that of a reason: `3 samples in 5m, fewer than 5`.
    pub why: String,
}

/// On which side of a value the true number may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It is the value, or more.
    AtLeast,
    /// It is the value, or less.
    AtMost,
}

impl Side {
    /// Whether a condition that holds for the value holds for every number on this side too.
    pub const fn proves(self, op: Op) -> bool {
        match self {
            Self::AtLeast => op.points_up(),
            Self::AtMost => !op.points_up(),
        }
    }
}

impl Reading {
    pub fn new(value: Number, unit: Unit) -> Self {
        Self { value, unit, facts: Facts::default(), whole: None, marks: BTreeMap::new(), limit: None }
    }

    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts = self.facts.with(name, value);
        self
    }

    /// The true number may lie on this side of the value; `why` says what is not known.
    #[must_use]
    pub fn only(mut self, side: Side, why: impl Into<String>) -> Self {
        self.limit = Some(Limit { side, why: why.into() });
        self
    }

    #[must_use]
    pub fn of_whole(mut self, whole: Number) -> Self {
        self.whole = Some(whole);
        self
    }

    #[must_use]
    pub fn mark(mut self, name: &str, value: Number) -> Self {
        self.marks.insert(name.to_owned(), value);
        self
    }
}
