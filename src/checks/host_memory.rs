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
    Entity, Observation, Reading, Reason, Scale,
    filter::Filter,
    query::{Query, Response},
    span::Span,
};

/// The memory used on each host, from Metricbeat's or Elastic Agent's `system.memory`.
///
/// It opens at once: one sample of the window above the threshold is enough. It closes when consistently below: every sample of the window,
/// and at least `min_samples` of them. What is used is what programs hold, without the caches that the system gives back. A host whose
/// samples stop is a finding of its own (`absent`), and one whose clock is wrong is named.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostMemory {
    /// Index pattern, as Elasticsearch spells it. Elastic Agent writes to `metrics-system.memory-*`.
    #[serde(default = "hosts::index")]
    pub index: String,
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
    /// The share that is used, of 1.
    #[serde(default = "field")]
    pub field: String,
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

fn field() -> String {
    "system.memory.actual.used.pct".to_owned()
}

fn dataset() -> String {
    "system.memory".to_owned()
}

impl HostMemory {
    pub const EXAMPLE: &str =
        "host_memory: { index: \"metrics-system.memory-*\", filter: \"host.name:db-*\" }";

    fn hosts(&self) -> Hosts<'_> {
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
            field: &self.field,
            scaled: Scaled::Share,
            pick: Pick::Worst,
        }
    }
}

impl Check for HostMemory {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn defaults(&self) -> Defaults {
        hosts::defaults("above 90%")
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.hosts().groups()
    }

    fn complaints(&self) -> Vec<String> {
        self.hosts().complaints()
    }

    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        self.hosts().queries(look, memory)
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        self.hosts().read(look, answers, memory)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let (used, sampled) = (reading.unit.show(reading.value), hosts::sampled(reading));
        let on = hosts::whose(entity);
        Advice {
            cause: Some(format!("programs on {on} held up to {used} of its memory ({sampled})")),
            next_step: Some(format!(
                "find the program on {on} that grows; where that is its ordinary need, give it more memory"
            )),
        }
    }

    fn advise_of_silence(&self, entity: &Entity) -> Advice {
        self.hosts().advise_of_silence(entity)
    }
}

#[cfg(test)]
mod tests;
