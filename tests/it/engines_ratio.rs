//! A share of documents on a real engine: exact to the last one, then quiet, then silence, then a pipeline that lags.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{daemon::Home, engine::Engine, receiver::Receiver};

const BLIND: &str = "highwater-blind wants-fresh";
const SOON: Duration = Duration::from_secs(60);
const INDEX: &str = "http_logs_ratio";

const RULES: &str = r#"
defaults: { schedule: every 1s, query_delay: 1s }
rules:
  - id: keeps
    check: { ratio: { index: http_logs_ratio, window: 15s, numerator: { range: { responseCode: { gte: 500 } } } } }
    levels: { critical: above 10% }
    no_data: keep
  - id: wants-traffic
    check: { ratio: { index: http_logs_ratio, window: 15s, numerator: { range: { responseCode: { gte: 500 } } } } }
    levels: { critical: above 10% }
    no_data: { keep: 3s, then: fire critical }
  - id: wants-fresh
    check: { ratio: { index: http_logs_ratio, window: 15s, numerator: { range: { responseCode: { gte: 500 } } }, max_lag: 6s } }
    levels: { critical: above 10% }
    no_data: keep
    blind: { after: 3s, level: warning }
"#;

fn requests(at: DateTime<Utc>, code: u16, count: usize) -> Vec<Value> {
    vec![json!({ "@timestamp": at.to_rfc3339(), "responseCode": code }); count]
}

/// Writes a few good requests every half second, each that much old.
async fn traffic(engine: &Engine, age: TimeDelta) {
    loop {
        engine.bulk(INDEX, &requests(Utc::now() - age, 200, 5)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_share_of_10_500_documents_is_exact_and_quiet_silence_and_lag_are_told_apart() {
    let Some(engine) = Engine::shared().await else { return };
    let mappings =
        json!({ "properties": { "@timestamp": { "type": "date" }, "responseCode": { "type": "integer" } } });
    // one shard that shows nothing before it is told to: no look sees half of the burst
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1" });
    engine.put(&format!("/{INDEX}"), json!({ "settings": settings, "mappings": mappings })).await;
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, RULES);
    let daemon = home.start().await;

    let soon = Utc::now() + TimeDelta::seconds(5);
    engine.bulk(INDEX, &[requests(soon, 503, 3_150), requests(soon, 200, 7_350)].concat()).await;
    let fired = receiver.wait_for_story("keeps", &["fired critical"], SOON).await;
    let alert = &fired[0].alert;
    assert_eq!(
        (&alert["facts"]["matching"], &alert["facts"]["total"]),
        (&json!(3_150), &json!(10_500)),
        "{alert}"
    );
    assert_eq!((fired[0].value(), &alert["unit"]), (30.0, &json!("percent")));

    let over = ["fired critical", "resolved critical cleared"];
    tokio::select! {
        () = traffic(engine, TimeDelta::zero()) => {}
        _ = receiver.wait_for_story("keeps", &over, SOON) => {}
    }
    receiver.wait_for_story("wants-traffic", &over, SOON).await;
    receiver.wait_for_story("wants-fresh", &over, SOON).await;

    let silent = receiver.wait_for_story("wants-traffic", &[over[0], over[1], "fired critical"], SOON).await;
    assert_eq!(silent[2].alert["value"], Value::Null, "no traffic is no number: {}", silent[2].alert);
    assert_eq!(receiver.story("keeps"), over, "silence is nothing to this rule");

    // while the window emptied, its newest document grew too old
    let mut blind = vec!["fired warning", "resolved warning cleared"];
    receiver.wait_for_story(BLIND, &blind, SOON).await;
    blind.push("fired warning");
    tokio::select! {
        () = traffic(engine, TimeDelta::seconds(9)) => {}
        _ = receiver.wait_for_story(BLIND, &blind, SOON) => {}
    }
    let blind = receiver.events(BLIND);
    let reason = blind[2].alert["facts"]["reason"].as_str().unwrap();
    assert!(reason.contains("newest document") && reason.contains("`max_lag` is 6s"), "{reason}");
    assert_eq!(receiver.story("wants-fresh"), over, "a pipeline that lags proves nothing");
    assert_eq!(daemon.stop().await, 0);
    engine.delete(&format!("/{INDEX}")).await;
}
