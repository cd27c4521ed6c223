//! By which names, in which fields and in how many places documents are found: each as a real engine has them.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use highwater::model::{
    Cause, Entity, Number, Reason, Window,
    filter::Filter,
    query::{Group, Metric, Query, Response, Search},
};
use serde_json::{Value, json};

use crate::{
    elastic::{ask_search, at, door, settings},
    support::{
        daemon::Home,
        engine::{Engine, Product},
        receiver::Receiver,
        wire::{Act, Seen, Wire},
    },
};

fn search(index: &str, time_field: &str, end: highwater::model::Time) -> Search {
    Search {
        index: index.to_owned(),
        time_field: time_field.to_owned(),
        window: Window::ending(end, Duration::from_secs(900)),
        filter: None,
        counts: BTreeMap::new(),
        metrics: BTreeMap::from([("newest".to_owned(), Metric::Max(time_field.to_owned()))]),
        per: Vec::new(),
    }
}

fn whole(answer: &Result<Response, Reason>) -> &Group {
    &answer.as_ref().unwrap().found().unwrap().groups[&Entity::empty()]
}

/// `count` documents, one a second, the newest one millisecond before `end`.
async fn write(engine: &Engine, index: &str, field: &str, end: highwater::model::Time, count: i64) {
    let document = |n: i64| {
        let at = end - TimeDelta::milliseconds(1 + n * 1000);
        json!({ field: at.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string(), "user": format!("u{n}") })
    };
    let lines: String = (0..count).map(|n| format!("{{\"create\":{{}}}}\n{}\n", document(n))).collect();
    let answer = engine.post(&format!("/{index}/_bulk?refresh=true"), Value::String(lines)).await;
    assert_eq!(answer["errors"], false, "{answer}");
}

async fn create(engine: &Engine, index: &str, field: &str, kind: &str, alias: Option<&str>) {
    let properties = json!({ field: { "type": kind }, "user": { "type": "keyword" } });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    let mut body = json!({ "settings": settings, "mappings": { "properties": properties } });
    if let Some(alias) = alias {
        body["aliases"] = json!({ alias: {} });
    }
    engine.put(&format!("/{}", index.replace('{', "%7B").replace('/', "%2F")), body).await;
}

#[tokio::test]
async fn aliases_date_math_exclusions_and_nanoseconds_are_asked_like_any_index() {
    let Some(engine) = Engine::shared().await else { return };
    let now = Utc::now();
    let today = now.format("%Y.%m.%d");
    create(engine, "names-one", "@timestamp", "date", Some("names-alias")).await;
    create(engine, "names-two", "@timestamp", "date", Some("names-alias")).await;
    create(engine, &format!("names-day-{today}"), "@timestamp", "date", None).await;
    create(engine, "names-nanos", "at", "date_nanos", None).await;
    write(engine, "names-one", "@timestamp", now, 10).await;
    write(engine, "names-two", "@timestamp", now, 5).await;
    write(engine, &format!("names-day-{today}"), "@timestamp", now, 7).await;
    write(engine, "names-nanos", "at", now, 3).await;
    let searches = [
        search("names-alias", "@timestamp", now),
        search("<names-day-{now/d}>", "@timestamp", now),
        search("names-nanos", "at", now),
        search("names-*o*,-names-nanos", "@timestamp", now),
        // Half open to the millisecond, for nanoseconds too.
        search("names-nanos", "at", now - TimeDelta::milliseconds(1)),
    ];
    let queries: Vec<Query> = searches.iter().cloned().map(Query::search).collect();
    let door = door(&settings(&engine.urls()));
    let reason = ask_search(&door, search("names-one,names-nanos", "@timestamp", now)).await.unwrap_err();
    assert_eq!(reason.text, "field missing: no index of `names-nanos` has `@timestamp`");
    // seconds since the epoch, say: no window over them holds anything
    create(engine, "names-numbers", "at", "long", None).await;
    let reason = ask_search(&door, search("names-numbers", "at", now)).await.unwrap_err();
    assert_eq!(reason.text, "`at` is no date in `names-numbers`, but of type long; map it as `date`");
    let answers = door.ask(at(0), &queries).await;
    let totals: Vec<u64> = answers.iter().map(|answer| whole(answer).total).collect();
    assert_eq!(totals, [15, 7, 3, 15, 2]);
    for answer in &answers[..4] {
        let newest = whole(answer).metrics["newest"].map(Number::as_f64).unwrap();
        let lag = now.timestamp_millis() as f64 - newest;
        assert!((0.0..=2.0).contains(&lag), "newest document {lag} ms old: {answer:?}");
    }
    for index in ["names-one", "names-two", "names-nanos", "names-numbers", &format!("names-day-{today}")] {
        engine.delete(&format!("/{index}")).await;
    }
}

#[tokio::test]
async fn a_data_stream_is_asked_with_all_that_is_behind_it() {
    let Some(engine) = Engine::shared().await else { return };
    let now = Utc::now();
    let template = json!({
        "index_patterns": ["names-stream"], "data_stream": {}, "priority": 500,
        "template": { "settings": { "number_of_shards": 1, "number_of_replicas": 0 } },
    });
    let (status, answer) = engine.request("PUT", "/_index_template/names-stream", Some(template)).await;
    if engine.product() == Product::Elasticsearch7 {
        assert!(
            answer.to_string().contains("unknown field [data_stream]"),
            "this build has no streams: {answer}"
        );
        return;
    }
    assert_eq!(status, 200, "{answer}");
    write(engine, "names-stream", "@timestamp", now, 4).await;
    engine.request("POST", "/names-stream/_rollover", None).await;
    write(engine, "names-stream", "@timestamp", now, 2).await;
    let behind = engine.get("/names-stream").await;
    let behind: Vec<&String> = behind.as_object().unwrap().keys().collect();
    assert!(behind.len() == 2 && behind[0].starts_with(".ds-names-stream-"), "{behind:?}");
    let streams = ["names-stream", "names-strea*"].map(|name| Query::search(search(name, "@timestamp", now)));
    for answer in door(&settings(&engine.urls())).ask(at(0), &streams).await {
        assert_eq!(whole(&answer).total, 6);
    }
    // Some distributions cannot take it away again; the engine goes with the tests.
    engine.request("DELETE", "/_data_stream/names-stream", None).await;
}

#[tokio::test]
async fn a_remote_cluster_that_was_skipped_is_not_a_smaller_count() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, "names-here", "@timestamp", "date", None).await;
    write(engine, "names-here", "@timestamp", at(0), 10).await;
    let remote = json!({ "cluster.remote.gone": { "seeds": ["127.0.0.1:1"], "skip_unavailable": true } });
    engine.cluster_settings(remote).await;
    let pattern = "names-here,gone:names-*";
    let door = door(&settings(&engine.urls()));
    let filtered = |n: u8| {
        let filter = Filter::new(json!({ "term": { "user": format!("u{n}") } }));
        Query::search(Search { filter: Some(filter), ..search(pattern, "@timestamp", at(0)) })
    };
    let mut queries: Vec<Query> = (0..5).map(filtered).collect();
    let groups = Search { per: vec!["user".to_owned()], ..search(pattern, "@timestamp", at(0)) };
    queries.push(Query::search(groups));
    for answer in door.ask(at(0), &queries).await {
        let reason = answer.unwrap_err();
        assert_eq!(reason.cause, Cause::Partial, "{reason}");
        assert!(reason.text.contains("1 of 2 clusters did not answer completely"), "{reason}");
    }
    let whole = ask_search(&door, search("names-here", "@timestamp", at(0))).await.unwrap();
    assert_eq!(whole.groups[&Entity::empty()].total, 10);
    engine.cluster_settings(json!({ "cluster.remote.gone.*": null })).await;
    engine.delete("/names-here").await;
}

/// The whole answer of the engine, as it came.
fn pass_on(engine: &str, method: &str, target: &str, body: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(engine.trim_start_matches("http://")).unwrap();
    let kind = if target.contains("_msearch") { "application/x-ndjson" } else { "application/json" };
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn is_later_page(seen: &Seen) -> bool {
    seen.body.contains(r#""after":"#)
}

#[tokio::test]
async fn an_index_that_is_deleted_between_two_pages_is_not_read_as_fewer_groups() {
    let Some(engine) = Engine::shared().await else { return };
    for pattern in ["names-scan-*", "names-scan-b"] {
        for index in ["names-scan-a", "names-scan-b"] {
            create(engine, index, "@timestamp", "date", None).await;
            write(engine, index, "@timestamp", at(0), 850).await;
        }
        engine.post("/names-scan-b/_bulk?refresh=true", Value::String(more_users())).await;
        let url = engine.url(0);
        let wire = Wire::start(move |seen, _| {
            if is_later_page(seen) {
                pass_on(&url, "DELETE", "/names-scan-b", "");
            }
            Act::Cut(pass_on(&url, &seen.method, &seen.target, &seen.body))
        });
        let scan = Search { per: vec!["user".to_owned()], ..search(pattern, "@timestamp", at(0)) };
        let reason = ask_search(&door(&settings(&[wire.url()])), scan).await.unwrap_err();
        assert!(matches!(reason.cause, Cause::Partial | Cause::Missing), "{pattern}: {reason}");
        assert!(wire.seen().iter().any(is_later_page), "there were pages");
        engine.delete("/names-scan-a").await;
    }
}

/// More than one page of groups in one index.
fn more_users() -> String {
    let at = at(0) - TimeDelta::seconds(5);
    let line =
        |n: usize| format!("{{\"create\":{{}}}}\n{}\n", json!({ "@timestamp": at, "user": format!("v{n}") }));
    (0..1_500).map(line).collect()
}

const LATE: &str = r#"
rules:
  - id: late
    check: { count: { index: names-late, window: 4s } }
    schedule: every 4s
    query_delay: 12s
    levels: { critical: above 4 }
    no_data: keep
"#;

#[tokio::test]
async fn documents_that_come_late_are_counted_in_the_window_that_they_belong_to() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, "names-late", "@timestamp", "date", None).await;
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, LATE);
    let daemon = home.start().await;
    // A window of the rule's grid that is over when they are written.
    let end = Utc::now().timestamp() / 4 * 4;
    let end = highwater::model::Time::from_timestamp(end, 0).unwrap();
    write(engine, "names-late", "@timestamp", end, 3).await;
    write(engine, "names-late", "@timestamp", end, 2).await;
    let fired =
        receiver.wait_for("an alert", Duration::from_secs(90), |_| !receiver.events("late").is_empty());
    fired.await;
    assert_eq!(receiver.events("late")[0].value(), 5.0, "all of them, in one window");
    assert_eq!(daemon.stop().await, 0);
    engine.delete("/names-late").await;
}
