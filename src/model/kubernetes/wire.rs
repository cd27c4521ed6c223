//! Objects as the API writes them, as far as they are read. What is missing or null is nothing; a wrong type is an error.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::{Container, ContainerState, End, Owner, Time};
use crate::model::wording::cut;

/// The most characters that are kept of a message.
const MESSAGE: usize = 300;

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Page<T> {
    #[serde(default, deserialize_with = "nullable")]
    metadata: ListMeta,
    // a list without items is no list
    #[serde(deserialize_with = "nullable")]
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// Where the next page begins, if there is one.
    pub fn next(&self) -> Option<&str> {
        self.metadata.next.as_deref().filter(|next| !next.is_empty())
    }

    /// Of which moment the list is; every page of it says the same. They grow with every change of the cluster.
    pub fn version(&self) -> Option<u64> {
        self.metadata.resource_version.as_deref()?.parse().ok()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
    resource_version: Option<String>,
}

fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    namespace: String,
    #[serde(default, deserialize_with = "nullable")]
    uid: String,
    #[serde(default, deserialize_with = "nullable")]
    generation: i64,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    owner_references: Vec<OwnerReference>,
}

#[derive(Deserialize)]
struct OwnerReference {
    kind: String,
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    controller: bool,
}

impl Meta {
    fn owner(&mut self) -> Option<Owner> {
        let at = self.owner_references.iter().position(|owner| owner.controller)?;
        let OwnerReference { kind, name, .. } = self.owner_references.swap_remove(at);
        Some(Owner { kind, name })
    }

    /// A Deployment names its ReplicaSets after itself and the hash of their template, which every pod carries as a label.
    fn pod_owner(&mut self) -> Option<Owner> {
        let owner = self.owner()?;
        let hash = self.labels.get("pod-template-hash").filter(|hash| !hash.is_empty());
        let deployment = hash
            .filter(|_| owner.kind == "ReplicaSet")
            .and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
        match deployment.filter(|name| !name.is_empty()) {
            Some(name) => Some(Owner { kind: "Deployment".to_owned(), name: name.to_owned() }),
            None => Some(owner),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Pod {
    metadata: Meta,
    #[serde(default, deserialize_with = "nullable")]
    spec: PodSpec,
    #[serde(default, deserialize_with = "nullable")]
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    node_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodStatus {
    #[serde(default, deserialize_with = "nullable")]
    phase: String,
    reason: Option<String>,
    message: Option<String>,
    start_time: Option<Time>,
    #[serde(default, deserialize_with = "nullable")]
    conditions: Vec<Condition>,
    #[serde(default, deserialize_with = "nullable")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(default, deserialize_with = "nullable")]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    status: String,
    reason: Option<String>,
    message: Option<String>,
    last_transition_time: Option<Time>,
}

impl From<Condition> for super::Condition {
    fn from(from: Condition) -> Self {
        let (reason, message) = (said(from.reason), said(from.message));
        Self { kind: from.kind, status: from.status, reason, message, since: from.last_transition_time }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    restart_count: i64,
    #[serde(default, deserialize_with = "nullable")]
    state: State,
    #[serde(default, deserialize_with = "nullable")]
    last_state: State,
}

#[derive(Default, Deserialize)]
struct State {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Deserialize)]
struct Waiting {
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    started_at: Option<Time>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terminated {
    reason: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    exit_code: i64,
    finished_at: Option<Time>,
}

impl From<Terminated> for End {
    fn from(from: Terminated) -> Self {
        Self { reason: said(from.reason), code: from.exit_code, at: from.finished_at }
    }
}

impl From<State> for ContainerState {
    fn from(from: State) -> Self {
        match from {
            State { waiting: Some(Waiting { reason, message }), .. } => {
                Self::Waiting { reason: said(reason), message: said(message) }
            }
            State { terminated: Some(terminated), .. } => Self::Ended(terminated.into()),
            State { running: Some(Running { started_at }), .. } => Self::Running { since: started_at },
            _ => Self::Unsaid,
        }
    }
}

impl ContainerStatus {
    fn trimmed(self, init: bool) -> Option<Container> {
        let (restarts, name) = (self.restart_count.max(0), self.name);
        let (state, last) = (self.state.into(), self.last_state.terminated.map(End::from));
        let calm = match &state {
            ContainerState::Waiting { .. } => false,
            ContainerState::Ended(end) => end.code == 0,
            ContainerState::Running { .. } | ContainerState::Unsaid => true,
        };
        (!calm || restarts > 0 || last.is_some()).then_some(Container { name, init, restarts, state, last })
    }
}

impl From<Pod> for super::Pod {
    fn from(from: Pod) -> Self {
        let Pod { mut metadata, spec, status } = from;
        let owner = metadata.pod_owner();
        let ended = status.ended().or(metadata.creation_timestamp);
        let unscheduled = status
            .conditions
            .into_iter()
            .find(|condition| condition.kind == "PodScheduled" && condition.status == "False");
        let init = status.init_container_statuses.into_iter().filter_map(|status| status.trimmed(true));
        let main = status.container_statuses.into_iter().filter_map(|status| status.trimmed(false));
        Self {
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            node: spec.node_name.filter(|node| !node.is_empty()),
            owner,
            created: metadata.creation_timestamp,
            deleted: metadata.deletion_timestamp.is_some(),
            ended: ended.filter(|_| status.phase == "Failed"),
            phase: status.phase,
            reason: said(status.reason),
            message: said(status.message),
            unscheduled: unscheduled.and_then(|why| said(why.message).or(said(why.reason))),
            restless: init.chain(main).collect(),
        }
    }
}

impl PodStatus {
    /// The last container's end; for one that was evicted before it ran, when that was said.
    fn ended(&self) -> Option<Time> {
        let ends =
            self.container_statuses.iter().filter_map(|status| status.state.terminated.as_ref()?.finished_at);
        let disrupted = self.conditions.iter().filter(|condition| condition.kind == "DisruptionTarget");
        let disrupted = disrupted.filter_map(|condition| condition.last_transition_time);
        ends.max().or_else(|| disrupted.max()).or(self.start_time)
    }
}

#[derive(Deserialize)]
pub(super) struct Node {
    metadata: Meta,
    #[serde(default, deserialize_with = "nullable")]
    spec: NodeSpec,
    #[serde(default, deserialize_with = "nullable")]
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
struct NodeSpec {
    #[serde(default, deserialize_with = "nullable")]
    unschedulable: bool,
    #[serde(default, deserialize_with = "nullable")]
    taints: Vec<Taint>,
}

#[derive(Deserialize)]
struct Taint {
    key: String,
}

#[derive(Default, Deserialize)]
struct NodeStatus {
    #[serde(default, deserialize_with = "nullable")]
    conditions: Vec<Condition>,
}

impl From<Node> for super::Node {
    fn from(from: Node) -> Self {
        Self {
            name: from.metadata.name,
            labels: from.metadata.labels,
            taints: from.spec.taints.into_iter().map(|taint| taint.key).collect(),
            unschedulable: from.spec.unschedulable,
            conditions: from.status.conditions.into_iter().map(super::Condition::from).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Workload {
    metadata: Meta,
    #[serde(default, deserialize_with = "nullable")]
    spec: WorkloadSpec,
    #[serde(default, deserialize_with = "nullable")]
    status: WorkloadStatus,
}

#[derive(Default, Deserialize)]
struct WorkloadSpec {
    /// Deployments and StatefulSets want one where they say nothing; the API always says it.
    replicas: Option<i64>,
}

/// What the four kinds say of themselves; each leaves the others' fields out.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadStatus {
    #[serde(default, deserialize_with = "nullable")]
    observed_generation: i64,
    #[serde(default, deserialize_with = "nullable")]
    available_replicas: i64,
    desired_number_scheduled: Option<i64>,
    #[serde(default, deserialize_with = "nullable")]
    number_available: i64,
    #[serde(default, deserialize_with = "nullable")]
    conditions: Vec<Condition>,
}

impl From<Workload> for super::Workload {
    fn from(from: Workload) -> Self {
        let Workload { mut metadata, spec, status } = from;
        let (wanted, available) = match status.desired_number_scheduled {
            Some(wanted) => (wanted, status.number_available),
            None => (spec.replicas.unwrap_or(1), status.available_replicas),
        };
        let met = |kind: &str| {
            status.conditions.iter().find(|condition| condition.kind == kind && condition.status == "True")
        };
        let why = |condition: &Condition| {
            let words = [&condition.reason, &condition.message];
            let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
            cut(&words.join(": "), MESSAGE)
        };
        Self {
            satisfied: status.observed_generation >= metadata.generation && available >= wanted,
            failed: met("Failed").map(why),
            complete: met("Complete").is_some(),
            owner: metadata.owner(),
            created: metadata.creation_timestamp,
            namespace: metadata.namespace,
            name: metadata.name,
        }
    }
}

/// Foreign words, if there are any, and not too many.
fn said(text: Option<String>) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(if text.len() > MESSAGE { cut(&text, MESSAGE) } else { text })
}
