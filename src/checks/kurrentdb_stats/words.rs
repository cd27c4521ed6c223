//! What is behind a reading, and what to do about it.

use super::StatsMeasure;
use crate::{
    checks::Advice,
    model::{Entity, Reading},
};

pub(super) fn advise(measure: StatsMeasure, entity: &Entity, reading: &Reading) -> Advice {
    let node = entity.get("node").unwrap_or("a node");
    let shown = reading.unit.show(reading.value);
    let (cause, next_step) = match measure {
        StatsMeasure::Load => (
            format!("`{node}` has a load of {shown} per core"),
            "see what keeps it busy (projections, scavenges, subscriptions), or give it more cores",
        ),
        StatsMeasure::Memory => (
            format!("`{node}` uses {shown} of its memory"),
            "compare its cache settings with its size, see what else runs there, or give it more memory",
        ),
        StatsMeasure::Drive => (
            format!("drive `{}` of `{node}` is {shown} full", entity.get("drive").unwrap_or("?")),
            "remove data, run a scavenge, or make the drive larger",
        ),
        StatsMeasure::Value => (
            format!("`{}` of `{node}` is {shown}", reading.facts.text("stat").unwrap_or_default()),
            "compare it with the other nodes, and with what changed there",
        ),
    };
    Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
}
