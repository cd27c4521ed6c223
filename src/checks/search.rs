mod cells;
mod scripts;
mod truncated;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Advice, Check, Look, Memory,
    common::{body, complaint_about_index, documents::time_field},
    metric::Measure,
};
use crate::model::{
    Cause, Entity, Finding, Observation, Others, Reading, Reason, Scale,
    query::{Dsl, During, Query, Response},
    span::{self, Span},
};

/// A search in the query DSL of your own, and JSON pointers to what is judged in its answer.
///
/// The window is added to the query as a range filter. An answer of which anything is missing proves nothing: shards, buckets that `terms`
/// cut off (`sum_other_doc_count`), a full page of a `composite`, documents beyond `size`. Without `size` no documents come back. A window
/// without any document is no data, except where the value is the number of documents itself. A script in the body is refused, unless the
/// cluster's settings say `allow_scripts: true`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    /// The body of the search.
    pub body: Map<String, Value>,
    /// How much time one look is about. It ends exactly at the tick. Left out: the body says for itself what it is about.
    #[serde(default)]
    pub window: Option<Span>,
    /// The date field that the window is about.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// Where the number is: a JSON pointer into the answer or, with `groups`, into each group.
    pub value: String,
    /// Where the groups are, each judged by itself: a JSON pointer to a list of buckets, or to an object of them by their keys.
    #[serde(default)]
    pub groups: Option<String>,
    /// The labels of a group, and where they are in it: `{ user: /key }`.
    #[serde(default)]
    pub per: BTreeMap<String, String>,
    /// What the number counts, for thresholds and messages: `count`, `percent`, `bytes`, `seconds`. Left out: a plain number.
    #[serde(default)]
    pub unit: Measure,
}

pub use cells::exact;

/// As many documents as a search may bring.
const MOST_HITS: u64 = 10_000;
const TOTAL: &str = "/hits/total";

impl Search {
    pub const EXAMPLE: &str = "search: { index: \"audit-*\", window: 10m, body: { aggs: { users: { terms: { field: user.name, size: 1000 }, aggs: { hosts: { cardinality: { field: host.name } } } } } }, groups: /aggregations/users/buckets, per: { user: /key }, value: /hosts/value }";

    fn counts_documents(&self) -> bool {
        self.groups.is_none() && self.value.starts_with(TOTAL)
    }

    fn none(&self) -> String {
        let window = self.window.map_or_else(String::new, |window| format!(" in {}", span::show(window.0)));
        format!("no documents{window} of `{}`", self.index)
    }

    /// How many documents there are, where the body does not forbid to count them. A lower bound is no number.
    fn total(&self, answer: &Value) -> Result<Option<u64>, Reason> {
        let total = answer.pointer("/hits/total/value").and_then(Value::as_u64);
        let exact = answer.pointer("/hits/total/relation").and_then(Value::as_str) == Some("eq");
        if total.is_some() && !exact && self.counts_documents() {
            let text = "the number of documents is a lower bound; leave `track_total_hits` out of the body";
            return Err(Reason::new(Cause::Partial, text));
        }
        Ok(total.filter(|_| exact))
    }

    /// Documents are groups of which `size` may leave some out. Where nobody counted them, a full page may be the first of several.
    fn missing_hits(&self, answer: &Value) -> Option<String> {
        let found = answer.pointer(self.groups.as_ref()?.strip_suffix("/hits")?)?;
        let here = found.get("hits")?.as_array()?.len() as u64;
        let exact = found.pointer("/total/relation").and_then(Value::as_str) == Some("eq");
        let all = found.pointer("/total/value").and_then(Value::as_u64).filter(|_| exact);
        let Some(all) = all else {
            let words = "documents came, nobody knows of how many; leave `track_total_hits` out of the body";
            return (here >= self.size()).then(|| format!("{here} {words}"));
        };
        (here < all).then(|| format!("{here} of {all} documents came: raise `size`, or narrow the query"))
    }

    fn size(&self) -> u64 {
        self.body.get("size").and_then(Value::as_u64).unwrap_or(0)
    }

    fn one(&self, answer: &Value) -> Result<Observation, Reason> {
        match self.finding(answer)? {
            Finding::NoData(words) => Ok(Observation::NoData(words)),
            finding => Ok(Observation::one(Entity::empty(), finding)),
        }
    }

    fn each(&self, answer: &Value, groups: &str) -> Result<Observation, Reason> {
        let mut findings = BTreeMap::new();
        for (key, group) in cells::groups(answer, groups)? {
            let entity = self.entity(key, group)?;
            let finding = self.finding(group)?;
            if findings.insert(entity.clone(), finding).is_some() {
                let text = format!("two groups are {entity}: `per` needs a label that tells them apart");
                return Err(Reason::new(Cause::Invalid, text));
            }
        }
        Ok(Observation::Seen { findings, others: Others::NoData })
    }

    fn entity(&self, key: Option<&str>, group: &Value) -> Result<Entity, Reason> {
        let mut labels = Vec::with_capacity(self.per.len());
        for (label, pointer) in &self.per {
            labels.push((label.clone(), cells::label(key, group, pointer)?));
        }
        Ok(Entity::new(labels))
    }

    fn finding(&self, at: &Value) -> Result<Finding, Reason> {
        let Some(value) = cells::number(at, &self.value)? else {
            return Ok(Finding::NoData(format!("there is no number at `{}`", self.value)));
        };
        let documents =
            at.get("doc_count").and_then(Value::as_u64).or_else(|| at.pointer("/hits/total/value")?.as_u64());
        let mut reading = Reading::new(value, self.unit.unit());
        if let Some(documents) = documents {
            reading = reading.fact("documents", documents);
        }
        if let Some(window) = self.window {
            reading = reading.fact("window", span::show(window.0));
        }
        Ok(Finding::Value(reading))
    }

    fn complaints_about_pointers(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let pointers = [&self.value].into_iter().chain(&self.groups).chain(self.per.values());
        for pointer in pointers.filter(|pointer| !pointer.starts_with('/')) {
            complaints
                .push(format!("`{pointer}` is no JSON pointer; write one like `/aggregations/x/value`"));
        }
        match (&self.groups, self.per.is_empty()) {
            (Some(_), true) => {
                complaints.push("`groups` wants labels: write `per`, like `{ user: /key }`".to_owned())
            }
            (None, false) => complaints.push(
                "`per` says who is who in `groups`; write where they are, like `/aggregations/users/buckets`"
                    .to_owned(),
            ),
            _ => {}
        }
        complaints
    }

    fn complaints_about_the_body(&self) -> Vec<String> {
        let forbidden = ["from", "pit", "scroll", "search_after", "terminate_after", "timeout"];
        let mut complaints: Vec<String> = forbidden
            .into_iter()
            .filter(|key| self.body.contains_key(*key))
            .map(|key| format!("`{key}` is not for the body of a rule's search; leave it out"))
            .collect();
        if self.body.get("track_total_hits").is_some_and(|counted| *counted != Value::Bool(true)) {
            let complaint =
                "`track_total_hits` tells no documents from those that nobody counts; leave it out";
            complaints.push(complaint.to_owned());
        }
        let size = self.size();
        if size > MOST_HITS {
            complaints.push(format!(
                "`size` {size} is more than a search may bring, {MOST_HITS}; count with an aggregation"
            ));
        }
        complaints
    }
}

impl Check for Search {
    fn scale(&self) -> Scale {
        Scale::Amount(self.unit.unit())
    }

    fn window(&self) -> Option<Duration> {
        self.window.map(|window| window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.per.keys().cloned().collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = complaint_about_index(&self.index).into_iter().collect();
        if self.window.is_some_and(|window| window.0.is_zero()) {
            complaints.push("`window` is 0; write how much time one look is about, like `15m`".to_owned());
        }
        complaints.extend(self.complaints_about_pointers());
        complaints.extend(self.complaints_about_the_body());
        complaints
    }

    fn script(&self) -> Option<String> {
        self.body.iter().find_map(|(key, value)| scripts::of(key, value))
    }

    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let during = self.window.map(|_| During { time_field: self.time_field.clone(), window: look.window });
        vec![Query::dsl(Dsl { index: self.index.clone(), body: Value::Object(self.body.clone()), during })]
    }

    fn look(&self, _: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let answer = body(answers, 0)?;
        let definition = Value::Object(self.body.clone());
        if let Some(why) = truncated::aggregations(&definition, answer).or_else(|| self.missing_hits(answer))
        {
            return Err(Reason::new(Cause::Partial, why));
        }
        let total = self.total(answer)?;
        if total == Some(0) && self.window.is_some() && !self.counts_documents() {
            return Ok(Observation::NoData(self.none()));
        }
        match &self.groups {
            Some(groups) => self.each(answer, groups),
            None => self.one(answer),
        }
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let whose = if entity.is_empty() { String::new() } else { format!(" of {entity}") };
        let value = reading.unit.show(reading.value);
        let over = reading.facts.text("window").map(|window| format!(" over {window}")).unwrap_or_default();
        let cause =
            format!("the search over `{}` found {value} at `{}`{whose}{over}", self.index, self.value);
        let next_step =
            format!("send the search to `{}` by hand, and look at the documents behind it", self.index);
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
