//! An ElastAlert rule as it was read, over the global configuration that fills in what it leaves out.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Map, Value};

use super::names;

/// One rule, and what it inherits.
#[derive(Clone, Copy, Debug)]
pub struct Old<'a> {
    pub file: &'a str,
    own: &'a Map<String, Value>,
    global: &'a Map<String, Value>,
}

/// What ElastAlert's own example says, where nobody says how often it looks.
const RUN_EVERY: Duration = Duration::from_secs(60);
const BUFFER_TIME: Duration = Duration::from_secs(15 * 60);

/// The parts of a span of time, in milliseconds.
const UNITS: [(&str, f64); 6] = [
    ("weeks", 604_800_000.0),
    ("days", 86_400_000.0),
    ("hours", 3_600_000.0),
    ("minutes", 60_000.0),
    ("seconds", 1_000.0),
    ("milliseconds", 1.0),
];

/// The longest span that makes sense in a rule.
const LONGEST: f64 = 3_660.0 * 86_400_000.0;

impl<'a> Old<'a> {
    pub fn new(file: &'a str, own: &'a Map<String, Value>, global: &'a Map<String, Value>) -> Self {
        Self { file, own, global }
    }

    /// The same rule with an alerter's own options over it.
    pub fn with(self, own: &'a Map<String, Value>) -> Self {
        Self { own, ..self }
    }

    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.own.keys().map(String::as_str)
    }

    /// Those of the global configuration, too.
    pub fn all_keys(&self) -> BTreeSet<&'a str> {
        self.own.keys().chain(self.global.keys()).map(String::as_str).collect()
    }

    pub fn all(&self) -> &'a Map<String, Value> {
        self.own
    }

    pub fn get(&self, key: &str) -> Option<&'a Value> {
        let said = |map: &'a Map<String, Value>| map.get(key).filter(|value| !value.is_null());
        said(self.own).or_else(|| said(self.global))
    }

    /// Where an option stands.
    pub fn place(&self, key: &str) -> &'a str {
        if self.own(key).is_some() { self.file } else { "the global configuration" }
    }

    /// What the rule itself says: some options are not inherited.
    pub fn own(&self, key: &str) -> Option<&'a Value> {
        self.own.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Text or number as text.
    pub fn shown(&self, key: &str) -> Option<String> {
        self.get(key).and_then(scalar)
    }

    pub fn is(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn is_not(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool) == Some(false)
    }

    /// A text or a list of texts, as a list.
    pub fn texts(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::Array(items)) => items.iter().filter_map(scalar).collect(),
            Some(value) => scalar(value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// `num_events`: what has to be there, or ElastAlert itself would refuse the rule.
    pub fn whole(&self, key: &str) -> Result<Option<i64>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_i64() {
            Some(number) => Ok(Some(number)),
            None => Err(format!("`{key}` is no whole number: ElastAlert refuses this rule too")),
        }
    }

    /// A number as it was written.
    pub fn number(&self, key: &str) -> Result<Option<String>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("`{key}` is no number: ElastAlert refuses this rule too")),
        }
    }

    /// `timeframe: { minutes: 5 }`
    pub fn span(&self, key: &str) -> Result<Option<Duration>, String> {
        self.get(key).map(|value| span(key, value)).transpose()
    }

    pub fn own_span(&self, key: &str) -> Result<Option<Duration>, String> {
        self.own(key).map(|value| span(key, value)).transpose()
    }

    pub fn wanted_span(&self, key: &str) -> Result<Duration, String> {
        let found = self.span(key)?.filter(|span| !span.is_zero());
        found.ok_or_else(|| format!("`{key}` is missing: ElastAlert refuses this rule too"))
    }

    pub fn wanted(&self, key: &str) -> Result<&'a str, String> {
        self.text(key).ok_or_else(|| format!("`{key}` is missing: ElastAlert refuses this rule too"))
    }

    /// How often it looks, in whole seconds.
    pub fn run_every(&self) -> Result<Duration, String> {
        let every = self.span("run_every")?.unwrap_or(RUN_EVERY);
        Ok(Duration::from_secs(every.as_secs().max(1)))
    }

    pub fn buffer_time(&self) -> Result<Duration, String> {
        Ok(self.span("buffer_time")?.filter(|span| !span.is_zero()).unwrap_or(BUFFER_TIME))
    }

    pub fn name(&self) -> String {
        self.text("name").map_or_else(|| names::stem(self.file), str::to_owned)
    }

    /// What ElastAlert tells rules apart by: the name, else where the file is.
    pub fn identity(&self) -> String {
        self.text("name").map_or_else(|| names::stem_of_path(self.file), str::to_owned)
    }

    pub fn kind(&self) -> &'a str {
        self.own.get("type").and_then(Value::as_str).unwrap_or("")
    }

    /// The fields that make a rule's groups.
    pub fn query_key(&self) -> Vec<String> {
        self.texts("query_key")
    }
}

pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A span as ElastAlert writes it: a map of units.
pub fn span(key: &str, value: &Value) -> Result<Duration, String> {
    let wrong =
        || format!("`{key}` is no span of time like `{{ minutes: 5 }}`: ElastAlert refuses this rule too");
    let parts = value.as_object().ok_or_else(wrong)?;
    let mut milliseconds = 0.0;
    for (name, count) in parts {
        let (_, unit) = UNITS.into_iter().find(|(unit, _)| unit == name).ok_or_else(wrong)?;
        milliseconds += unit * count.as_f64().ok_or_else(wrong)?;
    }
    if !(0.0..=LONGEST).contains(&milliseconds) {
        return Err(format!("`{key}` is negative, or longer than ten years"));
    }
    Ok(Duration::from_secs_f64((milliseconds / 1000.0 * 1000.0).round() / 1000.0))
}

/// Exactly, in the largest unit that divides it.
pub fn shown(span: Duration) -> String {
    let milliseconds = span.as_millis();
    for (name, unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if milliseconds > 0 && milliseconds.is_multiple_of(unit) {
            return format!("{}{name}", milliseconds / unit);
        }
    }
    if milliseconds == 0 { "0s".to_owned() } else { format!("{milliseconds}ms") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_keeps_all_of_its_parts() {
        let read = |value: Value| span("timeframe", &value).map(shown);
        assert_eq!(read(json!({ "hours": 1, "minutes": 30 })).unwrap(), "90m");
        assert_eq!(read(json!({ "days": 1, "seconds": 1 })).unwrap(), "86401s");
        assert_eq!(read(json!({ "minutes": 0.5 })).unwrap(), "30s");
        assert_eq!(read(json!({ "milliseconds": 1500 })).unwrap(), "1500ms");
        assert_eq!(read(json!({ "weeks": 1 })).unwrap(), "7d");
        assert_eq!(read(json!({ "minutes": 0 })).unwrap(), "0s");
    }

    #[test]
    fn what_is_no_span_is_said() {
        for wrong in [
            json!(5),
            json!("5m"),
            json!({ "months": 1 }),
            json!({ "minutes": "5" }),
            json!({ "days": -1 }),
            json!({ "days": 1e300 }),
        ] {
            assert!(span("timeframe", &wrong).unwrap_err().contains("timeframe"), "{wrong}");
        }
    }
}
