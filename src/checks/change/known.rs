//! The newest value of every entity, bounded, so that all of them fit into a row of the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    checks::Memory,
    model::{Entity, Time, identity},
};

/// As text.
const MOST_BYTES: usize = 1 << 20;
/// Values longer than this are known by their beginning and a hash.
const MOST_CHARS: usize = 160;

/// The values of one entity, by when they were last seen. Those of one instant are one state: a list, or several documents at once.
pub type States = BTreeMap<Time, BTreeSet<String>>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Known {
    mark: String,
    /// The end of the last look, in milliseconds.
    until: i64,
    /// By a hash of the entity.
    of: BTreeMap<String, Newest>,
}

/// Times are in milliseconds; the names are short because there are many.
#[derive(Debug, Serialize, Deserialize)]
struct Newest {
    #[serde(rename = "v")]
    value: String,
    #[serde(rename = "s")]
    seen: i64,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    changed: Option<Changed>,
}

/// The last change, while it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    pub before: String,
    pub after: String,
    /// How many other values there were.
    pub others: u64,
    /// When the new value was last seen in the look that found it.
    pub when: i64,
    /// The tick that found it.
    at: i64,
}

impl Known {
    /// `None` where nothing is remembered, or something else.
    pub fn read(memory: &Memory, mark: &str) -> Option<Self> {
        Self::deserialize(&memory.0).ok().filter(|known| known.mark == mark)
    }

    /// `None` where it is too much.
    pub fn write(&self, mark: &str, until: Time) -> Option<Memory> {
        let mut written = serde_json::to_value(self).ok()?;
        written["mark"] = mark.into();
        written["until"] = until.timestamp_millis().into();
        (written.to_string().len() <= MOST_BYTES).then_some(Memory(written))
    }

    /// Where the last look ended.
    pub fn until(&self) -> Option<Time> {
        Time::from_timestamp_millis(self.until)
    }

    pub fn len(&self) -> usize {
        self.of.len()
    }

    pub fn changed(&self, entity: &Entity) -> Option<&Changed> {
        self.of.get(&name(entity))?.changed.as_ref()
    }

    pub fn value(&self, entity: &Entity) -> &str {
        self.of.get(&name(entity)).map_or("", |newest| newest.value.as_str())
    }

    /// Entities without a document for so long start anew.
    pub fn forget(&mut self, now: Time, within: Duration) {
        let oldest = (now - within).timestamp_millis();
        self.of.retain(|_, newest| newest.seen >= oldest);
    }

    /// Takes up what is newer than what was judged.
    pub fn see(&mut self, entity: &Entity, states: States, now: Time) {
        let name = name(entity);
        let known = self.of.remove(&name);
        let seen = known.as_ref().map_or(i64::MIN, |newest| newest.seen);
        let newer = states.into_iter().map(|(at, values)| (at.timestamp_millis(), joined(&values)));
        let mut newer = newer.filter(|(at, _)| *at > seen).peekable();
        let known = known.or_else(|| {
            let (seen, value) = newer.next()?;
            Some(Newest { value, seen, changed: None })
        });
        let Some(mut newest) = known else { return };
        let before = newest.value.clone();
        let mut others = 0;
        for (at, value) in newer {
            others += u64::from(value != before);
            (newest.seen, newest.value) = (at, value);
        }
        if others > 0 {
            let (after, when) = (newest.value.clone(), newest.seen);
            newest.changed = Some(Changed { before, after, others, when, at: now.timestamp_millis() });
        }
        self.of.insert(name, newest);
    }

    /// A change that has stood for so long is told no more.
    pub fn settle(&mut self, entity: &Entity, now: Time, window: Duration) {
        let Some(newest) = self.of.get_mut(&name(entity)) else { return };
        let held = |changed: &mut Changed| changed.at > (now - window).timestamp_millis();
        newest.changed.take_if(|changed| !held(changed));
    }
}

fn name(entity: &Entity) -> String {
    format!("{:016x}", identity::spread(&[&entity.canonical()]))
}

fn joined(values: &BTreeSet<String>) -> String {
    shortened(values.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// Short values as they are; of long ones what tells them apart.
pub fn shortened(value: String) -> String {
    if value.chars().count() <= MOST_CHARS {
        return value;
    }
    let begin: String = value.chars().take(MOST_CHARS - 20).collect();
    format!("{begin}… #{:016x}", identity::spread(&[&value]))
}
