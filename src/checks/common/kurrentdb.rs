//! What is common to all questions to the nodes of a KurrentDB or EventStoreDB cluster.

use serde_json::Value;

use super::service::{Way, complaint_about_url, fetched};
use crate::model::{
    Reason,
    fetch::host_of,
    query::{Query, Response},
    secret::{Part, Secret},
};

/// The word that stands in the place of a cluster's name.
pub fn name() -> String {
    "kurrentdb".to_owned()
}

/// More than any cluster has.
const MOST_NODES: usize = 32;

/// `host:port` of a node; its number where its host is a reference.
pub fn node_name(nodes: &[Secret], at: usize) -> String {
    let host = nodes.get(at).and_then(host_of);
    host.unwrap_or_else(|| format!("node {}", at + 1))
}

/// The same question to every node, in their order.
pub fn ask_all(way: Way<'_>, nodes: &[Secret], path: &str) -> Vec<Query> {
    let url = |node: &Secret| {
        let mut parts = node.parts.clone();
        if let Some(Part::Literal(end)) = parts.last_mut() {
            end.truncate(end.trim_end_matches('/').len());
        }
        parts.push(Part::Literal(path.to_owned()));
        Secret { parts }
    };
    nodes.iter().map(|node| Query::fetch(way.get(url(node)))).collect()
}

/// What one node answers.
pub fn answer(answers: &[Result<Response, Reason>], at: usize) -> Result<&Value, Reason> {
    fetched(answers, at)?.json()
}

pub fn complaints(way: Way<'_>, nodes: &[Secret]) -> Vec<String> {
    let mut complaints = way.complaints();
    if nodes.is_empty() || nodes.len() > MOST_NODES {
        complaints.push(format!(
            "`nodes` names {}; write each node of the cluster once, like `https://n1:2113`",
            nodes.len()
        ));
    }
    complaints.extend(nodes.iter().filter_map(|node| complaint_about_url("nodes", node)));
    let twice = nodes.iter().enumerate().any(|(at, node)| nodes[..at].contains(node));
    complaints.extend(twice.then(|| "`nodes` names one of them twice".to_owned()));
    complaints
}
