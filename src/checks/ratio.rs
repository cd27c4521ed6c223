use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Look, Memory,
    common::{
        documents::{Documents, filtered, time_field},
        found,
    },
};
use crate::model::{
    Cause, Entity, Finding, Number, Observation, Others, Reading, Reason, Scale, Unit,
    filter::Filter,
    query::{Group, Query, Response, Search},
    span::{self, Span},
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
    /// Fields whose values make groups, each judged by itself. A document that lacks one of them is in none.
    #[serde(default)]
    pub per: Vec<String>,
    /// A group with fewer documents than this has no data.
    #[serde(default)]
    pub min_total: u64,
    /// When the newest document of the window is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

/// Its name inside the search.
const MATCHING: &str = "matching";

impl Ratio {
    pub const EXAMPLE: &str = "ratio: { index: \"http_logs_*\", window: 15m, numerator: { range: { responseCode: { gte: 500 } } }, per: [service], min_total: 50, max_lag: 5m }";

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

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, per, .. } = self;
        Documents { index, time_field, window: self.window, per, max_lag: self.max_lag }
    }
}

impl Check for Ratio {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.per.clone()
    }

    fn complaints(&self) -> Vec<String> {
        self.documents().complaints()
    }

    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let search = filtered(self.documents().search(look), self.filter.as_ref());
        let counts = BTreeMap::from([(MATCHING.to_owned(), self.numerator.clone())]);
        vec![Query::search(Search { counts, ..search })]
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let answer = found(answers, 0)?;
        let total: u64 = answer.groups.values().fold(0, |sum, group| sum.saturating_add(group.total));
        if total == 0 {
            return Ok(Observation::NoData(self.documents().none()));
        }
        self.documents().prove_that_they_are_fresh(look, answer)?;
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

#[cfg(test)]
pub(super) mod tests;
