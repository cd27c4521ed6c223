mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        counted,
        kubernetes::{Api, nodes},
        listed,
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Unit,
    kubernetes::{Condition, Node, Resource},
    policy::Missing,
    query::{Query, Response},
};

/// The conditions of each Kubernetes node: `down` for `Ready` (not True, so also Unknown) and `NetworkUnavailable`, `strained` for
/// `MemoryPressure`, `DiskPressure` and `PIDPressure`.
///
/// Each node and condition is judged by itself. A node is never left out for a taint that Kubernetes set because of these very conditions.
/// Needs a role that may list nodes: `deploy/kubernetes/`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesNodes {
    /// Path of a kubeconfig. Left out, with `context`: the one that `kubectl` takes; both left out: the service account of our own pod.
    pub kubeconfig: Option<String>,
    /// A context of the kubeconfig. Left out: its current one.
    pub context: Option<String>,
    /// Also `strained`: a node that takes no new pods (`kubectl cordon`).
    pub unschedulable: bool,
    /// Further conditions that are `strained` while True, as the node problem detector sets them. One that no node has is unknown.
    pub also: Vec<String>,
    /// Nodes with a taint of one of these keys are left out.
    pub skip_taints: Vec<String>,
    /// Nodes with one of these labels are left out: `key` or `key=value`.
    pub skip_labels: Vec<String>,
}

/// True is bad news.
const STRAINS: [&str; 3] = ["MemoryPressure", "DiskPressure", "PIDPressure"];
const NETWORK: &str = "NetworkUnavailable";
const READY: &str = "Ready";
const UNSCHEDULABLE: &str = "Unschedulable";

const FINE: i64 = 0;
const STRAINED: i64 = 1;
const DOWN: i64 = 2;

impl KubernetesNodes {
    pub const EXAMPLE: &str =
        "kubernetes_nodes: { context: production, skip_labels: [\"node-role.example/spot\"] }";

    fn api(&self) -> Api<'_> {
        Api { kubeconfig: self.kubeconfig.as_deref(), context: self.context.as_deref(), namespaces: &[] }
    }

    fn skips(&self, node: &Node) -> bool {
        let tainted = node.taints.iter().any(|taint| self.skip_taints.contains(taint));
        let labelled = self.skip_labels.iter().any(|label| match label.split_once('=') {
            Some((key, value)) => node.labels.get(key).is_some_and(|own| own == value),
            None => node.labels.contains_key(label),
        });
        tainted || labelled
    }

    /// Conditions that no node has: nobody sets them, or their name is another.
    fn nobodys(&self, nodes: &[&Node]) -> BTreeMap<Entity, Finding> {
        let unknown = self.also.iter().filter(|name| !nodes.iter().any(|node| has(node, name)));
        let finding = |name: &String| {
            let text = format!("no node has the condition `{name}`; is that its name?");
            (Entity::of("condition", name), Finding::Unknown(Reason::new(Cause::Missing, text)))
        };
        unknown.map(finding).collect()
    }

    fn judge<'n>(&'n self, node: &'n Node) -> Vec<(&'n str, Finding)> {
        let ready = node.conditions.iter().find(|condition| condition.kind == READY);
        let mut found = vec![(READY, is_ready(ready))];
        let also = self.also.iter().map(String::as_str);
        let badness = |name: &str| if name == NETWORK { DOWN } else { STRAINED };
        for name in STRAINS.into_iter().chain([NETWORK]).chain(also) {
            let condition = node.conditions.iter().find(|condition| condition.kind == name);
            found.extend(condition.map(|condition| (name, is_bad(condition, badness(name)))));
        }
        if self.unschedulable {
            let value = if node.unschedulable { STRAINED } else { FINE };
            found.push((UNSCHEDULABLE, Finding::Value(Reading::new(Number::Int(value), Unit::Condition))));
        }
        found
    }
}

fn has(node: &Node, condition: &str) -> bool {
    node.conditions.iter().any(|known| known.kind == condition)
}

fn is_ready(ready: Option<&Condition>) -> Finding {
    let Some(ready) = ready else {
        let text = "the node has never said whether it is ready";
        return Finding::Unknown(Reason::new(Cause::Missing, text));
    };
    Finding::Value(reading(ready, if ready.status == "True" { FINE } else { DOWN }))
}

/// Unknown is said of every condition of a node that went silent; that it did is what `Ready` tells.
fn is_bad(condition: &Condition, badness: i64) -> Finding {
    match condition.status.as_str() {
        "True" => Finding::Value(reading(condition, badness)),
        "False" => Finding::Value(reading(condition, FINE)),
        "Unknown" => Finding::NoData("the node says nothing".to_owned()),
        other => {
            let text = format!("`{}` is `{other}`, which says nothing", condition.kind);
            Finding::Unknown(Reason::new(Cause::Malformed, text))
        }
    }
}

fn reading(condition: &Condition, value: i64) -> Reading {
    let mut reading = Reading::new(Number::Int(value), Unit::Condition);
    if value == FINE {
        return reading;
    }
    reading = reading.fact("status", condition.status.clone());
    for (name, text) in [("reason", &condition.reason), ("message", &condition.message)] {
        if let Some(text) = text {
            reading = reading.fact(name, text.clone());
        }
    }
    match condition.since {
        Some(since) => reading.fact("status_since", since.to_rfc3339()),
        None => reading,
    }
}

/// Kubernetes sets these because of the conditions: who skipped them would skip exactly the bad nodes.
fn hides_bad_nodes(taint: &str) -> bool {
    let own =
        taint.starts_with("node.kubernetes.io/") || taint.starts_with("node.cloudprovider.kubernetes.io/");
    own && taint != "node.kubernetes.io/unschedulable"
}

impl Check for KubernetesNodes {
    fn scale(&self) -> Scale {
        Scale::Condition
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "strained"), (Level::Critical, "down")],
            no_data: Some(Missing::KEEP),
            absent: None,
        }
    }

    fn elsewhere(&self) -> Option<String> {
        Some(self.api().access().name())
    }

    fn groups(&self) -> Vec<String> {
        vec!["node".to_owned(), "condition".to_owned()]
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.api().complaints();
        for taint in self.skip_taints.iter().filter(|taint| hides_bad_nodes(taint)) {
            complaints.push(format!(
                "`{taint}` is set by Kubernetes when a node is bad; it would hide exactly the nodes that this check is for"
            ));
        }
        let mut names = self.also.iter().chain(&self.skip_taints).chain(&self.skip_labels);
        if names.any(|name| name.trim().is_empty()) {
            complaints.push("`also`, `skip_taints` and `skip_labels` take names, not empty texts".to_owned());
        }
        let known: Vec<String> = self.also.iter().filter(|name| is_known(name)).cloned().collect();
        if !known.is_empty() {
            complaints.push(format!("`also` names what is judged anyway: {}", listed(&known, 3)));
        }
        complaints
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        vec![self.api().list(Resource::Nodes)]
    }

    fn look(&self, _: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let all = nodes(answers, 0)?;
        if all.is_empty() {
            return Ok(Observation::NoData("the cluster has no nodes".to_owned()));
        }
        let chosen: Vec<&Node> = all.iter().filter(|node| !self.skips(node)).collect();
        if chosen.is_empty() {
            let text = format!(
                "`skip_taints` and `skip_labels` leave out all of {}",
                counted(all.len() as u64, "node")
            );
            return Err(Reason::new(Cause::Missing, text));
        }
        let mut findings = self.nobodys(&chosen);
        for node in chosen {
            for (condition, finding) in self.judge(node) {
                findings
                    .insert(Entity::new([("node", node.name.as_str()), ("condition", condition)]), finding);
            }
        }
        Ok(Observation::Seen { findings, others: Others::Absent })
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        words::advise(entity, reading)
    }
}

fn is_known(condition: &str) -> bool {
    STRAINS.contains(&condition) || [NETWORK, READY, UNSCHEDULABLE].contains(&condition)
}

#[cfg(test)]
pub(super) mod tests;
