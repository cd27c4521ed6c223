mod derivative;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::derivative::Derivative;
use super::{
    Advice, Check, Look, Memory,
    common::{
        documents::{Documents, filtered, time_field},
        found,
        numbers::{Asked, Numbers, Percentile, asking, value},
    },
};
use crate::model::{
    Entity, Finding, Observation, Reading, Reason, Scale, Unit, Window,
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
    /// Fields whose values make groups, each judged by itself. A document that lacks one of them is in none.
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

impl Metric {
    pub const EXAMPLE: &str =
        "metric: { index: \"metrics-*\", window: 5m, avg: took_ms, per: [service], min_total: 20 }";

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, per, .. } = self;
        Documents { index, time_field, window: self.window, per, max_lag: self.max_lag }
    }

    fn numbers(&self) -> Numbers<'_> {
        let Self { avg, max, min, sum, cardinality, percentile, .. } = self;
        Numbers { avg, max, min, sum, cardinality, percentile }
    }

    /// Empty or several where the rule is wrong.
    fn asked(&self) -> Vec<Asked> {
        let mut asked = self.numbers().asked();
        asked.extend(self.last.iter().map(|field| {
            let ask = Ask::Last { field: field.clone(), by: self.time_field.clone() };
            (format!("newest value of {field}"), ask)
        }));
        asked.extend(self.derivative.iter().map(Derivative::asked));
        asked
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
        let Some(value) = value(group)? else {
            let text = format!("none of {} documents has a number there", group.total);
            return Ok(Finding::NoData(text));
        };
        let asked = self.asked();
        let words = asked.first().map(|(words, _)| words.clone()).unwrap_or_default();
        let reading = Reading::new(value, self.unit.unit())
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
        let complaint = self.derivative.as_ref().and_then(Derivative::complaint);
        complaint.or_else(|| self.numbers().complaint(&asked[0]))
    }
}

impl Check for Metric {
    fn scale(&self) -> Scale {
        Scale::Amount(self.unit.unit())
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
        let Some((_, ask)) = self.asked().into_iter().next() else { return vec![Query::search(search)] };
        let search = asking(search, ask);
        let Window { start, .. } = look.window;
        let before = Search { window: Window::ending(start, self.window.0), ..search.clone() };
        let before = self.derivative.as_ref().map(|_| Query::search(before));
        [Query::search(search)].into_iter().chain(before).collect()
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
        let others = self.documents().others();
        match findings.remove(&Entity::empty()) {
            Some(Finding::NoData(words)) if self.per.is_empty() => Ok(Observation::NoData(words)),
            Some(finding) => Ok(Observation::Seen { findings: [(Entity::empty(), finding)].into(), others }),
            None => Ok(Observation::Seen { findings, others }),
        }
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
