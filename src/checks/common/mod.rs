//! What several kinds share: reading JSON answers without ever panicking, common questions, and words for people.

pub mod documents;
pub mod hosts;
pub mod kubernetes;
pub mod kurrentdb;
pub mod numbers;
pub mod service;
pub mod trail;
#[cfg(test)]
pub mod written;

use std::time::Duration;

use serde_json::{Map, Value};

use super::Look;
use crate::model::{
    Cause, Observation, Reason,
    query::{Call, PageAnswer, Proof, Query, Response, SearchAnswer},
};

/// A look that could not tell: not at all on this cluster, or not this time.
pub fn undecided(reason: Reason) -> Observation {
    match reason.cause {
        Cause::Unsupported => Observation::NotApplicable(reason),
        _ => Observation::Indeterminate(reason),
    }
}

/// The body of the answer to a required question.
pub fn body(answers: &[Result<Response, Reason>], at: usize) -> Result<&Value, Reason> {
    let body = answered(answers, at)?.body();
    body.ok_or_else(|| fault("a search came back where a cluster's own answer was asked for"))
}

/// The body of the answer to an optional question, if there is one.
pub fn optional(answers: &[Result<Response, Reason>], at: usize) -> Option<&Value> {
    answers.get(at)?.as_ref().ok()?.body()
}

/// The answer to a search.
pub fn found(answers: &[Result<Response, Reason>], at: usize) -> Result<&SearchAnswer, Reason> {
    let found = answered(answers, at)?.found();
    found.ok_or_else(|| fault("a cluster's own answer came back where a search was asked for"))
}

/// The answer to a question for documents.
pub fn page(answers: &[Result<Response, Reason>], at: usize) -> Result<&PageAnswer, Reason> {
    let page = answered(answers, at)?.page();
    page.ok_or_else(|| fault("something else came back where documents were asked for"))
}

fn answered(answers: &[Result<Response, Reason>], at: usize) -> Result<&Response, Reason> {
    match answers.get(at) {
        Some(Ok(response)) => Ok(response),
        Some(Err(reason)) => Err(reason.clone()),
        None => Err(fault("a question was not answered at all")),
    }
}

fn fault(text: &str) -> Reason {
    Reason::new(Cause::Fault, text)
}

/// A whole number that is not negative, under a JSON pointer.
pub fn count(answer: &Value, pointer: &str) -> Result<u64, Reason> {
    answer.pointer(pointer).and_then(Value::as_u64).ok_or_else(|| lacking("whole number", pointer))
}

pub fn text<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str, Reason> {
    answer.pointer(pointer).and_then(Value::as_str).ok_or_else(|| lacking("text", pointer))
}

pub fn object<'a>(answer: &'a Value, pointer: &str) -> Result<&'a Map<String, Value>, Reason> {
    answer.pointer(pointer).and_then(Value::as_object).ok_or_else(|| lacking("object", pointer))
}

/// The texts of a list; what is not text in it is left out.
pub fn texts(answer: &Value, pointer: &str) -> Vec<String> {
    let items = answer.pointer(pointer).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn lacking(what: &str, pointer: &str) -> Reason {
    let field = pointer.trim_start_matches('/').replace('/', ".");
    Reason::new(Cause::Malformed, format!("the answer has no {what} at `{field}`"))
}

/// The colour and the counts of the whole cluster: the lightest question there is. `timeout` also bounds the wait for a master.
pub fn plain_health(look: &Look) -> Call {
    Call::get("/_cluster/health", Proof::Whole).with("timeout", inner_timeout(look.timeout))
}

/// All settings with their defaults. A `filter_path` would lose the defaults.
pub fn settings() -> Query {
    let call = Call::get("/_cluster/settings", Proof::Whole).with("include_defaults", "true");
    Query::call(call.with("flat_settings", "true"))
}

/// The nodes that belong to the cluster, also those that do not answer: names and roles as the master knows them.
pub fn nodes() -> Query {
    let call = Call::get("/_cluster/state/nodes", Proof::Whole);
    Query::call(call.with("filter_path", "nodes.*.name,nodes.*.roles"))
}

/// What a cluster's setting is now: transient before persistent before default. Numbers and texts alike come as text.
pub fn setting(settings: &Value, name: &str) -> Option<String> {
    explicit(settings, name).or_else(|| in_section(settings, "defaults", name))
}

/// The same, where somebody set it through the API.
pub fn explicit(settings: &Value, name: &str) -> Option<String> {
    in_section(settings, "transient", name).or_else(|| in_section(settings, "persistent", name))
}

fn in_section(settings: &Value, section: &str, name: &str) -> Option<String> {
    match settings.get(section)?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A deadline for the cluster that leaves ours time to hear of it: four fifths, in whole milliseconds.
pub fn inner_timeout(timeout: Duration) -> String {
    format!("{}ms", (timeout.as_millis() * 4 / 5).max(1))
}

/// An index pattern as a part of a path. Commas, stars and what names may hold stay readable.
pub fn in_path(pattern: &str) -> String {
    let mut path = String::with_capacity(pattern.len());
    for byte in pattern.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b',' | b'~' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// `1 shard`, `3 shards`; words ending in `x` make their plural as `indices` does.
pub fn counted(count: u64, word: &str) -> String {
    let number = crate::model::Number::count(count);
    match (count, word.strip_suffix("ex")) {
        (1, _) => format!("{number} {word}"),
        (_, Some(stem)) => format!("{number} {stem}ices"),
        (_, None) => format!("{number} {word}s"),
    }
}

/// At most `most` names, and how many more there are: `a, b and 3 more`.
pub fn listed(names: &[String], most: usize) -> String {
    let shown = names.get(..most.min(names.len())).unwrap_or_default().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What is wrong with an index pattern, in one line.
pub fn complaint_about_index(pattern: &str) -> Option<String> {
    let parts: Vec<&str> = pattern.split(',').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Some("`index` is empty, or has an empty part; write a pattern like `http_logs_*`".to_owned());
    }
    if parts.iter().all(|part| part.starts_with('-')) {
        return Some(
            "`index` only excludes; write what is included first, like `logs-*,-logs-old`".to_owned(),
        );
    }
    let forbidden = parts.iter().find(|part| part.contains([' ', '"', '\\', '?', '#']));
    forbidden.map(|part| format!("`{part}` is not an index pattern; write one like `http_logs_*`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_setting_is_transient_before_persistent_before_default() {
        let mut settings =
            json!({ "transient": { "a": "1" }, "persistent": { "a": "2" }, "defaults": { "a": "3" } });
        assert_eq!(setting(&settings, "a").as_deref(), Some("1"));
        settings["transient"] = json!({});
        assert_eq!(explicit(&settings, "a").as_deref(), Some("2"));
        settings["persistent"] = json!({});
        assert_eq!((setting(&settings, "a").as_deref(), explicit(&settings, "a")), (Some("3"), None));
    }

    #[test]
    fn what_an_answer_lacks_is_named() {
        let answer = json!({ "fs": { "total": "much" } });
        assert_eq!(
            count(&answer, "/fs/total").unwrap_err().text,
            "the answer has no whole number at `fs.total`"
        );
    }

    #[test]
    fn index_patterns_are_safe_in_a_path() {
        assert_eq!(in_path("logs-*,-logs-old"), "logs-*,-logs-old");
        assert_eq!(in_path("<logs-{now/d}>/_delete?"), "%3Clogs-%7Bnow%2Fd%7D%3E%2F_delete%3F");
    }

    #[test]
    fn counts_agree_with_their_words() {
        assert_eq!(counted(1, "index"), "1 index");
        assert_eq!(counted(1_200, "index"), "1,200 indices");
        assert_eq!(counted(2, "shard"), "2 shards");
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!((listed(&names, 2), listed(&names, 3)), ("a, b and 1 more".into(), "a, b, c".into()));
    }

    #[test]
    fn nonsense_patterns_are_complained_about() {
        for pattern in ["", " ", "a,,b", "-a,-b", "a b", "a?b"] {
            assert!(complaint_about_index(pattern).is_some(), "{pattern}");
        }
        for pattern in ["*", "logs-*,-logs-old", "<logs-{now/d}>", "eu:logs-*"] {
            assert_eq!(complaint_about_index(pattern), None, "{pattern}");
        }
    }
}
