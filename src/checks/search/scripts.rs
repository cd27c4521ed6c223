//! Scripts inside the body of a search, at any depth.

use serde_json::Value;

/// Keys under which the query DSL takes a script, or what holds one.
const SCRIPTS: [&str; 15] = [
    "script",
    "_script",
    "script_score",
    "script_fields",
    "scripted_metric",
    "runtime_mappings",
    "bucket_script",
    "bucket_selector",
    "moving_fn",
    "init_script",
    "map_script",
    "combine_script",
    "reduce_script",
    "minimum_should_match_script",
    "value_script",
];

/// The key of the first script in `value` under `key`, if there is one.
pub fn of(key: &str, value: &Value) -> Option<String> {
    if SCRIPTS.contains(&key) || wraps_a_query(key, value) {
        return Some(key.to_owned());
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| of(key, value)),
        Value::Array(items) => items.iter().find_map(|item| of("", item)),
        _ => None,
    }
}

/// A query that is written in base64 may hold anything.
fn wraps_a_query(key: &str, value: &Value) -> bool {
    key == "wrapper" && value.get("query").is_some_and(Value::is_string)
}
