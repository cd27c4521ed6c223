//! Writing YAML: maps and lists as blocks, what is small on one line, every text so that it is read as the text it was.

use serde_json::Value;

/// A line that is longer is broken up into a block.
const WIDTH: usize = 100;

/// The text of a file.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0, true);
    out
}

fn block(out: &mut String, value: &Value, indent: usize, top: bool) {
    match value {
        Value::Object(map) => {
            for (n, (key, value)) in map.iter().enumerate() {
                if n > 0 || top {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str(&scalar(key));
                out.push(':');
                after_key(out, value, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() && inline(item, indent + 2).is_none() => {
                        block(out, item, indent + 2, false);
                    }
                    _ => {
                        out.push_str(&flow(item));
                        out.push('\n');
                    }
                }
            }
        }
        scalar => {
            out.push_str(&flow(scalar));
            out.push('\n');
        }
    }
}

fn after_key(out: &mut String, value: &Value, indent: usize) {
    if let Some(line) = inline(value, indent) {
        out.push(' ');
        out.push_str(&line);
        out.push('\n');
        return;
    }
    out.push('\n');
    block(out, value, indent + 2, true);
}

/// On one line: every scalar, what is empty, and small maps and lists of scalars.
fn inline(value: &Value, indent: usize) -> Option<String> {
    let small = |value: &Value| !matches!(value, Value::Object(map) if map.values().any(|v| v.is_object() || v.is_array()));
    match value {
        Value::Object(map) if map.is_empty() => Some("{}".to_owned()),
        Value::Array(items) if items.is_empty() => Some("[]".to_owned()),
        Value::Object(_) => Some(flow(value)).filter(|line| small(value) && line.len() + indent <= WIDTH / 2),
        Value::Array(items) => Some(flow(value))
            .filter(|line| items.iter().all(|item| !item.is_object()) && line.len() + indent <= WIDTH),
        _ => Some(flow(value)),
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let parts: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Bare where nobody can read it as anything else; else in double quotes, escaped as JSON is, which YAML reads.
fn scalar(text: &str) -> String {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/');
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let word = !matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts && word && !text.ends_with(' ') && text.chars().all(fine) {
        return text.to_owned();
    }
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_looks_as_people_write_one() {
        let rule = json!({ "rules": [{ "id": "a", "check": { "count": { "index": "logs-*", "filter": { "bool": { "filter": [{ "term": { "a": 1 } }] } } } }, "levels": { "warning": "at least 5" } }] });
        let text = yaml(&rule);
        assert_eq!(
            text,
            "rules:\n  - id: a\n    check:\n      count:\n        index: \"logs-*\"\n        filter:\n          bool:\n            filter:\n              - term: { a: 1 }\n    levels: { warning: at least 5 }\n",
            "{text}"
        );
    }
}
