//! Searches and ES|QL in the author's own words, at the wire: what is sent, and which tables are no answer.

use std::time::Duration;

use highwater::model::{
    Cause, Reason, Window,
    query::{Dsl, During, Esql, Query, Response},
};
use serde_json::{Value, json};

use super::{ask, at, batch, caps, door_to, good_item, ratio};
use crate::support::wire::{Act, Wire, json as reply};

fn during() -> Option<During> {
    Some(During {
        time_field: "@timestamp".to_owned(),
        window: Window::ending(at(0), Duration::from_secs(60)),
    })
}

fn table(rows: usize) -> Value {
    json!({
        "took": 4, "is_partial": false,
        "columns": [{ "name": "n", "type": "long" }],
        "values": (0..rows).map(|row| json!([row])).collect::<Vec<_>>(),
    })
}

/// A cluster with ES|QL that gives at most `most` rows, or does not say.
fn cluster(status: u16, answer: Value, most: Option<&'static str>) -> Wire {
    Wire::start(move |seen, _| match &seen.target {
        target if target.contains("_field_caps") => Act::Write(caps()),
        target if target.starts_with("/_query") => Act::Write(reply(status, &answer)),
        target if target.starts_with("/_cluster/settings") => Act::Write(match most {
            Some(most) => {
                let query = json!({ "query": { "result_truncation_max_size": most } });
                reply(200, &json!({ "defaults": { "esql": query } }))
            }
            None => reply(
                403,
                &json!({ "error": { "type": "security_exception", "reason": "no" }, "status": 403 }),
            ),
        }),
        other => panic!("{other}"),
    })
}

async fn esql(wire: &Wire) -> Result<Response, Reason> {
    let (query, index) = ("FROM logs-* | KEEP n // all".to_owned(), Some("logs-*".to_owned()));
    ask(&door_to(&wire.url()), Query::esql(Esql { query, index, during: during() })).await
}

#[tokio::test]
async fn a_query_gets_its_window_beside_it_and_a_limit_of_its_own() {
    let wire = cluster(200, table(3), Some("10000"));
    assert_eq!(esql(&wire).await.unwrap().body(), Some(&table(3)));
    let seen = wire.seen();
    let sent = seen.iter().find(|seen| seen.target.starts_with("/_query")).unwrap();
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(
        (sent.method.as_str(), &body["query"]),
        ("POST", &json!("FROM logs-* | KEEP n // all\n| LIMIT 10000"))
    );
    assert_eq!(sent.header("content-type"), "application/json");
    let range = &body["filter"]["range"]["@timestamp"];
    assert_eq!(range["lt"].as_i64().unwrap() - range["gte"].as_i64().unwrap(), 60_000);
}

#[tokio::test]
async fn a_table_that_may_have_been_cut_off_is_no_answer() {
    for (rows, most, whole) in [
        (999, Some("1000"), true),
        (1_000, Some("1000"), false),
        (1_000, None, true),
        (10_000, None, false),
        (10_000, Some("100000"), false),
        (1_000, Some("nonsense"), true),
        (1, Some("1000"), true),
        (0, Some("1000"), true),
    ] {
        let answer = esql(&cluster(200, table(rows), most)).await;
        assert_eq!(answer.is_ok(), whole, "{rows} {most:?}");
        if let Err(reason) = answer {
            assert_eq!(reason.cause, Cause::Partial);
            assert!(
                reason.text.starts_with(&format!("{rows} rows are all that this cluster gives")),
                "{reason}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_whole_table_is_a_reason() {
    let skipped =
        json!({ "total": 2, "successful": 1, "skipped": 1, "details": { "eu": { "status": "skipped" } } });
    let flaws = [
        ("is_partial", json!(true), Cause::Partial, "`is_partial` is true"),
        ("is_running", json!(true), Cause::Partial, "`is_running` is true"),
        ("_clusters", skipped, Cause::Partial, "eu"),
        ("values", json!(null), Cause::Malformed, "`values` is missing"),
    ];
    for (key, value, cause, words) in flaws {
        let mut answer = table(2);
        answer[key] = value;
        let reason = esql(&cluster(200, answer, None)).await.unwrap_err();
        assert_eq!(reason.cause, cause, "{key}: {reason}");
        assert!(reason.text.contains(words), "{key}: {reason}");
    }
}

/// A cluster with others behind it, which tells of them only where it is asked to; one before 8.16 does not know how.
fn across(knows: bool) -> Wire {
    let fates =
        json!({ "total": 2, "successful": 1, "skipped": 1, "details": { "eu": { "status": "skipped" } } });
    Wire::start(move |seen, _| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let asked = body["include_ccs_metadata"] == true;
        let mut answer = table(3);
        if seen.target.contains("_field_caps") {
            return Act::Write(caps());
        }
        if asked && !knows {
            let reason = "[1:2] [esql/query] unknown field [include_ccs_metadata]";
            let error = json!({ "type": "x_content_parse_exception", "reason": reason });
            return Act::Write(reply(400, &json!({ "error": error, "status": 400 })));
        }
        if asked {
            answer["_clusters"] = fates.clone();
        }
        Act::Write(reply(200, &answer))
    })
}

#[tokio::test]
async fn the_fate_of_each_cluster_is_asked_for_where_there_are_several() {
    let ask_across = async |wire: &Wire, index: Option<&str>| {
        let (query, index) = ("FROM logs-*,eu:logs-*".to_owned(), index.map(str::to_owned));
        ask(&door_to(&wire.url()), Query::esql(Esql { query, index, during: during() })).await
    };
    for index in [Some("logs-*,eu:logs-*"), None] {
        let reason = ask_across(&across(true), index).await.unwrap_err();
        assert_eq!(reason.cause, Cause::Partial);
        assert!(reason.text.contains("1 of 2 clusters did not answer completely: `eu`"), "{reason}");
    }
    let old = across(false);
    assert!(ask_across(&old, Some("logs-*,eu:logs-*")).await.is_ok(), "it fails by itself where one is lost");
    assert_eq!(old.count("/_query"), 2);
    let alone = across(false);
    assert!(ask_across(&alone, Some("logs-*")).await.is_ok());
    assert_eq!(alone.count("/_query"), 1);
}

#[tokio::test]
async fn a_cluster_without_esql_is_told_so() {
    let words =
        "Incorrect HTTP method for uri [/_query] and method [POST], allowed: [GET, PUT, DELETE, HEAD]";
    let reason = esql(&cluster(405, json!({ "error": words, "status": 405 }), None)).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unsupported);
    assert!(
        reason.text.starts_with("this cluster has no ES|QL; it comes with Elasticsearch 8.11"),
        "{reason}"
    );
    let refused = json!({ "error": { "type": "verification_exception", "reason": "Unknown column [x]" }, "status": 400 });
    let reason = esql(&cluster(400, refused, None)).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Invalid);
    assert!(reason.text.contains("Unknown column [x]"), "{reason}");
}

#[tokio::test]
async fn a_search_in_dsl_gets_its_window_and_an_exact_total() {
    let wire = Wire::start(|_, _| Act::Write(batch(&[good_item(&ratio(), 7, 1)])));
    let body = json!({ "query": { "term": { "a": 1 } }, "aggs": { "x": { "max": { "field": "n" } } } });
    let dsl = Dsl { index: "logs-*".to_owned(), body, during: during() };
    let answer = ask(&door_to(&wire.url()), Query::dsl(dsl)).await.unwrap();
    assert_eq!(answer.body().unwrap()["hits"]["total"]["value"], 7);
    let seen = wire.seen();
    let lines: Vec<Value> = seen[0].body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["index"], "logs-*");
    assert_eq!((&lines[1]["size"], &lines[1]["track_total_hits"]), (&json!(0), &json!(true)));
    assert_eq!(lines[1]["query"]["bool"]["must"], json!([{ "term": { "a": 1 } }]));
    assert!(lines[1]["query"]["bool"]["filter"][0]["range"]["@timestamp"]["lt"].is_i64());
    assert_eq!(lines[1]["aggs"]["x"]["max"]["field"], "n");
}
