//! A filter over documents: an Elasticsearch query object, or a string in Lucene query-string syntax.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// A query, always as an object of the query DSL. Clones share it, and its spelling: a rule asks with the same one at each look.
#[derive(Clone)]
pub struct Filter(Arc<Spelled>);

struct Spelled {
    query: Value,
    text: OnceLock<String>,
}

/// Scripts run code on the cluster: they are refused.
const SCRIPTS: [&str; 4] = ["script", "script_score", "minimum_should_match_script", "runtime_mappings"];

impl Filter {
    /// `query` as it is.
    pub fn new(query: Value) -> Self {
        Self(Arc::new(Spelled { query, text: OnceLock::new() }))
    }

    pub fn query(&self) -> &Value {
        &self.0.query
    }

    /// The same as JSON.
    pub fn text(&self) -> &str {
        self.0.text.get_or_init(|| self.0.query.to_string())
    }

    pub fn all() -> Self {
        Self::new(serde_json::json!({ "match_all": {} }))
    }

    pub fn lucene(text: &str) -> Self {
        Self::new(serde_json::json!({ "query_string": { "query": text } }))
    }

    pub fn object(query: Value) -> Result<Self, String> {
        let Value::Object(fields) = &query else {
            return Err("a filter is a query object or a Lucene query string".to_owned());
        };
        if fields.len() != 1 {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            let hint = "a query object has exactly one key, like `term`, `range` or `bool`";
            return Err(format!("{hint}; found {} ({})", fields.len(), names.join(", ")));
        }
        match find_script(&query) {
            Some(key) => Err(format!("`{key}` is refused: a filter runs no scripts on the cluster")),
            None => Ok(Self::new(query)),
        }
    }
}

fn find_script(query: &Value) -> Option<&'static str> {
    match query {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let script = SCRIPTS.into_iter().find(|script| script == key);
            script.or_else(|| hidden(key, value)).or_else(|| find_script(value))
        }),
        Value::Array(items) => items.iter().find_map(find_script),
        _ => None,
    }
}

/// A query that is written in base64 may hold anything.
fn hidden(key: &str, value: &Value) -> Option<&'static str> {
    (key == "wrapper" && value.get("query").is_some_and(Value::is_string)).then_some("wrapper")
}

impl fmt::Debug for Filter {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("Filter").field(self.query()).finish()
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.query() == other.query()
    }
}

impl Eq for Filter {}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.query().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FilterVisitor)
    }
}

struct FilterVisitor;

impl<'de> de::Visitor<'de> for FilterVisitor {
    type Value = Filter;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a query object or a Lucene query string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Filter, E> {
        if text.trim().is_empty() {
            return Err(E::custom("an empty filter; leave the key out to take every document"));
        }
        Ok(Filter::lucene(text))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Filter, A::Error> {
        let query = Value::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Filter::object(query).map_err(de::Error::custom)
    }
}

impl JsonSchema for Filter {
    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "an Elasticsearch query object, or a string in Lucene query-string syntax", "type": ["object", "string"] })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_filter_runs_a_script_wherever_it_hides() {
        let terms = |more: Value| json!({ "terms_set": { "codes": { "terms": ["a"], "more": more } } });
        for (query, key) in [
            (json!({ "bool": { "filter": [{ "script": { "script": "true" } }] } }), "script"),
            (json!({ "function_score": { "functions": [{ "script_score": {} }] } }), "script_score"),
            (terms(json!({ "minimum_should_match_script": "1" })), "minimum_should_match_script"),
            (json!({ "bool": { "must": { "wrapper": { "query": "e30=" } } } }), "wrapper"),
        ] {
            let why = Filter::object(query.clone()).unwrap_err();
            assert!(why.starts_with(&format!("`{key}` is refused")), "{query}: {why}");
        }
        for query in [json!({ "term": { "wrapper": "x" } }), terms(json!(null))] {
            assert!(Filter::object(query.clone()).is_ok(), "{query}");
        }
    }
}
