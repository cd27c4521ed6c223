//! Incidents as an exporter of Zeebe 8.5 has left them in a real Elasticsearch: more than a page or ten thousand, and days that
//! retention has deleted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    daemon::{Daemon, Home},
    engine::Engine,
    receiver::{Event, Receiver},
};

const PATIENCE: Duration = Duration::from_secs(180);
/// More than one search may answer.
const MANY: i64 = 12_000;

const RULE: &str = "rules:\n  - { id: open, check: { zeebe_incidents: { index: \"kept-record_incident_*\", hold: 1s } }, \
                    schedule: every 1s, levels: { warning: at least 1 }, notify: [hook] }\n";

fn yesterday() -> String {
    "kept-record_incident_8.5.8_2026-01-01".to_owned()
}

fn today() -> String {
    "kept-record_incident_8.5.8_2026-01-02".to_owned()
}

/// What the template of the exporter says of the fields that are asked for.
fn properties() -> Value {
    let (long, keyword) = (json!({ "type": "long" }), json!({ "type": "keyword" }));
    let value = json!({ "bpmnProcessId": keyword, "elementId": keyword, "errorType": keyword, "tenantId": keyword, "errorMessage": { "type": "text" }, "processInstanceKey": long, "elementInstanceKey": long, "jobKey": long });
    json!({
        "partitionId": { "type": "integer" }, "sequence": long, "position": long, "key": long, "timestamp": { "type": "date" },
        "intent": keyword, "recordType": keyword, "valueType": keyword, "value": { "properties": value },
    })
}

async fn create(engine: &Engine, index: &str, properties: Value) {
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine
        .put(
            &format!("/{index}"),
            json!({ "settings": settings, "mappings": { "dynamic": "strict", "properties": properties } }),
        )
        .await;
}

/// The `number`th record of this partition, written so many seconds ago.
fn record(
    (partition, number): (i64, i64),
    (intent, incident): (&str, i64),
    process: &str,
    ago: i64,
) -> Value {
    let key = (partition << 51) + incident;
    json!({
        "partitionId": partition, "sequence": (partition << 51) + number, "position": number * 7, "key": key,
        "timestamp": chrono::Utc::now().timestamp_millis() - ago * 1000,
        "intent": intent, "recordType": "EVENT", "valueType": "INCIDENT",
        "value": {
            "bpmnProcessId": process, "elementId": "pay", "errorType": "JOB_NO_RETRIES", "tenantId": "<default>", "jobKey": -1,
            "errorMessage": "the card was refused", "processInstanceKey": key + 1, "elementInstanceKey": key + 2,
        },
    })
}

/// One record of each of many incidents, on two partitions in turn.
fn of_many(intent: &str, from: i64, ago: i64) -> Vec<Value> {
    let each = (0..MANY).map(|n| record((1 + n % 2, from + n / 2), (intent, n), "bulk", ago));
    each.collect()
}

/// What was told of this process.
fn told(receiver: &Receiver, process: &str) -> Vec<Event> {
    let events = receiver.events("open").into_iter();
    events.filter(|event| event.entity("bpmnProcessId") == process).collect()
}

async fn until_told(receiver: &Receiver, process: &str, words: &[&str]) -> Vec<Event> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let events = told(receiver, process);
        if events.iter().map(Event::words).eq(words.iter().copied()) {
            return events;
        }
        assert!(Instant::now() < deadline, "{process}: {:?}", receiver.whole_story());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// So many complete looks more.
async fn looks(daemon: &Daemon, more: f64) {
    let looked = || daemon.metric("highwater_evaluations_total", &["rule=\"open\"", "outcome=\"complete\""]);
    let (until, deadline) = (looked().await + more, Instant::now() + PATIENCE);
    while looked().await < until {
        assert!(Instant::now() < deadline, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn more_than_ten_thousand_incidents_are_counted_and_retention_neither_ends_nor_invents_one() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, &yesterday(), properties()).await;
    create(engine, &today(), properties()).await;
    engine.bulk(&yesterday(), &of_many("CREATED", 0, 600)).await;
    let orders: Vec<Value> = (0..3).map(|n| record((3, n), ("CREATED", n), "order", 600)).collect();
    engine.bulk(&yesterday(), &orders).await;
    // its CREATED was deleted long before anybody looked
    engine.bulk(&today(), &[record((4, 900), ("RESOLVED", 1), "ancient", 300)]).await;
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, RULE);
    let daemon = home.start().await;
    let fired = until_told(&receiver, "bulk", &["fired warning"]).await;
    assert_eq!(fired[0].value(), MANY as f64, "every page was read before anything was said");
    assert_eq!(until_told(&receiver, "order", &["fired warning"]).await[0].value(), 3.0);

    engine.delete(&format!("/{}", yesterday())).await;
    looks(&daemon, 3.0).await;
    assert_eq!(receiver.events("open").len(), 2, "what was deleted is not resolved");
    let mut ends = of_many("RESOLVED", MANY, 120);
    ends.extend((0..2).map(|n| record((3, 10 + n), ("RESOLVED", n), "order", 120)));
    engine.bulk(&today(), &ends).await;
    until_told(&receiver, "bulk", &["fired warning", "resolved warning cleared"]).await;
    looks(&daemon, 3.0).await;
    assert_eq!(told(&receiver, "order").len(), 1, "one of three is still open");
    engine.bulk(&today(), &[record((3, 12), ("RESOLVED", 2), "order", 60)]).await;
    until_told(&receiver, "order", &["fired warning", "resolved warning cleared"]).await;
    assert_eq!(told(&receiver, "ancient").len(), 0, "nobody knows of it, and nobody counts below zero");
    assert_eq!(daemon.stop().await, 0);
    engine.delete(&format!("/{}", today())).await;
}

#[tokio::test]
async fn what_an_exporter_without_sequences_wrote_is_never_no_incident() {
    let Some(engine) = Engine::shared().await else { return };
    let index = |kind: &str| format!("early-record_{kind}_8.2.0_2026-01-01");
    for kind in ["incident", "job"] {
        let (mut early, mut properties) = (record((1, 1), ("CREATED", 1), "order", 60), properties());
        for one in [&mut early, &mut properties] {
            one.as_object_mut().unwrap().shift_remove("sequence");
        }
        create(engine, &index(kind), properties).await;
        engine.bulk(&index(kind), &[early]).await;
    }
    let rule = |more: &str| {
        let check = format!("{{ zeebe_incidents: {{ index: \"early-record_incident_*\"{more} }} }}");
        format!("rules:\n  - {{ id: open, check: {check}, schedule: every 1s, notify: [hook] }}\n")
    };
    let receiver = Receiver::start();
    let looked = Home::of(engine, &receiver, &rule("")).check(&["open"]);
    assert_eq!(looked.outcome("open"), "indeterminate", "{}", looked.report);
    assert!(
        looked.reason("open").ends_with("before 8.3 it is `sequence: position`"),
        "{}",
        looked.reason("open")
    );
    let looked = Home::of(engine, &receiver, &rule(", sequence: position")).check(&["open"]);
    assert_eq!(looked.alert("open", "bpmnProcessId", "order")["value"], 1, "{}", looked.report);
    for kind in ["incident", "job"] {
        engine.delete(&format!("/{}", index(kind))).await;
    }
}
