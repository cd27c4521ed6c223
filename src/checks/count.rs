use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Look, Memory,
    common::{
        documents::{Documents, documents_of, time_field},
        found,
    },
};
use crate::model::{
    Entity, Finding, Number, Observation, Others, Reading, Reason, Scale, Unit,
    filter::Filter,
    query::{Query, Response},
    span::{self, Span},
};

/// How many documents of the window match: too many of them, or too few.
///
/// Counted exactly, however many there are. A window without any document at all, whatever the filter, is no data; where there are
/// documents and none of them matches, the count is 0, and with `per` that of every known group that no document names; where no
/// group is known, that of the whole.
/// A rule that waits for silence (`below 1`) says `no_data: fire LEVEL`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    /// The date field that the window is about.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// How much time one look is about. It ends exactly at the tick.
    pub window: Span,
    /// Which documents are counted: a query object, or a string in Lucene query-string syntax. Left out: all.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Fields whose values make groups, each judged by itself. A document that lacks one of them is in none.
    #[serde(default)]
    pub per: Vec<String>,
    /// When the newest document of the window, whatever the filter, is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

impl Count {
    pub const EXAMPLE: &str = "count: { index: \"audit-*\", window: 10m, filter: { term: { \"event.outcome\": failure } }, per: [user.name], max_lag: 5m }";

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, per, .. } = self;
        Documents { index, time_field, window: self.window, per, max_lag: self.max_lag }
    }

    fn reading(&self, count: u64) -> Reading {
        Reading::new(Number::count(count), Unit::Documents)
            .fact("documents", count)
            .fact("window", span::show(self.window.0))
    }
}

impl Check for Count {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Documents)
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

    /// What matches, and whether there was anything: the second question is the same for all rules over these documents.
    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let matching = self.documents().matching(look, self.filter.as_ref());
        vec![Query::search(matching), Query::search(self.documents().whole(look))]
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let matching = found(answers, 0)?;
        let all = found(answers, 1)?;
        let any = all.groups.get(&Entity::empty()).is_some_and(|group| group.total > 0);
        if !any && matching.groups.values().all(|group| group.total == 0) {
            return Ok(Observation::NoData(self.documents().none()));
        }
        self.documents().prove_that_they_are_fresh(look, all)?;
        let mut findings = BTreeMap::new();
        for (entity, group) in &matching.groups {
            findings.insert(entity.clone(), Finding::Value(self.reading(group.total)));
        }
        if self.per.is_empty() {
            findings.entry(Entity::empty()).or_insert_with(|| Finding::Value(self.reading(0)));
            return Ok(Observation::Seen { findings, others: Others::Untouched });
        }
        Ok(Observation::Seen { findings, others: Others::Zero })
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let count = reading.facts.count("documents").unwrap_or(0);
        let window = reading.facts.text("window").unwrap_or("the window");
        let matching = if self.filter.is_some() { " matched" } else { " arrived" };
        let cause = format!("{}{matching} in {window}", documents_of(count, entity));
        let next_step = if count == 0 {
            format!("find out who should write to `{}`, and since when it is silent", self.index)
        } else {
            format!("look at these documents in `{}`, and at what changed before", self.index)
        };
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
