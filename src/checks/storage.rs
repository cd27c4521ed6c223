pub(super) mod nodes;
pub(super) mod watermarks;
mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::{nodes::Node, watermarks::Watermarks};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{body, count, inner_timeout, optional, plain_health, setting, settings},
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Unit,
    policy::{Missing, MissingThen},
    query::{Call, Proof, Query, Response},
    span,
};

/// How full each node's data path is, in percent; of several paths the fullest.
///
/// Besides percentages, levels may say free space (`below 50GB`) and Elasticsearch's own marks as they are in effect on the node
/// (`at least watermark.low`, `.high`, `.flood_stage`, each with a margin: `watermark.low - 5%`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Nodes with any of these roles are looked at. `data` means every data role, but not nodes that are frozen only.
    pub roles: Vec<String>,
}

impl Default for Storage {
    fn default() -> Self {
        Self { roles: vec!["data".to_owned()] }
    }
}

impl Storage {
    pub const EXAMPLE: &str = "storage: { roles: [data] }";

    /// The nodes with one of the roles.
    pub(super) fn chosen(&self, members: &Value, stats: &Value) -> Result<Vec<Node>, Reason> {
        let all = nodes::of(members, stats)?;
        let found: Vec<String> = nodes::roles(&all);
        let chosen: Vec<Node> =
            all.into_iter().filter(|node| self.roles.iter().any(|role| node.may_play(role))).collect();
        if chosen.is_empty() {
            let wanted = self.roles.join("`, `");
            let text = format!("no node has the role `{wanted}`; the roles there are: {}", found.join(", "));
            return Err(Reason::new(Cause::Missing, text));
        }
        Ok(chosen)
    }
}

impl Check for Storage {
    fn scale(&self) -> Scale {
        Scale::Fullness
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![
                (Level::Info, "at least 85%"),
                (Level::Warning, "at least 88%"),
                (Level::Critical, "at least 90%"),
            ],
            no_data: Some(Missing::KEEP),
            absent: Some(Missing::keep_then(Duration::from_secs(3600), MissingThen::Resolve)),
        }
    }

    fn groups(&self) -> Vec<String> {
        vec!["node".to_owned()]
    }

    fn complaints(&self) -> Vec<String> {
        let empty = self.roles.is_empty() || self.roles.iter().any(|role| role.trim().is_empty());
        let complaint = "`roles` names no role; write `[data]`, or leave it out";
        if empty { vec![complaint.to_owned()] } else { Vec::new() }
    }

    /// The plain health only tells whether shards wait for a node that left.
    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let fields = "_nodes,nodes.*.name,nodes.*.roles,nodes.*.fs.data,nodes.*.fs.total";
        let stats = Call::get("/_nodes/stats/fs", Proof::Nodes).with("filter_path", fields);
        vec![
            Query::call(stats.with("timeout", inner_timeout(look.timeout))),
            super::common::nodes(),
            settings().optional(),
            Query::call(plain_health(look)).optional(),
        ]
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let (stats, members) = (body(answers, 0)?, body(answers, 1)?);
        let (settings, health) = (optional(answers, 2), optional(answers, 3));
        let chosen = self.chosen(members, stats)?;
        let watermarks = settings.map(Watermarks::of);
        let mut findings = BTreeMap::new();
        for node in chosen {
            let finding = match stats.pointer("/nodes").and_then(|nodes| nodes.get(&node.id)) {
                None => Finding::Unknown(silent(&node, look)),
                Some(stats) => match fullest(stats, &node, watermarks.as_ref()) {
                    Ok(reading) => Finding::Value(reading),
                    Err(reason) => Finding::Unknown(reason),
                },
            };
            findings.insert(node.entity, finding);
        }
        let calm = settings.zip(health).is_some_and(|(settings, health)| is_calm(settings, health));
        let others = if calm { Others::Absent } else { Others::Excused };
        Ok(Observation::Seen { findings, others })
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        words::advise(entity, reading)
    }
}

pub(super) fn silent(node: &Node, look: &Look) -> Reason {
    let waited = span::show(look.timeout.mul_f64(0.8));
    Reason::new(Cause::Partial, format!("node `{}` sent no statistics within {waited}", node.name))
}

/// A node's data paths.
pub(super) fn disks(stats: &Value, node: &Node) -> Result<Vec<Disk>, Reason> {
    let paths = stats.pointer("/fs/data").and_then(Value::as_array).filter(|paths| !paths.is_empty());
    let whole = [stats.pointer("/fs/total").cloned().unwrap_or_default()];
    let paths = paths.map_or(&whole[..], Vec::as_slice);
    paths.iter().map(|path| Disk::of(path).map_err(|reason| at_node(reason, node))).collect()
}

/// The fullest of a node's data paths.
fn fullest(stats: &Value, node: &Node, watermarks: Option<&Watermarks>) -> Result<Reading, Reason> {
    let mut worst: Option<Disk> = None;
    for disk in disks(stats, node)? {
        if worst.as_ref().is_none_or(|worst| disk.percent() > worst.percent()) {
            worst = Some(disk);
        }
    }
    let disk = worst.ok_or_else(|| Reason::new(Cause::Malformed, "a node without data paths"))?;
    Ok(disk.reading(node, watermarks))
}

fn at_node(reason: Reason, node: &Node) -> Reason {
    Reason::new(reason.cause, format!("{} of node `{}`", reason.text, node.name))
}

/// Nobody holds shards back, and none wait for a node: who is missing now has gone.
fn is_calm(settings: &Value, health: &Value) -> bool {
    let restricted = setting(settings, "cluster.routing.allocation.enable").is_some_and(|mode| mode != "all");
    !restricted && count(health, "/delayed_unassigned_shards") == Ok(0)
}

pub(super) struct Disk {
    pub path: Option<String>,
    pub total: u64,
    available: u64,
}

impl Disk {
    fn of(path: &Value) -> Result<Self, Reason> {
        let total = count(path, "/total_in_bytes")?;
        let available = count(path, "/available_in_bytes")?;
        if total == 0 || available > total {
            let text = format!("a disk of {total} bytes with {available} available makes no sense");
            return Err(Reason::new(Cause::Malformed, text));
        }
        let path = path.get("path").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { path, total, available })
    }

    pub fn used(&self) -> u64 {
        self.total - self.available
    }

    fn percent(&self) -> f64 {
        100.0 * self.used() as f64 / self.total as f64
    }

    fn reading(&self, node: &Node, watermarks: Option<&Watermarks>) -> Reading {
        let marks = watermarks.map(|watermarks| watermarks.on(self.total, node.is_frozen_only()));
        let marks = marks.unwrap_or_default();
        let mut reading = Reading::new(Number::Float(self.percent()), Unit::Percent)
            .of_whole(Number::count(self.total))
            .fact("available_bytes", self.available)
            .fact("total_bytes", self.total)
            .fact("used_bytes", self.used());
        if let Some(path) = &self.path {
            reading = reading.fact("path", path.clone());
        }
        for (name, used) in &marks {
            reading = reading.fact(&name.replace('.', "_"), Unit::Percent.show(Number::Float(*used)));
        }
        if !marks.is_empty() && watermarks.is_some_and(|watermarks| !watermarks.enforced) {
            reading = reading.fact("watermarks_enforced", false);
        }
        marks.into_iter().fold(reading, |reading, (name, used)| reading.mark(name, Number::Float(used)))
    }
}
