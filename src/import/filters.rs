//! ElastAlert's `filter`: a list of query objects, all of which hold, in the dialects of many years.

use serde_json::{Map, Value, json};

use super::{old::Old, report::RuleReport};
use crate::model::filter::Filter;

/// Queries that Elasticsearch gave up with version 5.
const GONE: [&str; 8] = ["and", "or", "not", "filtered", "missing", "limit", "query", "fquery"];

/// The filter of a rule as highwater writes it: a Lucene text where it is one, else a query object.
pub fn of(old: &Old<'_>, report: &mut RuleReport) -> Result<Option<Value>, String> {
    joined(list(old, report)?)
}

/// The queries of a rule, each alone.
pub fn list(old: &Old<'_>, report: &mut RuleReport) -> Result<Vec<Value>, String> {
    let filters = match old.get("filter") {
        None => return Ok(Vec::new()),
        Some(Value::Array(filters)) => filters,
        Some(_) => return Err("`filter` is no list: ElastAlert refuses this rule too".to_owned()),
    };
    let mut queries = Vec::new();
    for filter in filters {
        queries.push(query(filter)?);
    }
    if old.text("query_timezone").is_some() {
        report.differs("`query_timezone` is not needed: times are asked for as instants");
    }
    Ok(queries)
}

/// All of them hold.
pub fn joined(mut queries: Vec<Value>) -> Result<Option<Value>, String> {
    match queries.len() {
        0 => Ok(None),
        1 => Ok(queries.pop().map(|query| lucene(&query).map(Value::from).unwrap_or(query))),
        _ => Ok(Some(json!({ "bool": { "filter": queries } }))),
    }
}

/// A `percentage_match`'s `match_bucket_filter`, which Elasticsearch takes as a list or as one.
pub fn of_value(filter: &Value) -> Result<Option<Value>, String> {
    match filter {
        Value::Array(filters) => joined(filters.iter().map(query).collect::<Result<_, _>>()?),
        one => joined(vec![query(one)?]),
    }
}

fn query(filter: &Value) -> Result<Value, String> {
    let Value::Object(map) = filter else {
        return Err("a `filter` is a query object: ElastAlert refuses this rule too".to_owned());
    };
    if let Some(language) = ["eql", "esql"].into_iter().find(|language| map.contains_key(*language)) {
        return Err(format!("`{language}` in a filter has no counterpart: write the rule anew"));
    }
    let inner = match map.get("query") {
        Some(Value::Object(inner)) if !inner.is_empty() => inner,
        _ => map,
    };
    let query = Value::Object(inner.clone());
    gone(inner)?;
    Filter::object(query.clone())?;
    Ok(query)
}

fn gone(query: &Map<String, Value>) -> Result<(), String> {
    let Some(name) = query.keys().find(|key| GONE.contains(&key.as_str())) else { return Ok(()) };
    Err(format!("the query `{name}` is one that Elasticsearch itself gave up with version 5"))
}

/// The text of a `query_string` that says nothing else.
fn lucene(query: &Value) -> Option<&str> {
    let inner = query.get("query_string")?.as_object().filter(|inner| inner.len() == 1)?;
    inner.get("query")?.as_str().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(filter: Value) -> Result<Option<Value>, String> {
        of_value(&filter)
    }

    #[test]
    fn a_query_string_becomes_a_text_and_several_are_joined() {
        let text = json!([{ "query": { "query_string": { "query": "level:ERROR" } } }]);
        assert_eq!(one(text), Ok(Some(json!("level:ERROR"))));
        let more = json!([{ "query_string": { "query": "a", "default_operator": "AND" } }]);
        assert_eq!(one(more.clone()), Ok(Some(more[0].clone())));
        let two = json!([{ "term": { "a": 1 } }, { "query": { "range": { "b": { "gte": 5 } } } }]);
        assert_eq!(
            one(two),
            Ok(Some(
                json!({ "bool": { "filter": [{ "term": { "a": 1 } }, { "range": { "b": { "gte": 5 } } }] } })
            ))
        );
        assert_eq!(one(json!([])), Ok(None));
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        for (filter, word) in [
            (json!([{ "eql": "process where true" }]), "eql"),
            (json!([{ "not": { "term": { "a": 1 } } }]), "version 5"),
            (json!([{ "script": { "source": "1" } }]), "script"),
            (json!([{ "bool": { "must": [{ "script": {} }] } }]), "script"),
            (json!([{ "term": { "a": 1 }, "range": {} }]), "exactly one key"),
            (json!(["level:ERROR"]), "query object"),
        ] {
            assert!(one(filter.clone()).unwrap_err().contains(word), "{filter}");
        }
    }
}
