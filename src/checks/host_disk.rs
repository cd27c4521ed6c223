use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        documents::{is_field, time_field},
        hosts::{self, Hosts, Pick, Scaled},
    },
};
use crate::model::{
    Entity, Observation, Reading, Reason, Scale,
    filter::Filter,
    query::{Query, Response},
    span::Span,
};

/// The space used on each file system of each host, from Metricbeat's or Elastic Agent's `system.filesystem`.
///
/// It opens when consistently above: every sample of the window, and at least `min_samples` of them. It closes at once: one sample that is
/// not above the threshold is enough, and the count begins anew. File systems that are full by nature or hold no data (`ignore_types`) do
/// not count. A host whose samples stop is a finding of its own (`absent`), as is a file system that is no longer there: it may have
/// been unmounted on purpose, so it is told once and forgotten after 7 days; `absent: { keep: 10m, then: resolve }` does not tell it. A
/// host whose clock is wrong is named.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostDisk {
    /// Index pattern, as Elasticsearch spells it. Elastic Agent writes to `metrics-system.filesystem-*`.
    #[serde(default = "hosts::index")]
    pub index: String,
    /// How long "consistently" is. It ends exactly at the tick, and is not shorter than the schedule.
    #[serde(default = "hosts::five_minutes")]
    pub window: Span,
    /// With fewer samples than this in the window nothing is consistent.
    #[serde(default = "hosts::five")]
    pub min_samples: u64,
    /// Which hosts and file systems: a query object, or a string in Lucene query-string syntax. Left out: all.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// File systems of these types do not count.
    #[serde(default = "ignore_types")]
    pub ignore_types: Vec<String>,
    /// The date of a sample.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// Who sent it.
    #[serde(default = "hosts::host_field")]
    pub host_field: String,
    /// The share that is used, of 1.
    #[serde(default = "field")]
    pub field: String,
    /// Where the file system is mounted.
    #[serde(default = "mount_field")]
    pub mount_field: String,
    /// The type of the file system.
    #[serde(default = "type_field")]
    pub type_field: String,
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

/// Images that are mounted to be read are full for ever; the others live in memory, or show the disk of something else once more.
fn ignore_types() -> Vec<String> {
    let types = ["squashfs", "iso9660", "udf", "erofs", "tmpfs", "devtmpfs", "ramfs", "overlay", "autofs"];
    types.map(str::to_owned).into()
}

fn field() -> String {
    "system.filesystem.used.pct".to_owned()
}

fn mount_field() -> String {
    "system.filesystem.mount_point".to_owned()
}

fn type_field() -> String {
    "system.filesystem.type".to_owned()
}

fn dataset() -> String {
    "system.filesystem".to_owned()
}

impl HostDisk {
    pub const EXAMPLE: &str = "host_disk: { index: \"metricbeat-*\" }";

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
            ignored: (!self.ignore_types.is_empty()).then_some((&self.type_field, &self.ignore_types)),
            host_field: &self.host_field,
            mount_field: Some(&self.mount_field),
            field: &self.field,
            scaled: Scaled::Share,
            pick: Pick::Best,
        }
    }
}

impl Check for HostDisk {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn defaults(&self) -> Defaults {
        hosts::defaults("above 80%")
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.hosts().groups()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.hosts().complaints();
        if !is_field(&self.type_field) {
            complaints.push(format!("`{}` is no name of a field; leave `type_field` out", self.type_field));
        }
        complaints
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
            cause: Some(format!("{on} has been at least {used} full throughout ({sampled})")),
            next_step: Some(format!("remove data from {on}, or enlarge its disk")),
        }
    }

    fn advise_of_silence(&self, entity: &Entity) -> Advice {
        self.hosts().advise_of_silence(entity)
    }
}

#[cfg(test)]
mod tests;
