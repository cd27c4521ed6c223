//! What an aggregation left out of its answer. The engine says so, but only to those who look.

use serde_json::{Map, Value};

/// As many groups as a composite brings where it does not say.
const USUAL_PAGE: u64 = 10;

/// Why the aggregations of `answer`, asked for by `definition`, do not hold all there is.
pub fn aggregations(definition: &Value, answer: &Value) -> Option<String> {
    let found = answer.get("aggregations")?.as_object()?;
    within(definition, found)
}

/// The aggregations below one definition, in one group of its answer.
fn within(definition: &Value, found: &Map<String, Value>) -> Option<String> {
    let defined = definition.get("aggs").or_else(|| definition.get("aggregations"))?.as_object()?;
    defined.iter().find_map(|(name, definition)| of(name, definition, found.get(name)?))
}

fn of(name: &str, definition: &Value, found: &Value) -> Option<String> {
    let others = found.get("sum_other_doc_count").and_then(Value::as_u64).unwrap_or(0);
    if others > 0 {
        return Some(format!(
            "the terms of `{name}` were cut off: {others} documents are in none of them; raise their `size`"
        ));
    }
    let error = found.get("doc_count_error_upper_bound").and_then(Value::as_u64).unwrap_or(0);
    if error > 0 {
        return Some(format!("the counts of `{name}` may be {error} too low; raise its `shard_size`"));
    }
    let groups = groups(found);
    if let Some(composite) = definition.get("composite") {
        let size = composite.get("size").and_then(Value::as_u64).unwrap_or(USUAL_PAGE);
        if groups.len() as u64 >= size && found.get("after_key").is_some_and(|after| !after.is_null()) {
            return Some(format!(
                "`{name}` brought a full page of {size} groups: there may be more; raise its `size`"
            ));
        }
    }
    // a single group holds what is below it itself
    let own = found.as_object().and_then(|found| within(definition, found));
    own.or_else(|| {
        groups.into_iter().filter_map(Value::as_object).find_map(|group| within(definition, group))
    })
}

fn groups(found: &Value) -> Vec<&Value> {
    match found.get("buckets") {
        Some(Value::Array(groups)) => groups.iter().collect(),
        Some(Value::Object(groups)) => groups.values().collect(),
        _ => Vec::new(),
    }
}
