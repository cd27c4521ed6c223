//! Documents of a real engine as events: each told, in order, through a crash; late ones and those of one instant, too.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    daemon::{Home, settings},
    engine::Engine,
    receiver::Receiver,
};

const INDEX: &str = "events-test";
const PATIENCE: Duration = Duration::from_secs(60);

const RULES: &str = r#"
rules:
  - id: lines
    check: { documents: { index: "events-test*", filter: "kind:line", from: beginning, page: 4, per: [service] } }
    schedule: every 1s
    notify: [lines]
  - id: incidents
    summary: Something broke
    message: "{{ facts.service }} says {{ facts.message }}"
    check: { documents: { index: events-test, filter: "kind:incident", from: beginning, level: warning, sequence: { field: sequence, partition: part } } }
    schedule: every 1s
    notify: [hook]
"#;

fn home(engine: &Engine, receiver: &Receiver) -> Home {
    let mut settings = settings(&engine.urls(), receiver);
    settings["sinks"]["lines"] = json!({ "file": { "path": "lines.jsonl" } });
    Home::new(&settings, RULES)
}

async fn make(engine: &Engine, index: &str, date: &str) {
    let (keyword, long) = (json!({ "type": "keyword" }), json!({ "type": "long" }));
    let properties = json!({
        "@timestamp": { "type": date }, "kind": keyword, "service": keyword, "message": { "type": "text" },
        "n": long, "sequence": long, "part": { "type": "integer" },
    });
    let settings = json!({ "number_of_shards": 3, "number_of_replicas": 0 });
    let body = json!({ "settings": settings, "mappings": { "properties": properties } });
    engine.put(&format!("/{index}"), body).await;
}

fn line(n: i64, seconds_ago: i64) -> Value {
    let at = Utc::now() - TimeDelta::seconds(seconds_ago);
    let at = at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    json!({ "@timestamp": at, "kind": "line", "service": "shop", "message": format!("line {n}"), "n": i64::MAX - n })
}

/// By `n`, how often it was told.
fn told(home: &Home) -> BTreeMap<i64, usize> {
    let text = std::fs::read_to_string(home.path("lines.jsonl")).unwrap_or_default();
    let mut told = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let event = &line["alerts"][0];
        assert_eq!((&event["kind"], &event["entity"]["service"]), (&json!("happened"), &json!("shop")));
        *told.entry(i64::MAX - event["facts"]["n"].as_i64().unwrap()).or_default() += 1;
    }
    told
}

async fn wait_until_told(home: &Home, lines: std::ops::Range<i64>) {
    let deadline = Instant::now() + PATIENCE;
    let wanted: Vec<i64> = lines.collect();
    loop {
        let told: Vec<i64> = told(home).into_keys().collect();
        if told == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "told {told:?}, wanted {wanted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn each_document_is_told_through_a_crash_also_late_ones_and_those_of_one_instant() {
    let Some(engine) = Engine::shared().await else { return };
    make(engine, INDEX, "date").await;
    make(engine, "events-test-nanos", "date_nanos").await;
    // twenty of one instant, in pages of four and in three shards
    let first: Vec<Value> = (0..20).map(|n| line(n, 40)).chain((20..25).map(|n| line(n, 20))).collect();
    engine.bulk(INDEX, &first).await;
    engine.bulk("events-test-nanos", &(25..30).map(|n| line(n, 30)).collect::<Vec<_>>()).await;
    let receiver = Receiver::start();
    let home = home(engine, &receiver);
    let daemon = home.start().await;
    wait_until_told(&home, 0..30).await;
    daemon.kill9();
    // older than what was told, but within the overlap
    engine.bulk(INDEX, &(30..35).map(|n| line(n, 35)).chain([line(35, 2)]).collect::<Vec<_>>()).await;
    let daemon = home.start().await;
    wait_until_told(&home, 0..36).await;
    let incident = |n: i64| {
        let mut incident = line(n, 3);
        incident["kind"] = "incident".into();
        incident["part"] = 2.into();
        incident["sequence"] = ((2_i64 << 51) + n).into();
        incident
    };
    engine.bulk(INDEX, &[incident(1)]).await;
    engine.bulk(INDEX, &[incident(3), incident(2)]).await;
    let deadline = Instant::now() + PATIENCE;
    while receiver.events("incidents").len() < 3 {
        assert!(Instant::now() < deadline, "{:?}", receiver.whole_story());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.story("incidents"), ["happened warning"; 3]);
    let words: Vec<Value> =
        receiver.events("incidents").iter().map(|event| event.alert["message"].clone()).collect();
    for n in 1..=3 {
        assert!(words.contains(&json!(format!("shop says line {n}"))), "{words:?}");
    }
    assert_eq!(daemon.stop().await, 0);
    let twice: Vec<i64> = told(&home).into_iter().filter(|(_, times)| *times > 1).map(|(n, _)| n).collect();
    assert!(twice.len() <= 30, "only what was under way at the crash may be told twice: {twice:?}");
    engine.delete(&format!("/{INDEX},events-test-nanos")).await;
}
