//! Any YAML as JSON, within the limits of [`super::yaml`], and read as the many tools read it that take YAML 1.1.

use serde_json::{Map, Number, Value};

use super::{
    complaint::Complaint,
    node::{Node, Seen, Value as Seeing},
    yaml,
};

/// What a file says. `yes`, `no`, `on` and `off` are booleans where nobody quoted them.
pub fn plain(text: &str) -> Result<Value, String> {
    let node = yaml::parse(text, 0).map_err(|complaint| words(&complaint, text))?;
    Ok(value(&node, text))
}

/// The complaint in one line, with its place.
fn words(complaint: &Complaint, text: &str) -> String {
    let place = complaint.place.map(|place| place.range().start.min(text.len()));
    let line = place.and_then(|at| text.get(..at)).map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", complaint.message),
        None => complaint.message.clone(),
    }
}

fn value(node: &Node, text: &str) -> Value {
    match &node.value {
        Seeing::List(items) => Value::Array(items.iter().map(|item| value(item, text)).collect()),
        Seeing::Map(entries) => {
            let entry = |(key, node): &(super::node::Key, Node)| (key.text.clone(), value(node, text));
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
        Seeing::Scalar { text: scalar, seen } => match seen {
            Seen::Nothing | Seen::Null => Value::Null,
            Seen::Bool(flag) => Value::Bool(*flag),
            Seen::Int(number) => Value::from(*number),
            Seen::Uint(number) => Value::from(*number),
            Seen::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Seen::Text | Seen::Any => word(scalar, text.get(node.place.range()).unwrap_or_default()),
        },
    }
}

/// Quoted, a word is a text; bare, it may be one of YAML 1.1's booleans.
fn word(scalar: &str, written: &str) -> Value {
    if written.trim() != scalar {
        return Value::from(scalar);
    }
    match scalar {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        text => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_read_as_older_tools_read_it() {
        let text = "a: &a { b: yes, c: 'no', d: off }\ne: { <<: *a, f: 2024-01-01, g: 1.5, h: ~ }\n1: x\n";
        let expected = json!({ "a": { "b": true, "c": "no", "d": false }, "e": { "b": true, "c": "no", "d": false, "f": "2024-01-01", "g": 1.5, "h": null }, "1": "x" });
        assert_eq!(plain(text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        assert!(plain("a: 1\nb: [\n").unwrap_err().contains("line "));
        assert!(plain("a: 1\na: 2\n").unwrap_err().contains("`a` is written twice"));
        assert!(plain("").is_err());
    }
}
