//! Every way in which an answer is none, as data.

use Cause::{Failing, Invalid, Malformed, Missing, Overloaded, Partial, Refused, Timeout, Unreachable};
use highwater::model::Cause;
use serde_json::json;

use crate::support::wire::{answer, json as reply};

/// One way for an item of a batch to be incomplete: its name, what is changed, and what is expected.
pub struct Flaw {
    pub name: &'static str,
    /// JSON that is put over a good item; null takes away.
    pub change: &'static str,
    pub cause: Cause,
    pub words: &'static str,
}

pub const FLAWS: &[Flaw] = &[
    Flaw {
        name: "two shards failed",
        change: r#"{ "_shards": { "total": 7, "successful": 5, "failed": 2, "failures": [{ "index": "http_logs_api-2023.01.01", "shard": 1, "reason": { "type": "too_many_buckets_exception" } }] } }"#,
        cause: Partial,
        words: "2 of 7 shards failed in `http_logs_api-2023.01.01` (too_many_buckets_exception)",
    },
    Flaw {
        name: "timed out, all shards successful",
        change: r#"{ "timed_out": true, "_shards": { "total": 40, "successful": 40, "skipped": 0, "failed": 0 } }"#,
        cause: Timeout,
        words: "timed out",
    },
    Flaw {
        name: "most shards failed",
        change: r#"{ "_shards": { "total": 1000, "successful": 12, "failed": 988 } }"#,
        cause: Partial,
        words: "988 of 1000 shards failed",
    },
    Flaw {
        name: "a shard is not there and not counted",
        change: r#"{ "_shards": { "total": 2, "successful": 1, "failed": 0 } }"#,
        cause: Partial,
        words: "1 of 2 shards failed",
    },
    Flaw {
        name: "failures without a count",
        change: r#"{ "_shards": { "total": 2, "successful": 2, "failed": 0, "failures": [{ "reason": { "type": "x_exception" } }] } }"#,
        cause: Partial,
        words: "x_exception",
    },
    Flaw {
        name: "no shards at all",
        change: r#"{ "_shards": { "total": 0, "successful": 0, "failed": 0 } }"#,
        cause: Missing,
        words: "no index matches `http_logs_*`",
    },
    Flaw {
        name: "shards left out",
        change: r#"{ "_shards": null }"#,
        cause: Malformed,
        words: "lacks `_shards`",
    },
    Flaw {
        name: "shards are words",
        change: r#"{ "_shards": { "total": "7", "successful": "7", "failed": "0" } }"#,
        cause: Malformed,
        words: "lacks the number `total`",
    },
    Flaw {
        name: "shards below zero",
        change: r#"{ "_shards": { "total": 7, "successful": 7, "failed": -1 } }"#,
        cause: Malformed,
        words: "lacks the number `failed`",
    },
    Flaw {
        name: "nothing said about time",
        change: r#"{ "timed_out": null }"#,
        cause: Malformed,
        words: "whether it timed out",
    },
    Flaw {
        name: "ended early",
        change: r#"{ "terminated_early": true }"#,
        cause: Partial,
        words: "ended early",
    },
    Flaw {
        name: "a cluster skipped",
        change: r#"{ "_clusters": { "total": 3, "successful": 2, "skipped": 1, "details": { "eu": { "status": "skipped" }, "(local)": { "status": "successful" } } } }"#,
        cause: Partial,
        words: "1 of 3 clusters did not answer completely: `eu`",
    },
    Flaw {
        name: "a cluster skipped, without details",
        change: r#"{ "_clusters": { "total": 3, "successful": 2, "skipped": 1 } }"#,
        cause: Partial,
        words: "1 of 3 clusters",
    },
    Flaw {
        name: "a cluster partial",
        change: r#"{ "_clusters": { "total": 2, "successful": 2, "skipped": 0, "details": { "eu": { "status": "partial" } } } }"#,
        cause: Partial,
        words: "`eu`",
    },
    Flaw {
        name: "a cluster failed",
        change: r#"{ "_clusters": { "total": 2, "successful": 1, "skipped": 0, "failed": 1 } }"#,
        cause: Partial,
        words: "1 of 2 clusters",
    },
    Flaw {
        name: "a cluster still running",
        change: r#"{ "_clusters": { "total": 2, "successful": 1, "running": 1 } }"#,
        cause: Partial,
        words: "1 of 2 clusters",
    },
    Flaw {
        name: "partial by its own word",
        change: r#"{ "is_partial": true }"#,
        cause: Partial,
        words: "is_partial",
    },
    Flaw { name: "still running", change: r#"{ "is_running": true }"#, cause: Partial, words: "is_running" },
    Flaw {
        name: "a lower bound",
        change: r#"{ "hits": { "total": { "value": 10000, "relation": "gte" } } }"#,
        cause: Partial,
        words: "at least 10000 documents match",
    },
    Flaw {
        name: "a total without a relation",
        change: r#"{ "hits": { "total": { "value": 10000 } } }"#,
        cause: Partial,
        words: "lower bound",
    },
    Flaw {
        name: "an old total",
        change: r#"{ "hits": { "total": 10000 } }"#,
        cause: Malformed,
        words: "lacks `total`",
    },
    Flaw { name: "no hits", change: r#"{ "hits": null }"#, cause: Malformed, words: "lacks `hits`" },
    Flaw {
        name: "a total that is no count",
        change: r#"{ "hits": { "total": { "value": 1.5, "relation": "eq" } } }"#,
        cause: Malformed,
        words: "lacks the number `value`",
    },
    Flaw {
        name: "index not found",
        change: r#"{ "status": 404, "error": { "type": "index_not_found_exception", "reason": "no such index [http_logs_*]", "index": "http_logs_*" } }"#,
        cause: Missing,
        words: "no index matches `http_logs_*`",
    },
    Flaw {
        name: "an index closed",
        change: r#"{ "status": 400, "error": { "type": "index_closed_exception", "reason": "closed", "index": "http_logs_1" } }"#,
        cause: Missing,
        words: "http_logs_1",
    },
    Flaw {
        name: "fielddata on text",
        change: r#"{ "status": 400, "error": { "type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [{ "type": "illegal_argument_exception", "reason": "Fielddata is disabled on [service]" }] } }"#,
        cause: Invalid,
        words: "Fielddata is disabled on [service]",
    },
    Flaw {
        name: "not found, but not the index",
        change: r#"{ "status": 404, "error": { "type": "resource_not_found_exception", "reason": "gone" } }"#,
        cause: Invalid,
        words: "gone",
    },
    Flaw {
        name: "forbidden",
        change: r#"{ "status": 403, "error": { "type": "security_exception", "reason": "action is unauthorized" } }"#,
        cause: Refused,
        words: "answers, but refuses us (403)",
    },
    Flaw {
        name: "rejected",
        change: r#"{ "status": 429, "error": { "type": "es_rejected_execution_exception", "reason": "queue full" } }"#,
        cause: Overloaded,
        words: "overloaded (429)",
    },
    Flaw {
        name: "breaker",
        change: r#"{ "status": 503, "error": { "type": "circuit_breaking_exception", "reason": "Data too large" } }"#,
        cause: Overloaded,
        words: "Data too large",
    },
    Flaw {
        name: "too many buckets is permanent",
        change: r#"{ "status": 503, "error": { "type": "search_phase_execution_exception", "reason": "", "caused_by": { "type": "too_many_buckets_exception", "reason": "Trying to create too many buckets" } } }"#,
        cause: Invalid,
        words: "too many buckets",
    },
    Flaw {
        name: "no master",
        change: r#"{ "status": 503, "error": { "type": "cluster_block_exception", "reason": "blocked by: [SERVICE_UNAVAILABLE/2/no master];" } }"#,
        cause: Unreachable,
        words: "no master",
    },
    Flaw {
        name: "a status without an error",
        change: r#"{ "status": 500 }"#,
        cause: Failing,
        words: "answers with an error (500)",
    },
    Flaw {
        name: "an error under 200",
        change: r#"{ "error": { "type": "boom_exception", "reason": "x" } }"#,
        cause: Malformed,
        words: "boom_exception",
    },
];

/// An answer that is wrong as a whole, whatever was asked.
pub struct Wreck {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub cause: Cause,
    pub words: &'static str,
}

pub fn wrecks() -> Vec<Wreck> {
    let mut wrecks = html();
    wrecks.extend(bodies());
    wrecks.extend(ERRORS.iter().map(|&(name, status, kind, reason, cause, words)| {
        let error =
            json!({ "root_cause": [{ "type": kind, "reason": reason }], "type": kind, "reason": reason });
        Wreck { name, bytes: reply(status, &json!({ "error": error, "status": status })), cause, words }
    }));
    wrecks
}

fn html() -> Vec<Wreck> {
    let page = |name, status, cause, words| {
        let headers = [("content-type", "text/html; charset=utf-8")];
        Wreck { name, bytes: answer(status, &headers, b"<html>secret</html>"), cause, words }
    };
    let plain = answer(503, &[("content-type", "text/plain")], b"no healthy upstream");
    vec![
        page("HTML 200", 200, Malformed, "with `text/html` instead of JSON"),
        page("HTML 404", 404, Malformed, "text/html"),
        page("HTML 502", 502, Failing, "answers with an error (502) with `text/html`"),
        page("HTML 401", 401, Refused, "answers, but refuses us (401)"),
        Wreck { name: "503 of a proxy", bytes: plain, cause: Failing, words: "`text/plain`" },
    ]
}

fn bodies() -> Vec<Wreck> {
    let body = |name, status, bytes: &[u8], words| {
        let bytes = answer(status, &[("content-type", "application/json")], bytes);
        Wreck { name, bytes, cause: Malformed, words }
    };
    vec![
        Wreck {
            name: "no type",
            bytes: answer(200, &[], b"{}"),
            cause: Malformed,
            words: "without a content type",
        },
        body("an empty body", 200, b"", "cut off"),
        body("a number", 200, b"1", "the answer"),
        body("a string", 200, b"\"ok\"", "the answer"),
        body("two documents", 200, b"{}{}", "no JSON"),
        body("half a document", 200, br#"{"a":"#, "cut off"),
        body("bytes that are no text", 200, b"{\"a\":\"\xff\"}", "no JSON"),
        body("nesting without end", 200, &vec![b'['; 100_000], "no JSON"),
        body("201", 201, b"{}", "201"),
        body("204", 204, b"", "204"),
    ]
}

type Error = (&'static str, u16, &'static str, &'static str, Cause, &'static str);

const ERRORS: &[Error] = &[
    ("400", 400, "parsing_exception", "unknown query [foo]", Invalid, "unknown query [foo]"),
    (
        "401",
        401,
        "security_exception",
        "who?",
        Refused,
        "answers, but refuses us (401): security_exception: who?",
    ),
    ("403", 403, "security_exception", "action is unauthorized", Refused, "refuses us (403)"),
    ("408", 408, "timeout_exception", "x", Timeout, "408"),
    ("413", 413, "content_too_long", "x", Invalid, "413"),
    ("429", 429, "es_rejected_execution_exception", "queue", Overloaded, "overloaded (429)"),
    ("429 breaker", 429, "circuit_breaking_exception", "Data too large", Overloaded, "Data too large"),
    ("500", 500, "null_pointer_exception", "x", Failing, "answers with an error (500)"),
    (
        "503 no master",
        503,
        "master_not_discovered_exception",
        "",
        Unreachable,
        "answers, but has no master (503)",
    ),
    (
        "503 blocked",
        503,
        "cluster_block_exception",
        "[SERVICE_UNAVAILABLE/1/state not recovered]",
        Unreachable,
        "no master",
    ),
    ("503 no shard", 503, "no_shard_available_action_exception", "x", Failing, "503"),
    ("503 too many buckets", 503, "too_many_buckets_exception", "x", Invalid, "too_many_buckets"),
    ("control characters", 400, "x", "a\u{1b}[31m\r\nb", Invalid, "a [31m  b"),
];
