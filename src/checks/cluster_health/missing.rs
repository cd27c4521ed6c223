//! What kind of missing: a shard that is on its way needs patience, one that nobody takes needs a hand.

use globset::GlobSet;
use serde_json::Value;

use super::super::Look;
use crate::model::{
    Time,
    query::{Call, Proof, Query},
    time::elapsed,
};

/// Kinds, in the order in which people should read them.
const KINDS: [&str; 7] =
    ["stuck", "homeless", "delayed", "frozen", "restoring", "recovering", "newly_created"];

/// An unassigned shard that waits no longer than this may still be on its way.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

pub fn query() -> Query {
    let shard = "routing_table.indices.*.shards.*";
    let fields = ["state", "primary", "recovery_source.type", "unassigned_info"];
    let path: Vec<String> = fields.iter().map(|field| format!("{shard}.{field}")).collect();
    let call = Call::get("/_cluster/state/routing_table", Proof::Whole);
    Query::call(call.with("filter_path", path.join(",")))
}

/// How many shards are missing, of which kind. Every missing shard is of exactly one.
///
/// Two copies of a shard never share a node: what is left when each of the `data_nodes` has one is homeless.
pub fn kinds(routing: &Value, look: &Look, ignored: &GlobSet, data_nodes: u64) -> Vec<(&'static str, u64)> {
    let mut counts = [0_u64; KINDS.len()];
    let indices = routing.pointer("/routing_table/indices").and_then(Value::as_object);
    for (name, index) in indices.into_iter().flatten().filter(|(name, _)| !ignored.is_match(name)) {
        let shards = index.get("shards").and_then(Value::as_object);
        for copies in shards.into_iter().flatten().filter_map(|(_, copies)| copies.as_array()) {
            for kind in of_one_shard(name, copies, look.window.end, data_nodes) {
                if let Some(at) = KINDS.iter().position(|known| *known == kind) {
                    counts[at] += 1;
                }
            }
        }
    }
    KINDS.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
}

fn of_one_shard(index: &str, copies: &[Value], now: Time, data_nodes: u64) -> Vec<&'static str> {
    let placed = copies.iter().filter(|copy| copy["state"] != "UNASSIGNED").count() as u64;
    let mut room = data_nodes.saturating_sub(placed);
    let mut kinds = Vec::new();
    for copy in copies {
        let Some(kind) = kind(index, copy, now) else { continue };
        let waits = copy["state"] == "UNASSIGNED" && kind != "delayed";
        if waits && room == 0 && copy["primary"] == false {
            kinds.push("homeless");
            continue;
        }
        room = room.saturating_sub(u64::from(waits));
        kinds.push(kind);
    }
    kinds
}

fn kind(index: &str, copy: &Value, now: Time) -> Option<&'static str> {
    let word = |pointer: &str| copy.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (state, source) = (word("/state"), word("/recovery_source/type"));
    if !matches!(state, "UNASSIGNED" | "INITIALIZING") {
        return None;
    }
    if index.starts_with("partial-") {
        return Some("frozen");
    }
    let (reason, status) = (word("/unassigned_info/reason"), word("/unassigned_info/allocation_status"));
    let restoring = source == "SNAPSHOT" || reason.ends_with("_RESTORED");
    let created = reason == "INDEX_CREATED";
    let on_its_way = if restoring {
        "restoring"
    } else if created {
        "newly_created"
    } else {
        "recovering"
    };
    if state == "INITIALIZING" {
        return Some(on_its_way);
    }
    if copy.pointer("/unassigned_info/delayed") == Some(&Value::Bool(true)) {
        return Some("delayed");
    }
    Some(match status {
        "deciders_no" | "no_valid_shard_copy" => "stuck",
        "deciders_throttled" | "fetching_shard_data" => on_its_way,
        _ if waits_long(word("/unassigned_info/at"), now) => "stuck",
        _ => on_its_way,
    })
}

fn waits_long(since: &str, now: Time) -> bool {
    since.parse::<Time>().is_ok_and(|since| elapsed(since, now) >= PATIENCE)
}
