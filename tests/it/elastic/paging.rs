//! Groups are followed to their end, or they are nothing.

use highwater::model::{Cause, Entity, filter::Filter, query::Search};
use serde_json::{Value, json};

use super::{ask_search, batch, door, door_to, good_item, ratio_per, searches, settings};
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
