//! Searches in an author's own words, as much of them as the rules of this day speak, and answers as an engine writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{search::fits, truth::Doc};
use crate::model::query::{Dsl, Esql};

/// `POST /…/_search`
pub fn dsl(dsl: &Dsl, documents: &[&Doc]) -> Value {
    let time_field = dsl.during.as_ref().map_or("@timestamp", |during| &during.time_field);
    let fit = |doc: &&&Doc| dsl.body.get("query").is_none_or(|query| fits(doc, query, time_field));
    let found: Vec<&Doc> = documents.iter().filter(fit).copied().collect();
    let size = dsl.body.get("size").and_then(Value::as_u64).unwrap_or(0);
    // the only order that anybody asks for: the newest first
    let newest = found.iter().rev().take(usize::try_from(size).unwrap());
    let hits: Vec<Value> = newest.map(|doc| json!({ "_index": "any", "_source": source(doc) })).collect();
    let total = json!({ "value": found.len(), "relation": "eq" });
    json!({
        "took": 1, "timed_out": false, "hits": { "total": total, "hits": hits },
        "aggregations": aggregations(&dsl.body, &found),
    })
}

fn source(doc: &Doc) -> Value {
    let fields = doc.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Object(fields.collect())
}

fn aggregations(definition: &Value, found: &[&Doc]) -> Map<String, Value> {
    let all = definition.get("aggs").and_then(Value::as_object).into_iter().flatten();
    all.map(|(name, definition)| (name.clone(), aggregation(definition, found))).collect()
}

fn aggregation(definition: &Value, found: &[&Doc]) -> Value {
    let mut groups: BTreeMap<String, Vec<&Doc>> = BTreeMap::new();
    let kind = ["terms", "cardinality"].into_iter().find(|kind| definition.get(kind).is_some()).unwrap();
    let field = definition[kind]["field"].as_str().unwrap();
    for doc in found.iter().filter(|doc| doc.field(field).is_some()) {
        groups.entry(doc.text(field).to_owned()).or_default().push(doc);
    }
    if kind == "cardinality" {
        return json!({ "value": groups.len() });
    }
    let mut groups: Vec<(String, Vec<&Doc>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, docs)| std::cmp::Reverse(docs.len()));
    let size = usize::try_from(definition["terms"]["size"].as_u64().unwrap()).unwrap();
    let others = groups.split_off(size.min(groups.len()));
    let group = |(key, docs): (String, Vec<&Doc>)| {
        let mut group = aggregations(definition, &docs);
        group.extend([("key".to_owned(), json!(key)), ("doc_count".to_owned(), json!(docs.len()))]);
        group
    };
    json!({
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": others.iter().map(|(_, docs)| docs.len()).sum::<usize>(),
        "buckets": groups.into_iter().map(group).collect::<Vec<_>>(),
    })
}

const OLDEST: &str = "FROM queues-* | STATS oldest = MAX(age), samples = COUNT(*) BY queue";

/// `POST /_query`
pub fn esql(esql: &Esql, documents: &[&Doc]) -> Value {
    assert_eq!(esql.query, OLDEST, "nobody here understands that");
    let mut queues: BTreeMap<&str, Vec<&Doc>> = BTreeMap::new();
    for doc in documents {
        queues.entry(doc.text("queue")).or_default().push(doc);
    }
    let row = |(queue, docs): (&str, Vec<&Doc>)| {
        // the highest of nothing is null
        let oldest = docs.iter().filter_map(|doc| doc.field("age")?.as_i64()).max();
        json!([oldest, docs.len(), queue])
    };
    let column = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    json!({
        "took": 1, "is_partial": false,
        "columns": [column("oldest", "long"), column("samples", "long"), column("queue", "keyword")],
        "values": queues.into_iter().map(row).collect::<Vec<_>>(),
    })
}
