use serde_json::json;

use super::{
    super::tests::{failed, look, observe, ok, only_reading, readings, reason, shown},
    *,
};
use crate::model::{Number, query::Question};

/// The answer to the example: two users, counted exactly.
pub fn users() -> Value {
    json!({
        "took": 3, "timed_out": false,
        "hits": { "total": { "value": 120, "relation": "eq" }, "hits": [] },
        "aggregations": { "users": {
            "doc_count_error_upper_bound": 0, "sum_other_doc_count": 0,
            "buckets": [
                { "key": "kim", "doc_count": 100, "hosts": { "value": 12 } },
                { "key": "lee", "doc_count": 20, "hosts": { "value": 1 } },
            ],
        } },
    })
}

fn search(more: &str) -> Search {
    serde_saphyr::from_str(&format!("{{ index: \"audit-*\", {more} }}")).unwrap()
}

fn example() -> Search {
    serde_saphyr::from_str(Search::EXAMPLE.strip_prefix("search: ").unwrap()).unwrap()
}

fn looked(check: &Search, answer: &Value) -> Observation {
    observe(check, &[ok(answer.clone())])
}

#[test]
fn each_group_has_its_own_number_and_a_known_one_that_is_not_there_has_no_data() {
    let seen = looked(&example(), &users());
    assert_eq!(readings(&seen)["user=kim"].value, Number::Int(12));
    assert_eq!(readings(&seen)["user=lee"].value, Number::Int(1));
    let Observation::Seen { others, .. } = seen else { unreachable!() };
    assert_eq!(others, Others::NoData);
}

#[test]
fn what_was_cut_off_proves_nothing_and_is_named() {
    let table = [
        (
            "/aggregations/users/sum_other_doc_count",
            json!(7),
            "the terms of `users` were cut off: 7 documents",
        ),
        (
            "/aggregations/users/doc_count_error_upper_bound",
            json!(3),
            "the counts of `users` may be 3 too low",
        ),
    ];
    for (pointer, with, words) in table {
        let mut answer = users();
        *answer.pointer_mut(pointer).unwrap() = with;
        let seen = looked(&example(), &answer);
        assert!(reason(&seen).text.starts_with(words), "{seen:?}");
        assert_eq!(reason(&seen).cause, Cause::Partial);
    }
}

#[test]
fn what_was_cut_off_further_below_is_found_too() {
    let body = "body: { aggs: { f: { filter: { match_all: {} }, aggs: { days: { date_histogram: {}, aggs: { c: { composite: { size: 2 } } } } } } } }, value: /hits/total/value";
    let check = search(body);
    let answer = |groups: usize| {
        let composite =
            json!({ "after_key": { "a": 1 }, "buckets": vec![json!({ "doc_count": 1 }); groups] });
        let days = json!({ "buckets": [{ "key": 1, "c": { "buckets": [] } }, { "key": 2, "c": composite }] });
        json!({ "hits": { "total": { "value": 3, "relation": "eq" } }, "aggregations": { "f": { "doc_count": 3, "days": days } } })
    };
    assert_eq!(only_reading(&looked(&check, &answer(1))).value, Number::Int(3));
    assert!(reason(&looked(&check, &answer(2))).text.starts_with("`c` brought a full page of 2 groups"));
}

#[test]
fn documents_beyond_the_size_are_missing_groups() {
    let check = search("body: { size: 1 }, groups: /hits/hits, per: { id: /_id }, value: /fields/n");
    let hit = json!({ "_id": "a", "fields": { "n": [9_007_199_254_740_993_i64] } });
    let answer =
        |total: u64| json!({ "hits": { "total": { "value": total, "relation": "eq" }, "hits": [hit] } });
    assert_eq!(readings(&looked(&check, &answer(1)))["id=a"].value, Number::Int(9_007_199_254_740_993));
    assert_eq!(
        reason(&looked(&check, &answer(2))).text,
        "1 of 2 documents came: raise `size`, or narrow the query"
    );
}

#[test]
fn documents_that_nobody_counted_are_all_there_only_below_the_size() {
    let check = search(
        "body: { size: 2, track_total_hits: false }, groups: /hits/hits, per: { id: /_id }, value: /n",
    );
    let hits = |ids: &[&str]| ids.iter().map(|id| json!({ "_id": id, "n": 1 })).collect::<Vec<Value>>();
    for total in [json!(null), json!({ "value": 2, "relation": "gte" })] {
        let answer = |ids: &[&str]| json!({ "hits": { "total": total, "hits": hits(ids) } });
        assert_eq!(readings(&looked(&check, &answer(&["a"]))).len(), 1);
        let full = looked(&check, &answer(&["a", "b"]));
        assert!(reason(&full).text.starts_with("2 documents came, nobody knows of how many"), "{full:?}");
        assert_eq!(reason(&full).cause, Cause::Partial);
    }
    let newest = search("body: {}, groups: /aggregations/newest/hits/hits, per: { id: /_id }, value: /n");
    let answer = json!({ "hits": { "total": { "value": 9, "relation": "eq" } }, "aggregations": {
        "newest": { "hits": { "total": { "value": 9, "relation": "eq" }, "hits": hits(&["a"]) } } } });
    assert!(reason(&looked(&newest, &answer)).text.starts_with("1 of 9 documents came"));
}

#[test]
fn a_window_without_documents_is_no_data_unless_documents_are_what_is_counted() {
    let none = json!({ "hits": { "total": { "value": 0, "relation": "eq" } }, "aggregations": { "x": { "value": 0 } } });
    let sum =
        search("window: 5m, body: { aggs: { x: { sum: { field: n } } } }, value: /aggregations/x/value");
    assert!(matches!(looked(&sum, &none), Observation::NoData(_)));
    let count = search("window: 5m, body: {}, value: /hits/total/value");
    assert_eq!(only_reading(&looked(&count, &none)).value, Number::Int(0));
    let bound = json!({ "hits": { "total": { "value": 10_000, "relation": "gte" } } });
    assert_eq!(reason(&looked(&count, &bound)).cause, Cause::Partial);
}

#[test]
fn what_is_no_number_is_no_number() {
    let check = search("body: {}, value: /aggregations/x/value");
    for (value, expected) in [
        (json!(null), true),
        (json!("NaN"), true),
        (json!("12"), false),
        (json!(true), false),
        (json!([1, 2]), false),
        (json!({}), false),
    ] {
        let seen = looked(&check, &json!({ "aggregations": { "x": { "value": value } } }));
        assert_eq!(matches!(seen, Observation::NoData(_)), expected, "{value}: {seen:?}");
        assert!(expected || reason(&seen).cause == Cause::Malformed, "{value}");
    }
    assert_eq!(reason(&looked(&check, &json!({}))).text, "the answer has nothing at `/aggregations/x/value`");
    assert_eq!(reason(&observe(&check, &[failed(Cause::Partial, "x")])).cause, Cause::Partial);
}

#[test]
fn groups_may_be_kept_by_their_keys() {
    let check = search("body: {}, groups: /aggregations/by/buckets, per: { what: /key }, value: /doc_count");
    let answer = json!({ "aggregations": { "by": { "buckets": { "errors": { "doc_count": 3 }, "rest": { "doc_count": 4 } } } } });
    let seen = looked(&check, &answer);
    assert_eq!(readings(&seen)["what=errors"].value, Number::Int(3));
}

#[test]
fn two_groups_of_one_name_are_a_mistake_and_no_last_one_wins() {
    let mut answer = users();
    *answer.pointer_mut("/aggregations/users/buckets/1/key").unwrap() = json!("kim");
    assert!(reason(&looked(&example(), &answer)).text.starts_with("two groups are user=kim"));
}

#[test]
fn the_body_and_its_window_are_asked_for_as_they_are() {
    let queries = example().queries(&look(), &Memory::default());
    let Question::Dsl(dsl) = &queries[0].question else { panic!("{queries:?}") };
    assert_eq!(dsl.body["aggs"]["users"]["terms"]["size"], 1000);
    assert_eq!(dsl.during.as_ref().map(|during| during.window), Some(look().window));
    let queries = search("body: {}, value: /a").queries(&look(), &Memory::default());
    assert!(matches!(&queries[0].question, Question::Dsl(Dsl { during: None, .. })));
}

#[test]
fn a_script_is_found_at_any_depth() {
    let scripts = [
        ("query: { bool: { filter: [{ script: { script: \"1\" } }] } }", "script"),
        ("aggs: { a: { terms: { field: x }, aggs: { b: { bucket_script: {} } } } }", "bucket_script"),
        ("runtime_mappings: {}", "runtime_mappings"),
        ("query: { function_score: { functions: [{ script_score: {} }] } }", "script_score"),
        ("query: { wrapper: { query: e30= } }", "wrapper"),
    ];
    for (body, key) in scripts {
        assert_eq!(search(&format!("body: {{ {body} }}, value: /a")).script().as_deref(), Some(key));
    }
    assert_eq!(search("body: { query: { term: { wrapper: x } } }, value: /a").script(), None);
    assert_eq!(example().script(), None);
}

#[test]
fn nonsense_is_complained_about() {
    for nonsense in [
        "body: {}, value: hits.total",
        "body: {}, value: /a, groups: /b",
        "body: {}, value: /a, per: { x: /key }",
        "body: { timeout: 1s }, value: /a",
        "body: { size: 10, from: 10 }, value: /a",
        "body: { track_total_hits: false }, value: /a",
        "body: { track_total_hits: 100 }, value: /a",
        "body: { size: 10001 }, value: /a",
        "body: {}, value: /a, window: 0s",
    ] {
        assert_eq!(search(nonsense).complaints().len(), 1, "{nonsense}");
    }
}

#[test]
fn what_people_read() {
    insta::assert_snapshot!(shown(&example(), &looked(&example(), &users())));
}
