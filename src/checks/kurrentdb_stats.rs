mod measured;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use self::measured::Stats;
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        kurrentdb,
        service::{self, ServiceAuth, ServiceTls, Way},
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Observation, Others, Reading, Reason, Scale, Unit,
    amount::Bytes,
    policy::Missing,
    query::{Query, Response},
    secret::Secret,
    span::Span,
};

/// The load, memory or drive of every node of a KurrentDB or EventStoreDB cluster, or any other number of its `/stats`.
///
/// A node that does not answer, or whose answer lacks the number, is unknown; the others are judged. The defaults are those of Kurrent Cloud:
/// the load per core opens at once and closes when it is lower for 5 minutes, so does memory; the drive has to be fuller for 5 minutes, and
/// closes at once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KurrentdbStats {
    /// Every node's URL: `https://n1:2113`.
    pub nodes: Vec<Secret>,
    /// What is measured. Left out: `value`, which needs a `stat`.
    #[serde(default)]
    pub measure: StatsMeasure,
    /// Another number by its name: `proc-threadsCount`, `es-queue-MainQueue-length`. Names of groups are joined by `-`.
    pub stat: Option<String>,
    /// `load`: physical cores of a node, for its `/stats` do not say.
    pub cores: Option<u32>,
    /// `memory`: how much a node has, for versions whose `/stats` do not say.
    pub total_memory: Option<Bytes>,
    /// What stands in the place of a cluster's name in messages, routes and silences.
    #[serde(default = "kurrentdb::name")]
    pub name: String,
    /// Who we are. Left out: nobody.
    pub auth: Option<ServiceAuth>,
    /// Certificates. Left out: the operating system's trust store.
    pub tls: Option<ServiceTls>,
    /// The deadline of one node's answer.
    #[serde(default = "service::timeout")]
    pub timeout: Span,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatsMeasure {
    /// The load average of one minute per core, as a number.
    Load,
    /// Memory used, in percent.
    Memory,
    /// Each drive's space used, in percent.
    Drive,
    /// The number that `stat` names.
    #[default]
    Value,
}

impl KurrentdbStats {
    pub const EXAMPLE: &str =
        "kurrentdb_stats: { nodes: [\"https://n1:2113\", \"https://n2:2113\"], measure: drive }";

    fn way(&self) -> Way<'_> {
        let (auth, tls) = (self.auth.as_ref(), self.tls.as_ref());
        Way { auth, tls, timeout: self.timeout, most: Bytes::megabytes(16) }
    }

    fn look(&self, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let mut findings = BTreeMap::new();
        for at in 0..self.nodes.len() {
            let node = kurrentdb::node_name(&self.nodes, at);
            let measured = kurrentdb::answer(answers, at).and_then(|body| self.measured(&Stats::of(body)));
            match measured {
                Ok(readings) => findings.extend(readings.into_iter().map(|(drive, reading)| {
                    let drive = drive.map(|drive| ("drive".to_owned(), drive));
                    let labels = [("node".to_owned(), node.clone())].into_iter().chain(drive);
                    (Entity::new(labels), Finding::Value(reading))
                })),
                Err(reason) if reason.cause == Cause::Fault => return Err(reason),
                Err(reason) => drop(findings.insert(Entity::of("node", node), Finding::Unknown(reason))),
            }
        }
        // a node that was taken out of the rule, or a drive that is not there any more: only who did not answer may still have it
        let silent = findings.values().any(|finding| matches!(finding, Finding::Unknown(_)));
        let others = if silent { Others::Untouched } else { Others::Absent };
        Ok(Observation::Seen { findings, others })
    }

    fn measured(&self, stats: &Stats<'_>) -> Result<Vec<(Option<String>, Reading)>, Reason> {
        let one = |reading: Reading| vec![(None, reading)];
        match self.measure {
            StatsMeasure::Load => stats.load(self.cores.unwrap_or(1)).map(one),
            StatsMeasure::Memory => stats.memory(self.total_memory).map(one),
            StatsMeasure::Drive => stats.drives(),
            StatsMeasure::Value => stats.value(self.stat.as_deref().unwrap_or_default()).map(one),
        }
    }

    fn complaints_about_measure(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut add = |wrong: bool, words: &str| complaints.extend(wrong.then(|| words.to_owned()));
        let measure = self.measure;
        add(
            measure == StatsMeasure::Value && self.stat.is_none(),
            "nothing is measured; write `measure: load`, `memory` or `drive`, or a `stat`",
        );
        add(
            measure != StatsMeasure::Value && self.stat.is_some(),
            "`measure` and `stat` both say what is measured; keep one",
        );
        add(
            measure == StatsMeasure::Load && self.cores.is_none_or(|cores| cores == 0),
            "`measure: load` needs the number of a node's physical `cores`",
        );
        add(measure != StatsMeasure::Load && self.cores.is_some(), "`cores` is for `measure: load`");
        add(
            measure != StatsMeasure::Memory && self.total_memory.is_some(),
            "`total_memory` is for `measure: memory`",
        );
        add(self.name.trim().is_empty(), "`name` is empty");
        complaints
    }
}

impl Check for KurrentdbStats {
    fn scale(&self) -> Scale {
        match self.measure {
            StatsMeasure::Memory | StatsMeasure::Drive => Scale::Percent,
            StatsMeasure::Load | StatsMeasure::Value => Scale::Amount(Unit::Count),
        }
    }

    fn defaults(&self) -> Defaults {
        let levels = match self.measure {
            StatsMeasure::Load => vec![(Level::Warning, "above 2, recover_for 5m")],
            StatsMeasure::Memory => vec![(Level::Warning, "above 90%, recover_for 5m")],
            StatsMeasure::Drive => vec![(Level::Warning, "above 80% for 5m")],
            StatsMeasure::Value => Vec::new(),
        };
        Defaults { levels, no_data: Some(Missing::KEEP), absent: None }
    }

    fn elsewhere(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn groups(&self) -> Vec<String> {
        let drive = (self.measure == StatsMeasure::Drive).then(|| "drive".to_owned());
        ["node".to_owned()].into_iter().chain(drive).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = kurrentdb::complaints(self.way(), &self.nodes);
        complaints.extend(self.complaints_about_measure());
        complaints
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        kurrentdb::ask_all(self.way(), &self.nodes, "/stats")
    }

    fn read(&self, _: &Look, answers: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (self.look(answers).unwrap_or_else(Observation::Indeterminate), memory)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        words::advise(self.measure, entity, reading)
    }
}

#[cfg(test)]
pub(super) mod tests;
