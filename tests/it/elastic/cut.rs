//! Answers that end too early, come too slowly, are too large, or are packed.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use futures::future::join_all;
use highwater::model::{
    Cause,
    query::{Call, Proof, Query},
};
use serde_json::{Value, json};

use super::{ask, batch, door, door_to, good_item, health, ratio, ratio_per, settings};
use crate::support::wire::{Act, Wire, answer, chunked, json as reply};

/// A reply of each kind, and the question that it answers.
fn replies() -> Vec<(Query, Value)> {
    let search = |search| {
        let items = json!({ "took": 3, "responses": [good_item(&search, 50, 5)] });
        (Query::search(search), items)
    };
    let shards = json!({ "_shards": { "total": 5, "successful": 3, "failed": 0 }, "indices": { "a": 1 } });
    let nodes =
        json!({ "_nodes": { "total": 1, "successful": 1, "failed": 0 }, "nodes": { "a": { "fs": 1 } } });
    vec![
        (
            health(),
            json!({ "cluster_name": "x", "status": "green", "timed_out": false, "number_of_nodes": 3 }),
        ),
        (Query::call(Call::get("/_stats", Proof::Shards)), shards),
        (Query::call(Call::get("/_nodes/stats", Proof::Nodes)), nodes),
        search(ratio()),
        search(ratio_per("service")),
    ]
}

#[tokio::test]
async fn a_reply_cut_at_any_byte_is_never_an_answer() {
    let mut cases = Vec::new();
    for (query, body) in replies() {
        let whole = body.to_string().into_bytes();
        for bytes in [reply(200, &body), chunked(&whole, 37)] {
            cases.push(cut_everywhere(query.clone(), bytes));
        }
    }
    join_all(cases).await;
}

async fn cut_everywhere(query: Query, bytes: Vec<u8>) {
    let (length, served) = (bytes.len(), bytes.clone());
    let wire = Wire::start(move |_, number| Act::Cut(served[..number % length].to_vec()));
    let door = door_to(&wire.url());
    while wire.seen().len() < length {
        let cut = wire.seen().len();
        let reason = ask(&door, query.clone()).await.expect_err("a cut reply was taken for an answer");
        let expected = matches!(reason.cause, Cause::Malformed | Cause::Unreachable);
        assert!(expected, "cut at {cut}: {reason}");
    }
    // What was not cut is one.
    let wire = Wire::start(move |_, _| Act::Write(bytes.clone()));
    ask(&door_to(&wire.url()), query).await.unwrap();
}

#[tokio::test]
async fn who_accepts_but_never_answers_is_unreachable_and_who_answers_others_is_late() {
    let mut cluster = settings(&[Wire::start(|_, _| Act::Hang).url()]);
    cluster.timeout = Duration::from_millis(300);
    let started = Instant::now();
    let reason = ask(&door(&cluster), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable);
    assert!(reason.text.ends_with("accepts connections but does not answer (waited 300ms)"), "{reason}");
    assert!(started.elapsed() < Duration::from_secs(2));

    // The root answers, if only to refuse: somebody is there.
    let wire = Wire::start(
        |seen, _| if seen.target == "/" { Act::Write(reply(405, &json!({}))) } else { Act::Hang },
    );
    cluster.urls = vec![wire.url()];
    let reason = ask(&door(&cluster), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Timeout, "{reason}");
}

#[tokio::test]
async fn a_body_that_drips_ends_at_the_deadline() {
    let wire = Wire::start(|seen, _| {
        let bytes = reply(200, &json!({ "status": "green" }));
        if seen.target == "/" { Act::Write(bytes) } else { Act::Drip(bytes, Duration::from_millis(50)) }
    });
    let mut cluster = settings(&[wire.url()]);
    cluster.timeout = Duration::from_millis(400);
    let started = Instant::now();
    let reason = ask(&door(&cluster), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Timeout, "{reason}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn nothing_packed_is_asked_for_and_a_bomb_is_not_unpacked() {
    let bomb = packed(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 1 << 20);
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let bytes = answer(200, &headers, &bomb);
    let wire = Wire::start(move |_, _| Act::Write(bytes.clone()));
    let before = resident();
    let reason = ask(&door_to(&wire.url()), health()).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Malformed);
    assert!(reason.text.contains("compressed although we asked for none"), "{reason}");
    assert!(resident() < before + (100 << 20));
    assert_eq!(wire.seen()[0].header("accept-encoding"), "identity");
}

#[tokio::test]
async fn an_answer_above_the_cap_is_refused_unread_and_one_without_a_length_while_it_comes() {
    let honest = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2000000000\r\n\r\n";
    let chunks = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    for (head, chunk) in [(honest.as_slice(), vec![b' '; 1 << 20]), (chunks.as_slice(), chunk)] {
        let flood = Act::Flood { head: head.to_vec(), chunk, times: 2000 };
        let wire = Wire::start(move |_, _| flood.clone());
        let before = resident();
        let mut cluster = settings(&[wire.url()]);
        cluster.timeout = Duration::from_secs(30);
        let reason = ask(&door(&cluster), health()).await.unwrap_err();
        assert_eq!(reason.cause, Cause::Malformed, "{reason}");
        assert!(reason.text.contains("the answer is too large") && reason.text.contains("64 MB"), "{reason}");
        assert!(resident() < before + (400 << 20), "read {} MB", (resident() - before) >> 20);
    }
}

#[tokio::test]
async fn the_cap_is_exact() {
    let body = json!({ "a": "x".repeat(1000) });
    let length = body.to_string().len();
    for (cap, fits) in [(length, true), (length - 1, false)] {
        for bytes in [reply(200, &body), chunked(body.to_string().as_bytes(), 100)] {
            let wire = Wire::start(move |_, _| Act::Write(bytes.clone()));
            let mut cluster = settings(&[wire.url()]);
            cluster.max_response = cap;
            assert_eq!(ask(&door(&cluster), health()).await.is_ok(), fits);
        }
    }
}

#[tokio::test]
async fn another_answer_than_the_one_asked_for_is_refused() {
    let elsewhere = Wire::start(|_, _| Act::Write(reply(200, &json!({ "status": "green" }))));
    let url = format!("{}/_cluster/health", elsewhere.url());
    for status in [301, 302, 307, 308] {
        let bytes = answer(status, &[("location", &url)], b"");
        let wire = Wire::start(move |_, _| Act::Write(bytes.clone()));
        let mut cluster = settings(&[wire.url()]);
        cluster.auth =
            highwater::config::settings::Auth::Bearer(highwater::model::secret::Secret::literal("token"));
        let reason = ask(&door(&cluster), health()).await.unwrap_err();
        assert_eq!(reason.cause, Cause::Malformed, "{reason}");
        assert!(reason.text.contains("redirect"), "{reason}");
    }
    assert!(elsewhere.seen().iter().all(|seen| seen.header("authorization").is_empty()));
}

#[tokio::test]
async fn a_batch_that_is_cut_leaves_no_search_with_a_number() {
    let search = ratio();
    let items: Vec<Value> = (0..3).map(|_| good_item(&search, 50, 5)).collect();
    let mut bytes = batch(&items);
    bytes.truncate(bytes.len() - 2);
    let wire = Wire::start(move |_, _| Act::Cut(bytes.clone()));
    let door = door_to(&wire.url());
    let queries: Vec<Query> = (0..3)
        .map(|n| {
            let mut search = search.clone();
            search.index = format!("logs-{n}");
            Query::search(search)
        })
        .collect();
    let answers = door.ask(super::at(0), &queries).await;
    assert!(
        answers.iter().all(|answer| answer.as_ref().is_err_and(|reason| reason.cause == Cause::Malformed))
    );
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}
