//! Groups are followed to their end, or they are nothing; documents come in pages that fit into an answer.

use std::collections::BTreeMap;

use highwater::model::{
    Cause, Entity,
    filter::Filter,
    query::{Order, Page, PageAnswer, Query, Search},
};
use serde_json::{Value, json};

use super::{ask, ask_search, at, batch, door, door_to, good_item, ratio_per, searches, settings};
use crate::support::wire::{Act, Seen, Wire};

/// Which page is asked for: the one after `p0`.
fn wanted(seen: &Seen) -> u64 {
    let (_, body) = searches(seen).remove(0);
    let after = &body["aggs"]["groups"]["composite"]["after"]["p0"];
    after.as_str().map_or(0, |last| last.strip_prefix("page-").unwrap().parse::<u64>().unwrap() + 1)
}

fn page(number: u64, last: bool) -> Value {
    let search = ratio_per("service");
    let mut item = good_item(&search, 5000, 0);
    let bucket = |n: u64| json!({ "key": { "p0": format!("service-{n}") }, "doc_count": n, "c0": { "doc_count": n }, "m0": { "value": 1.0 } });
    let buckets: Vec<Value> = (number * 1000..(number + 1) * 1000).map(bucket).collect();
    item["aggregations"]["groups"] = json!({ "buckets": buckets });
    if !last {
        item["aggregations"]["groups"]["after_key"] = json!({ "p0": format!("page-{number}") });
    } else {
        item["aggregations"]["groups"]["buckets"] = json!([]);
    }
    if number > 0 {
        item["hits"] = json!({ "hits": [] });
    }
    item
}

#[tokio::test]
async fn five_pages_are_all_of_them() {
    let wire = Wire::start(|seen, _| {
        let number = wanted(seen);
        Act::Write(batch(&[page(number, number == 5)]))
    });
    let filter = json!({ "term": { "kind": "request" } });
    let search = Search { filter: Some(Filter::new(filter.clone())), ..ratio_per("service") };
    let found = ask_search(&door_to(&wire.url()), search).await.unwrap();
    assert_eq!(found.groups.len(), 5000);
    assert_eq!(found.groups[&Entity::of("service", "service-4321")].total, 4321);
    assert_eq!(wire.seen().len(), 6);
    for seen in wire.seen() {
        let (_, body) = searches(&seen).remove(0);
        assert_eq!(body["query"]["bool"]["filter"][1], filter, "every page is about the same documents");
    }
}

#[tokio::test]
async fn a_page_in_the_middle_that_fails_leaves_nothing() {
    for flaw in
        [json!({ "timed_out": true }), json!({ "_shards": { "total": 2, "successful": 1, "failed": 1 } })]
    {
        let wire = Wire::start(move |seen, _| {
            if seen.target.contains("health") {
                return Act::Write(crate::support::wire::json(403, &json!({})));
            }
            let number = wanted(seen);
            let mut item = page(number, number == 5);
            if number == 2 {
                for (key, value) in flaw.as_object().unwrap() {
                    item[key] = value.clone();
                }
            }
            Act::Write(batch(&[item]))
        });
        let reason = ask_search(&door_to(&wire.url()), ratio_per("service")).await.unwrap_err();
        assert!(matches!(reason.cause, Cause::Timeout | Cause::Partial), "{reason}");
    }
}

#[tokio::test]
async fn more_groups_than_the_cap_are_indeterminate_and_not_the_first_so_many() {
    let wire = Wire::start(|seen, _| Act::Write(batch(&[page(wanted(seen), false)])));
    let mut cluster = settings(&[wire.url()]);
    cluster.max_groups = 2500;
    let reason = ask_search(&door(&cluster), ratio_per("service")).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Partial);
    assert!(reason.text.contains("more than 2500 groups"), "{reason}");
    assert_eq!(wire.seen().len(), 3);
}

#[tokio::test]
async fn pages_that_turn_in_a_circle_end() {
    let wire = Wire::start(|_, _| Act::Write(batch(&[page(0, false)])));
    let reason = ask_search(&door_to(&wire.url()), ratio_per("service")).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Malformed, "{reason}");
}

#[tokio::test]
async fn a_full_page_that_does_not_say_where_the_next_begins_is_partial() {
    let wire = Wire::start(|_, _| {
        let mut item = page(0, false);
        item["aggregations"]["groups"].as_object_mut().unwrap().shift_remove("after_key");
        Act::Write(batch(&[item]))
    });
    let reason = ask_search(&door_to(&wire.url()), ratio_per("service")).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Partial, "{reason}");
}

#[tokio::test]
async fn groups_are_named_by_text_numbers_and_truth() {
    let keys =
        [(json!("a"), "a"), (json!(9_007_199_254_740_993_u64), "9007199254740993"), (json!(true), "true")];
    for (key, label) in keys {
        let mut item = page(0, false);
        item["aggregations"]["groups"] = json!({ "buckets": [{ "key": { "p0": key }, "doc_count": 1, "c0": { "doc_count": 0 }, "m0": { "value": 1.0 } }] });
        let wire = Wire::start(move |_, _| Act::Write(batch(std::slice::from_ref(&item))));
        let found = ask_search(&door_to(&wire.url()), ratio_per("service")).await.unwrap();
        assert_eq!(found.groups.keys().next(), Some(&Entity::of("service", label)));
    }
}

/// So many documents as are asked for, each of this length, as far as their sources are wanted.
fn documents(seen: &Seen, length: usize) -> Value {
    let (_, body) = searches(seen).remove(0);
    let hit = |n: u64| {
        let mut hit =
            json!({ "_index": "logs-1", "_id": format!("d{n}"), "sort": [1_699_999_000_000_000_000 + n, n] });
        if body["_source"] != false {
            hit["_source"] = json!({ "message": "x".repeat(length) });
        }
        hit
    };
    let hits: Vec<Value> = (0..body["size"].as_u64().unwrap()).map(hit).collect();
    let shards = json!({ "total": 1, "successful": 1, "failed": 0 });
    json!({ "took": 3, "timed_out": false, "_shards": shards, "hits": { "hits": hits }, "status": 200 })
}

async fn page_of(size: usize, length: usize) -> PageAnswer {
    let wire = Wire::start(move |seen, _| Act::Write(batch(&[documents(seen, length)])));
    let page = Page {
        index: "logs-*".to_owned(),
        time_field: "@timestamp".to_owned(),
        order: Order::Time,
        since: None,
        until: at(0),
        filter: None,
        after: BTreeMap::new(),
        except: BTreeMap::new(),
        size,
        source: Vec::new(),
    };
    let mut cluster = settings(&[wire.url()]);
    cluster.max_response = 1 << 16;
    ask(&door(&cluster), Query::page(page)).await.unwrap().page().unwrap().clone()
}

#[tokio::test]
async fn documents_too_large_for_one_answer_come_a_few_at_a_time_and_one_alone_without_its_source() {
    let few = page_of(64, 6_000).await;
    assert_eq!((few.documents.len(), few.more), (8, true), "the others are behind them");
    assert!(few.documents.iter().all(|document| document.source.is_some()));
    let one = page_of(64, 80_000).await;
    assert_eq!((one.documents.len(), one.more), (1, true), "it is not skipped");
    assert_eq!((one.documents[0].id.as_str(), &one.documents[0].source), ("d0", &None));
}
