mod history;
mod slope;

#[cfg(test)]
pub(super) mod tests;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::{
    history::{History, Sample},
    slope::Slope,
};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{body, undecided},
    storage::{Disk, Storage, disks, nodes::Node, silent, watermarks::Watermarks},
};
use crate::model::{
    Cause, Entity, Finding, Number, Observation, Others, Reading, Reason, Scale, Time, Unit,
    policy::{Missing, MissingThen},
    query::{Query, Response},
    span::{self, Span},
};

/// When each node's disk reaches a watermark of Elasticsearch's, if it goes on filling as it did lately.
///
/// The rule records how full every data path is, and extends the line through the last `history`: the median of the slopes
/// between all pairs of samples (Theil and Sen), which neither a merge nor a deleted index bends. Its 90 % interval is told as
/// `earliest` and `latest`. As long as that interval holds a disk that does not fill, nothing is foretold, and the reading is a
/// year, which is also the most it ever is. Before a quarter of `history`, and eight samples, have been
/// recorded nothing can be known: that is no data.
/// A disk above the mark reads 0.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StorageForecast {
    /// Nodes with any of these roles are looked at. `data` means every data role, but not nodes that are frozen only.
    pub roles: Vec<String>,
    /// Which of Elasticsearch's marks: `watermark.low`, `watermark.high` or `watermark.flood_stage`.
    pub mark: String,
    /// How much of the past the line goes through; from `1h` to `90d`.
    pub history: Span,
}

impl Default for StorageForecast {
    fn default() -> Self {
        Self {
            roles: vec!["data".to_owned()],
            mark: "watermark.high".to_owned(),
            history: Span(Duration::from_secs(24 * 3600)),
        }
    }
}

/// The most that is ever foretold, in seconds.
const YEAR: f64 = 365.0 * 86_400.0;
const MARKS: [&str; 3] = ["watermark.low", "watermark.high", "watermark.flood_stage"];

impl StorageForecast {
    pub const EXAMPLE: &str = "storage_forecast: { mark: watermark.high, history: 24h }";

    fn storage(&self) -> Storage {
        Storage { roles: self.roles.clone() }
    }

    fn look(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        past: &mut History,
    ) -> Result<Observation, Reason> {
        let (stats, members, settings) = (body(answers, 0)?, body(answers, 1)?, body(answers, 2)?);
        let (chosen, marks) = (self.storage().chosen(members, stats)?, Watermarks::of(settings));
        let now = look.window.end;
        // after a long gap, most of what was recorded is no part of the history any more
        past.forget_before(now, self.history.0);
        let mut findings = BTreeMap::new();
        for node in &chosen {
            let finding = match stats.pointer("/nodes").and_then(|nodes| nodes.get(&node.id)) {
                None => Finding::Unknown(silent(node, look)),
                Some(stats) => self.node(stats, node, (&marks, now), past).unwrap_or_else(Finding::Unknown),
            };
            findings.insert(node.entity.clone(), finding);
        }
        Ok(Observation::Seen { findings, others: Others::Absent })
    }

    /// The data path that is full first.
    fn node(
        &self,
        stats: &Value,
        node: &Node,
        (marks, now): (&Watermarks, Time),
        past: &mut History,
    ) -> Result<Finding, Reason> {
        let mut soonest: Option<Reading> = None;
        let mut young = None;
        for disk in disks(stats, node)? {
            let mark = self.mark_of(&disk, node, marks)?;
            let key = format!("{}\n{}", node.id, disk.path.as_deref().unwrap_or_default());
            let samples = past.record(&key, Sample::of(now, disk.used()), self.history.0);
            match self.forecast(samples, &disk, mark) {
                Ok(reading) if soonest.as_ref().is_none_or(|soonest| reading.value < soonest.value) => {
                    soonest = Some(reading);
                }
                Ok(_) => {}
                Err(words) => young = Some(words),
            }
        }
        let nothing = || Finding::NoData(young.unwrap_or_else(|| "a node without data paths".to_owned()));
        Ok(soonest.map_or_else(nothing, Finding::Value))
    }

    /// Bytes used at which the mark is reached.
    fn mark_of(&self, disk: &Disk, node: &Node, marks: &Watermarks) -> Result<f64, Reason> {
        let marks = marks.on(disk.total, node.is_frozen_only());
        let found = marks.iter().find(|(name, _)| *name == self.mark);
        let (_, percent) = found.ok_or_else(|| {
            Reason::new(Cause::Missing, format!("`{}` is not known of node `{}`", self.mark, node.name))
        })?;
        Ok(disk.total as f64 * percent / 100.0)
    }

    /// The time until `mark`, or in words why nothing can be known.
    fn forecast(&self, samples: &[Sample], disk: &Disk, mark: f64) -> Result<Reading, String> {
        let used = disk.used() as f64;
        let about = |seconds: f64| {
            let mut reading = Reading::new(Number::Float(seconds.floor()), Unit::Seconds)
                .fact("used_bytes", disk.used())
                .fact("total_bytes", disk.total)
                .fact("mark", self.mark.clone())
                .fact("mark_bytes", mark as u64);
            if let Some(path) = &disk.path {
                reading = reading.fact("path", path.clone());
            }
            reading
        };
        if used >= mark {
            return Ok(about(0.0));
        }
        let slope = self.slope(samples)?;
        let until = |bytes_per_second: f64| ((mark - used) / bytes_per_second).clamp(0.0, YEAR);
        let growth = Unit::Bytes.show(Number::Float((slope.median * 86_400.0).round()));
        let recorded = span::show(Duration::from_secs(history::length(samples)));
        if slope.low <= 0.0 {
            return Ok(about(YEAR).fact("growth_per_day", growth).fact("recorded", recorded));
        }
        let words = |seconds: f64| match seconds >= YEAR {
            true => "more than a year".to_owned(),
            false => span::show(Duration::from_secs(seconds as u64)),
        };
        Ok(about(until(slope.median))
            .fact("earliest", words(until(slope.high)))
            .fact("latest", words(until(slope.low)))
            .fact("growth_per_day", growth)
            .fact("recorded", recorded))
    }

    fn slope(&self, samples: &[Sample]) -> Result<Slope, String> {
        let (known, needed) = (history::length(samples), self.history.0.as_secs() / 4);
        let needed = Duration::from_secs(needed);
        if known < needed.as_secs() {
            let known = span::show(Duration::from_secs(known));
            return Err(format!("{known} recorded, {} are needed", span::show(needed)));
        }
        let points: Vec<(f64, f64)> = samples.iter().map(Sample::point).collect();
        Slope::of(&points).ok_or_else(|| format!("{} samples are too few for a line", points.len()))
    }
}

impl Check for StorageForecast {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Seconds)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: Vec::new(),
            no_data: Some(Missing::KEEP),
            absent: Some(Missing::keep_then(Duration::from_secs(3600), MissingThen::Resolve)),
        }
    }

    fn groups(&self) -> Vec<String> {
        vec!["node".to_owned()]
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.storage().complaints();
        if !MARKS.contains(&self.mark.as_str()) {
            complaints.push(format!(
                "`{}` is no mark; write `watermark.low`, `watermark.high` or `watermark.flood_stage`",
                self.mark
            ));
        }
        let hours = self.history.0.as_secs() / 3600;
        if !(1..=90 * 24).contains(&hours) {
            complaints.push(format!("`history` is {}; write between `1h` and `90d`", self.history));
        }
        complaints
    }

    /// The same questions as `storage`, so that both rules share their answers; without the settings there is no mark.
    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let mut queries = self.storage().queries(look, memory);
        queries.truncate(3);
        for query in &mut queries {
            query.optional = false;
        }
        queries
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        let mut past = History::of(&memory);
        let seen = self.look(look, answers, &mut past).unwrap_or_else(undecided);
        (seen, past.into_memory(memory))
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let node = entity.get("node").unwrap_or("the node");
        let text = |name: &str| reading.facts.text(name).unwrap_or_default().to_owned();
        let mark = text("mark");
        let next_step = Some(format!("free space on {node}, or add a data node, before {mark} is reached"));
        if reading.value <= Number::Int(0) {
            let cause = format!("{node} is above {mark} already");
            return Advice { cause: Some(cause), next_step };
        }
        if reading.facts.get("earliest").is_none() {
            let cause = format!(
                "it does not provably fill: {} a day over {}",
                text("growth_per_day"),
                text("recorded")
            );
            return Advice { cause: Some(cause), next_step: None };
        }
        let when = match (text("earliest"), text("latest")) {
            (earliest, latest) if earliest == latest => format!("in about {earliest}"),
            (earliest, latest) => format!("between {earliest} and {latest} from now"),
        };
        let (growth, recorded) = (text("growth_per_day"), text("recorded"));
        let cause = format!("it grew by {growth} a day over the last {recorded}; {mark} is reached {when}");
        Advice { cause: Some(cause), next_step }
    }
}
