//! What a person is told about a colour.

use serde_json::Value;

use super::super::Advice;
use crate::model::{Number, Reading};

/// What is read of an allocation explanation; on a large cluster the whole is megabytes.
pub const EXPLAINED: &str = "index,shard,primary,allocate_explanation,unassigned_info.details,\
                             node_allocation_decisions.deciders";

/// Says only that two copies of a shard never share a node; how many copies that leaves without one is counted.
const SAME_SHARD: &str = "same_shard";

/// The index of an allocation explanation, and why in one line: `orders shard 0 (primary): node does not match …`.
///
/// `None` where it says no more than that every node has its copy already.
pub fn explained(answer: &Value) -> Option<(String, String)> {
    let index = answer.get("index")?.as_str()?;
    let shard = answer.get("shard")?.as_u64()?;
    let copy = if answer.get("primary")?.as_bool()? { "primary" } else { "replica" };
    let (mut whys, no_room) = deciders(answer);
    if whys.is_empty() && !no_room {
        whys.extend(answer.get("allocate_explanation").and_then(Value::as_str).map(str::to_owned));
    }
    whys.truncate(2);
    let failed = answer.pointer("/unassigned_info/details").and_then(Value::as_str).map(first_line);
    whys.extend(failed);
    if whys.is_empty() {
        return None;
    }
    Some((index.to_owned(), format!("{index} shard {shard} ({copy}): {}", whys.join("; "))))
}

/// What the deciders of all nodes say, each sentence once; what is said of most nodes first. And whether some node has a copy already.
fn deciders(answer: &Value) -> (Vec<String>, bool) {
    let mut no_room = false;
    let nodes = answer.get("node_allocation_decisions").and_then(Value::as_array);
    let mut said: Vec<(usize, String)> = Vec::new();
    for node in nodes.into_iter().flatten() {
        let deciders = node.get("deciders").and_then(Value::as_array);
        for decider in deciders.into_iter().flatten().filter(|decider| decider["decision"] != "YES") {
            if decider["decider"] == SAME_SHARD {
                no_room = true;
                continue;
            }
            let Some(text) = decider.get("explanation").and_then(Value::as_str) else { continue };
            match said.iter_mut().find(|(_, known)| known == text) {
                Some((times, _)) => *times += 1,
                None => said.push((1, text.to_owned())),
            }
        }
    }
    said.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
    (said.into_iter().map(|(_, text)| text).collect(), no_room)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

pub fn advise(reading: &Reading) -> Advice {
    let red = reading.value >= Number::Int(2);
    if reading.value <= Number::Int(0) {
        return Advice::default();
    }
    Advice { cause: Some(cause(reading, red)), next_step: Some(next_step(reading, red)) }
}

fn cause(reading: &Reading, red: bool) -> String {
    let facts = &reading.facts;
    let kinds: Vec<String> = KIND_WORDS
        .iter()
        .filter_map(|(kind, words)| Some(format!("{} {words}", Number::count(facts.count(kind)?))))
        .collect();
    let what = match facts.text("missing") {
        Some(missing) if !missing.starts_with("0 ") => format!("{missing} missing"),
        _ => "no index accounts for it".to_owned(),
    };
    let loss = if red { ", some of them primaries: their data cannot be read or written" } else { "" };
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let why = facts.text("explained").map(|why| format!("; {why}")).unwrap_or_default();
    format!("{what}{kinds}{loss}{why}")
}

const KIND_WORDS: [(&str, &str); 9] = [
    ("stuck", "that no node takes"),
    ("homeless", "that no data node is left for"),
    ("delayed", "waiting for a node that left"),
    ("frozen", "mounted from a snapshot"),
    ("restoring", "being restored"),
    ("recovering", "recovering"),
    ("newly_created", "newly created"),
    ("initializing", "initializing"),
    ("unassigned", "unassigned"),
];

fn next_step(reading: &Reading, red: bool) -> String {
    let has = |kind: &str| reading.facts.count(kind).is_some_and(|count| count > 0);
    let step = if has("stuck") {
        "mend what `GET _cluster/allocation/explain` names: often a full disk, an allocation filter or a lost copy"
    } else if has("delayed") {
        "bring the node back, or wait: the copies are rebuilt on other nodes after the index's delay"
    } else if has("frozen") {
        "see whether the snapshot repository can be reached"
    } else if ["restoring", "recovering", "newly_created", "initializing"].into_iter().any(has) {
        "wait: it is on its way; look at `GET _cat/recovery?active_only=true` if it does not move"
    } else if has("homeless") {
        return too_many_copies(reading.facts.count("data_nodes").unwrap_or(1));
    } else if red {
        "see `GET _cluster/health?level=indices` and bring back the nodes that held the missing primaries"
    } else {
        "see `GET _cluster/allocation/explain`"
    };
    step.to_owned()
}

fn too_many_copies(data_nodes: u64) -> String {
    let most = match data_nodes {
        0 | 1 => "0".to_owned(),
        more => format!("at most {}", more - 1),
    };
    format!(
        "add a data node, or set `number_of_replicas` of these indices to {most}: two copies of a shard never share a node"
    )
}
