//! One number for one entity, with the facts that explain it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Number, Unit};

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
}

impl Reading {
    pub fn new(value: Number, unit: Unit) -> Self {
        Self { value, unit, facts: Facts::default(), whole: None, marks: BTreeMap::new() }
    }

    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts = self.facts.with(name, value);
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
