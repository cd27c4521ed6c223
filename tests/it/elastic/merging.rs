//! Searches of one company are asked as one, and each is told what it would have been told alone.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use highwater::model::{
    Cause, Entity, Reason,
    filter::Filter,
    query::{Metric, Query, Response, Search},
};
use serde_json::{Value, json};

use super::{at, bare, batch, door_to, searches};
use crate::support::wire::{Act, Seen, Wire};

/// Asks for documents whose number is `n`; the double counts `n` of them.
fn numbered(n: usize) -> Search {
    Search { filter: Some(Filter::object(json!({ "term": { "n": n } })).unwrap()), ..bare() }
}

fn totals(answers: &[Result<Response, Reason>]) -> Vec<Result<u64, Cause>> {
    let total = |answer: &Result<Response, Reason>| match answer {
        Ok(response) => Ok(response.found().unwrap().groups[&Entity::empty()].total),
        Err(reason) => Err(reason.cause),
    };
    answers.iter().map(total).collect()
}

fn queries(range: std::ops::Range<usize>) -> Vec<Query> {
    range.map(|n| Query::search(numbered(n))).collect()
}

/// The numbers that one line of a batch asks for, and whether it is a merged one.
fn asked(body: &Value) -> (Vec<u64>, bool) {
    let Some(shapes) = body["aggs"].as_object() else {
        return (vec![body["query"]["bool"]["filter"][1]["term"]["n"].as_u64().unwrap()], false);
    };
    let filters = shapes.values().flat_map(|shape| shape["filters"]["filters"].as_object().unwrap().values());
    (filters.map(|filter| filter["term"]["n"].as_u64().unwrap()).collect(), true)
}

fn frame() -> Value {
    json!({ "timed_out": false, "status": 200, "_shards": { "total": 7, "successful": 7, "skipped": 0, "failed": 0 } })
}

/// What an engine would say.
fn good(body: &Value) -> Value {
    let mut item = frame();
    let Some(shapes) = body["aggs"].as_object() else {
        let n = asked(body).0[0];
        item["hits"] = json!({ "total": { "value": n, "relation": "eq" }, "hits": [] });
        return item;
    };
    for (shape, agg) in shapes {
        for (name, filter) in agg["filters"]["filters"].as_object().unwrap() {
            let mut bucket = json!({ "doc_count": filter["term"]["n"] });
            for metric in agg["aggs"].as_object().into_iter().flat_map(|metrics| metrics.keys()) {
                bucket[metric] = json!({ "value": filter["term"]["n"] });
            }
            item["aggregations"][shape]["buckets"][name] = bucket;
        }
    }
    item
}

fn respond(seen: &Seen, line: impl Fn(&Value) -> Value) -> Act {
    Act::Write(batch(&searches(seen).iter().map(|(_, body)| line(body)).collect::<Vec<_>>()))
}

fn lines(wire: &Wire) -> Vec<Vec<usize>> {
    let sizes = |seen: &Seen| searches(seen).iter().map(|(_, body)| asked(body).0.len()).collect();
    wire.seen().iter().map(sizes).collect()
}

#[tokio::test]
async fn a_thousand_searches_are_a_few_and_each_gets_its_own_answer() {
    let wire = Wire::start(|seen, _| respond(seen, good));
    let answers = door_to(&wire.url()).ask(at(0), &queries(1..1201)).await;
    assert_eq!(totals(&answers), (1..1201).map(Ok).collect::<Vec<_>>());
    assert_eq!(lines(&wire), [[500, 500, 200]]);
}

#[tokio::test]
async fn only_those_of_one_company_are_merged_and_each_counts_what_it_counts() {
    let wire = Wire::start(|seen, _| respond(seen, good));
    let other_index = Search { index: "other".to_owned(), ..numbered(3) };
    let other_field = Search { time_field: "at".to_owned(), ..numbered(4) };
    let other_window = Search {
        window: highwater::model::Window::ending(at(-1), std::time::Duration::from_secs(900)),
        ..numbered(5)
    };
    let measured =
        Search { metrics: [("value".to_owned(), Metric::Max("took".to_owned()))].into(), ..numbered(6) };
    let asked = [numbered(1), other_index, other_field, measured, numbered(2), other_window];
    let queries: Vec<Query> = asked.into_iter().map(Query::search).collect();
    let answers = door_to(&wire.url()).ask(at(0), &queries).await;
    assert_eq!(totals(&answers), [1, 3, 4, 6, 2, 5].map(Ok));
    let group = &answers[3].as_ref().unwrap().found().unwrap().groups[&Entity::empty()];
    assert_eq!(group.metrics["value"], Some(highwater::model::Number::Int(6)));
    assert_eq!(lines(&wire), [[3, 1, 1, 1]]);
}

#[tokio::test]
async fn percentiles_weigh_more_than_counts() {
    let wire = Wire::start(|seen, _| respond(seen, good));
    let heavy = |n| Search {
        metrics: [("value".to_owned(), Metric::Cardinality("user".to_owned()))].into(),
        ..numbered(n)
    };
    let queries: Vec<Query> = (1..51).map(|n| Query::search(heavy(n))).collect();
    let answers = door_to(&wire.url()).ask(at(0), &queries).await;
    assert_eq!(totals(&answers), (1..51).map(Ok).collect::<Vec<_>>());
    assert_eq!(lines(&wire), [[23, 23, 4]]);
}

fn refused(kind: &str, status: u16) -> Value {
    let root = json!([{ "type": kind, "reason": "planted" }]);
    json!({ "status": status, "error": { "type": "search_phase_execution_exception", "root_cause": root } })
}

fn partial(failures: &Value) -> Value {
    let mut item = frame();
    item["_shards"] = json!({ "total": 7, "successful": 5, "skipped": 0, "failed": 2, "failures": failures });
    item
}

/// Answers with `bad` where the 13th search is among those asked.
fn thirteen(seen: &Seen, bad: &Value) -> Act {
    respond(seen, |body| {
        let good = good(body);
        if !asked(body).0.contains(&13) {
            return good;
        }
        let mut item = bad.clone();
        if bad.get("error").is_none() {
            (item["hits"], item["aggregations"]) = (good["hits"].clone(), good["aggregations"].clone());
        }
        item
    })
}

#[tokio::test]
async fn one_that_spoils_the_others_answers_is_found_and_then_asked_apart() {
    let failure = json!([{ "shard": 0, "index": "http_logs_1", "reason": { "type": "query_shard_exception", "reason": "x" } }]);
    for (bad, cause) in
        [(refused("parsing_exception", 400), Cause::Invalid), (partial(&failure), Cause::Partial)]
    {
        let wire = Wire::start(move |seen, _| thirteen(seen, &bad));
        let door = door_to(&wire.url());
        let expected: Vec<_> = (1..401).map(|n| if n == 13 { Err(cause) } else { Ok(n) }).collect();
        assert_eq!(totals(&door.ask(at(0), &queries(1..401)).await), expected);
        let first: usize = lines(&wire).iter().map(Vec::len).sum();
        assert!(first <= 2 * 9 + 1, "{first} searches to find one");
        let before = wire.seen().len();
        assert_eq!(totals(&door.ask(at(60), &queries(1..401)).await), expected);
        let mut sizes = lines(&wire)[before..].concat();
        sizes.sort_unstable();
        assert_eq!((sizes, wire.seen().len()), (vec![1, 399], before + 1), "the next look knows it");
    }
}

#[tokio::test]
async fn what_breaks_a_whole_batch_is_found_among_the_merged() {
    let wire = Wire::start(|seen, _| {
        if seen.body.contains(r#"{"term":{"n":13}}"#) {
            return Act::Write(crate::support::wire::json(400, &refused("parsing_exception", 400)));
        }
        respond(seen, good)
    });
    let door = door_to(&wire.url());
    let expected: Vec<_> = (1..101).map(|n| if n == 13 { Err(Cause::Invalid) } else { Ok(n) }).collect();
    assert_eq!(totals(&door.ask(at(0), &queries(1..101)).await), expected);
    let before = wire.seen().len();
    assert_eq!(totals(&door.ask(at(60), &queries(1..101)).await), expected);
    assert_eq!(wire.seen().len() - before, 2, "it alone, and all others");
}

#[tokio::test]
async fn lost_shards_blind_all_who_asked_and_are_not_asked_for_again() {
    let lost = json!([{ "shard": 0, "index": "http_logs_1", "reason": { "type": "no_shard_available_action_exception" } }]);
    for failures in [json!([]), lost] {
        let wire = Wire::start({
            let bad = partial(&failures);
            move |seen, _| {
                if seen.target.contains("health") {
                    return Act::Write(crate::support::wire::json(200, &json!({ "indices": {} })));
                }
                thirteen(seen, &bad)
            }
        });
        let answers = door_to(&wire.url()).ask(at(0), &queries(1..101)).await;
        assert_eq!(totals(&answers), vec![Err(Cause::Partial); 100], "an incomplete answer is nobody's");
        assert_eq!(wire.count("_msearch"), 1);
        assert!(wire.count("health") <= 1, "who asks which index is red asks once");
    }
}

#[tokio::test]
async fn searches_that_nobody_knows_yet_are_merged_for_a_short_time_or_else_asked_alone() {
    let timeouts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let said = timeouts.clone();
    let wire = Wire::start(move |seen, number| {
        respond(seen, |body| {
            said.lock().unwrap().push((number, body["timeout"].as_str().unwrap().to_owned()));
            let mut item = good(body);
            item["timed_out"] = json!(number == 0);
            item
        })
    });
    let door = door_to(&wire.url());
    let expected: Vec<_> = (1..101).map(Ok).collect();
    assert_eq!(totals(&door.ask(at(0), &queries(1..101)).await), expected);
    assert_eq!(totals(&door.ask(at(60), &queries(1..101)).await), expected);
    assert_eq!(lines(&wire), [vec![100], vec![1; 100], vec![100]], "then it is known that they match little");
    let timeouts = timeouts.lock().unwrap();
    assert!(
        timeouts.iter().all(|(number, timeout)| timeout == if *number == 0 { "2000ms" } else { "9000ms" })
    );
}

#[tokio::test]
async fn what_matches_many_documents_is_asked_alone() {
    let wire = Wire::start(|seen, _| respond(seen, good));
    let door = door_to(&wire.url());
    let expected: Vec<_> = (9_950..10_050).map(Ok).collect();
    for tick in [0, 60] {
        assert_eq!(totals(&door.ask(at(tick), &queries(9_950..10_050)).await), expected);
    }
    let mut second = lines(&wire)[1].clone();
    second.sort_unstable();
    // 49 alone; the others in parties that match 300,000 documents at most.
    assert_eq!(lines(&wire)[0], [100]);
    assert_eq!((second.len(), second[48], &second[49..]), (51, 1, [21, 30].as_slice()));
}

#[tokio::test]
async fn a_merged_search_that_timed_out_proves_nothing_and_is_smaller_the_next_time() {
    let wire = Wire::start(|seen, number| {
        respond(seen, |body| {
            let mut item = good(body);
            item["timed_out"] = json!(number == 1);
            item
        })
    });
    let door = door_to(&wire.url());
    let expected: Vec<_> = (1..101).map(Ok).collect();
    assert_eq!(totals(&door.ask(at(0), &queries(1..101)).await), expected);
    assert_eq!(totals(&door.ask(at(60), &queries(1..101)).await), vec![Err(Cause::Timeout); 100]);
    assert_eq!(totals(&door.ask(at(120), &queries(1..101)).await), expected);
    assert_eq!(lines(&wire), [vec![100], vec![100], vec![50, 50]]);
}

#[tokio::test]
async fn what_is_too_much_at_once_is_asked_in_smaller_pieces() {
    for (kind, status) in [("circuit_breaking_exception", 429), ("too_many_buckets_exception", 503)] {
        let wire = Wire::start(move |seen, _| {
            respond(seen, |body| if asked(body).0.len() > 30 { refused(kind, status) } else { good(body) })
        });
        let door = door_to(&wire.url());
        let expected: Vec<_> = (1..101).map(Ok).collect();
        assert_eq!(totals(&door.ask(at(0), &queries(1..101)).await), expected);
        assert_eq!(lines(&wire), [vec![100], vec![50, 50], vec![25; 4]]);
        assert_eq!(totals(&door.ask(at(60), &queries(1..101)).await), expected);
        assert_eq!(lines(&wire)[3], [25; 4], "the size that worked is kept");
    }
}

#[tokio::test]
async fn a_busy_cluster_is_asked_again_as_a_whole() {
    let turns = Arc::new(AtomicUsize::new(0));
    let wire = Wire::start(move |seen, _| {
        let busy = turns.fetch_add(1, Ordering::SeqCst) == 0;
        let rejected = json!({ "status": 429, "error": { "type": "es_rejected_execution_exception", "reason": "queue" } });
        respond(seen, |body| if busy { rejected.clone() } else { good(body) })
    });
    let answers = door_to(&wire.url()).ask(at(0), &queries(1..101)).await;
    assert_eq!(totals(&answers), (1..101).map(Ok).collect::<Vec<_>>());
    assert_eq!(lines(&wire), [[100], [100]]);
}

#[tokio::test]
async fn an_answer_that_lacks_a_part_is_no_zero_and_all_are_asked_apart() {
    let wire = Wire::start(|seen, _| {
        respond(seen, |body| {
            let mut item = good(body);
            if asked(body).1 {
                item["aggregations"]["s0"]["buckets"].as_object_mut().unwrap().remove("q1");
            }
            item
        })
    });
    let door = door_to(&wire.url());
    for tick in [0, 60] {
        assert_eq!(totals(&door.ask(at(tick), &queries(1..4)).await), [Ok(1), Ok(2), Ok(3)]);
    }
    assert_eq!(lines(&wire), [vec![3], vec![1; 3], vec![1; 3]]);
}
