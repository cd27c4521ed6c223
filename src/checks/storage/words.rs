//! What a person is told about a disk.

use super::super::Advice;
use crate::model::{Entity, Number, Reading, Unit};

pub fn advise(entity: &Entity, reading: &Reading) -> Advice {
    let node = entity.get("node").unwrap_or("the node");
    let bytes = |name: &str| {
        reading.facts.count(name).map(|bytes| Unit::Bytes.show(Number::count(bytes))).unwrap_or_default()
    };
    let path = reading.facts.text("path").map(|path| format!(" on `{path}`")).unwrap_or_default();
    let room = format!("{} of {} are free{path}", bytes("available_bytes"), bytes("total_bytes"));
    let (consequence, step) = consequence(reading);
    let step = match step {
        "" => format!("free space on {node}, or add a data node before its low watermark is reached"),
        step => format!("{step} on {node}: delete or move indices, or add a data node"),
    };
    Advice { cause: Some(format!("{room}{consequence}")), next_step: Some(step) }
}

/// What Elasticsearch does at the highest of its marks that is passed, and how urgent that makes it.
fn consequence(reading: &Reading) -> (&'static str, &'static str) {
    if reading.facts.get("watermarks_enforced").is_some() {
        return ("; the cluster ignores its watermarks, so nothing stops a full disk", "free space");
    }
    let above = |mark: &str| reading.marks.get(mark).is_some_and(|mark| reading.value > *mark);
    if above("watermark.flood_stage") {
        return ("; above the flood stage its indices are read-only", "free space at once");
    }
    if above("watermark.high") {
        return ("; above the high watermark shards are moved away from it", "free space soon");
    }
    if above("watermark.low") {
        return ("; above the low watermark it gets no new shards", "free space");
    }
    ("", "")
}
