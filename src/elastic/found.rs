//! Exact numbers out of a search's answer that is known to be complete.

use serde_json::Value;

use super::{
    complete::{malformed, number, part},
    sought::{GROUPS, count_name, metric_name, per_name},
};
use crate::model::{
    Cause, Entity, Number, Reason,
    query::{Group, Metric, Search},
};

/// Documents that pass the filter. A lower bound proves nothing.
pub(super) fn total(item: &Value) -> Result<u64, Reason> {
    let total = part(part(item, "hits")?, "total")?;
    let value = number(total, "value")?;
    match total.get("relation").and_then(Value::as_str) {
        Some("eq") => Ok(value),
        _ => Err(Reason::new(
            Cause::Partial,
            format!("at least {value} documents match: a lower bound, not a count"),
        )),
    }
}

/// The numbers of a search without groups.
pub(super) fn whole(search: &Search, item: &Value) -> Result<Group, Reason> {
    let total = total(item)?;
    let none = Value::Object(serde_json::Map::new());
    let aggregations = if search.counts.is_empty() && search.metrics.is_empty() {
        item.get("aggregations").unwrap_or(&none)
    } else {
        part(item, "aggregations")?
    };
    group(search, total, aggregations)
}

/// One page of groups, and where the next one begins.
pub(super) struct Page {
    pub groups: Vec<(Entity, Group)>,
    pub after: Option<Value>,
}

/// `size` is what was asked for.
pub(super) fn page(search: &Search, size: usize, item: &Value) -> Result<Page, Reason> {
    let groups = part(part(item, "aggregations")?, GROUPS)?;
    let buckets = groups.get("buckets").and_then(Value::as_array);
    let buckets = buckets.ok_or_else(|| malformed("the answer lacks its groups"))?;
    let read =
        |bucket: &Value| Ok((entity(search, bucket)?, group(search, number(bucket, "doc_count")?, bucket)?));
    let after = groups.get("after_key").filter(|after| !after.is_null()).cloned();
    if after.is_none() && !buckets.is_empty() && buckets.len() >= size {
        return Err(Reason::new(
            Cause::Partial,
            "a full page of groups does not say where the next one begins",
        ));
    }
    Ok(Page { groups: buckets.iter().map(read).collect::<Result<_, Reason>>()?, after })
}

fn entity(search: &Search, bucket: &Value) -> Result<Entity, Reason> {
    let key = part(bucket, "key")?;
    let mut labels = Vec::with_capacity(search.per.len());
    for (at, field) in search.per.iter().enumerate() {
        let value = match key.get(per_name(at)) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => return Err(malformed(format!("a group lacks its `{field}`"))),
        };
        labels.push((field.clone(), value));
    }
    Ok(Entity::new(labels))
}

fn group(search: &Search, total: u64, aggregations: &Value) -> Result<Group, Reason> {
    let mut group = Group { total, ..Group::default() };
    for (at, name) in search.counts.keys().enumerate() {
        let count = part(aggregations, &count_name(at)).and_then(|found| number(found, "doc_count"))?;
        group.counts.insert(name.clone(), count);
    }
    for (at, (name, metric)) in search.metrics.iter().enumerate() {
        let found = part(aggregations, &metric_name(at))?;
        group.metrics.insert(name.clone(), value(metric, found)?);
    }
    Ok(group)
}

/// `None` where no document had the field, and for what is no finite number.
fn value(metric: &Metric, found: &Value) -> Result<Option<Number>, Reason> {
    let value = match metric {
        Metric::Sum(_) if number(found, "count")? == 0 => return Ok(None),
        Metric::Sum(_) => found.get("sum"),
        Metric::Last { field, .. } => match last(field, found)? {
            None => return Ok(None),
            value => value,
        },
        Metric::Percentile { .. } => found.pointer("/values/0/value"),
        Metric::Avg(_) | Metric::Max(_) | Metric::Min(_) | Metric::Cardinality(_) => found.get("value"),
    };
    match value {
        Some(Value::Number(number)) => Ok(exact(number)),
        Some(Value::Null | Value::String(_)) => Ok(None),
        _ => Err(malformed("a metric has no value")),
    }
}

/// The field's value in the newest document that has it.
fn last<'a>(field: &str, found: &'a Value) -> Result<Option<&'a Value>, Reason> {
    if number(found, "doc_count")? == 0 {
        return Ok(None);
    }
    let newest = found.get(super::sought::LAST).and_then(|last| last.pointer("/hits/hits/0/fields"));
    let values = newest.and_then(|fields| fields.get(field)).and_then(Value::as_array);
    let value = values.and_then(|values| values.first());
    match value {
        Some(Value::Number(_) | Value::String(_)) => Ok(value),
        _ => Err(malformed(format!("the newest document has no number in `{field}`"))),
    }
}

/// Whole numbers stay whole: aggregations answer `1.7e12` for a date.
fn exact(number: &serde_json::Number) -> Option<Number> {
    if let Some(value) = number.as_i64() {
        return Some(Number::Int(value));
    }
    let value = number.as_f64().filter(|value| value.is_finite())?;
    // Below 2^53 every whole double is that integer.
    let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    Some(if whole { Number::Int(value as i64) } else { Number::Float(value) })
}
