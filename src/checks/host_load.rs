use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        documents::time_field,
        hosts::{self, Hosts, Pick, Scaled},
    },
};
use crate::model::{
    Entity, Observation, Reading, Reason, Scale, Unit,
    filter::Filter,
    query::{Query, Response},
    span::Span,
};

/// The load of each host per physical core, from Metricbeat's or Elastic Agent's `system.load`.
///
/// It opens at once: one sample of the window above the threshold is enough. It closes when consistently below: every sample of the window,
/// and at least `min_samples` of them. The load is that of the last minute, divided by the physical cores: Metricbeat counts the logical
/// ones in `system.load.cores`, of which `threads_per_core` make a physical one. A host whose samples stop is a finding of its own
/// (`absent`), and one whose clock is wrong is named.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostLoad {
    /// Index pattern, as Elasticsearch spells it. Elastic Agent writes to `metrics-system.load-*`.
    #[serde(default = "hosts::index")]
    pub index: String,
    /// The average over so many minutes: 1, 5 or 15.
    #[serde(default = "one")]
    pub minutes: u32,
    /// How many logical cores make a physical one: 2 where simultaneous multithreading is on.
    #[serde(default = "one")]
    pub threads_per_core: u32,
    /// How long "consistently" is. It ends exactly at the tick, and is not shorter than the schedule.
    #[serde(default = "hosts::five_minutes")]
    pub window: Span,
    /// With fewer samples than this in the window nothing is consistent.
    #[serde(default = "hosts::five")]
    pub min_samples: u64,
    /// Which hosts: a query object, or a string in Lucene query-string syntax. Left out: all.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// The date of a sample.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// Who sent it.
    #[serde(default = "hosts::host_field")]
    pub host_field: String,
    /// The load. Left out: `system.load.1`, `system.load.5` or `system.load.15`, by `minutes`.
    #[serde(default)]
    pub field: Option<String>,
    /// How many logical cores the host has.
    #[serde(default = "cores_field")]
    pub cores_field: String,
    /// Which metric set a document is of.
    #[serde(default = "hosts::dataset_field")]
    pub dataset_field: String,
    /// The metric set.
    #[serde(default = "dataset")]
    pub dataset: String,
    /// A document with one of these fields is about a container or a pod, and not about its host. An empty list takes all.
    #[serde(default = "hosts::container_fields")]
    pub container_fields: Vec<String>,
}

const fn one() -> u32 {
    1
}

fn cores_field() -> String {
    "system.load.cores".to_owned()
}

fn dataset() -> String {
    "system.load".to_owned()
}

impl HostLoad {
    pub const EXAMPLE: &str = "host_load: { index: \"metricbeat-*\", threads_per_core: 2 }";

    fn hosts<'a>(&'a self, field: &'a str) -> Hosts<'a> {
        Hosts {
            index: &self.index,
            time_field: &self.time_field,
            window: self.window,
            min_samples: self.min_samples,
            filter: self.filter.as_ref(),
            dataset_field: &self.dataset_field,
            dataset: &self.dataset,
            container_fields: &self.container_fields,
            ignored: None,
            host_field: &self.host_field,
            mount_field: None,
            field,
            scaled: Scaled::PerCore { cores: &self.cores_field, threads: self.threads_per_core },
            pick: Pick::Worst,
        }
    }

    fn field(&self) -> String {
        self.field.clone().unwrap_or_else(|| format!("system.load.{}", self.minutes))
    }
}

impl Check for HostLoad {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Count)
    }

    fn defaults(&self) -> Defaults {
        hosts::defaults("above 2.0")
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.hosts(&self.field()).groups()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.hosts(&self.field()).complaints();
        if ![1, 5, 15].contains(&self.minutes) {
            complaints.push(format!("`minutes` {} is no load average; write 1, 5 or 15", self.minutes));
        }
        complaints
    }

    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        self.hosts(&self.field()).queries(look, memory)
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        self.hosts(&self.field()).read(look, answers, memory)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let (load, sampled) = (reading.unit.show(reading.value), hosts::sampled(reading));
        let cores = reading.facts.get("cores").and_then(serde_json::Value::as_f64).unwrap_or_default();
        let on = hosts::whose(entity);
        Advice {
            cause: Some(format!(
                "up to {load} processes for each of the {cores} cores of {on} ran or waited ({sampled})"
            )),
            next_step: Some(format!(
                "find what keeps {on} busy; where that is its ordinary work, give it more cores"
            )),
        }
    }

    fn advise_of_silence(&self, entity: &Entity) -> Advice {
        self.hosts(&self.field()).advise_of_silence(entity)
    }
}

#[cfg(test)]
mod tests;
