//! Half of an index is not there, and what is left looks healthy: nothing moves, and the reason is told.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    engine::{Engine, Spec},
    receiver::Receiver,
};

const SOON: Duration = Duration::from_secs(60);
const INDEX: &str = "http_logs_half";
const RULE: &str = "errors";
const BLIND: &str = "highwater-blind errors";

/// Blindness is told after the recovery would have been.
const RULES: &str = r#"
rules:
  - id: errors
    check: { ratio: { index: http_logs_half, window: 1h, numerator: { range: { responseCode: { gte: 500 } } } } }
    schedule: every 1s
    query_delay: 0s
    levels: { critical: { when: above 10%, recover_for: 5s } }
    blind: { after: 8s, level: warning }
    no_data: keep
"#;

/// Writes to one shard, by what its documents are routed by.
async fn write(engine: &Engine, routing: &str, code: u16, count: usize) {
    let document = json!({ "@timestamp": Utc::now().to_rfc3339(), "responseCode": code });
    let lines = format!("{{\"index\":{{}}}}\n{document}\n").repeat(count);
    let path = format!("/{INDEX}/_bulk?refresh=true&routing={routing}");
    let answer = engine.post(&path, Value::String(lines)).await;
    assert_eq!(answer["errors"], false);
}

/// A routing whose documents live on this shard.
async fn routing_to(engine: &Engine, shard: u64) -> String {
    for n in 0..50 {
        let found = engine.get(&format!("/{INDEX}/_search_shards?routing=r{n}")).await;
        if found["shards"][0][0]["shard"] == shard {
            return format!("r{n}");
        }
    }
    panic!("no routing leads to shard {shard}");
}

/// One shard of two finds no place any more; the other one answers.
async fn lose_a_shard(engine: &Engine) {
    engine.post(&format!("/{INDEX}/_close"), json!({})).await;
    let limit = json!({ "index.routing.allocation.total_shards_per_node": 1 });
    engine.put(&format!("/{INDEX}/_settings"), limit).await;
    engine.post(&format!("/{INDEX}/_open?wait_for_active_shards=0"), json!({})).await;
    engine
        .poll("one shard of two", || async {
            let answer = engine.get(&format!("/{INDEX}/_search?size=0")).await;
            answer["_shards"]["successful"] == 1 && answer["hits"]["total"]["value"] != 0
        })
        .await;
}

async fn share_of_errors(engine: &Engine) -> f64 {
    let count = async |query: &str| {
        let answer = engine.get(&format!("/{INDEX}/_count?q={query}")).await;
        answer["count"].as_f64().unwrap()
    };
    100.0 * count("responseCode:503").await / count("*").await
}

#[tokio::test]
async fn a_partial_answer_moves_nothing_while_firing_and_while_recovering_and_its_reason_is_told() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    let mappings =
        json!({ "properties": { "@timestamp": { "type": "date" }, "responseCode": { "type": "integer" } } });
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0 });
    engine.put(&format!("/{INDEX}"), json!({ "settings": settings, "mappings": mappings })).await;
    // the first shard finds its place again, the second one does not
    let (stays, goes) = (routing_to(&engine, 0).await, routing_to(&engine, 1).await);
    write(&engine, &stays, 200, 700).await;
    write(&engine, &goes, 503, 300).await;
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;
    receiver.wait_for_story(RULE, &["fired critical"], SOON).await;

    lose_a_shard(&engine).await;
    assert_eq!(
        share_of_errors(&engine).await,
        0.0,
        "what is left must look healthy, or this test shows nothing"
    );
    let blind = receiver.wait_for_story(BLIND, &["fired warning"], SOON).await;
    let reason = blind[0].alert["facts"]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("1 of 2 shards failed in `http_logs_half`") || reason.contains("1 of 2 shards"),
        "{reason}"
    );
    assert_eq!(receiver.story(RULE), ["fired critical"], "half an answer ended the alert");
    let checked = home.check(&[RULE]);
    assert_eq!((checked.code, checked.outcome(RULE)), (3, "indeterminate"), "{}", checked.report);

    engine.heal_partial(INDEX).await;
    receiver.wait_for_story(BLIND, &["fired warning", "resolved warning cleared"], SOON).await;
    write(&engine, &stays, 200, 5_000).await;
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

    engine.heal_partial(INDEX).await;
    let over = receiver.wait_for_story(RULE, &["fired critical", "resolved critical cleared"], SOON).await;
    assert_eq!(
        (&over[1].alert["facts"]["matching"], &over[1].alert["facts"]["total"]),
        (&json!(300), &json!(6_000))
    );
    assert_eq!(daemon.stop().await, 0);
}
