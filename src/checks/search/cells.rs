//! Numbers, labels and groups out of an answer that nobody has a type for.

use serde_json::Value;

use crate::model::{Cause, Number, Reason};

/// The groups at `pointer`, each with its key where they are kept by keys.
pub fn groups<'a>(answer: &'a Value, pointer: &str) -> Result<Vec<(Option<&'a str>, &'a Value)>, Reason> {
    match answer.pointer(pointer) {
        Some(Value::Array(groups)) => Ok(groups.iter().map(|group| (None, group)).collect()),
        Some(Value::Object(groups)) => {
            Ok(groups.iter().map(|(key, group)| (Some(key.as_str()), group)).collect())
        }
        Some(_) => Err(malformed(format!("what is at `{pointer}` is no list of groups"))),
        None => Err(malformed(format!("the answer has nothing at `{pointer}`"))),
    }
}

/// One label of a group. Groups that are kept by keys have theirs at `/key` too.
pub fn label(key: Option<&str>, group: &Value, pointer: &str) -> Result<String, Reason> {
    let own = key.filter(|_| pointer == "/key" && group.get("key").is_none());
    if let Some(key) = own {
        return Ok(key.to_owned());
    }
    let value =
        group.pointer(pointer).ok_or_else(|| malformed(format!("a group has nothing at `{pointer}`")))?;
    text(single(value)).ok_or_else(|| malformed(format!("what a group has at `{pointer}` is no name")))
}

/// A value as a label.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) | Value::Null => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The number at `pointer`; `None` where there is none.
pub fn number(at: &Value, pointer: &str) -> Result<Option<Number>, Reason> {
    let value =
        at.pointer(pointer).ok_or_else(|| malformed(format!("the answer has nothing at `{pointer}`")))?;
    match single(value) {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(exact(number)),
        // what an engine writes for the number of nothing
        Value::String(text) if ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()) => Ok(None),
        Value::String(_) => Err(malformed(format!("what is at `{pointer}` is text, and no number"))),
        Value::Array(_) => Err(malformed(format!("there are several values at `{pointer}`"))),
        _ => Err(malformed(format!("what is at `{pointer}` is no number"))),
    }
}

/// Fields of documents come as lists, of one as a rule.
fn single(value: &Value) -> &Value {
    match value {
        Value::Array(values) if values.len() == 1 => &values[0],
        Value::Array(values) if values.is_empty() => &Value::Null,
        value => value,
    }
}

/// 64-bit integers stay integers, and aggregations that write whole numbers as `1200.0` mean them.
pub fn exact(number: &serde_json::Number) -> Option<Number> {
    if let Some(whole) = number.as_i64().map(Number::Int).or_else(|| number.as_u64().map(Number::count)) {
        return Some(whole);
    }
    let value = number.as_f64().filter(|value| value.is_finite())?;
    // below 2^53 every whole double is that integer
    let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    Some(if whole { Number::Int(value as i64) } else { Number::Float(value) })
}

fn malformed(text: String) -> Reason {
    Reason::new(Cause::Malformed, text)
}
