//! Who belongs to the cluster, by the master's list and by the statistics that came.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::common::{object, text, texts};
use crate::model::{Cause, Entity, Reason};

pub struct Node {
    pub id: String,
    pub name: String,
    roles: Vec<String>,
    pub entity: Entity,
}

impl Node {
    /// `data` means any data role, but for nodes whose only one is `data_frozen`; other names mean themselves.
    pub fn plays(&self, role: &str) -> bool {
        match role {
            "data" => self.data_roles().next().is_some() && !self.is_frozen_only(),
            role => self.roles.iter().any(|own| own == role),
        }
    }

    pub fn is_frozen_only(&self) -> bool {
        self.data_roles().next().is_some() && self.data_roles().all(|role| role == "data_frozen")
    }

    fn data_roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(String::as_str).filter(|role| *role == "data" || role.starts_with("data_"))
    }
}

/// Every node that either answer names. Names need not be unique: nodes that share one also carry their id.
pub fn of(members: &Value, stats: &Value) -> Result<Vec<Node>, Reason> {
    let mut found: BTreeMap<&String, (String, Vec<String>)> = BTreeMap::new();
    for (id, node) in object(stats, "/nodes").into_iter().flatten().chain(object(members, "/nodes")?) {
        found.insert(id, (text(node, "/name")?.to_owned(), roles(node)?));
    }
    let mut bearers: BTreeMap<String, u32> = BTreeMap::new();
    for (name, _) in found.values() {
        *bearers.entry(name.clone()).or_default() += 1;
    }
    let node = |(id, (name, roles)): (&String, (String, Vec<String>))| {
        let unique = bearers.get(&name) == Some(&1);
        let mut labels = vec![("node", name.clone())];
        labels.extend((!unique).then(|| ("id", id.clone())));
        Node { id: id.clone(), name, roles, entity: Entity::new(labels) }
    };
    return Ok(found.into_iter().map(node).collect());

    fn roles(node: &Value) -> Result<Vec<String>, Reason> {
        let lacking = || Reason::new(Cause::Malformed, "the answer has no list at `roles` of a node");
        node.get("roles").filter(|roles| roles.is_array()).map(|_| texts(node, "/roles")).ok_or_else(lacking)
    }
}

/// Every role that somebody plays.
pub fn roles(nodes: &[Node]) -> Vec<String> {
    let mut roles: Vec<String> = nodes.iter().flat_map(|node| node.roles.iter().cloned()).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}
