use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        counted,
        documents::{Documents, documents_of, filtered, time_field},
        found, undecided,
    },
};
use crate::model::{
    Cause, Entity, Finding, Number, Observation, Others, Reading, Reason, Scale, Time, Unit, Window,
    filter::Filter,
    query::{Group, Query, Response, Search},
    span::{self, Span},
};

/// How many times as many documents match as in the time before: a sudden rise, or a sudden fall.
///
/// The reading is a factor: the documents of the window, divided by what a window had on average in the reference time, which ends
/// where the window begins. Levels say `above 3x` (a rise) or `below 0.2x` (a fall); levels of one rule point one way, so who wants
/// both writes two rules, or says `both_ways`.
///
/// | the group | reads |
/// |---|---|
/// | has fewer documents in the reference time than `min_reference` (a new group has none) | no data: there is nothing to compare with |
/// | has documents in the reference time and none in the window | `0x` |
/// | has fewer documents in the window than `min_current` | its factor, at most `1x`: too few to be a rise |
/// | has no document in either | no data |
///
/// A window without any document at all, whatever the filter, is no data: a dead pipeline is no fall. Buckets of the reference time
/// in which no document at all came are left out of the average, for the same reason.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spike {
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
    /// What the window is compared with.
    pub reference: Reference,
    /// Fields whose values make groups, each judged by itself.
    #[serde(default)]
    pub per: Vec<String>,
    /// A group with fewer documents in the window than this is no rise: it reads at most `1x`.
    #[serde(default)]
    pub min_current: u64,
    /// A group with fewer documents in the whole reference time than this has no data. With 0, a group that is new is compared with
    /// one document: its factor is its number of documents.
    #[serde(default = "ten")]
    pub min_reference: u64,
    /// A fall reads as a rise: a fifth is `5x`, and nothing at all is compared as if it were one document.
    #[serde(default)]
    pub both_ways: bool,
    /// When the newest document of the window, whatever the filter, is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

/// The time before the window.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// How much time: it ends where the window begins.
    pub before: Span,
    /// In how many equal parts it is looked at, at most 48. Left out: as many as windows fit into it.
    #[serde(default)]
    pub buckets: Option<u32>,
}

impl Reference {
    fn buckets(&self, window: Duration) -> u32 {
        let fitting = self.before.0.as_millis() / window.as_millis().max(1);
        self.buckets.unwrap_or_else(|| u32::try_from(fitting).unwrap_or(MOST_BUCKETS).clamp(1, MOST_BUCKETS))
    }
}

/// A page of 1,000 groups with so many parts each stays below the 65,535 buckets that engines answer.
const MOST_BUCKETS: u32 = 48;
/// The window's own count inside the search.
const NOW: &str = "now";

fn ten() -> u64 {
    10
}

fn bucket_name(at: u32) -> String {
    format!("before {at:02}")
}

impl Spike {
    pub const EXAMPLE: &str = "spike: { index: \"audit-*\", window: 10m, filter: { term: { \"event.outcome\": failure } }, reference: { before: 1h, buckets: 6 }, per: [user.name], min_current: 20 }";

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, per, .. } = self;
        Documents { index, time_field, window: self.window, per, max_lag: self.max_lag }
    }

    fn buckets(&self) -> u32 {
        self.reference.buckets(self.window.0)
    }

    /// The same search over both times at once: each part of it is a count.
    fn over_both(&self, look: &Look, search: Search) -> Search {
        let Window { start: begin, end } = look.window;
        let edge = |at: u32| begin - self.reference.before.0 * (self.buckets() - at) / self.buckets();
        let mut counts = BTreeMap::from([(NOW.to_owned(), self.between(begin, end))]);
        for at in 0..self.buckets() {
            counts.insert(bucket_name(at), self.between(edge(at), edge(at + 1)));
        }
        Search { window: Window { start: edge(0), end }, counts, ..search }
    }

    fn between(&self, start: Time, end: Time) -> Filter {
        let (start, end) = (start.timestamp_millis(), end.timestamp_millis());
        Filter(
            json!({ "range": { self.time_field.clone(): { "gte": start, "lt": end, "format": "epoch_millis" } } }),
        )
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let (matching, all) = (found(answers, 0)?, found(answers, 1)?);
        let whole = all.groups.get(&Entity::empty());
        let whole = whole.ok_or_else(|| Reason::new(Cause::Malformed, "the answer lacks its whole"))?;
        if count(whole, NOW)? == 0 {
            return Ok(Observation::NoData(self.documents().none()));
        }
        self.documents().prove_that_they_are_fresh(look, all)?;
        let mut filled = Vec::new();
        for name in (0..self.buckets()).map(bucket_name) {
            if count(whole, &name)? > 0 {
                filled.push(name);
            }
        }
        if filled.is_empty() {
            let (before, index) = (self.reference.before, &self.index);
            return Ok(Observation::NoData(format!("no documents in the {before} before of `{index}`")));
        }
        let mut findings = BTreeMap::new();
        for (entity, group) in &matching.groups {
            findings.insert(entity.clone(), self.finding(group, &filled)?);
        }
        let others = if self.per.is_empty() { Others::Untouched } else { Others::NoData };
        Ok(Observation::Seen { findings, others })
    }

    fn finding(&self, group: &Group, filled: &[String]) -> Result<Finding, Reason> {
        let current = count(group, NOW)?;
        let mut earlier: u64 = 0;
        for name in filled {
            earlier = earlier.saturating_add(count(group, name)?);
        }
        if earlier < self.min_reference {
            let (documents, least) = (counted(earlier, "document"), Number::count(self.min_reference));
            let before = self.reference.before;
            let text = format!("{documents} in the {before} before, fewer than `min_reference` {least}");
            return Ok(Finding::NoData(text));
        }
        let windows = self.reference.before.0.as_secs_f64() / self.window.0.as_secs_f64();
        let covered = windows * filled.len() as f64 / f64::from(self.buckets());
        let reference = earlier as f64 / covered;
        let reading = Reading::new(Number::Float(self.factor(current, reference)), Unit::Factor)
            .fact("documents", current)
            .fact("reference", (reference * 100.0).round() / 100.0)
            .fact("reference_documents", earlier)
            .fact("window", span::show(self.window.0))
            .fact("before", span::show(self.reference.before.0));
        Ok(Finding::Value(reading))
    }

    /// Never infinite: a reference of nothing counts as one document, and so does a fall to nothing that is read as a rise.
    fn factor(&self, current: u64, reference: f64) -> f64 {
        let now = current as f64;
        let factor = match (current, reference) {
            (0, 0.0) => 1.0,
            (_, 0.0) => now,
            _ => now / reference,
        };
        if factor > 1.0 && current < self.min_current {
            return 1.0;
        }
        if self.both_ways && factor < 1.0 { (reference / now.max(1.0)).max(1.0) } else { factor }
    }

    fn complaint_about_reference(&self) -> Option<String> {
        let Reference { before, buckets } = &self.reference;
        let buckets = buckets.unwrap_or(1);
        if before.0 < self.window.0 {
            return Some(format!("`before` {before} is shorter than the window, {}", self.window));
        }
        if buckets == 0 || buckets > MOST_BUCKETS {
            return Some(format!("`buckets` {buckets} has to lie between 1 and {MOST_BUCKETS}"));
        }
        let short = before.0.as_millis() / u128::from(buckets) == 0;
        short.then(|| format!("`before` {before} is too short for {buckets} buckets"))
    }
}

fn count(group: &Group, name: &str) -> Result<u64, Reason> {
    let lacking = || Reason::new(Cause::Malformed, format!("the answer has no count `{name}`"));
    group.counts.get(name).copied().ok_or_else(lacking)
}

impl Check for Spike {
    fn scale(&self) -> Scale {
        Scale::Factor
    }

    /// No level and no `no_data`: what is sudden, and what silence means, only the author knows.
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
        complaints.extend(self.complaint_about_reference());
        complaints
    }

    /// What matches, and when there was anything: the second question is the same for all rules over these documents.
    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let documents = Documents { max_lag: None, ..self.documents() };
        let matching = filtered(documents.search(look), self.filter.as_ref());
        let all = self.documents().whole(look);
        vec![Query::search(self.over_both(look, matching)), Query::search(self.over_both(look, all))]
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
        let count = reading.facts.count("documents").unwrap_or(0);
        let text = |name: &str| reading.facts.text(name).unwrap_or("the time").to_owned();
        let usual = reading.facts.get("reference").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        let (usual, window, before) = (Number::Float(usual), text("window"), text("before"));
        let documents = documents_of(count, entity);
        let cause =
            format!("{documents} in {window}, where the {before} before had {usual} in {window} on average");
        let risen = Number::count(count) > usual;
        let next_step = if risen {
            format!("look at these documents in `{}`, and at what changed when they began", self.index)
        } else {
            format!("find out who should write to `{}`, and since when it writes less", self.index)
        };
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
