//! The values that were seen, packed: 16 characters for each, so that all of them fit into a row of the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    checks::Memory,
    model::{Entity, Time, identity, time::elapsed},
};

/// Values that are remembered; one that counts as new takes two places. All of them make less than 1 MiB.
pub const MOST: usize = 60_000;
/// A value and a time: eight bytes and four.
const PLACE: usize = 12;

/// What was seen when. Values are known by 64 bits of a hash: among 60,000 of them, two alike are not to be expected.
#[derive(Debug, Default)]
pub struct Known {
    /// When the newest document with it was written, in seconds.
    seen: BTreeMap<u64, u32>,
    /// Which of them count as new, and since which tick.
    new: BTreeMap<u64, u32>,
    until: Option<Time>,
    /// Nothing is new against nothing.
    pub learns: bool,
}

#[derive(Serialize, Deserialize)]
struct Written {
    mark: String,
    /// The end of the last look, in milliseconds.
    until: i64,
    seen: String,
    new: String,
}

impl Known {
    /// `None` where nothing is remembered, or something else.
    pub fn read(memory: &Memory, mark: &str) -> Option<Self> {
        let written = Written::deserialize(&memory.0).ok().filter(|written| written.mark == mark)?;
        let until = Some(Time::from_timestamp_millis(written.until)?);
        Some(Self { seen: unpack(&written.seen)?, new: unpack(&written.new)?, until, learns: false })
    }

    /// `None` where there are too many.
    pub fn write(&self, mark: &str, until: Time) -> Option<Memory> {
        if self.seen.len() + self.new.len() > MOST {
            return None;
        }
        let (seen, new) = (pack(&self.seen), pack(&self.new));
        let written = Written { mark: mark.to_owned(), until: until.timestamp_millis(), seen, new };
        serde_json::to_value(written).ok().map(Memory)
    }

    /// Where the last look ended.
    pub fn until(&self) -> Option<Time> {
        self.until
    }

    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Values without a document for as long as the history are new again.
    pub fn forget(&mut self, now: Time, history: Duration) {
        let oldest = seconds(now - history);
        self.seen.retain(|_, seen| *seen >= oldest);
    }

    /// What the window does not hold any more is new no more.
    pub fn keep_new_only<'a>(&mut self, held: impl Iterator<Item = &'a Entity>) {
        if self.new.is_empty() {
            return;
        }
        let held: BTreeSet<u64> = held.map(name).collect();
        self.new.retain(|name, _| held.contains(name));
    }

    /// Whether it was never seen before, or so lately that it still counts as new.
    pub fn is_new(&mut self, entity: &Entity, now: Time, known_after: Duration) -> bool {
        let name = name(entity);
        if self.learns {
            return false;
        }
        if !self.seen.contains_key(&name) {
            self.new.insert(name, seconds(now));
            return true;
        }
        let Some(since) = self.new.get(&name) else { return false };
        let since = Time::from_timestamp(i64::from(*since), 0).unwrap_or(now);
        if elapsed(since, now) < known_after {
            return true;
        }
        self.new.remove(&name);
        false
    }

    pub fn see(&mut self, entity: &Entity, newest: Time) {
        let newest = seconds(newest);
        let seen = self.seen.entry(name(entity)).or_insert(newest);
        *seen = newest.max(*seen);
    }
}

fn name(entity: &Entity) -> u64 {
    identity::spread(&[&entity.canonical()])
}

fn seconds(time: Time) -> u32 {
    u32::try_from(time.timestamp().max(0)).unwrap_or(u32::MAX)
}

fn pack(places: &BTreeMap<u64, u32>) -> String {
    let mut bytes = Vec::with_capacity(places.len() * PLACE);
    for (name, time) in places {
        bytes.extend(name.to_be_bytes());
        bytes.extend(time.to_be_bytes());
    }
    STANDARD_NO_PAD.encode(bytes)
}

fn unpack(text: &str) -> Option<BTreeMap<u64, u32>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok().filter(|bytes| bytes.len().is_multiple_of(PLACE))?;
    let mut places = BTreeMap::new();
    for place in bytes.chunks_exact(PLACE) {
        let (name, time) = place.split_first_chunk::<8>()?;
        places.insert(u64::from_be_bytes(*name), u32::from_be_bytes(time.try_into().ok()?));
    }
    Some(places)
}
