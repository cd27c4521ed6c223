//! What to look at: one file per kind of check. Pure: queries out, answers in, an observation back.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]

mod change;
mod cluster_health;
mod common;
mod count;
mod documents;
mod elasticsearch_unreachable;
mod esql;
mod heartbeat;
mod host_disk;
mod host_load;
mod host_memory;
mod http;
mod kubernetes_nodes;
mod kubernetes_pods;
mod kurrentdb_gossip;
mod kurrentdb_stats;
mod metric;
mod new_term;
mod ratio;
mod search;
mod shard_capacity;
mod shard_documents;
mod spike;
mod storage;
mod storage_forecast;
mod zeebe_incidents;

#[cfg(test)]
mod tests;

use std::{fmt::Debug, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    kinds::kinds,
    model::{
        Cause, Entity, Event, Level, Observation, Reading, Reason, Scale, Time, Window,
        policy::Missing,
        query::{Query, Response},
    },
};

pub use self::{
    change::Change, cluster_health::ClusterHealth, count::Count, documents::Documents,
    elasticsearch_unreachable::ElasticsearchUnreachable, esql::Esql, heartbeat::Heartbeat,
    host_disk::HostDisk, host_load::HostLoad, host_memory::HostMemory, http::Http,
    kubernetes_nodes::KubernetesNodes, kubernetes_pods::KubernetesPods, kurrentdb_gossip::KurrentdbGossip,
    kurrentdb_stats::KurrentdbStats, metric::Metric, new_term::NewTerm, ratio::Ratio, search::Search,
    shard_capacity::ShardCapacity, shard_documents::ShardDocuments, spike::Spike, storage::Storage,
    storage_forecast::StorageForecast, zeebe_incidents::ZeebeIncidents,
};

kinds! {
    /// What a rule looks at: exactly one kind.
    pub enum Kind as dyn Check by into_check {
        "change" => Change,
        "cluster_health" => ClusterHealth,
        "count" => Count,
        "documents" => Documents,
        "elasticsearch_unreachable" => ElasticsearchUnreachable,
        "esql" => Esql,
        "heartbeat" => Heartbeat,
        "host_disk" => HostDisk,
        "host_load" => HostLoad,
        "host_memory" => HostMemory,
        "http" => Http,
        "kubernetes_nodes" => KubernetesNodes,
        "kubernetes_pods" => KubernetesPods,
        "kurrentdb_gossip" => KurrentdbGossip,
        "kurrentdb_stats" => KurrentdbStats,
        "metric" => Metric,
        "new_term" => NewTerm,
        "ratio" => Ratio,
        "search" => Search,
        "shard_capacity" => ShardCapacity,
        "shard_documents" => ShardDocuments,
        "spike" => Spike,
        "storage" => Storage,
        "storage_forecast" => StorageForecast,
        "zeebe_incidents" => ZeebeIncidents,
    }
}

/// One way of looking. The config struct *is* the check; its doc comments are its reference entry.
pub trait Check: Debug + Send + Sync {
    /// How thresholds are written, and in what unit readings are.
    fn scale(&self) -> Scale;

    /// What holds where a rule says nothing else. No level and no `no_data`: what is much, and what silence means, only the author
    /// knows.
    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    /// The length of the window, for checks over stored documents; `None` for those of a present state.
    fn window(&self) -> Option<Duration> {
        None
    }

    /// Each look begins where the last one ended, however long ago that was: no document lies between them.
    fn reaches_back(&self) -> bool {
        false
    }

    /// It follows documents by a place of its own in its memory: it owes no tick, but late documents need a `query_delay`.
    fn follows(&self) -> bool {
        false
    }

    /// There is more behind what the last look read: it looks again at once.
    fn has_more(&self, _: &Memory) -> bool {
        false
    }

    /// What happened once and is told once, in order; `memory` is what the last look left. [`Check::read`] moves on behind it.
    fn events(&self, _: &Look, _answers: &[Result<Response, Reason>], _: &Memory) -> Vec<Event> {
        Vec::new()
    }

    /// What a rule of it tells is what happened; only how late that is told is an alert.
    fn tells_events(&self) -> bool {
        false
    }

    /// What it asks where that is no Elasticsearch cluster: a word that stands in the place of a cluster's name.
    fn elsewhere(&self) -> Option<String> {
        None
    }

    /// The labels of the groups it judges; empty for one whole. Part of a rule's fingerprint.
    fn groups(&self) -> Vec<String> {
        Vec::new()
    }

    /// What is wrong with this configuration beyond its form: one line each, with what would have been right.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }

    /// What to ask. `memory` is what the last look left.
    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query>;

    /// What is said in place of a look while what was seen waits for sinks that take nothing. It is no blindness.
    fn held_back(&self, _: &Look, _: &Memory) -> Observation {
        Observation::Indeterminate(Reason::new(Cause::Lagging, "what was seen waits for its sinks"))
    }

    /// What the answers say: one per query, in the same order. A kind that remembers nothing says it here, one that does in
    /// [`Check::read`].
    fn look(&self, _: &Look, _: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        Err(Reason::new(Cause::Fault, "answers came to a check that reads none"))
    }

    /// The same, with what the last look left and what the next one finds.
    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        (self.look(look, answers).unwrap_or_else(common::undecided), memory)
    }

    /// What is behind a reading and what to do about it, in a sentence each, from its facts.
    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice;

    /// The same of an entity that is silent or gone, where that fires: there is no reading then.
    fn advise_of_silence(&self, _entity: &Entity) -> Advice {
        Advice::default()
    }

    /// What of it would run a script on the cluster, if anything: only clusters that allow it are asked.
    fn script(&self) -> Option<String> {
        None
    }
}

/// One look: at which cluster, and over which time.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The configured name of the cluster.
    pub cluster: String,
    /// Ends exactly at the tick; of zero length for checks of a present state.
    pub window: Window,
    /// When it is asked: a little after the window's end, or much later in catch-up.
    pub asked: Time,
    /// The deadline of one request; node APIs get a `timeout` below it.
    pub timeout: Duration,
}

/// What holds where a rule says nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// As a rule file would say them: `at least 85%`. Empty: the author must choose.
    pub levels: Vec<(Level, &'static str)>,
    /// `None`: the author must choose.
    pub no_data: Option<Missing>,
    /// `None`: `{ keep: 10m, then: resolve }`.
    pub absent: Option<Missing>,
}

/// What is behind a reading, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    pub cause: Option<String>,
    pub next_step: Option<String>,
}

/// What a check remembers from look to look: opaque to others, bounded, committed with the tick.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(pub Value);
