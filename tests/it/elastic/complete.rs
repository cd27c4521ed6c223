//! What is not proven complete is never a number: every fixture with every kind of question.

use futures::future::join_all;
use highwater::model::{
    Cause, Entity, Number, Reason,
    query::{Call, Proof, Query, Search},
};
use serde_json::{Value, json};

use super::fixtures::{FLAWS, Wreck, wrecks};
use super::{ask, ask_search, bare, batch, caps, door_to, good_item, health, ratio, ratio_per};
use crate::support::wire::{Act, Wire, answer, json as reply};

fn kinds() -> [Search; 3] {
    [bare(), ratio(), ratio_per("service")]
}

fn serves(bytes: Vec<u8>) -> Wire {
    Wire::start(move |seen, _| {
        if seen.target.contains("_field_caps") {
            return Act::Write(caps());
        }
        Act::Write(bytes.clone())
    })
}

/// Answers the second page of a grouped search with nothing more.
fn serves_item(item: Value) -> Wire {
    serves(batch(&[item]))
}

fn error(kind: &str, reason: &str) -> Value {
    json!({ "error": { "root_cause": [{ "type": kind, "reason": reason }], "type": kind, "reason": reason } })
}

/// Puts `change` over `item`; null takes away.
fn patched(mut item: Value, change: &Value) -> Value {
    for (key, value) in change.as_object().unwrap() {
        if value.is_null() {
            item.as_object_mut().unwrap().shift_remove(key);
        } else {
            item[key] = value.clone();
        }
    }
    item
}

#[tokio::test]
async fn every_flaw_of_a_search_is_a_reason_and_never_a_number() {
    assert!(FLAWS.len() >= 30);
    for flaw in FLAWS {
        let change = serde_json::from_str(flaw.change).unwrap();
        for search in kinds() {
            let wire = serves_item(patched(good_item(&search, 50, 5), &change));
            let reason = ask_search(&door_to(&wire.url()), search).await.expect_err(flaw.name);
            assert_eq!(reason.cause, flaw.cause, "{}: {reason}", flaw.name);
            assert!(reason.text.contains(flaw.words), "{}: {reason}", flaw.name);
        }
    }
}

#[tokio::test]
async fn an_answer_that_lacks_an_aggregation_is_no_answer() {
    let cases: [(Search, Value); 8] = [
        (ratio(), json!({ "aggregations": null })),
        (ratio(), json!({ "aggregations": { "m0": { "value": 1 } } })),
        (ratio(), json!({ "aggregations": { "c0": { "doc_count": 5 } } })),
        (ratio(), json!({ "aggregations": { "c0": { "doc_count": "5" }, "m0": { "value": 1 } } })),
        (ratio(), json!({ "aggregations": { "c0": { "doc_count": 5 }, "m0": {} } })),
        (ratio_per("service"), json!({ "aggregations": { "groups": {} } })),
        (ratio_per("service"), json!({ "aggregations": { "groups": { "buckets": [{ "doc_count": 5 }] } } })),
        (
            ratio_per("service"),
            json!({ "aggregations": { "groups": { "buckets": [{ "key": { "p0": "a" } }] } } }),
        ),
    ];
    for (search, change) in cases {
        let wire = serves_item(patched(good_item(&search, 50, 5), &change));
        let reason = ask_search(&door_to(&wire.url()), search).await.unwrap_err();
        assert_eq!(reason.cause, Cause::Malformed, "{change}: {reason}");
    }
}

#[tokio::test]
async fn a_complete_answer_is_its_exact_numbers() {
    let above = (1_u64 << 53) + 1;
    for search in kinds() {
        let wire = serves_item(good_item(&search, above, above - 2));
        let entity = if search.per.is_empty() { Entity::empty() } else { Entity::of("service", "shop") };
        let found = ask_search(&door_to(&wire.url()), search.clone()).await.unwrap();
        let group = &found.groups[&entity];
        assert_eq!(group.total, above);
        if !search.counts.is_empty() {
            assert_eq!(group.counts["matching"], above - 2);
            assert_eq!(group.metrics["newest"], Some(Number::Int(1_699_999_990_000)));
        }
    }
}

#[tokio::test]
async fn a_metric_without_a_finite_value_is_absent() {
    for value in [json!(null), json!("NaN"), json!("Infinity"), json!("-Infinity")] {
        let change = json!({ "aggregations": { "c0": { "doc_count": 5 }, "m0": { "value": value } } });
        let wire = serves_item(patched(good_item(&ratio(), 50, 5), &change));
        let found = ask_search(&door_to(&wire.url()), ratio()).await.unwrap();
        assert_eq!(found.groups[&Entity::empty()].metrics["newest"], None, "{value}");
    }
}

#[tokio::test]
async fn a_partial_answer_names_the_exclusion_that_would_accept_it() {
    let failures = json!([{ "index": "http_logs_api-2023.01.01", "reason": { "type": "x" } }, { "index": "http_logs_api-2023.01.01", "reason": { "type": "x" } }]);
    let change = json!({ "_shards": { "total": 7, "successful": 5, "failed": 2, "failures": failures } });
    let wire = serves_item(patched(good_item(&ratio(), 50, 5), &change));
    let reason = ask_search(&door_to(&wire.url()), ratio()).await.unwrap_err();
    assert_eq!(reason.accept.as_deref(), Some("http_logs_*,-http_logs_api-2023.01.01"));
}

#[tokio::test]
async fn shards_that_fail_without_a_name_are_looked_up() {
    let item = patched(
        good_item(&ratio(), 50, 5),
        &json!({ "_shards": { "total": 2, "successful": 1, "failed": 1 } }),
    );
    let wire = Wire::start(move |seen, _| {
        let indices = json!({ "indices": { "http_logs_a": { "status": "green" }, "http_logs_b": { "status": "red" } } });
        Act::Write(if seen.target.contains("health") {
            reply(200, &indices)
        } else {
            batch(std::slice::from_ref(&item))
        })
    });
    let reason = ask_search(&door_to(&wire.url()), ratio()).await.unwrap_err();
    assert_eq!(reason.text, "1 of 2 shards failed in `http_logs_b`");
    assert_eq!(reason.accept.as_deref(), Some("http_logs_*,-http_logs_b"));
}

#[tokio::test]
async fn zero_over_a_field_that_nobody_has_is_missing_and_not_zero() {
    let caps = [
        (reply(200, &json!({ "indices": ["http_logs_1"], "fields": {} })), Some(Cause::Missing)),
        (caps(), None),
        (
            reply(200, &json!({ "fields": { "@timestamp": { "long": {}, "keyword": {} } } })),
            Some(Cause::Invalid),
        ),
        (reply(200, &json!({ "fields": { "@timestamp": { "long": {}, "date_nanos": {} } } })), None),
        (reply(403, &error("security_exception", "no")), None),
        (reply(503, &error("x_exception", "no")), Some(Cause::Failing)),
    ];
    for (caps, expected) in caps {
        let item = good_item(&ratio(), 0, 0);
        let wire = Wire::start(move |seen, _| {
            Act::Write(if seen.target.contains("_field_caps") {
                caps.clone()
            } else {
                batch(std::slice::from_ref(&item))
            })
        });
        let found = ask_search(&door_to(&wire.url()), ratio()).await;
        assert_eq!(found.as_ref().err().map(|reason| reason.cause), expected, "{found:?}");
        if let Err(Reason { cause: Cause::Missing, text, .. }) = found {
            assert_eq!(text, "field missing: no index of `http_logs_*` has `@timestamp`");
        }
    }
}

#[tokio::test]
async fn a_part_of_a_pattern_that_lacks_the_time_field_is_not_hidden_by_the_documents_of_another() {
    let item = good_item(&ratio(), 7, 1);
    let wire = Wire::start(move |seen, _| match &seen.target {
        target if !target.contains("_field_caps") => Act::Write(batch(std::slice::from_ref(&item))),
        target if target.contains("app_logs_") => {
            Act::Write(reply(200, &json!({ "indices": ["app_logs_1"], "fields": {} })))
        }
        _ => Act::Write(caps()),
    });
    let over = async |index: &str| {
        ask_search(&door_to(&wire.url()), Search { index: index.to_owned(), ..ratio() }).await
    };
    let reason = over("http_logs_*,app_logs_*").await.unwrap_err();
    assert_eq!(reason.cause, Cause::Missing);
    assert_eq!(reason.text, "field missing: no index of `app_logs_*` has `@timestamp`");
    assert!(over("http_logs_*,-app_logs_*").await.is_ok());
    let asked = wire.count("_field_caps");
    assert!(over("http_logs_*").await.is_ok());
    assert_eq!(wire.count("_field_caps"), asked, "who has one part only has documents of it");
}

#[tokio::test]
async fn documents_without_any_group_lack_the_field() {
    let change = json!({ "aggregations": { "groups": { "buckets": [] } } });
    let wire = serves_item(patched(good_item(&ratio_per("service"), 50, 5), &change));
    let reason = ask_search(&door_to(&wire.url()), ratio_per("service")).await.unwrap_err();
    assert_eq!((reason.cause, reason.text.contains("`service`")), (Cause::Missing, true), "{reason}");
}

#[tokio::test]
async fn every_wreck_of_an_answer_is_a_reason_for_every_kind_of_question() {
    let mut cases = Vec::new();
    for Wreck { name, bytes, cause, words } in wrecks() {
        let wire = serves(bytes);
        let mut queries: Vec<Query> = kinds().into_iter().map(Query::search).collect();
        queries.extend(
            [Proof::Whole, Proof::Shards, Proof::Nodes].map(|proof| Query::call(Call::get("/_x", proof))),
        );
        for query in queries {
            let door = door_to(&wire.url());
            cases.push(async move {
                let reason = ask(&door, query.clone()).await.expect_err(name);
                assert_eq!(reason.cause, cause, "{name} {query:?}: {reason}");
                assert!(reason.text.contains(words), "{name}: {reason}");
                assert!(
                    !reason.text.contains("secret") && !reason.text.contains("http://"),
                    "{name}: {reason}"
                );
                assert!(reason.text.chars().all(|c| !c.is_control()), "{name}: {reason:?}");
            });
        }
    }
    join_all(cases).await;
}

#[tokio::test]
async fn a_call_is_proven_by_what_its_kind_of_answer_must_say() {
    let cases = [
        (Proof::Whole, json!({ "timed_out": true }), Err(Cause::Timeout)),
        (Proof::Whole, json!({ "status": 503, "error": { "type": "x" } }), Err(Cause::Failing)),
        (Proof::Whole, json!({ "status": "green", "timed_out": false }), Ok(())),
        (Proof::Whole, json!([]), Ok(())),
        (Proof::Shards, json!({ "_shards": { "total": 5, "successful": 3, "failed": 0 } }), Ok(())),
        (
            Proof::Shards,
            json!({ "_shards": { "total": 5, "successful": 3, "failed": 2 } }),
            Err(Cause::Partial),
        ),
        (
            Proof::Shards,
            json!({ "_shards": { "total": 0, "successful": 0, "failed": 0 } }),
            Err(Cause::Missing),
        ),
        (Proof::Shards, json!({ "_shards": { "total": 5, "failures": [] } }), Err(Cause::Malformed)),
        (Proof::Shards, json!({}), Err(Cause::Malformed)),
        (Proof::Nodes, json!({ "_nodes": { "total": 3, "successful": 2, "failed": 1 } }), Ok(())),
        (
            Proof::Nodes,
            json!({ "_nodes": { "total": 3, "successful": 2, "failed": 0 } }),
            Err(Cause::Malformed),
        ),
        (
            Proof::Nodes,
            json!({ "_nodes": { "total": 0, "successful": 0, "failed": 0 } }),
            Err(Cause::Missing),
        ),
        (Proof::Nodes, json!({ "nodes": {} }), Err(Cause::Malformed)),
    ];
    for (proof, body, expected) in cases {
        let wire = serves(reply(200, &body));
        let found = ask(&door_to(&wire.url()), Query::call(Call::get("/_x", proof))).await;
        assert_eq!(found.as_ref().map(|_| ()).map_err(|reason| reason.cause), expected, "{proof:?} {body}");
        if let Ok(found) = found {
            assert_eq!(found.body(), Some(&body));
        }
    }
}

#[tokio::test]
async fn what_the_cluster_does_not_have_is_unsupported_and_an_index_that_is_not_there_is_missing() {
    let string = |status, text: &str| reply(status, &json!({ "error": text, "status": status }));
    let cases = [
        (string(400, "no handler found for uri [/_x] and method [GET]"), Cause::Unsupported),
        (
            string(405, "Incorrect HTTP method for uri [/] and method [GET], allowed: [POST]"),
            Cause::Unsupported,
        ),
        (
            reply(
                410,
                &error("api_not_available_exception", "not available when running in serverless mode"),
            ),
            Cause::Unsupported,
        ),
        (reply(404, &error("resource_not_found_exception", "x")), Cause::Unsupported),
        (reply(404, &error("index_not_found_exception", "no such index [x]")), Cause::Missing),
        // Somebody else's 404 says nothing about Elasticsearch.
        (string(404, "Not Found"), Cause::Malformed),
        (reply(404, &json!({})), Cause::Malformed),
    ];
    for (bytes, cause) in cases {
        let wire = serves(bytes);
        let reason =
            ask(&door_to(&wire.url()), Query::call(Call::get("/_x", Proof::Whole))).await.unwrap_err();
        assert_eq!(reason.cause, cause, "{reason}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_only_if_elasticsearch_spoke_it() {
    let wire = serves(reply(403, &error("security_exception", "no")));
    assert_eq!(ask(&door_to(&wire.url()), health()).await.unwrap_err().status, Some(403));
    let wire = serves(answer(403, &[("content-type", "text/html")], b"<html>"));
    assert_eq!(ask(&door_to(&wire.url()), health()).await.unwrap_err().status, None);
}

#[tokio::test]
async fn a_batch_with_a_missing_or_a_surplus_item_is_no_answer() {
    for items in [vec![], vec![good_item(&ratio(), 50, 5), good_item(&ratio(), 50, 5)]] {
        let wire = serves(batch(&items));
        let reason = ask_search(&door_to(&wire.url()), ratio()).await.unwrap_err();
        assert_eq!(reason.cause, Cause::Malformed, "{reason}");
    }
    for item in [json!(null), json!([]), json!("x"), json!({})] {
        let wire = serves(batch(&[item]));
        assert_eq!(ask_search(&door_to(&wire.url()), ratio()).await.unwrap_err().cause, Cause::Malformed);
    }
}
