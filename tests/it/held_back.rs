//! A sink that takes nothing holds the rule back that follows documents: what waits is bounded, and nothing is lost.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    daemon::{Daemon, Home},
    engine::Engine,
    receiver::{Receiver, Reply},
};

const PATIENCE: Duration = Duration::from_secs(240);
const ALL: usize = 320;

const RULES: &str = r#"
rules:
  - id: large
    check: { documents: { index: held-back, from: 1h, page: 10 } }
    schedule: every 1s
    notify: [hook]
"#;

/// Until `enough` of a number that the daemon publishes.
async fn wait(daemon: &Daemon, metric: (&str, &[&str]), enough: impl Fn(f64) -> bool) -> f64 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = daemon.metric(metric.0, metric.1).await;
        if enough(found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{} is {found}\n{}", metric.0, daemon.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_waits_for_a_sink_that_takes_nothing_is_bounded_and_arrives_later() {
    let Some(engine) = Engine::shared().await else { return };
    let start = Utc::now() - TimeDelta::minutes(20);
    let large = "x".repeat(150_000);
    let document = |n: usize| {
        let at = (start + TimeDelta::milliseconds(n as i64)).to_rfc3339();
        json!({ "@timestamp": at, "n": n, "large": large })
    };
    let settings = json!({ "number_of_replicas": 0 });
    let properties = json!({ "@timestamp": { "type": "date" }, "large": { "type": "keyword", "index": false, "doc_values": false } });
    engine.put("/held-back", json!({ "settings": settings, "mappings": { "properties": properties } })).await;
    for some in (0..ALL).collect::<Vec<_>>().chunks(40) {
        engine.bulk("held-back", &some.iter().map(|n| document(*n)).collect::<Vec<Value>>()).await;
    }
    let receiver = Receiver::start();
    receiver.answer(Reply::Status(503));
    let home = Home::of(engine, &receiver, RULES);
    let daemon = home.start().await;
    let looks = ("highwater_evaluations_total", &["rule=\"large\"", "outcome=\"complete\""][..]);
    let rows = ("highwater_outbox_rows", &["sink=\"hook\""][..]);
    let waiting = wait(&daemon, rows, |rows| rows > 150.0).await;
    let looked = daemon.metric(looks.0, looks.1).await;
    wait(&daemon, looks, |looks| looks >= looked + 4.0).await;
    let still_waiting = wait(&daemon, rows, |rows| rows >= waiting).await;
    assert!(still_waiting < 280.0, "{still_waiting} of {ALL} wait");
    assert_eq!(daemon.metric(looks.0, &["rule=\"large\"", "outcome=\"indeterminate\""]).await, 0.0);
    receiver.answer(Reply::Ok);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = receiver.events("large");
        let numbers: Vec<u64> =
            told.iter().map(|event| event.alert["facts"]["n"].as_u64().unwrap()).collect();
        if numbers.iter().collect::<BTreeSet<_>>().len() == ALL {
            assert!(numbers.windows(2).all(|two| two[0] <= two[1]), "out of order: {numbers:?}");
            break;
        }
        assert!(Instant::now() < deadline, "{} of {ALL} were told", numbers.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(daemon.stop().await, 0);
    engine.delete("/held-back").await;
}
