//! What checks know of a Kubernetes cluster: a few hundred bytes of each object, where its API sends thousands.
//!
//! The shapes are those of the API (`v1.Pod`, `v1.Node`, `apps/v1`, `batch/v1`); how an object is trimmed to them is in `wire`.

mod wire;

use serde::Deserialize;

use super::Time;
pub use wire::Page;

/// All objects of one kind, in the whole cluster or in some namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listing {
    pub access: Access,
    pub resource: Resource,
    /// Empty: all of them.
    pub namespaces: Vec<String>,
}

/// How the API is reached: by a kubeconfig, or from inside the cluster with the pod's own service account.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The path of the file; with a context alone, the one that `kubectl` would take.
    pub kubeconfig: Option<String>,
    pub context: Option<String>,
}

impl Access {
    pub const fn is_in_cluster(&self) -> bool {
        self.kubeconfig.is_none() && self.context.is_none()
    }

    /// What stands in the place of a cluster's name.
    pub fn name(&self) -> String {
        self.context.clone().unwrap_or_else(|| "kubernetes".to_owned())
    }
}

/// The kinds of objects that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    Pods,
    Nodes,
    Deployments,
    StatefulSets,
    DaemonSets,
    Jobs,
}

impl Resource {
    /// As a role names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Nodes => "nodes",
            Self::Deployments => "deployments",
            Self::StatefulSets => "statefulsets",
            Self::DaemonSets => "daemonsets",
            Self::Jobs => "jobs",
        }
    }

    /// The API group, as a role names it; empty for the core.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Pods | Self::Nodes => "",
            Self::Deployments | Self::StatefulSets | Self::DaemonSets => "apps",
            Self::Jobs => "batch",
        }
    }

    /// As an object says it of itself; lists leave it out of their items.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Pods => "Pod",
            Self::Nodes => "Node",
            Self::Deployments => "Deployment",
            Self::StatefulSets => "StatefulSet",
            Self::DaemonSets => "DaemonSet",
            Self::Jobs => "Job",
        }
    }

    /// `/apis/apps/v1/namespaces/shop/deployments`
    pub fn path(self, namespace: Option<&str>) -> String {
        let group = match self.group() {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        let within = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        format!("{group}{within}/{}", self.name())
    }
}

/// All objects that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Objects {
    Pods(Vec<Pod>),
    Nodes(Vec<Node>),
    Workloads(Vec<Workload>),
}

/// Who made an object, and answers for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pub kind: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "wire::Pod")]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub node: Option<String>,
    /// A ReplicaSet is already resolved to the Deployment that made it.
    pub owner: Option<Owner>,
    pub created: Option<Time>,
    /// Somebody deleted it, and it is on its way.
    pub deleted: bool,
    pub phase: String,
    /// Why the pod as a whole is as it is: `Evicted`.
    pub reason: Option<String>,
    pub message: Option<String>,
    /// Why no node took it.
    pub unscheduled: Option<String>,
    /// When it ended, for one that failed.
    pub ended: Option<Time>,
    /// Only those that wait, have ended badly or were restarted.
    pub restless: Vec<Container>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    pub name: String,
    pub init: bool,
    pub restarts: i64,
    pub state: ContainerState,
    /// How its last run ended.
    pub last: Option<End>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ContainerState {
    Waiting {
        reason: Option<String>,
        message: Option<String>,
    },
    Running {
        since: Option<Time>,
    },
    Ended(End),
    /// Nothing is said of it.
    Unsaid,
}

/// How a run of a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// `OOMKilled`, `Error`, `Completed`
    pub reason: Option<String>,
    pub code: i64,
    pub at: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "wire::Node")]
pub struct Node {
    pub name: String,
    pub labels: std::collections::BTreeMap<String, String>,
    /// The keys of its taints.
    pub taints: Vec<String>,
    pub unschedulable: bool,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub since: Option<Time>,
}

/// Whatever owns pods, and whether it has what it wants.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "wire::Workload")]
pub struct Workload {
    pub namespace: String,
    pub name: String,
    pub owner: Option<Owner>,
    pub created: Option<Time>,
    /// It has as many available pods as it wants.
    pub satisfied: bool,
    /// Why a Job failed.
    pub failed: Option<String>,
    /// A Job has done its work.
    pub complete: bool,
}
