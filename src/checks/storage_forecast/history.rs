//! What was recorded of each disk: evenly thinned, so that it is small whatever the schedule.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::super::Memory;
use crate::model::Time;

/// How many samples the whole history has.
const SAMPLES: u32 = 96;
/// How many disks are remembered; of more, the others are not foretold.
const DISKS: usize = 2000;
const MEGABYTE: u64 = 1 << 20;

/// By disk, the oldest sample first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(BTreeMap<String, Vec<Sample>>);

/// Seconds since the epoch, and megabytes used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample(i64, u64);

impl Sample {
    pub fn of(at: Time, used: u64) -> Self {
        Self(at.timestamp(), used / MEGABYTE)
    }

    /// Seconds and bytes.
    pub fn point(&self) -> (f64, f64) {
        (self.0 as f64, (self.1 * MEGABYTE) as f64)
    }
}

/// From the first to the last, in seconds.
pub fn length(samples: &[Sample]) -> u64 {
    match samples {
        [first, .., last] => last.0.abs_diff(first.0),
        _ => 0,
    }
}

impl History {
    /// What another version remembered in another form is forgotten.
    pub fn of(memory: &Memory) -> Self {
        serde_json::from_value(memory.0.clone()).unwrap_or_default()
    }

    /// `before`, if it cannot be written.
    pub fn into_memory(self, before: Memory) -> Memory {
        serde_json::to_value(self).map_or(before, Memory)
    }

    /// Adds a sample where the last is old enough, and gives all there are. One that is not after the last is not taken: the clock
    /// was set back.
    pub fn record(&mut self, disk: &str, sample: Sample, history: Duration) -> &[Sample] {
        if self.0.len() >= DISKS && !self.0.contains_key(disk) {
            return &[];
        }
        let samples = self.0.entry(disk.to_owned()).or_default();
        let apart = (history / SAMPLES).as_secs().cast_signed().max(1);
        if samples.last().is_none_or(|last| sample.0 - last.0 >= apart) {
            samples.push(sample);
        }
        samples
    }

    /// Nothing older than the history stays, and no disk of which nothing is left.
    pub fn forget_before(&mut self, now: Time, history: Duration) {
        let oldest = now.timestamp() - history.as_secs().cast_signed();
        for samples in self.0.values_mut() {
            samples.retain(|sample| sample.0 >= oldest);
        }
        self.0.retain(|_, samples| !samples.is_empty());
    }
}
