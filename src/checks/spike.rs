mod measured;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use self::measured::Measured;
use super::{
    Advice, Check, Look, Memory,
    common::{
        counted,
        documents::{Documents, documents_of, time_field},
        found,
        numbers::{Numbers, Percentile},
    },
};
use crate::model::{
    Cause, Entity, Finding, Number, Observation, Reading, Reason, Scale, Unit, Window,
    filter::Filter,
    query::{Group, Query, Response, Search},
    span::{self, Span},
};

/// How many times as many documents match as in the time before, or how many times as large a number of theirs is: a sudden rise,
/// or a sudden fall.
///
/// The reading is a factor: the documents of the window, divided by what a window had on average in the reference time, which ends
/// where the window begins. With one of `avg`, `max`, `min`, `sum`, `cardinality` and `percentile` it is that number of the window,
/// divided by the mean of that number over the buckets of the reference time. Levels say `above 3x` (a rise) or `below 0.2x` (a fall); levels of one rule point one way, so who wants
/// both writes two rules, or says `both_ways`.
///
/// | the group | reads |
/// |---|---|
/// | has fewer documents in the reference time than `min_reference` (a new group has none) | no data: there is nothing to compare with |
/// | has documents in the reference time and none in the window | `0x` |
/// | has fewer documents in the window than `min_current` | its factor, at most `1x`: too few to be a rise |
/// | has no document in either | no data |
/// | has no number in the window (`avg: took_ms`, and no document has the field), or none before, or one below 0 | no data; a `sum` or `cardinality` of nothing is 0 |
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
    /// Fields whose values make groups, each judged by itself. A document that lacks one of them is in none.
    #[serde(default)]
    pub per: Vec<String>,
    /// The average of this field is compared, in place of the number of documents. At most one of `avg`, `max`, `min`, `sum`,
    /// `cardinality` and `percentile` is wanted.
    #[serde(default)]
    pub avg: Option<String>,
    /// The largest value of this field is compared.
    #[serde(default)]
    pub max: Option<String>,
    /// The smallest value of this field is compared.
    #[serde(default)]
    pub min: Option<String>,
    /// The sum of this field is compared.
    #[serde(default)]
    pub sum: Option<String>,
    /// How many different values this field has is compared; the buckets of the reference time have to be as long as the window.
    #[serde(default)]
    pub cardinality: Option<String>,
    /// A percentile of a field is compared: `{ field: took_ms, percent: 99 }`.
    #[serde(default)]
    pub percentile: Option<Percentile>,
    /// A group with fewer documents in the window than this, or a smaller number, is no rise: it reads at most `1x`.
    #[serde(default)]
    pub min_current: f64,
    /// A group with fewer documents in the whole reference time than this has no data; left out, 10. With 0, a group that is new is
    /// compared with one document: its factor is its number of documents. Where a number is compared, it has no data with a smaller
    /// number before; left out, that has to be above 0. With 0, a 0 is compared as if it were 1.
    #[serde(default)]
    pub min_reference: Option<f64>,
    /// A fall reads as a rise: a fifth is `5x`, and nothing at all is compared as if it were one document, or 1.
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
/// In a whole reference time, where a rule says nothing else: fewer are too few to compare with.
const DOCUMENTS: f64 = 10.0;
/// The window's own count inside the search.
const NOW: &str = "now";

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

    fn bucket(&self) -> Duration {
        self.reference.before.0 / self.buckets().max(1)
    }

    /// The parts of the reference time, the earliest first. Each begins where the one before it ends.
    fn parts(&self, look: &Look) -> Vec<Window> {
        let buckets = self.buckets();
        let edge = |at: u32| look.window.start - self.reference.before.0 * (buckets - at) / buckets;
        (0..buckets).map(|at| Window { start: edge(at), end: edge(at + 1) }).collect()
    }

    /// The same search over both times at once: each part of it is a count.
    fn over_both(&self, look: &Look, search: Search) -> Search {
        let (mut window, mut counts) =
            (look.window, BTreeMap::from([(NOW.to_owned(), self.within(look.window))]));
        for (at, part) in (0..).zip(self.parts(look)) {
            window.start = window.start.min(part.start);
            counts.insert(bucket_name(at), self.within(part));
        }
        Search { window, counts, ..search }
    }

    fn within(&self, Window { start, end }: Window) -> Filter {
        let (start, end) = (start.timestamp_millis(), end.timestamp_millis());
        Filter::new(
            json!({ "range": { self.time_field.clone(): { "gte": start, "lt": end, "format": "epoch_millis" } } }),
        )
    }

    fn numbers(&self) -> Numbers<'_> {
        let Self { avg, max, min, sum, cardinality, percentile, .. } = self;
        Numbers { avg, max, min, sum, cardinality, percentile }
    }

    /// `None`: documents are counted.
    fn measured(&self) -> Option<Measured<'_>> {
        let (words, ask) = self.numbers().asked().into_iter().next()?;
        Some(Measured { spike: self, words, ask })
    }

    fn finding(&self, group: &Group, filled: &[u32]) -> Result<Finding, Reason> {
        let current = count(group, NOW)?;
        let mut earlier: u64 = 0;
        for at in filled {
            earlier = earlier.saturating_add(count(group, &bucket_name(*at))?);
        }
        let least = self.min_reference.unwrap_or(DOCUMENTS);
        if (earlier as f64) < least {
            let (documents, before) = (counted(earlier, "document"), self.reference.before);
            let least = Number::Float(least);
            let text = format!("{documents} in the {before} before, fewer than `min_reference` {least}");
            return Ok(Finding::NoData(text));
        }
        let reference = earlier as f64 / filled.len() as f64 * self.windows_in_a_bucket();
        let reading = self
            .factored(current as f64, reference)
            .fact("documents", current)
            .fact("reference", (reference * 100.0).round() / 100.0)
            .fact("reference_documents", earlier);
        Ok(Finding::Value(self.dated(reading)))
    }

    /// What adds up is this many times as much in a window as in a bucket.
    fn windows_in_a_bucket(&self) -> f64 {
        self.window.0.as_secs_f64() / self.bucket().as_secs_f64()
    }

    fn factored(&self, current: f64, reference: f64) -> Reading {
        Reading::new(Number::Float(self.factor(current, reference)), Unit::Factor)
    }

    fn dated(&self, reading: Reading) -> Reading {
        let reading = reading.fact("window", span::show(self.window.0));
        reading.fact("before", span::show(self.reference.before.0))
    }

    /// Never infinite: a reference of nothing counts as 1, and so does a fall to nothing that is read as a rise.
    fn factor(&self, current: f64, reference: f64) -> f64 {
        let factor = match (current, reference) {
            (0.0, 0.0) => 1.0,
            (_, 0.0) => current,
            _ => current / reference,
        };
        if factor > 1.0 && current < self.min_current {
            return 1.0;
        }
        let current = if current > 0.0 { current } else { 1.0 };
        if self.both_ways && factor < 1.0 { (reference / current).max(1.0) } else { factor }
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
        if before.0.as_millis() / u128::from(buckets) == 0 {
            return Some(format!("`before` {before} is too short for {buckets} buckets"));
        }
        (self.cardinality.is_some() && self.bucket() != self.window.0).then(|| {
            let (bucket, window) = (span::show(self.bucket()), self.window);
            format!("different values do not add up: a bucket of `reference`, {bucket}, has to be as long as the window, {window}")
        })
    }

    fn complaint_about_number(&self) -> Option<String> {
        let asked = self.numbers().asked();
        if asked.len() > 1 {
            let all = "`avg`, `max`, `min`, `sum`, `cardinality`, `percentile`";
            return Some(format!("at most one of {all} is wanted, {} are there", asked.len()));
        }
        let complaint = asked.first().and_then(|asked| self.numbers().complaint(asked));
        let least = [("min_current", Some(self.min_current)), ("min_reference", self.min_reference)];
        complaint.or_else(|| {
            let (name, least) = least
                .into_iter()
                .find(|(_, least)| least.is_some_and(|least| least.is_nan() || least < 0.0))?;
            Some(format!("`{name}` {} has to be 0 or more", least.unwrap_or_default()))
        })
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

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.per.clone()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.documents().complaints();
        complaints.extend(self.complaint_about_reference());
        complaints.extend(self.complaint_about_number());
        complaints
    }

    /// What matches, and when there was anything: the second question is the same for all rules over these documents. A number is
    /// asked of each part of the reference time by itself.
    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let matching = self.documents().matching(look, self.filter.as_ref());
        let all = Query::search(self.over_both(look, self.documents().whole(look)));
        match self.measured() {
            Some(measured) => measured.queries(matching, all, self.parts(look)),
            None => vec![Query::search(self.over_both(look, matching)), all],
        }
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
        for at in 0..self.buckets() {
            if count(whole, &bucket_name(at))? > 0 {
                filled.push(at);
            }
        }
        if filled.is_empty() {
            let (before, index) = (self.reference.before, &self.index);
            return Ok(Observation::NoData(format!("no documents in the {before} before of `{index}`")));
        }
        let mut findings = BTreeMap::new();
        if let Some(measured) = self.measured() {
            findings = measured.findings(answers, &filled)?;
        } else {
            for (entity, group) in &matching.groups {
                findings.insert(entity.clone(), self.finding(group, &filled)?);
            }
        }
        let others = self.documents().others();
        Ok(Observation::Seen { findings, others })
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let text = |name: &str| reading.facts.text(name).unwrap_or("the time").to_owned();
        let number = |name: &str| reading.facts.get(name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
        let (usual, window, before) = (Number::Float(number("reference")), text("window"), text("before"));
        if let Some(metric) = reading.facts.text("metric") {
            let whose = if entity.is_empty() { String::new() } else { format!(" for {entity}") };
            let now = Number::Float(number("current"));
            let cause =
                format!("the {metric} over {window}{whose} is {now}, where the {before} before had {usual}");
            let next_step = format!("look at the documents in `{}` that pull it there", self.index);
            return Advice { cause: Some(cause), next_step: Some(next_step) };
        }
        let count = reading.facts.count("documents").unwrap_or(0);
        let documents = documents_of(count, entity);
        let cause =
            format!("{documents} in {window}, where the {before} before had {usual} in {window} on average");
        let next_step = if Number::count(count) > usual {
            format!("look at these documents in `{}`, and at what changed when they began", self.index)
        } else {
            format!("find out who should write to `{}`, and since when it writes less", self.index)
        };
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
