//! Searches over documents, as an engine would answer them that has just these.

use serde_json::Value;

use super::truth::{Doc, MIDNIGHT, SECOND, milli};
use crate::model::{
    Entity, Number,
    query::{Group, Metric, Search, SearchAnswer},
};

/// Over those of its window that can be found.
pub fn answer<'d>(search: &Search, documents: impl Iterator<Item = &'d Doc>) -> SearchAnswer {
    let mut groups: Vec<(Vec<&Value>, Vec<&Doc>)> = Vec::new();
    if search.per.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    let filter = search.filter.as_ref().map(|filter| filter.query());
    for doc in documents.filter(|doc| filter.is_none_or(|filter| fits(doc, filter, &search.time_field))) {
        let Some(of) = search.per.iter().map(|name| doc.field(name)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        match groups.iter_mut().find(|(known, _)| *known == of) {
            Some((_, docs)) => docs.push(doc),
            None => groups.push((of, vec![doc])),
        }
    }
    let entity = |of: Vec<&Value>| Entity::new(search.per.iter().cloned().zip(of.into_iter().map(as_label)));
    let groups = groups.into_iter().map(|(of, docs)| (entity(of), group(search, &docs)));
    SearchAnswer { groups: groups.collect() }
}

fn as_label(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn group(search: &Search, docs: &[&Doc]) -> Group {
    let field = &search.time_field;
    let count = |filter: &Value| docs.iter().filter(|doc| fits(doc, filter, field)).count() as u64;
    Group {
        total: docs.len() as u64,
        counts: search.counts.iter().map(|(name, filter)| (name.clone(), count(filter.query()))).collect(),
        metrics: search.metrics.iter().map(|(name, ask)| (name.clone(), metric(ask, docs, field))).collect(),
    }
}

fn metric(ask: &Metric, docs: &[&Doc], time_field: &str) -> Option<Number> {
    let mut numbers: Vec<f64> = docs.iter().filter_map(|doc| number(doc, ask.field(), time_field)).collect();
    if numbers.is_empty() {
        return None;
    }
    let (sum, many) = (numbers.iter().sum::<f64>(), numbers.len() as f64);
    let found = match ask {
        Metric::Last { .. } => numbers.last().copied().unwrap(),
        Metric::Avg(_) => sum / many,
        Metric::Sum(_) => sum,
        Metric::Max(_) => numbers.iter().copied().fold(f64::MIN, f64::max),
        Metric::Min(_) => numbers.iter().copied().fold(f64::MAX, f64::min),
        Metric::Cardinality(_) | Metric::Percentile { .. } => {
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            numbers.len() as f64
        }
    };
    Number::finite(found)
}

/// Dates are milliseconds since the epoch.
fn number(doc: &Doc, field: &str, time_field: &str) -> Option<f64> {
    if field == time_field {
        return Some((MIDNIGHT * SECOND + doc.at) as f64);
    }
    doc.field(field)?.as_f64()
}

/// As much of the query language as rules and checks of this day speak.
pub fn fits(doc: &Doc, filter: &Value, time_field: &str) -> bool {
    let (kind, about) = filter.as_object().and_then(|query| query.iter().next()).unwrap();
    let (name, what) = about.as_object().and_then(|about| about.iter().next()).unzip();
    let name = name.map(String::as_str).unwrap_or_default();
    match kind.as_str() {
        "match_all" => true,
        "term" => doc.field(name) == what,
        "terms" => doc.field(name).is_some_and(|value| what.unwrap().as_array().unwrap().contains(value)),
        "exists" => number_or_text(doc, what.unwrap().as_str().unwrap(), time_field),
        "range" => is_within(number(doc, name, time_field), what.unwrap()),
        "bool" => {
            let all = |part: &str| listed(about.get(part));
            let fit = |filter: &Value| fits(doc, filter, time_field);
            let should = all("should");
            all("filter").iter().chain(all("must")).all(fit)
                && !all("must_not").iter().any(fit)
                && (should.is_empty() || should.iter().any(fit))
        }
        other => panic!("nobody here understands `{other}`"),
    }
}

fn number_or_text(doc: &Doc, field: &str, time_field: &str) -> bool {
    field == time_field || doc.field(field).is_some()
}

fn listed(part: Option<&Value>) -> &[Value] {
    match part {
        Some(Value::Array(parts)) => parts,
        part => part.map(std::slice::from_ref).unwrap_or_default(),
    }
}

fn is_within(number: Option<f64>, range: &Value) -> bool {
    let Some(number) = number else { return false };
    range.as_object().unwrap().iter().filter(|(op, _)| *op != "format").all(|(op, bound)| {
        let bound = bound.as_f64().unwrap();
        match op.as_str() {
            "gt" => number > bound,
            "gte" => number >= bound,
            "lt" => number < bound,
            "lte" => number <= bound,
            other => panic!("nobody here understands `{other}`"),
        }
    })
}

/// The documents that a search is about, as far as they can be found now.
pub fn window(search: &Search) -> (i64, i64) {
    (milli(search.window.start), milli(search.window.end))
}
