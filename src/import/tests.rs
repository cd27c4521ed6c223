//! Golden translations, and what must never happen.

use serde_json::{Value, json};

use super::*;

mod golden;
mod secrets;
mod telling;

/// One rule over a global configuration that looks every minute.
fn of(rule: Value) -> Import {
    over(json!({ "run_every": { "minutes": 1 }, "buffer_time": { "minutes": 15 } }), rule)
}

fn over(global: Value, rule: Value) -> Import {
    let (Value::Object(global), Value::Object(mut rule)) = (global, rule) else { panic!("maps") };
    for (key, value) in [("name", "r"), ("index", "logs-*"), ("alert", "debug")] {
        rule.entry(key.to_owned()).or_insert_with(|| Value::from(value));
    }
    let source = Source { file: "r.yaml".to_owned(), rule: Ok(rule) };
    translate(&global, &[source])
}

/// The only rule that became of it.
fn rule(import: &Import) -> Value {
    let rules: Vec<&Value> = import.files.values().flatten().collect();
    assert_eq!(rules.len(), 1, "{:?}", import.report);
    rules[0].clone()
}

fn why(import: &Import) -> String {
    assert!(import.files.is_empty(), "{:?}", import.files);
    import.report.rules[0].why.clone().unwrap()
}
