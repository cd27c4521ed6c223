//! Pods counted under who owns them, evictions under their node.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    Per,
    recent::Recent,
    trouble::{self, Limits, Trouble},
};
use crate::model::{
    Entity, Finding, Number, Reading, Unit,
    kubernetes::{Owner, Pod, Workload},
    time::elapsed,
};

/// How many pods a reading names.
const NAMED: usize = 10;

pub struct Tallies<'a> {
    per: Per,
    limits: &'a Limits,
    /// By kind; a kind that was not asked is not there.
    owners: BTreeMap<(&'a str, &'a str, &'a str), &'a Workload>,
    by_entity: BTreeMap<Entity, Tally>,
    by_node: BTreeMap<&'a str, Tally>,
    asked: BTreeSet<&'static str>,
}

#[derive(Default)]
struct Tally {
    pods: u64,
    troubles: Vec<Trouble>,
}

impl<'a> Tallies<'a> {
    pub fn new(per: Per, limits: &'a Limits, lists: BTreeMap<&'static str, &'a [Workload]>) -> Self {
        let asked = lists.keys().copied().collect();
        let mut owners = BTreeMap::new();
        for (kind, list) in lists {
            for owner in list {
                owners.insert((kind, owner.namespace.as_str(), owner.name.as_str()), owner);
            }
        }
        Self { per, limits, owners, by_entity: BTreeMap::new(), by_node: BTreeMap::new(), asked }
    }

    pub fn count(&mut self, pod: &'a Pod, recent: &mut Recent) {
        if let Some(node) = &pod.node {
            self.by_node.entry(node).or_default().pods += 1;
        }
        let workload = self.workload(pod);
        let trouble = match pod.phase.as_str() {
            "Succeeded" => return,
            "Failed" if pod.reason.as_deref() == Some("Evicted") => return self.count_evicted(pod),
            "Failed" => match self.failed(pod) {
                Some(trouble) => Some(trouble),
                None => return,
            },
            _ if pod.deleted => None,
            _ => trouble::of(pod, &workload, recent, self.limits),
        };
        let entity = self.entity(&pod.namespace, &workload, &pod.name);
        let tally = self.by_entity.entry(entity).or_default();
        tally.pods += 1;
        tally.troubles.extend(trouble);
    }

    fn entity(&self, namespace: &str, workload: &str, pod: &str) -> Entity {
        let labels = [("namespace", namespace), ("workload", workload), ("pod", pod)];
        Entity::new(labels.into_iter().take(if self.per == Per::Pod { 3 } else { 2 }))
    }

    /// `Deployment/checkout`; a Job of a CronJob is the CronJob's; a pod that nobody owns is its own.
    fn workload(&self, pod: &Pod) -> String {
        let Some(owner) = &pod.owner else { return format!("Pod/{}", pod.name) };
        let job = self.owner(pod, owner).filter(|_| owner.kind == "Job");
        let Owner { kind, name } = job.and_then(|job| job.owner.as_ref()).unwrap_or(owner);
        format!("{kind}/{name}")
    }

    fn owner(&self, pod: &Pod, owner: &Owner) -> Option<&'a Workload> {
        self.owners.get(&(owner.kind.as_str(), pod.namespace.as_str(), owner.name.as_str())).copied()
    }

    fn count_evicted(&mut self, pod: &'a Pod) {
        if !self.is_recent(pod) {
            return;
        }
        let name = format!("{}/{}", pod.namespace, pod.name);
        let trouble = Trouble { pod: name, ..Trouble::of_pod(pod, "Evicted", pod.message.clone()) };
        let node = pod.node.as_deref().unwrap_or("(none)");
        self.by_node.entry(node).or_default().troubles.push(trouble);
    }

    fn is_recent(&self, pod: &Pod) -> bool {
        pod.ended.is_none_or(|ended| elapsed(ended, self.limits.now) < self.limits.failed_for)
    }

    /// Failed pods stay where they are for ever; they matter while nobody has taken their place. Jobs speak for their own.
    fn failed(&self, pod: &Pod) -> Option<Trouble> {
        let owner = pod.owner.as_ref();
        let replaced = owner.and_then(|owner| self.owner(pod, owner)).is_some_and(|owner| owner.satisfied);
        let is_job = owner.is_some_and(|owner| owner.kind == "Job") && self.asked.contains("Job");
        if is_job || replaced || !self.is_recent(pod) {
            return None;
        }
        let reason = pod.reason.as_deref().unwrap_or("Failed");
        let end = pod.restless.iter().find_map(|container| match &container.state {
            crate::model::kubernetes::ContainerState::Ended(end) => Some((container, end)),
            _ => None,
        });
        let detail =
            end.map(|(container, end)| format!("`{}` ended with exit code {}", container.name, end.code));
        Some(Trouble::of_pod(pod, reason, detail.or_else(|| pod.message.clone())))
    }

    /// A workload whose crashing pods were replaced has not proven to be well: its new pods may crash like the old.
    pub fn count_the_gone(&mut self, recent: &Recent) {
        if self.per == Per::Pod {
            return;
        }
        for (restless, why) in recent.gone() {
            let entity = self.entity(&restless.namespace, &restless.workload, &restless.pod);
            let Some(tally) = self.by_entity.get_mut(&entity) else { continue };
            let detail = "this pod is gone; the others have to stay calm for a while".to_owned();
            tally.pods += 1;
            tally.troubles.push(Trouble {
                pod: restless.pod.clone(),
                reason: why.to_owned(),
                container: Some(restless.container.clone()),
                detail: Some(detail),
            });
        }
    }

    /// A Job says itself whether it failed; of a CronJob the newest that ended counts.
    pub fn count_jobs(&mut self) {
        let mut newest: BTreeMap<(&str, String), &Workload> = BTreeMap::new();
        for ((kind, namespace, name), job) in &self.owners {
            if *kind != "Job" {
                continue;
            }
            let workload = match &job.owner {
                Some(Owner { kind, name }) => format!("{kind}/{name}"),
                None => format!("Job/{name}"),
            };
            let known = newest.entry((*namespace, workload)).or_insert(job);
            let ended = |job: &Workload| (job.failed.is_some() || job.complete, job.created);
            if ended(job) > ended(known) {
                *known = job;
            }
        }
        for ((namespace, workload), job) in newest {
            let labels = [("namespace", namespace), ("workload", workload.as_str())];
            let tally = self.by_entity.entry(Entity::new(labels)).or_default();
            if let Some(why) = &job.failed {
                tally.pods += 1;
                let (pod, detail) = (job.name.clone(), Some(why.clone()).filter(|why| !why.is_empty()));
                tally.troubles.push(Trouble { pod, reason: "JobFailed".to_owned(), container: None, detail });
            }
        }
    }

    pub fn findings(self) -> BTreeMap<Entity, Finding> {
        let nodes = self.by_node.into_iter().map(|(node, tally)| (Entity::of("node", node), tally));
        let all = self.by_entity.into_iter().chain(nodes);
        all.map(|(entity, tally)| (entity, Finding::Value(tally.reading()))).collect()
    }
}

impl Tally {
    fn reading(self) -> Reading {
        let count = self.troubles.len() as u64;
        let reading =
            Reading::new(Number::count(count), Unit::Pods).of_whole(Number::count(self.pods.max(1)));
        if self.troubles.is_empty() {
            return reading;
        }
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for trouble in &self.troubles {
            *reasons.entry(&trouble.reason).or_default() += 1;
        }
        let mut by_count: Vec<(&str, u64)> = reasons.into_iter().collect();
        by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let leading = by_count.first().map(|(reason, _)| *reason).unwrap_or_default();
        let reasons: Map<String, Value> =
            by_count.iter().map(|(reason, count)| ((*reason).to_owned(), Value::from(*count))).collect();
        let names: Vec<&str> = self.troubles.iter().take(NAMED).map(|trouble| trouble.pod.as_str()).collect();
        let mut reading = reading
            .fact("reasons", Value::Object(reasons))
            .fact("pods", names)
            .fact("of_pods", self.pods)
            .fact("reason", leading);
        if let Some(first) = self.troubles.iter().find(|trouble| trouble.reason == leading) {
            reading = reading.fact("example", first.pod.clone());
            for (name, text) in [("container", &first.container), ("detail", &first.detail)] {
                if let Some(text) = text {
                    reading = reading.fact(name, text.clone());
                }
            }
        }
        reading
    }
}
