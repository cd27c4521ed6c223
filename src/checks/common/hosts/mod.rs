//! What the checks about hosts share: samples that Metricbeat or Elastic Agent wrote, one document each.
//!
//! Their rules are not even-handed: one opens at the first bad sample and closes once all have been good for a while, another the other
//! way round. That needs no memory here. The window is that while, and the reading is its *worst* sample or its *best* one:
//!
//! | reading | above the threshold | not above it |
//! |---|---|---|
//! | worst sample | one sample was bad: opens at once | every sample was good: closes when consistently below |
//! | best sample | every sample was bad: opens when consistently above | one sample was good: closes at once |
//!
//! *Every* is only proven where there were enough samples and the window was covered. Elsewhere the reading is a bound: the true worst is
//! at least this one, the true best at most, so it proves what one sample proves, and leaves the rest as it is.

mod clocks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    super::{Advice, Defaults, Look, Memory},
    documents::{Documents, is_field},
    found, undecided,
};
use crate::model::{
    Cause, Entity, Finding, Level, Missing, Number, Observation, Others, Reading, Reason, Side, Time, Unit,
    filter::Filter,
    policy::MissingThen,
    query::{Group, Metric, Query, Response, Search},
    span::{self, Span},
    time::elapsed,
};

/// The label of every entity: the host.
pub const HOST: &str = "host";
/// That of a file system on it.
pub const MOUNT: &str = "mount";

const SAMPLES: &str = "samples";
const WORST: &str = "worst";
const BEST: &str = "best";
const MEAN: &str = "mean";
const OLDEST: &str = "oldest";
const NEWEST: &str = "newest";
const MOST_CORES: &str = "cores_most";
const LEAST_CORES: &str = "cores_least";

/// Which sample of the window is the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    Worst,
    Best,
}

/// What a sample's number is, and in which unit it is judged.
#[derive(Clone, Copy, Debug)]
pub enum Scaled<'a> {
    /// A share of 1, judged in percent.
    Share,
    /// A load, judged per physical core.
    PerCore { cores: &'a str, threads: u32 },
}

/// Samples of hosts: where they are, whose they are, and which number of them is judged.
#[derive(Clone, Copy, Debug)]
pub struct Hosts<'a> {
    pub index: &'a str,
    pub time_field: &'a str,
    pub window: Span,
    pub min_samples: u64,
    pub filter: Option<&'a Filter>,
    pub dataset_field: &'a str,
    pub dataset: &'a str,
    pub container_fields: &'a [String],
    /// Field and values of samples that do not count.
    pub ignored: Option<(&'a str, &'a [String])>,
    pub host_field: &'a str,
    /// The field of the file system's mount point, where each is judged by itself.
    pub mount_field: Option<&'a str>,
    pub field: &'a str,
    pub scaled: Scaled<'a>,
    pub pick: Pick,
}

pub fn index() -> String {
    "metricbeat-*".to_owned()
}

pub fn five_minutes() -> Span {
    Span::seconds(300)
}

pub const fn five() -> u64 {
    5
}

pub fn host_field() -> String {
    "host.name".to_owned()
}

pub fn dataset_field() -> String {
    "event.dataset".to_owned()
}

/// What only documents about a container or a pod have.
pub fn container_fields() -> Vec<String> {
    ["container.id", "container.name", "kubernetes.pod.uid", "kubernetes.pod.name"].map(str::to_owned).into()
}

/// A host whose samples stop is a finding of its own, at once; where nobody sends any more, the pipeline gets a while to come back.
pub fn defaults(level: &'static str) -> Defaults {
    let warning = MissingThen::Fire(Level::Warning);
    let forget = std::time::Duration::from_secs(7 * 86_400);
    Defaults {
        levels: vec![(Level::Warning, level)],
        no_data: Some(Missing::keep_then(std::time::Duration::from_secs(300), warning)),
        absent: Some(Missing { forget: Some(forget), ..Missing::fire(Level::Warning) }),
    }
}

impl Hosts<'_> {
    pub fn groups(&self) -> Vec<String> {
        let mount = self.mount_field.map(|_| MOUNT.to_owned());
        [HOST.to_owned()].into_iter().chain(mount).collect()
    }

    pub fn complaints(&self) -> Vec<String> {
        let per: Vec<String> = self.per();
        let documents = Documents {
            index: self.index,
            time_field: self.time_field,
            window: self.window,
            per: &per,
            max_lag: None,
        };
        let mut complaints = documents.complaints();
        let cores = match self.scaled {
            Scaled::PerCore { cores, .. } => Some(cores),
            Scaled::Share => None,
        };
        let others = self.container_fields.iter().map(String::as_str).chain(cores);
        if others.chain([self.field, self.dataset_field]).any(|name| !is_field(name)) {
            complaints.push("fields are named without `*`, like `host.name`".to_owned());
        }
        if self.min_samples == 0 {
            complaints.push("`min_samples` is 0; nothing is consistent without a sample".to_owned());
        }
        if matches!(self.scaled, Scaled::PerCore { threads: 0, .. }) {
            complaints.push("`threads_per_core` is 0; write 1 where a core runs one thread".to_owned());
        }
        complaints
    }

    fn per(&self) -> Vec<String> {
        [self.host_field].into_iter().chain(self.mount_field).map(str::to_owned).collect()
    }

    /// The samples of the window; then, where they may be asked, those that are dated elsewhere.
    pub fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let mut queries = vec![Query::search(self.samples(look))];
        queries.extend(clocks::queries(self, look, memory));
        queries
    }

    fn samples(&self, look: &Look) -> Search {
        let field = || self.field.to_owned();
        let mut metrics = BTreeMap::from([
            (WORST.to_owned(), Metric::Max(field())),
            (BEST.to_owned(), Metric::Min(field())),
            (MEAN.to_owned(), Metric::Avg(field())),
            (OLDEST.to_owned(), Metric::Min(self.time_field.to_owned())),
            (NEWEST.to_owned(), Metric::Max(self.time_field.to_owned())),
        ]);
        if let Scaled::PerCore { cores, .. } = self.scaled {
            metrics.insert(MOST_CORES.to_owned(), Metric::Max(cores.to_owned()));
            metrics.insert(LEAST_CORES.to_owned(), Metric::Min(cores.to_owned()));
        }
        let counted = Filter::new(json!({ "exists": { "field": self.field } }));
        Search {
            index: self.index.to_owned(),
            time_field: self.time_field.to_owned(),
            window: look.window,
            filter: Some(self.filter()),
            counts: BTreeMap::from([(SAMPLES.to_owned(), counted)]),
            metrics,
            per: self.per(),
        }
    }

    /// This metric set, of hosts: all sets share an index, and what runs on a host may send the same of itself.
    fn filter(&self) -> Filter {
        let mut must = vec![json!({ "term": { self.dataset_field: self.dataset } })];
        must.extend(self.filter.map(|filter| filter.query().clone()));
        let exists = |field: &String| json!({ "exists": { "field": field } });
        let mut not: Vec<Value> = self.container_fields.iter().map(exists).collect();
        not.extend(self.ignored.map(|(field, values)| json!({ "terms": { field: values } })));
        Filter::new(json!({ "bool": { "filter": must, "must_not": not } }))
    }

    pub fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        match found(answers, 0) {
            Err(reason) => (undecided(reason), memory),
            Ok(samples) => self.judge(look, &samples.groups, (answers, memory)),
        }
    }

    fn judge(
        &self,
        look: &Look,
        groups: &BTreeMap<Entity, Group>,
        (answers, memory): (&[Result<Response, Reason>], Memory),
    ) -> (Observation, Memory) {
        let groups = groups.iter().filter(|(entity, group)| !entity.is_empty() && group.total > 0);
        let mut findings = BTreeMap::new();
        for (entity, group) in groups {
            findings.insert(self.named(entity), self.finding(look, group));
        }
        let here: BTreeSet<&str> = findings.keys().filter_map(|entity| entity.get(HOST)).collect();
        let (skewed, memory) = clocks::read(self, look, &here, (answers, memory));
        findings.extend(skewed);
        if findings.is_empty() {
            return (Observation::NoData(self.none()), memory);
        }
        (Observation::Seen { findings, others: Others::Absent }, memory)
    }

    /// `host` and `mount`, whatever the fields are called.
    fn named(&self, entity: &Entity) -> Entity {
        let label = |(label, field): (&'static str, &str)| Some((label, entity.get(field)?.to_owned()));
        let mount = self.mount_field.map(|field| (MOUNT, field));
        Entity::new([(HOST, self.host_field)].into_iter().chain(mount).filter_map(label))
    }

    fn none(&self) -> String {
        format!("no sample of any host in {} of `{}`", span::show(self.window.0), self.index)
    }

    fn finding(&self, look: &Look, group: &Group) -> Finding {
        match self.reading(look, group) {
            Ok(reading) => Finding::Value(reading),
            Err(text) => Finding::Unknown(Reason::new(Cause::Missing, text)),
        }
    }

    fn reading(&self, look: &Look, group: &Group) -> Result<Reading, String> {
        let samples = group.counts.get(SAMPLES).copied().unwrap_or(0);
        let lacking = || format!("none of {} documents has a number in `{}`", group.total, self.field);
        let number = |name: &str| number(group, name).ok_or_else(lacking);
        let (worst, best, mean) = (number(WORST)?, number(BEST)?, number(MEAN)?);
        let (by, resized) = self.divisor(group)?;
        let (value, other, others) = match self.pick {
            Pick::Worst => (worst, best, "lowest"),
            Pick::Best => (best, worst, "highest"),
        };
        let reading = Reading::new(judged(value * by)?, self.unit())
            .fact("mean", rounded(mean * by))
            .fact(others, rounded(other * by))
            .fact(SAMPLES, samples)
            .fact("window", span::show(self.window.0));
        let reading = match self.scaled {
            Scaled::PerCore { threads, .. } => {
                reading.fact("cores", rounded(1.0 / by)).fact("threads_per_core", threads)
            }
            Scaled::Share => reading,
        };
        let side = match self.pick {
            Pick::Worst => Side::AtLeast,
            Pick::Best => Side::AtMost,
        };
        Ok(match self.uncertain(look, samples, group).or(resized) {
            Some(why) => reading.only(side, why),
            None => reading,
        })
    }

    /// What a sample is multiplied with, and why that is not certain.
    fn divisor(&self, group: &Group) -> Result<(f64, Option<String>), String> {
        let Scaled::PerCore { cores, threads } = self.scaled else { return Ok((100.0, None)) };
        let number = |name: &str| number(group, name).filter(|cores| *cores > 0.0);
        let (Some(most), Some(least)) = (number(MOST_CORES), number(LEAST_CORES)) else {
            return Err(format!("no sample says in `{cores}` how many cores there are"));
        };
        let resized = (most > least).then(|| format!("the number of cores went between {least} and {most}"));
        Ok((f64::from(threads) / most, resized))
    }

    /// Why these samples do not say how it was all the time.
    fn uncertain(&self, look: &Look, samples: u64, group: &Group) -> Option<String> {
        let window = span::show(self.window.0);
        if samples < self.min_samples {
            let samples = super::counted(samples, "sample");
            return Some(format!("{samples} in {window}, fewer than `min_samples` {}", self.min_samples));
        }
        let dated = |name: &str| number(group, name).and_then(|at| Time::from_timestamp_millis(at as i64));
        let (oldest, newest) = (dated(OLDEST)?, dated(NEWEST)?);
        // two steps of its own, as far as so few samples may lie apart at all
        let step = elapsed(oldest, newest).div_f64(samples.saturating_sub(1).max(1) as f64);
        let most = (step * 2).min(self.window.0.div_f64(self.min_samples.max(1) as f64));
        (elapsed(look.window.start, oldest) > most).then(|| {
            let covered = span::show(elapsed(oldest, look.window.end));
            format!("the samples reach back {covered} only, not {window}")
        })
    }

    const fn unit(&self) -> Unit {
        match self.scaled {
            Scaled::Share => Unit::Percent,
            Scaled::PerCore { .. } => Unit::Count,
        }
    }

    /// What a silent host, or a file system that is gone, means to those who read of it.
    pub fn advise_of_silence(&self, entity: &Entity) -> Advice {
        let (whose, dataset) = (whose(entity), self.dataset);
        let window = span::show(self.window.0);
        let host = entity.get(HOST).unwrap_or("the host");
        let agent = format!("its Metricbeat or Elastic Agent still sends `{dataset}`");
        let next_step = match entity.get(MOUNT) {
            Some(mount) => {
                format!("see whether `{mount}` is still mounted, and whether {host} is up and {agent}")
            }
            None => format!("see whether {host} is up, and whether {agent}"),
        };
        let cause = Some(format!("no sample of {whose} in `{}` for {window}", self.index));
        Advice { cause, next_step: Some(next_step) }
    }
}

/// `/data on web-1`, `web-1`.
pub fn whose(entity: &Entity) -> String {
    let host = entity.get(HOST).unwrap_or("the host");
    match entity.get(MOUNT) {
        Some(mount) => format!("`{mount}` on {host}"),
        None => host.to_owned(),
    }
}

/// `30 samples in 5m`
pub fn sampled(reading: &Reading) -> String {
    let samples = super::counted(reading.facts.count(SAMPLES).unwrap_or(0), "sample");
    format!("{samples} in {}", reading.facts.text("window").unwrap_or("the window"))
}

fn number(group: &Group, name: &str) -> Option<f64> {
    group.metrics.get(name).copied().flatten().map(Number::as_f64)
}

/// A share of 0.8 is 80 %, and not a trace more.
fn judged(value: f64) -> Result<Number, String> {
    Number::finite(rounded(value)).ok_or_else(|| "the samples are no finite numbers".to_owned())
}

/// Engines keep such a number in 32 bits where nobody tells them otherwise: 0.8 comes back as 0.800000012.
fn rounded(value: f64) -> f64 {
    let rounded = (value * 1e4).round() / 1e4;
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
pub mod tests;
