//! One rule of ElastAlert, as the rules of highwater that it becomes.

use serde_json::{Map, Value};

use super::{Gathered, old::Old, old::shown, part::Part, report::RuleReport, telling, texts, types, unread};
use crate::checks;

pub fn translated(
    old: &Old<'_>,
    gathered: &mut Gathered,
    report: &mut RuleReport,
) -> Result<Vec<Value>, String> {
    let parts = types::parts(old, report)?;
    let common = Common {
        cluster: gathered.clusters.of(old, &mut gathered.variables),
        notify: gathered.sinks.of(old, &mut gathered.variables, report)?,
        id: gathered.names.id(&old.name()),
        schedule: telling::schedule(old, report)?,
        repeat: telling::repeat(old, report)?,
    };
    telling::aggregation(old, report)?;
    unread::options(old, report);
    parts.iter().map(|part| common.rule(old, part, report)).collect()
}

/// What all rules that one becomes have alike.
struct Common {
    cluster: String,
    notify: Vec<String>,
    id: String,
    schedule: Value,
    repeat: Option<String>,
}

impl Common {
    fn rule(&self, old: &Old<'_>, part: &Part, report: &mut RuleReport) -> Result<Value, String> {
        let mut check = Map::new();
        check.insert(part.kind.to_owned(), Value::Object(part.check.clone()));
        let check = proven(Value::Object(check))?;
        let mut rule = Map::new();
        let mut put = |key: &str, value: Value| {
            rule.insert(key.to_owned(), value);
        };
        put("id", Value::from(format!("{}{}", self.id, part.suffix)));
        put("summary", Value::from(telling::summary(old, part)));
        if old.is_not("is_enabled") {
            put("enabled", Value::Bool(false));
        }
        put("clusters", Value::from(vec![self.cluster.clone()]));
        put("check", check);
        put("schedule", self.schedule.clone());
        if let Some(delay) = old.span("query_delay")? {
            put("query_delay", Value::from(shown(delay)));
        }
        put("levels", telling::levels(old, part)?);
        put("no_data", telling::no_data(old, part));
        put("notify", Value::from(self.notify.clone()));
        if let Some(repeat) = &self.repeat {
            put("repeat", Value::from(repeat.clone()));
        }
        let labels = telling::labels(old);
        if !labels.is_empty() {
            put("labels", Value::Object(labels));
        }
        if let Some(title) = texts::title(old, part, report) {
            put("title", Value::from(title));
        }
        if let Some(message) = texts::message(old, part, report) {
            put("message", Value::from(message));
        }
        Ok(Value::Object(rule))
    }
}

/// What the check itself would complain of is why there is no rule.
fn proven(check: Value) -> Result<Value, String> {
    let kind: checks::Kind = serde_json::from_value(check.clone()).map_err(|why| why.to_string())?;
    match kind.into_check().complaints().into_iter().next() {
        Some(complaint) => Err(complaint),
        None => Ok(check),
    }
}
