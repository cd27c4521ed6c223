//! Who is to blame for a search that failed: the question, or the cluster? One bad question must not blind those it travelled with.

use serde_json::Value;

/// Errors that say what failed around them, and not why.
const WRAPPERS: [&str; 5] = [
    "search_phase_execution_exception",
    "query_phase_execution_exception",
    "fetch_phase_execution_exception",
    "remote_transport_exception",
    "exception",
];

/// Errors that no other question would have avoided.
const OF_THE_CLUSTER: [&str; 27] = [
    "already_closed_exception",
    "cluster_block_exception",
    "cluster_manager_not_discovered_exception",
    "connect_exception",
    "connect_transport_exception",
    "corrupt_index_exception",
    "es_rejected_execution_exception",
    "illegal_index_shard_state_exception",
    "index_closed_exception",
    "index_not_found_exception",
    "i_o_exception",
    "io_exception",
    "master_not_discovered_exception",
    "no_node_available_exception",
    "no_shard_available_action_exception",
    "no_such_remote_cluster_exception",
    "node_closed_exception",
    "node_disconnected_exception",
    "node_not_connected_exception",
    "process_cluster_event_timeout_exception",
    "receive_timeout_transport_exception",
    "rejected_execution_exception",
    "security_exception",
    "send_request_transport_exception",
    "shard_not_found_exception",
    "task_cancelled_exception",
    "timeout_exception",
];

/// Errors that less at once would have avoided: memory, buckets, and clauses of a query.
const TOO_MUCH: [&str; 5] = [
    "circuit_breaking_exception",
    "too_many_buckets_exception",
    "too_many_clauses",
    "too_many_nested_clauses",
    "maxClauseCount",
];

/// Whether asking less, or something else, may be answered where `item` was not: a search that cannot be read or run on
/// some index, too many buckets, too much memory. Errors that are not known are taken for that: then each is asked alone.
pub(super) fn is_the_question(item: &Value) -> bool {
    let mut kinds = Vec::new();
    collect(item.get("error").unwrap_or(&Value::Null), &mut kinds, 0);
    let failures = item.pointer("/_shards/failures").and_then(Value::as_array);
    for failure in failures.into_iter().flatten().take(64) {
        collect(failure.get("reason").unwrap_or(&Value::Null), &mut kinds, 0);
    }
    kinds.iter().any(|kind| !WRAPPERS.contains(kind) && !OF_THE_CLUSTER.contains(kind))
}

/// Whether it was too much at once.
pub(super) fn is_too_much(item: &Value) -> bool {
    let text = item.get("error").or_else(|| item.pointer("/_shards/failures")).map(Value::to_string);
    text.is_some_and(|text| TOO_MUCH.iter().any(|kind| text.contains(kind)))
}

fn collect<'a>(error: &'a Value, kinds: &mut Vec<&'a str>, depth: usize) {
    if depth > 8 {
        return;
    }
    kinds.extend(error.get("type").and_then(Value::as_str));
    for key in ["caused_by", "reason"] {
        if let Some(inner) = error.get(key).filter(|inner| inner.is_object()) {
            collect(inner, kinds, depth + 1);
        }
    }
    for key in ["root_cause", "failed_shards"] {
        for inner in error.get(key).and_then(Value::as_array).into_iter().flatten().take(16) {
            collect(inner, kinds, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_that_cannot_be_run_is_to_blame_and_a_lost_shard_is_not() {
        let bad = json!({ "type": "query_shard_exception", "reason": "failed to create query" });
        let lost = json!({ "type": "no_shard_available_action_exception", "reason": null });
        let whole = |error: &Value| json!({ "status": 400, "error": { "type": "search_phase_execution_exception", "root_cause": [error] } });
        let partial = |error: &Value| json!({ "_shards": { "failed": 1, "failures": [{ "shard": 0, "reason": error }] } });
        assert_eq!([&bad, &lost].map(|error| is_the_question(&whole(error))), [true, false]);
        assert_eq!([&bad, &lost].map(|error| is_the_question(&partial(error))), [true, false]);
        assert!(!is_the_question(&json!({ "_shards": { "total": 2, "successful": 1, "failed": 1 } })));
        let nested = json!({ "type": "remote_transport_exception", "caused_by": bad });
        assert!(is_the_question(&partial(&nested)));
    }

    #[test]
    fn too_many_buckets_and_too_much_memory_are_too_much() {
        for kind in ["circuit_breaking_exception", "too_many_buckets_exception"] {
            let item = json!({ "status": 429, "error": { "type": kind } });
            assert!(is_too_much(&item) && is_the_question(&item), "{kind}");
        }
        let full = json!({ "status": 429, "error": { "type": "es_rejected_execution_exception" } });
        assert!(!is_too_much(&full) && !is_the_question(&full));
    }
}
