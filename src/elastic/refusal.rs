//! An answer that is no answer: its status and its error, turned into a reason.

use std::time::Duration;

use serde_json::Value;

use super::trouble::clean;
use crate::model::{Cause, Reason};

/// Why an attempt failed, and whether another one may help.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setback {
    pub reason: Reason,
    pub retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// Nothing was sent: another node may answer.
    Elsewhere,
    /// Later, but not before what the cluster asked for.
    Later(Option<Duration>),
}

impl From<Reason> for Setback {
    fn from(reason: Reason) -> Self {
        Self { reason, retry: Retry::Never }
    }
}

impl Setback {
    pub fn elsewhere(reason: Reason) -> Self {
        Self { reason, retry: Retry::Elsewhere }
    }
}

/// The refusal behind `status` and a JSON body.
pub(super) fn refusal(status: u16, body: &Value, retry_after: Option<Duration>) -> Setback {
    let trouble = Trouble::of(body);
    let cause = cause(status, &trouble);
    let mut reason = Reason::new(cause, words(cause, status, &trouble.text));
    reason.status = trouble.own.then_some(status);
    let retry = if is_worth_retrying(status, cause) { Retry::Later(retry_after) } else { Retry::Never };
    Setback { reason, retry }
}

/// The refusal of one search of a batch. A search is no feature that a cluster may lack.
pub(super) fn item_refusal(status: u16, item: &Value) -> Setback {
    let mut setback = refusal(status, item, None);
    if setback.reason.cause == Cause::Unsupported {
        let trouble = Trouble::of(item);
        let text = words(Cause::Invalid, status, &trouble.text);
        setback.reason = Reason { cause: Cause::Invalid, text, ..setback.reason };
    }
    setback
}

/// An answer that is not even JSON: a login page, a load balancer's error.
pub(super) fn not_json(status: u16, content_type: &str, retry_after: Option<Duration>) -> Setback {
    let what = match content_type.split(';').next().unwrap_or_default().trim() {
        "" => "something without a content type".to_owned(),
        other => format!("`{}`", clean(other)),
    };
    let cause = match status {
        401 | 403 => Cause::Refused,
        408 => Cause::Timeout,
        429 => Cause::Overloaded,
        500.. => Cause::Failing,
        _ => Cause::Malformed,
    };
    let text = format!("{} with {what} instead of JSON; is this Elasticsearch?", opening(cause, status));
    let retry = if is_worth_retrying(status, cause) { Retry::Later(retry_after) } else { Retry::Never };
    Setback { reason: Reason::new(cause, text), retry }
}

fn is_worth_retrying(status: u16, cause: Cause) -> bool {
    matches!(status, 429 | 502 | 503 | 504) && cause.is_passing()
}

/// What an error says: all types in it, and the words of the most telling one.
struct Trouble {
    kinds: Vec<String>,
    text: String,
    /// It has the shape of the engine's own errors.
    own: bool,
}

impl Trouble {
    fn of(body: &Value) -> Self {
        let error = body.get("error").unwrap_or(&Value::Null);
        if let Some(text) = error.as_str() {
            let own = text.starts_with("no handler found") || text.starts_with("Incorrect HTTP method");
            return Self { kinds: Vec::new(), text: clean(text), own };
        }
        let mut kinds = Vec::new();
        collect_kinds(error, &mut kinds, 0);
        let own = !kinds.is_empty();
        Self { kinds, text: describe(most_telling(error)), own }
    }

    fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known == kind)
    }

    fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }
}

fn collect_kinds(error: &Value, kinds: &mut Vec<String>, depth: usize) {
    if depth > 8 {
        return;
    }
    if let Some(kind) = error.get("type").and_then(Value::as_str) {
        kinds.push(kind.to_owned());
    }
    for key in ["caused_by", "reason"] {
        if let Some(inner) = error.get(key).filter(|inner| inner.is_object()) {
            collect_kinds(inner, kinds, depth + 1);
        }
    }
    for key in ["root_cause", "failed_shards"] {
        for inner in error.get(key).and_then(Value::as_array).into_iter().flatten().take(16) {
            collect_kinds(inner, kinds, depth + 1);
        }
    }
}

/// `all shards failed` says nothing: the root cause does.
fn most_telling(error: &Value) -> &Value {
    let root = error.get("root_cause").and_then(|causes| causes.get(0));
    let shard = error.get("failed_shards").and_then(|shards| shards.get(0)?.get("reason"));
    let caused = error.get("caused_by").filter(|cause| cause.get("reason").is_some());
    let is_wrapper = error.get("type").and_then(Value::as_str) == Some("search_phase_execution_exception");
    match root.or(shard) {
        Some(inner) => inner,
        None if is_wrapper => caused.unwrap_or(error),
        None => error,
    }
}

fn describe(error: &Value) -> String {
    let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
    match error.get("reason").and_then(Value::as_str) {
        Some(reason) => clean(&format!("{kind}: {reason}")),
        None => clean(kind),
    }
}

fn cause(status: u16, trouble: &Trouble) -> Cause {
    // Permanent, though older clusters answer it with 503.
    if trouble.is("too_many_buckets_exception") {
        return Cause::Invalid;
    }
    if trouble.is("index_not_found_exception") || trouble.is("index_closed_exception") {
        return Cause::Missing;
    }
    match status {
        401 | 403 => Cause::Refused,
        404 | 405 | 410 => {
            if trouble.own {
                Cause::Unsupported
            } else {
                Cause::Malformed
            }
        }
        408 => Cause::Timeout,
        429 => Cause::Overloaded,
        400 if is_unknown_feature(trouble) => Cause::Unsupported,
        100..=399 => Cause::Malformed,
        500.. => server_cause(status, trouble),
        _ => Cause::Invalid,
    }
}

fn is_unknown_feature(trouble: &Trouble) -> bool {
    // An API of one path part that is not known is taken for an index.
    let unknown_path = trouble.is("invalid_index_name_exception") && trouble.says("must not start with '_'");
    unknown_path
        || trouble.says("no handler found")
        || trouble.is("unsupported_operation_exception")
        || trouble.says("not available when running in serverless mode")
}

fn server_cause(status: u16, trouble: &Trouble) -> Cause {
    let overloaded =
        ["circuit_breaking_exception", "es_rejected_execution_exception", "rejected_execution_exception"];
    if overloaded.iter().any(|kind| trouble.is(kind)) {
        return Cause::Overloaded;
    }
    let leaderless = trouble.is("master_not_discovered_exception")
        || trouble.is("cluster_manager_not_discovered_exception")
        || (trouble.is("cluster_block_exception")
            && ["no master", "no cluster-manager", "no cluster manager", "state not recovered"]
                .iter()
                .any(|words| trouble.says(words)));
    if status == 503 && leaderless { Cause::Unreachable } else { Cause::Failing }
}

fn words(cause: Cause, status: u16, text: &str) -> String {
    let opening = opening(cause, status);
    if text.is_empty() { opening } else { format!("{opening}: {text}") }
}

fn opening(cause: Cause, status: u16) -> String {
    match cause {
        Cause::Refused => format!("answers, but refuses us ({status})"),
        Cause::Overloaded => format!("overloaded ({status})"),
        Cause::Unreachable => format!("answers, but has no master ({status})"),
        Cause::Failing => format!("answers with an error ({status})"),
        Cause::Timeout => format!("gave up in time ({status})"),
        Cause::Missing => "nothing there".to_owned(),
        Cause::Unsupported => format!("this cluster has no such feature ({status})"),
        Cause::Invalid => format!("the question is refused ({status})"),
        _ => format!("what came is no answer ({status})"),
    }
}
