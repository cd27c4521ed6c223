//! Who belongs to the cluster, by the master's list and by the statistics that came.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::common::{object, text, texts};
use crate::model::{Entity, Reason};

pub struct Node {
    pub id: String,
    pub name: String,
    /// `None`: OpenSearch's master does not tell them, and the node itself did not answer.
    roles: Option<Vec<String>>,
    pub entity: Entity,
}

impl Node {
    /// `data` means any data role, but for nodes whose only one is `data_frozen`; other names mean themselves. A node whose roles are
    /// not known may play any.
    pub fn may_play(&self, role: &str) -> bool {
        match (&self.roles, role) {
            (None, _) => true,
            (Some(roles), "data") => roles.iter().any(|own| is_data(own)) && !self.is_frozen_only(),
            (Some(roles), role) => roles.iter().any(|own| own == role),
        }
    }

    pub fn is_frozen_only(&self) -> bool {
        let mut data = self.roles.iter().flatten().filter(|role| is_data(role)).peekable();
        data.peek().is_some() && data.all(|role| role == "data_frozen")
    }
}

fn is_data(role: &str) -> bool {
    role == "data" || role.starts_with("data_")
}

/// Every node that either answer names. Names need not be unique: nodes that share one also carry their id.
pub fn of(members: &Value, stats: &Value) -> Result<Vec<Node>, Reason> {
    let mut found: BTreeMap<&String, (String, Option<Vec<String>>)> = BTreeMap::new();
    let answered = stats.pointer("/nodes").and_then(Value::as_object);
    for (id, node) in object(members, "/nodes")?.into_iter().chain(answered.into_iter().flatten()) {
        let roles = node.get("roles").filter(|roles| roles.is_array()).map(|_| texts(node, "/roles"));
        let known = found.remove(id).and_then(|(_, known)| known);
        found.insert(id, (text(node, "/name")?.to_owned(), roles.or(known)));
    }
    let mut bearers: BTreeMap<String, u32> = BTreeMap::new();
    for (name, _) in found.values() {
        *bearers.entry(name.clone()).or_default() += 1;
    }
    let nodes = found.into_iter().map(|(id, (name, roles))| {
        let unique = bearers.get(&name) == Some(&1);
        let mut labels = vec![("node", name.clone())];
        labels.extend((!unique).then(|| ("id", id.clone())));
        Node { id: id.clone(), name, roles, entity: Entity::new(labels) }
    });
    Ok(nodes.collect())
}

/// Every role that somebody plays.
pub fn roles(nodes: &[Node]) -> Vec<String> {
    let mut roles: Vec<String> = nodes.iter().flat_map(|node| node.roles.iter().flatten().cloned()).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}
