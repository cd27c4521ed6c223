use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{complaint_about_index, found, undecided},
};
use crate::model::{
    Cause, Entity, Finding, Number, Observation, Others, Reading, Reason, Scale, Time, Unit,
    filter::Filter,
    query::{Group, Metric, Query, Response, Search, SearchAnswer},
    span::{self, Span},
    time::elapsed,
};

/// The share of documents that match, in percent of all documents of the window.
///
/// Counted exactly, however many there are. The facts `matching` and `total` are the two counts. `no_data` has no default: a window
/// without documents is never fine by itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    /// The date field that the window is about.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// How much time one look is about. It ends exactly at the tick.
    pub window: Span,
    /// Which documents count at all: a query object, or a string in Lucene query-string syntax.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Which of them are counted against the others.
    pub numerator: Filter,
    /// Fields whose values make groups, each judged by itself.
    #[serde(default)]
    pub per: Vec<String>,
    /// A group with fewer documents than this has no data.
    #[serde(default)]
    pub min_total: u64,
    /// When the newest document of the window is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

fn time_field() -> String {
    "@timestamp".to_owned()
}

/// Names inside the search.
const MATCHING: &str = "matching";
const NEWEST: &str = "newest";

impl Ratio {
    pub const EXAMPLE: &str = "ratio: { index: \"http_logs_*\", window: 15m, numerator: { range: { responseCode: { gte: 500 } } }, per: [service], min_total: 50, max_lag: 5m }";

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let answer = found(answers, 0)?;
        let total: u64 = answer.groups.values().fold(0, |sum, group| sum.saturating_add(group.total));
        if total == 0 {
            let (window, index) = (span::show(self.window.0), &self.index);
            return Ok(Observation::NoData(format!("no documents in {window} of `{index}`")));
        }
        self.prove_that_it_is_fresh(look, answer)?;
        let mut findings = BTreeMap::new();
        for (entity, group) in &answer.groups {
            findings.insert(entity.clone(), self.finding(group)?);
        }
        match findings.remove(&Entity::empty()) {
            Some(Finding::NoData(words)) if self.per.is_empty() => Ok(Observation::NoData(words)),
            Some(finding) if self.per.is_empty() => Ok(Observation::one(Entity::empty(), finding)),
            _ => Ok(Observation::Seen { findings, others: Others::NoData }),
        }
    }

    fn finding(&self, group: &Group) -> Result<Finding, Reason> {
        let lacking = || Reason::new(Cause::Malformed, format!("the answer has no count `{MATCHING}`"));
        let matching = *group.counts.get(MATCHING).ok_or_else(lacking)?;
        if matching > group.total {
            let text = format!("{matching} of {} documents match, which cannot be", group.total);
            return Err(Reason::new(Cause::Malformed, text));
        }
        if group.total == 0 {
            return Ok(Finding::NoData("no documents in the window".to_owned()));
        }
        let total = Number::count(group.total);
        if group.total < self.min_total {
            let least = Number::count(self.min_total);
            let documents = if group.total == 1 { "document" } else { "documents" };
            return Ok(Finding::NoData(format!("{total} {documents}, fewer than `min_total` {least}")));
        }
        let percent = 100.0 * matching as f64 / group.total as f64;
        let reading = Reading::new(Number::Float(percent), Unit::Percent)
            .of_whole(total)
            .fact("matching", matching)
            .fact("total", group.total)
            .fact("window", span::show(self.window.0));
        Ok(Finding::Value(reading))
    }

    /// A pipeline that lags must not read as health, nor as less trouble than there is.
    fn prove_that_it_is_fresh(&self, look: &Look, answer: &SearchAnswer) -> Result<(), Reason> {
        let Some(most) = self.max_lag else { return Ok(()) };
        let newest = |group: &Group| group.metrics.get(NEWEST).copied().flatten();
        let Some(newest) = answer.groups.values().filter_map(newest).max() else {
            let text = format!("no document has a date in `{}`", self.time_field);
            return Err(Reason::new(Cause::Missing, text));
        };
        let Some(newest) = Time::from_timestamp_millis(newest.as_f64() as i64) else {
            let text = format!("the newest `{}` is {newest}, which is no date", self.time_field);
            return Err(Reason::new(Cause::Malformed, text));
        };
        let lag = elapsed(newest, look.window.end);
        if lag <= most.0 {
            return Ok(());
        }
        let text = format!("newest document {} old, `max_lag` is {most}", old(lag));
        Err(Reason::new(Cause::Lagging, text))
    }

    fn complaint_about_times(&self) -> Option<String> {
        if self.window.0.is_zero() {
            return Some("`window` is 0; write how much time one look is about, like `15m`".to_owned());
        }
        let lag = self.max_lag.filter(|lag| lag.0.is_zero() || lag.0 >= self.window.0)?;
        Some(format!("`max_lag` {lag} has to lie between 0 and the window, {}", self.window))
    }
}

/// `21 min`, `40 s`, `2h 5m`.
fn old(lag: Duration) -> String {
    match lag.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        _ => span::show(lag),
    }
}

impl Check for Ratio {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    /// No level and no `no_data`: what is much, and what silence means, only the author knows.
    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.per.clone()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = complaint_about_index(&self.index).into_iter().collect();
        complaints.extend(complaint_about_everything(&self.index));
        complaints.extend(self.complaint_about_times());
        let names = self.per.iter().chain([&self.time_field]);
        if names.into_iter().any(|name| name.trim().is_empty() || name.contains('*')) {
            complaints.push("`time_field` and `per` take names of fields, without `*`".to_owned());
        }
        let twice = self.per.iter().enumerate().find(|(at, name)| self.per[..*at].contains(name));
        complaints.extend(twice.map(|(_, name)| format!("`per` names `{name}` twice")));
        complaints
    }

    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let newest = self.max_lag.map(|_| (NEWEST.to_owned(), Metric::Max(self.time_field.clone())));
        vec![Query::search(Search {
            index: self.index.clone(),
            time_field: self.time_field.clone(),
            window: look.window,
            filter: self.filter.clone(),
            counts: BTreeMap::from([(MATCHING.to_owned(), self.numerator.clone())]),
            metrics: newest.into_iter().collect(),
            per: self.per.clone(),
        })]
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        (self.look(look, answers).unwrap_or_else(undecided), memory)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let number = |name: &str| Number::count(reading.facts.count(name).unwrap_or(0));
        let whose = if entity.is_empty() { String::new() } else { format!(" of {entity}") };
        let window = reading.facts.text("window").unwrap_or("the window");
        let (matching, total) = (number("matching"), number("total"));
        let cause = format!("{matching} of {total} documents{whose} in {window} match");
        let next_step =
            format!("look at the matching documents in `{}`, and at what changed before", self.index);
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

/// A rule reads what it is about, and never the engine's own indices.
fn complaint_about_everything(index: &str) -> Option<String> {
    let parts = index.split(',').map(str::trim).filter(|part| !part.starts_with('-'));
    for part in parts {
        let local = part.rsplit(':').next().unwrap_or(part).trim_start_matches('<');
        if matches!(local, "*" | "_all") {
            return Some(format!("`{part}` means every index there is; write a pattern like `http_logs_*`"));
        }
        if local.starts_with('.') && !local.starts_with(".ds-") {
            return Some(format!("`{part}` is a system index; a rule cannot read it"));
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests;
