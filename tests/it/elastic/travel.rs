//! How questions travel: once, in batches, in a few requests at a time, each with its label.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use highwater::model::{
    Cause, Window,
    query::{Query, Search},
};
use serde_json::{Value, json};

use super::{
    ask, ask_search, at, bare, batch, caps, door, door_to, good_item, health, ratio, searches, settings,
};
use crate::support::wire::{Act, Seen, Wire, json as reply};

fn numbered(n: usize) -> Search {
    Search { index: format!("logs-{n}"), ..ratio() }
}

/// Answers each search with the number in its index.
fn counts(seen: &Seen) -> Act {
    let item = |(header, _): &(Value, Value)| {
        let number = header["index"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
        good_item(&ratio(), 1_000_000, number)
    };
    Act::Write(batch(&searches(seen).iter().map(item).collect::<Vec<_>>()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_askers_share_a_few_requests_and_each_gets_its_own_answer() {
    let wire = Wire::start(|seen, _| counts(seen));
    let door = door_to(&wire.url());
    let asked: Vec<_> = (0..1000)
        .map(|n| {
            let door = door.clone();
            tokio::spawn(async move { (n, ask_search(&door, numbered(n)).await.unwrap()) })
        })
        .collect();
    for task in asked {
        let (n, found) = task.await.unwrap();
        assert_eq!(found.groups.values().next().unwrap().counts["matching"], n as u64);
    }
    // A straggler on a busy machine may travel alone.
    assert!((4..=6).contains(&wire.seen().len()), "{} requests", wire.seen().len());
}

#[tokio::test]
async fn full_batches_leave_at_once() {
    let wire = Wire::start(|seen, _| counts(seen));
    let queries: Vec<Query> = (0..1000).map(|n| Query::search(numbered(n))).collect();
    assert!(door_to(&wire.url()).ask(at(0), &queries).await.iter().all(Result::is_ok));
    let sizes: Vec<usize> = wire.seen().iter().map(|seen| searches(seen).len()).collect();
    assert_eq!(sizes, [250; 4]);
}

#[tokio::test]
async fn one_search_does_not_wait_for_others() {
    let wire = Wire::start(|seen, _| counts(seen));
    let door = door_to(&wire.url());
    ask_search(&door, numbered(1)).await.unwrap();
    let started = Instant::now();
    ask_search(&door, numbered(2)).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_same_question_of_one_instant_is_asked_once_and_of_the_next_again() {
    let wire = Wire::start(|seen, _| {
        if seen.target.contains("health") {
            Act::Write(reply(200, &json!({ "status": "green" })))
        } else {
            counts(seen)
        }
    });
    let door = door_to(&wire.url());
    let queries = [health(), Query::search(numbered(7)), health(), Query::search(numbered(7))];
    let (one, other) = tokio::join!(door.ask(at(0), &queries), door.ask(at(0), &queries));
    assert_eq!(one, other);
    assert!(one.iter().all(Result::is_ok));
    assert_eq!((wire.count("health"), wire.count("_msearch")), (1, 1));
    // Somebody who asks the same of the same instant a moment later.
    door.ask(at(0), &queries).await;
    assert_eq!((wire.count("health"), wire.count("_msearch")), (1, 1));
    door.ask(at(60), &queries).await;
    assert_eq!((wire.count("health"), wire.count("_msearch")), (2, 2));
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_questions() {
    let wire = Wire::start(|seen, _| {
        if seen.target.contains("health") {
            Act::Write(reply(200, &json!({ "status": "green" })))
        } else {
            counts(seen)
        }
    });
    let queries = [Query::search(numbered(3)), health(), Query::search(numbered(1))];
    let answers = door_to(&wire.url()).ask(at(0), &queries).await;
    let matching = |at: usize| {
        answers[at].as_ref().unwrap().found().unwrap().groups.values().next().unwrap().counts["matching"]
    };
    assert_eq!((matching(0), matching(2)), (3, 1));
    assert_eq!(answers[1].as_ref().unwrap().body().unwrap()["status"], "green");
}

#[tokio::test]
async fn every_request_says_who_asks_and_which_tick() {
    let wire = Wire::start(|seen, _| counts(seen));
    let door = door_to(&wire.url());
    ask_search(&door, numbered(1)).await.unwrap();
    ask_search(&door, numbered(2)).await.unwrap();
    let labels: Vec<String> = wire.seen().iter().map(|seen| seen.header("x-opaque-id").to_owned()).collect();
    assert_eq!(labels, ["highwater/main/2023-11-14T22:13:20Z/1", "highwater/main/2023-11-14T22:13:20Z/2"]);
}

#[tokio::test]
async fn no_more_requests_run_at_a_time_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    let wire = Wire::start(move |seen, _| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(30));
        now.fetch_sub(1, Ordering::SeqCst);
        counts(seen)
    });
    let mut cluster = settings(&[wire.url()]);
    (cluster.max_batch, cluster.max_in_flight) = (10, 3);
    let queries: Vec<Query> = (0..200).map(|n| Query::search(numbered(n))).collect();
    assert!(door(&cluster).ask(at(0), &queries).await.iter().all(Result::is_ok));
    assert_eq!(peak.load(Ordering::SeqCst), 3);
    assert_eq!(wire.seen().len(), 20);
}

#[tokio::test]
async fn the_body_asks_for_an_exact_count_over_a_half_open_window() {
    let wire = Wire::start(|seen, _| counts(seen));
    ask_search(&door_to(&wire.url()), numbered(1)).await.unwrap();
    let seen = wire.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].header("content-type")), ("POST", "application/x-ndjson"));
    let (header, body) = searches(&seen[0]).remove(0);
    let expected = json!({ "index": "logs-1", "ignore_unavailable": false, "allow_no_indices": false, "expand_wildcards": "open", "allow_partial_search_results": true });
    assert_eq!(header, expected);
    assert_eq!((&body["size"], &body["track_total_hits"]), (&json!(0), &json!(true)));
    let range = &body["query"]["bool"]["filter"][0]["range"]["@timestamp"];
    assert_eq!(
        *range,
        json!({ "gte": 1_699_999_100_000_i64, "lt": 1_700_000_000_000_i64, "format": "epoch_millis" })
    );
}

#[tokio::test]
async fn one_search_that_cannot_be_parsed_does_not_blind_the_others() {
    let wire = Wire::start(|seen, _| {
        let refused = json!({ "error": { "type": "parsing_exception", "reason": "unknown query [foo]" }, "status": 400 });
        if seen.body.contains("\"logs-13\"") { Act::Write(reply(400, &refused)) } else { counts(seen) }
    });
    let door = door_to(&wire.url());
    let queries: Vec<Query> = (0..40).map(|n| Query::search(numbered(n))).collect();
    for (n, answer) in door.ask(at(0), &queries).await.into_iter().enumerate() {
        assert_eq!(answer.err().map(|reason| reason.cause), (n == 13).then_some(Cause::Invalid), "{n}");
    }
    // The next time it travels alone.
    let before = wire.seen().len();
    let later = |n| {
        Query::search(Search {
            window: highwater::model::Window::ending(at(60), Duration::from_secs(900)),
            ..numbered(n)
        })
    };
    let answers = door.ask(at(60), &(0..40).map(later).collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    assert_eq!(wire.seen().len() - before, 2);
}

#[tokio::test]
async fn a_batch_whose_answer_is_too_large_is_halved_until_it_fits() {
    let wire = Wire::start(|seen, _| counts(seen));
    let one = batch(&[good_item(&ratio(), 1_000_000, 1)]).len();
    let mut cluster = settings(&[wire.url()]);
    cluster.max_response = one * 4;
    let queries: Vec<Query> = (0..40).map(|n| Query::search(numbered(n))).collect();
    let answers = door(&cluster).ask(at(0), &queries).await;
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
    let asked: Vec<usize> = wire.seen().iter().map(|seen| searches(seen).len()).collect();
    assert_eq!((asked[0], asked[1]), (40, 20));
}

#[tokio::test]
async fn only_the_search_that_was_turned_away_is_asked_again() {
    let wire = Wire::start(|seen, number| {
        if number > 0 {
            return counts(seen);
        }
        let rejected = json!({ "status": 429, "error": { "type": "es_rejected_execution_exception", "reason": "queue" } });
        Act::Write(batch(&[good_item(&ratio(), 10, 0), rejected, good_item(&ratio(), 10, 2)]))
    });
    let queries: Vec<Query> = (0..3).map(|n| Query::search(numbered(n))).collect();
    let answers = door_to(&wire.url()).ask(at(0), &queries).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let asked: Vec<usize> = wire.seen().iter().map(|seen| searches(seen).len()).collect();
    assert_eq!(asked, [3, 1]);
}

#[tokio::test]
async fn the_field_of_many_quiet_rules_is_looked_up_once() {
    let wire = Wire::start(|seen, _| {
        if seen.target.contains("_field_caps") {
            return Act::Write(caps());
        }
        Act::Write(batch(&vec![good_item(&bare(), 0, 0); searches(seen).len()]))
    });
    let door = door_to(&wire.url());
    // Of windows of their own: these are not merged.
    let quiet = |n: u64| {
        let start = at(0) - Duration::from_secs(900 + n);
        Query::search(Search { window: Window { start, end: at(0) }, ..bare() })
    };
    let answers = door.ask(at(0), &(0..50).map(quiet).collect::<Vec<_>>()).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(wire.count("_field_caps"), 1);
}

#[tokio::test]
async fn a_path_prefix_is_kept() {
    let wire = Wire::start(|_, _| Act::Write(reply(200, &json!({ "status": "green" }))));
    for url in [format!("{}/es/one", wire.url()), format!("{}/es/one/", wire.url())] {
        ask(&door_to(&url), health()).await.unwrap();
    }
    let paths: BTreeSet<String> = wire.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(paths, BTreeSet::from(["/es/one/_cluster/health".to_owned()]));
}

#[tokio::test]
async fn the_version_is_told_where_it_may_be_asked() {
    let nodes = json!({ "nodes": { "a": { "version": "8.19.16" }, "b": { "version": "8.19.16" } } });
    let wire = Wire::start(move |_, _| Act::Write(reply(200, &nodes)));
    assert_eq!(door_to(&wire.url()).version().await.as_deref(), Some("8.19.16"));
    assert_eq!(wire.seen()[0].target, "/_nodes?filter_path=nodes.%2A.version");
    let wire = Wire::start(|_, _| Act::Write(reply(403, &json!({}))));
    assert_eq!(door_to(&wire.url()).version().await, None);
}
