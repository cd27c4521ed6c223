//! Half of an index is not there, and what can be seen looks healthy: nothing moves, and the reason is told.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    engine::{Engine, Spec},
    receiver::Receiver,
};

const SOON: Duration = Duration::from_secs(60);
const WHOLE: &str = "http_logs_half_a";
const HALF: &str = "http_logs_half_b";
const RULE: &str = "errors";
const BLIND: &str = "highwater-blind errors";

/// Blindness is told after the recovery would have been.
const RULES: &str = r#"
rules:
  - id: errors
    check: { ratio: { index: "http_logs_half_*", window: 1h, numerator: { range: { responseCode: { gte: 500 } } } } }
    schedule: every 1s
    query_delay: 0s
    levels: { critical: { when: above 10%, recover_for: 5s } }
    blind: { after: 8s, level: warning }
    no_data: keep
"#;

fn mappings() -> Value {
    json!({ "properties": { "@timestamp": { "type": "date" }, "responseCode": { "type": "integer" } } })
}

async fn write(engine: &Engine, index: &str, routing: &str, code: u16, count: usize) {
    let document = json!({ "@timestamp": Utc::now().to_rfc3339(), "responseCode": code });
    let lines = format!("{{\"index\":{{}}}}\n{document}\n").repeat(count);
    let path = format!("/{index}/_bulk?refresh=true&routing={routing}");
    let answer = engine.post(&path, Value::String(lines)).await;
    assert_eq!(answer["errors"], false);
}

/// A routing whose documents live on the shard that lives.
async fn routing_to_the_living(engine: &Engine) -> String {
    for n in 0..50 {
        let found = engine.get(&format!("/{HALF}/_search_shards?routing=r{n}")).await;
        if found["shards"][0][0]["state"] == "STARTED" {
            return format!("r{n}");
        }
    }
    panic!("no routing leads to the shard that lives");
}

/// Today's index comes, with one shard of two: what can be seen of it is all good.
async fn lose_a_shard(engine: &Engine) {
    engine.make_partial(HALF, mappings()).await;
    let routing = routing_to_the_living(engine).await;
    write(engine, HALF, &routing, 200, 7_000).await;
}

async fn share_of_errors(engine: &Engine) -> f64 {
    let count = async |query: &str| {
        let answer = engine.get(&format!("/http_logs_half_*/_count?q={query}")).await;
        answer["count"].as_f64().unwrap()
    };
    100.0 * count("responseCode:503").await / count("*").await
}

#[tokio::test]
async fn a_partial_answer_moves_nothing_while_firing_and_while_recovering_and_its_reason_is_told() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine.put(&format!("/{WHOLE}"), json!({ "settings": settings, "mappings": mappings() })).await;
    write(&engine, WHOLE, "r", 200, 700).await;
    write(&engine, WHOLE, "r", 503, 300).await;
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;
    receiver.wait_for_story(RULE, &["fired critical"], SOON).await;

    lose_a_shard(&engine).await;
    let share = share_of_errors(&engine).await;
    assert!(share < 5.0, "what is left must look healthy, or this test shows nothing: {share} %");
    let blind = receiver.wait_for_story(BLIND, &["fired warning"], SOON).await;
    let reason = blind[0].alert["facts"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("1 of 3 shards failed in `http_logs_half_b`"), "{reason}");
    assert_eq!(receiver.story(RULE), ["fired critical"], "half an answer ended the alert");
    let checked = home.check(&[RULE]);
    assert_eq!((checked.code, checked.outcome(RULE)), (3, "indeterminate"), "{}", checked.report);

    engine.delete(&format!("/{HALF}")).await;
    receiver.wait_for_story(BLIND, &["fired warning", "resolved warning cleared"], SOON).await;
    write(&engine, WHOLE, "r", 200, 5_000).await;
    engine
        .poll("recovering", || async {
            let alerts = home.command(&["alerts", "--format", "json"]).output().unwrap().stdout;
            String::from_utf8(alerts).unwrap().contains("\"recovering\"")
        })
        .await;
    lose_a_shard(&engine).await;
    let twice = ["fired warning", "resolved warning cleared", "fired warning"];
    receiver.wait_for_story(BLIND, &twice, SOON).await;
    assert_eq!(receiver.story(RULE), ["fired critical"], "half an answer proved a recovery");

    engine.delete(&format!("/{HALF}")).await;
    let over = receiver.wait_for_story(RULE, &["fired critical", "resolved critical cleared"], SOON).await;
    assert_eq!(
        (&over[1].alert["facts"]["matching"], &over[1].alert["facts"]["total"]),
        (&json!(300), &json!(6_000))
    );
    assert_eq!(daemon.stop().await, 0);
}
