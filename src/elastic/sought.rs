//! An aggregating search as the engine spells it. Everything in it is named by position, so no name can be refused.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::model::{
    filter::Filter,
    query::{During, Metric, Search},
};

/// Groups of the first page of a composite aggregation; where there are more, the engine looks at all documents again for each page.
const FIRST_PAGE: usize = 1_000;
const LATER_PAGE: usize = 10_000;
/// An engine gives 65,535 buckets at once, and each count of a group is one.
const MOST_BUCKETS: usize = 60_000;

/// How many groups the page after `after` may hold.
pub(super) fn page_size(search: &Search, after: Option<&Value>) -> usize {
    let most = if after.is_some() { LATER_PAGE } else { FIRST_PAGE };
    let of_one = 1 + search.counts.len() + search.metrics.len();
    most.min(MOST_BUCKETS / of_one).max(1)
}

/// What a merged search may weigh: so many named filters, or fewer where each keeps much in memory.
pub(super) const MOST_WEIGHT: usize = 500;
/// A percentile or a cardinality holds up to some hundred KB per filter and shard.
const HEAVY: usize = 20;

/// One search, in the parts that it travels as: alone, or merged with others of the same company.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub index: String,
    pub company: Company,
    /// Which documents count; `None` for all of the window.
    pub filter: Option<Filter>,
    /// Its aggregations as a JSON object; `{}` where there are none.
    pub numbers: String,
    form: Form,
    pub weight: usize,
    /// The search whatever its window and page.
    pub mark: u64,
}

#[derive(Clone, Debug)]
enum Form {
    /// Numbers of a whole: these can be merged.
    Numbers,
    /// A page of groups, the first one or another: it is its own search.
    Page { is_first: bool },
    /// A body in its author's words.
    Own(String),
}

/// What searches have to have in common to be asked as one: where, when, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Company {
    pub header: String,
    pub range: String,
    pub timeout: String,
    /// The time that a merged search gets of which nobody knows yet how much it costs.
    pub hasty: String,
}

/// `search` as it is asked; `after` is where the last page ended.
pub(super) fn asked(search: &Search, after: Option<&Value>, timeout: Duration) -> Asked {
    let heavy = |metric: &&Metric| matches!(metric, Metric::Percentile { .. } | Metric::Cardinality(_));
    let numbers = numbers(search);
    Asked {
        index: search.index.clone(),
        company: company(search, timeout),
        mark: mark(search),
        filter: search.filter.clone(),
        numbers: if search.per.is_empty() { numbers } else { groups(search, after, &numbers) },
        form: if search.per.is_empty() { Form::Numbers } else { Form::Page { is_first: after.is_none() } },
        weight: 1 + HEAVY * search.metrics.values().filter(heavy).count(),
    }
}

/// A search in its author's words: `body` whole, and `words` without its window. It is never merged.
pub(super) fn in_its_own_words(index: &str, body: String, words: &Value, timeout: Duration) -> Asked {
    let mut hasher = DefaultHasher::new();
    (index, words.to_string()).hash(&mut hasher);
    let timeout = deadline(timeout);
    Asked {
        index: index.to_owned(),
        company: Company { header: header(index), range: String::new(), hasty: timeout.clone(), timeout },
        filter: None,
        numbers: String::new(),
        form: Form::Own(body),
        weight: 1,
        mark: hasher.finish(),
    }
}

fn company(search: &Search, timeout: Duration) -> Company {
    let during = During { time_field: search.time_field.clone(), window: search.window };
    Company {
        header: header(&search.index),
        range: range(&during).to_string(),
        timeout: deadline(timeout),
        hasty: format!("{}ms", timeout.as_millis() / 5),
    }
}

/// The line that says where to look.
pub(super) fn header(index: &str) -> String {
    let index = Value::from(index);
    // A partial answer names what failed; whether it proves anything is judged here.
    format!(
        r#"{{"index":{index},"ignore_unavailable":false,"allow_no_indices":false,"expand_wildcards":"open","allow_partial_search_results":true}}"#
    )
}

/// A deadline for the cluster that leaves ours time to hear of it.
pub(super) fn deadline(timeout: Duration) -> String {
    format!("{}ms", timeout.as_millis() * 9 / 10)
}

/// The documents of a window.
pub(super) fn range(during: &During) -> Value {
    let (start, end) = (during.window.start.timestamp_millis(), during.window.end.timestamp_millis());
    let mut range = Map::new();
    range.insert(during.time_field.clone(), json!({ "gte": start, "lt": end, "format": "epoch_millis" }));
    json!({ "range": range })
}

fn mark(search: &Search) -> u64 {
    let mut hasher = DefaultHasher::new();
    let filter = search.filter.as_ref().map(Filter::text);
    (&search.index, &search.time_field, filter, &search.per, &search.metrics).hash(&mut hasher);
    for (name, count) in &search.counts {
        (name, count.text()).hash(&mut hasher);
    }
    hasher.finish()
}

impl Asked {
    pub fn can_be_merged(&self) -> bool {
        matches!(self.form, Form::Numbers)
    }

    /// The body that asks it alone. The total is not counted again on later pages.
    pub fn body(&self) -> String {
        let total = match &self.form {
            Form::Own(body) => return body.clone(),
            Form::Page { is_first } => *is_first,
            Form::Numbers => true,
        };
        let Company { range, timeout, .. } = &self.company;
        let filter = self.filter.as_ref().map(|filter| format!(",{}", filter.text())).unwrap_or_default();
        let aggs = self.aggs();
        format!(
            r#"{{"size":0,"track_total_hits":{total},"timeout":"{timeout}","query":{{"bool":{{"filter":[{range}{filter}]}}}}{aggs}}}"#
        )
    }

    /// Its aggregations as a further key of what they are about; nothing where there are none.
    pub fn aggs(&self) -> String {
        if self.numbers == NONE { String::new() } else { format!(r#","aggs":{}"#, self.numbers) }
    }

    /// Everything that makes the answer what it is, and the names that are not in it.
    pub fn key(&self, search: &Search) -> String {
        let mut key = format!("{}\n{}", self.company.header, self.body());
        for name in search.counts.keys().chain(search.metrics.keys()) {
            key.push('\n');
            key.push_str(name);
        }
        key
    }
}

fn groups(search: &Search, after: Option<&Value>, numbers: &str) -> String {
    let source = |(at, field): (usize, &String)| {
        let mut source = Map::new();
        source.insert(per_name(at), json!({ "terms": { "field": field } }));
        Value::Object(source)
    };
    let sources: Vec<Value> = search.per.iter().enumerate().map(source).collect();
    let mut composite = json!({ "size": page_size(search, after), "sources": sources });
    if let Some(after) = after {
        composite["after"] = after.clone();
    }
    let numbers = if numbers == NONE { String::new() } else { format!(r#","aggs":{numbers}"#) };
    format!(r#"{{"{GROUPS}":{{"composite":{composite}{numbers}}}}}"#)
}

/// A JSON object, as text: what is counted, and what is measured.
fn numbers(search: &Search) -> String {
    let mut parts = Vec::with_capacity(search.counts.len() + search.metrics.len());
    for (at, filter) in search.counts.values().enumerate() {
        parts.push(format!(r#""{}":{{"filter":{}}}"#, count_name(at), filter.text()));
    }
    for (at, metric) in search.metrics.values().enumerate() {
        parts.push(format!(r#""{}":{}"#, metric_name(at), aggregation(metric)));
    }
    format!("{{{}}}", parts.join(","))
}

const NONE: &str = "{}";

fn aggregation(metric: &Metric) -> Value {
    match metric {
        Metric::Max(field) => json!({ "max": { "field": field } }),
        Metric::Min(field) => json!({ "min": { "field": field } }),
        Metric::Avg(field) => json!({ "avg": { "field": field } }),
        // The sum over nothing is 0 there: only its count tells it from a sum that is 0.
        Metric::Sum(field) => json!({ "stats": { "field": field } }),
        Metric::Cardinality(field) => {
            json!({ "cardinality": { "field": field, "precision_threshold": 40_000 } })
        }
        Metric::Last { field, by } => last(field, by),
        Metric::Percentile { field, percent } => {
            let percent: f64 = percent.parse().unwrap_or_default();
            let (percents, digest) = ([percent], json!({ "compression": COMPRESSION }));
            json!({ "percentiles": { "field": field, "percents": percents, "keyed": false, "tdigest": digest } })
        }
    }
}

/// The newest document that has the field.
fn last(field: &str, by: &str) -> Value {
    let mut order = Map::new();
    order.insert(by.to_owned(), json!({ "order": "desc" }));
    let hits = json!({ "size": 1, "sort": [order], "_source": false, "docvalue_fields": [field] });
    let mut newest = Map::new();
    newest.insert(LAST.to_owned(), json!({ "top_hits": hits }));
    json!({ "filter": { "exists": { "field": field } }, "aggs": newest })
}

/// How finely an engine keeps a distribution. Its own 100 puts the median of 12,000 numbers up to 1.3 % away; this keeps it
/// within 0.3 %, at a few hundred KB per group and shard.
const COMPRESSION: u32 = 500;

pub(super) const LAST: &str = "last";
pub(super) const GROUPS: &str = "groups";

pub(super) fn per_name(at: usize) -> String {
    format!("p{at}")
}

pub(super) fn count_name(at: usize) -> String {
    format!("c{at}")
}

pub(super) fn metric_name(at: usize) -> String {
    format!("m{at}")
}
