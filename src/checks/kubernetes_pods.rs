mod recent;
mod tally;
mod trouble;
mod words;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use self::{recent::Recent, tally::Tallies, trouble::Limits};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        kubernetes::{Api, pods, workloads},
        listed, undecided,
    },
};
use crate::model::{
    Entity, Level, Observation, Others, Reading, Reason, Scale, Unit,
    kubernetes::{Resource, Workload},
    policy::{Missing, MissingThen},
    query::{Query, Response},
    span::Span,
};

/// How many pods of each workload are in trouble: crash loops, images that cannot be pulled and every other reason for which a
/// container waits (init containers too), containers killed for their memory, growing restart counts, failed pods, failed Jobs,
/// and pods that are pending too long.
///
/// Pods are gathered under the workload that owns them (`workload=Deployment/checkout`), so that 200 crashing pods of one deployment are
/// one alert; levels may also be a share of its pods (`at least 50%`). Evicted pods are counted per node (`node=…`), for there the cause is.
/// A crash loop is over only after `calm_for` without a restart, not in the moment in which the container runs again.
/// Needs a role that may list pods, and with `workloads` also deployments, stateful sets, daemon sets and jobs: `deploy/kubernetes/`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesPods {
    /// Path of a kubeconfig. Left out, with `context`: the one that `kubectl` takes; both left out: the service account of our own pod.
    pub kubeconfig: Option<String>,
    /// A context of the kubeconfig. Left out: its current one.
    pub context: Option<String>,
    /// Only these. Left out: all of them.
    pub namespaces: Vec<String>,
    /// One alert per `workload`, which names its pods, or one per `pod`.
    pub per: Per,
    /// A pod may be pending for so long.
    pub pending_for: Span,
    /// So many restarts of a container within `calm_for` are trouble, also where each is followed by a while of running.
    pub restarts: u32,
    /// Without a restart for so long, a crash loop, a kill for memory or a series of restarts is over.
    pub calm_for: Span,
    /// A failed or evicted pod counts for so long; a failed one only until its owner has all the pods that it wants.
    pub failed_for: Span,
    /// Ask deployments, stateful sets, daemon sets and jobs whether they have what they want. `false`: judge by pods alone, for a
    /// role that may list nothing else; Jobs are then not judged, and failed pods count for all of `failed_for`.
    pub workloads: bool,
}

/// What one alert is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    #[default]
    Workload,
    Pod,
}

impl Default for KubernetesPods {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            namespaces: Vec::new(),
            per: Per::default(),
            pending_for: Span::seconds(900),
            restarts: 3,
            calm_for: Span::seconds(600),
            failed_for: Span::seconds(3600),
            workloads: true,
        }
    }
}

/// What is asked beside the pods, in this order.
const WORKLOADS: [Resource; 4] =
    [Resource::Deployments, Resource::StatefulSets, Resource::DaemonSets, Resource::Jobs];

impl KubernetesPods {
    pub const EXAMPLE: &str = "kubernetes_pods: { context: production, namespaces: [shop, search] }";

    fn api(&self) -> Api<'_> {
        let (kubeconfig, context) = (self.kubeconfig.as_deref(), self.context.as_deref());
        Api { kubeconfig, context, namespaces: &self.namespaces }
    }

    fn limits(&self, look: &Look) -> Limits {
        Limits {
            now: look.window.end,
            pending_for: self.pending_for.0,
            restarts: i64::from(self.restarts),
            calm_for: self.calm_for.0,
            failed_for: self.failed_for.0,
        }
    }

    fn look(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        recent: &mut Recent,
    ) -> Result<Observation, Reason> {
        let pods = pods(answers, 0)?;
        let owners = self.owners(answers)?;
        let limits = self.limits(look);
        let mut tallies = Tallies::new(self.per, &limits, owners);
        for pod in pods {
            tallies.count(pod, recent);
        }
        recent.forget_the_calm(&limits);
        tallies.count_the_gone(recent);
        tallies.count_jobs();
        let findings = tallies.findings();
        if findings.is_empty() {
            return Ok(Observation::NoData(self.nobody()));
        }
        Ok(Observation::Seen { findings, others: Others::Absent })
    }

    fn owners<'a>(
        &self,
        answers: &'a [Result<Response, Reason>],
    ) -> Result<BTreeMap<&'static str, &'a [Workload]>, Reason> {
        let mut owners = BTreeMap::new();
        if !self.workloads {
            return Ok(owners);
        }
        for (at, resource) in WORKLOADS.into_iter().enumerate() {
            let listed = workloads(answers, at + 1).map_err(or_without)?;
            owners.insert(resource.kind(), listed);
        }
        Ok(owners)
    }

    /// A namespace that does not exist has no pods either: the API does not tell the two apart.
    fn nobody(&self) -> String {
        match &self.namespaces[..] {
            [] => "the cluster has no pods".to_owned(),
            names => format!("there are no pods in {}; is that its name?", listed(names, 3)),
        }
    }
}

/// A role that may list pods only is enough for a part of the check.
fn or_without(reason: Reason) -> Reason {
    match reason.status {
        Some(403) => Reason { text: format!("{}, or say `workloads: false`", reason.text), ..reason },
        _ => reason,
    }
}

impl Check for KubernetesPods {
    fn scale(&self) -> Scale {
        Scale::Room(Unit::Pods)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "at least 1")],
            no_data: Some(Missing::keep_then(Duration::from_secs(3600), MissingThen::Resolve)),
            absent: None,
        }
    }

    fn elsewhere(&self) -> Option<String> {
        Some(self.api().access().name())
    }

    fn groups(&self) -> Vec<String> {
        // evictions are counted by node
        let groups: &[&str] = match self.per {
            Per::Workload => &["namespace", "workload", "node"],
            Per::Pod => &["namespace", "workload", "pod", "node"],
        };
        groups.iter().map(|group| (*group).to_owned()).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.api().complaints();
        if self.restarts == 0 {
            complaints.push(
                "`restarts` is 0, which every container reaches; write how many are too many".to_owned(),
            );
        }
        if self.calm_for.0.is_zero() {
            complaints.push(
                "`calm_for` is 0; write how long a container has to run to be well, like `10m`".to_owned(),
            );
        }
        complaints
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        let more = if self.workloads { &WORKLOADS[..] } else { &[] };
        let all = std::iter::once(Resource::Pods).chain(more.iter().copied());
        all.map(|resource| self.api().list(resource)).collect()
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        let mut recent = Recent::of(&memory);
        match self.look(look, answers, &mut recent) {
            Ok(seen) => (seen, recent.into_memory()),
            Err(reason) => (undecided(reason), memory),
        }
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        words::advise(entity, reading)
    }
}

#[cfg(test)]
pub(super) mod tests;
