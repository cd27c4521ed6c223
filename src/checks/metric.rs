mod derivative;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::derivative::Derivative;
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        documents::{Documents, filtered, is_field, time_field},
        found, undecided,
    },
};
use crate::model::{
    Cause, Entity, Finding, Observation, Others, Reading, Reason, Scale, Unit, Window,
    filter::Filter,
    query::{Group, Metric as Ask, Query, Response, Search, SearchAnswer},
    span::{self, Span},
};

/// One number over the documents of the window: the average, extreme, sum, percentile, cardinality, newest value or derivative of a
/// field.
///
/// Documents without the field are left out; a group of which none has it has no data. `cardinality` and `percentile` are estimates
/// of the engine (HyperLogLog++ and t-digest), all others are exact. `derivative` compares with the window before: a group that had no number there
/// has no data.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
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
    /// Fields whose values make groups, each judged by itself.
    #[serde(default)]
    pub per: Vec<String>,
    /// A group with fewer documents than this has no data.
    #[serde(default)]
    pub min_total: u64,
    /// When the newest document of the window is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
    /// What the number counts, for thresholds and messages: `count`, `percent`, `bytes`, `seconds`. Left out: a plain number.
    #[serde(default)]
    pub unit: Measure,
    /// The average of this field. Exactly one of `avg`, `max`, `min`, `sum`, `cardinality`, `last`, `percentile` and `derivative` is wanted.
    #[serde(default)]
    pub avg: Option<String>,
    /// The largest value of this field.
    #[serde(default)]
    pub max: Option<String>,
    /// The smallest value of this field.
    #[serde(default)]
    pub min: Option<String>,
    /// The sum of this field.
    #[serde(default)]
    pub sum: Option<String>,
    /// How many different values this field has.
    #[serde(default)]
    pub cardinality: Option<String>,
    /// The value of this field in the newest document.
    #[serde(default)]
    pub last: Option<String>,
    /// A percentile of a field: `{ field: took_ms, percent: 99 }`.
    #[serde(default)]
    pub percentile: Option<Percentile>,
    /// How fast a field grows or falls: `{ field: bytes_total, counter: true, each: 1s }`.
    #[serde(default)]
    pub derivative: Option<Derivative>,
}

/// A percentile of a field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentile {
    /// The field.
    pub field: String,
    /// Between 0 and 100: `99`, `99.9`.
    pub percent: f64,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A plain number.
    #[default]
    Count,
    /// Percent: 91.2 means 91.2 %.
    Percent,
    /// Bytes; thresholds may say `50GB`.
    Bytes,
    /// Seconds; thresholds may say `15m`.
    Seconds,
}

impl Measure {
    pub(super) const fn unit(self) -> Unit {
        match self {
            Self::Count => Unit::Count,
            Self::Percent => Unit::Percent,
            Self::Bytes => Unit::Bytes,
            Self::Seconds => Unit::Seconds,
        }
    }
}

/// Its name inside the search.
const VALUE: &str = "value";

impl Metric {
    pub const EXAMPLE: &str =
        "metric: { index: \"metrics-*\", window: 5m, avg: took_ms, per: [service], min_total: 20 }";

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, per, .. } = self;
        Documents { index, time_field, window: self.window, per, max_lag: self.max_lag }
    }

    /// What is asked for, in its words: `average of took_ms`. Empty or several where the rule is wrong.
    fn asked(&self) -> Vec<(String, Ask)> {
        let mut asked = Vec::new();
        let mut add = |words: &str, field: &Option<String>, ask: fn(String) -> Ask| {
            asked.extend(field.iter().map(|field| (format!("{words} of {field}"), ask(field.clone()))));
        };
        add("average", &self.avg, Ask::Avg);
        add("maximum", &self.max, Ask::Max);
        add("minimum", &self.min, Ask::Min);
        add("sum", &self.sum, Ask::Sum);
        add("different values", &self.cardinality, Ask::Cardinality);
        add("newest value", &self.last, |field| Ask::Last { field, by: String::new() });
        asked.extend(self.percentile.iter().map(|Percentile { field, percent }| {
            let ask = Ask::Percentile { field: field.clone(), percent: percent.to_string() };
            (format!("{percent}th percentile of {field}"), ask)
        }));
        asked.extend(self.derivative.iter().map(Derivative::asked));
        for (_, ask) in &mut asked {
            if let Ask::Last { by, .. } = ask {
                by.clone_from(&self.time_field);
            }
        }
        asked
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let answer = found(answers, 0)?;
        if answer.groups.values().all(|group| group.total == 0) {
            return Ok(Observation::NoData(self.documents().none()));
        }
        self.documents().prove_that_they_are_fresh(look, answer)?;
        let earlier = self.derivative.as_ref().map(|_| found(answers, 1)).transpose()?;
        let mut findings = BTreeMap::new();
        for (entity, group) in &answer.groups {
            findings.insert(entity.clone(), self.finding_of(entity, group, earlier)?);
        }
        let others = if self.per.is_empty() { Others::Untouched } else { Others::NoData };
        match findings.remove(&Entity::empty()) {
            Some(Finding::NoData(words)) if self.per.is_empty() => Ok(Observation::NoData(words)),
            Some(finding) => Ok(Observation::Seen { findings: [(Entity::empty(), finding)].into(), others }),
            None => Ok(Observation::Seen { findings, others }),
        }
    }

    /// A derivative is made of two numbers, anything else is one.
    fn finding_of(
        &self,
        entity: &Entity,
        group: &Group,
        earlier: Option<&SearchAnswer>,
    ) -> Result<Finding, Reason> {
        let (Some(derivative), Some(earlier)) = (&self.derivative, earlier) else {
            return self.finding(group);
        };
        let Finding::Value(now) = self.finding(group)? else { return self.finding(group) };
        let before = earlier.groups.get(entity).map(|group| self.finding(group)).transpose()?;
        let Some(Finding::Value(before)) = before else {
            let window = span::show(self.window.0);
            return Ok(Finding::NoData(format!("nothing to compare with in the {window} before the window")));
        };
        Ok(derivative.finding(now, before.value, self.window))
    }

    fn finding(&self, group: &Group) -> Result<Finding, Reason> {
        if group.total < self.min_total.max(1) {
            let least = self.min_total.max(1);
            return Ok(Finding::NoData(format!("{} documents, fewer than `min_total` {least}", group.total)));
        }
        let lacking = || Reason::new(Cause::Malformed, format!("the answer has no metric `{VALUE}`"));
        let Some(value) = group.metrics.get(VALUE).ok_or_else(lacking)? else {
            let text = format!("none of {} documents has a number there", group.total);
            return Ok(Finding::NoData(text));
        };
        let asked = self.asked();
        let words = asked.first().map(|(words, _)| words.clone()).unwrap_or_default();
        let reading = Reading::new(*value, self.unit.unit())
            .fact("metric", words)
            .fact("documents", group.total)
            .fact("window", span::show(self.window.0));
        Ok(Finding::Value(reading))
    }

    fn complaint_about_what_is_asked(&self) -> Option<String> {
        let all = "`avg`, `max`, `min`, `sum`, `cardinality`, `last`, `percentile`, `derivative`";
        let asked = self.asked();
        if asked.len() != 1 {
            return Some(format!("exactly one of {all} is wanted, {} are there", asked.len()));
        }
        let field = asked[0].1.field();
        if !is_field(field) {
            return Some(format!("`{field}` is no name of a field; write one like `took_ms`"));
        }
        if let Some(complaint) = self.derivative.as_ref().and_then(Derivative::complaint) {
            return Some(complaint);
        }
        let percent = self.percentile.as_ref().map(|percentile| percentile.percent)?;
        (!(percent > 0.0 && percent < 100.0))
            .then(|| format!("`percent` {percent} has to lie between 0 and 100"))
    }
}

impl Check for Metric {
    fn scale(&self) -> Scale {
        Scale::Amount(self.unit.unit())
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
        let mut complaints = self.documents().complaints();
        complaints.extend(self.complaint_about_what_is_asked());
        complaints
    }

    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let search = filtered(self.documents().search(look), self.filter.as_ref());
        let mut metrics = search.metrics.clone();
        metrics.extend(self.asked().into_iter().next().map(|(_, ask)| (VALUE.to_owned(), ask)));
        let search = Search { metrics, ..search };
        let Window { start, .. } = look.window;
        let before = Search { window: Window::ending(start, self.window.0), ..search.clone() };
        let before = self.derivative.as_ref().map(|_| Query::search(before));
        [Query::search(search)].into_iter().chain(before).collect()
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
        let metric = reading.facts.text("metric").unwrap_or("metric");
        let window = reading.facts.text("window").unwrap_or("the window");
        let whose = if entity.is_empty() { String::new() } else { format!(" for {entity}") };
        let value = reading.unit.show(reading.value);
        let cause = format!("the {metric} over {window}{whose} is {value}");
        let next_step = format!("look at the documents in `{}` that pull it there", self.index);
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
