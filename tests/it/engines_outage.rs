//! A cluster that hangs, and one that is gone for a while: one alert, one recovery, and what happened meanwhile told late.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    daemon::{Home, settings},
    engine::{Engine, Spec},
    gate::Gate,
    receiver::Receiver,
};

const SOON: Duration = Duration::from_secs(60);
const INDEX: &str = "http_logs_outage";
const UNREACHABLE: &str = "elasticsearch-unreachable";
const ERRORS: &str = "http-5xx";

// a look at a cluster that hangs takes five seconds: blindness is longer than the first one
const RULES: &str = r#"
rules:
  - id: elasticsearch-unreachable
    check: { elasticsearch_unreachable: {} }
    schedule: every 1s
    levels: { critical: unreachable for 3s }
  - id: http-5xx
    check: { ratio: { index: http_logs_outage, window: 5s, numerator: { range: { responseCode: { gte: 500 } } } } }
    schedule: every 1s
    query_delay: 0s
    levels: { critical: above 10% }
    blind: { after: 10s, level: warning }
    no_data: keep
  - id: cluster-health
    check: { cluster_health: {} }
    schedule: every 1s
    levels: { warning: yellow for 5m, critical: red for 1m }
    blind: { after: 10s, level: warning }
"#;

/// Every second of it ten requests, of which so many fail.
fn requests(from: DateTime<Utc>, seconds: i64, failing: usize) -> Vec<Value> {
    let second = |n| {
        let at = (from + TimeDelta::seconds(n)).to_rfc3339();
        (0..10).map(move |m| json!({ "@timestamp": at, "responseCode": if m < failing { 502 } else { 200 } }))
    };
    (0..seconds).flat_map(second).collect()
}

async fn create(engine: &Engine) {
    let mappings =
        json!({ "properties": { "@timestamp": { "type": "date" }, "responseCode": { "type": "integer" } } });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine.put(&format!("/{INDEX}"), json!({ "settings": settings, "mappings": mappings })).await;
    engine.bulk(INDEX, &requests(Utc::now() - TimeDelta::seconds(10), 10, 0)).await;
}

#[tokio::test]
async fn a_cluster_that_hangs_or_is_gone_is_told_once_and_what_happened_meanwhile_is_told_late() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    create(&engine).await;
    let (receiver, gate) = (Receiver::start(), Gate::before(&engine.url(0)).await);
    let home = Home::new(&settings(std::slice::from_ref(&gate.url), &receiver), RULES);
    let daemon = home.start().await;

    engine.freeze(0);
    let hung = receiver.wait_for_story(UNREACHABLE, &["fired critical"], SOON).await;
    let reason = hung[0].alert["facts"]["reason"].as_str().unwrap();
    assert!(reason.contains("within 3s") || reason.contains("answer"), "{reason}");
    engine.thaw(0);
    let once = ["fired critical", "resolved critical cleared"];
    receiver.wait_for_story(UNREACHABLE, &once, SOON).await;

    // the gate stays shut until the pipeline has delivered what it held back
    engine.stop(0);
    gate.shut();
    let gone = Utc::now() + TimeDelta::seconds(1);
    receiver.wait_for_story(UNREACHABLE, &[once[0], once[1], "fired critical"], SOON).await;
    engine.restart(0);
    engine.wait_until_met(1).await;
    engine.wait_for("green").await;
    let long_enough = || async { Utc::now() - gone > TimeDelta::seconds(13) };
    engine.poll("the outage to hold a whole episode", long_enough).await;
    let meanwhile = (Utc::now() - gone).num_seconds();
    let burst = requests(gone + TimeDelta::seconds(2), 3, 9);
    engine.bulk(INDEX, &[requests(gone, meanwhile, 0), burst].concat()).await;
    gate.open();

    receiver.wait_for_story(UNREACHABLE, &[once[0], once[1], once[0], once[1]], SOON).await;
    let late = receiver.wait_for_story(ERRORS, &["resolved critical cleared"], SOON).await;
    let note = late[0].alert["note"].as_str().unwrap_or_default();
    assert!(note.starts_with("told late: fired "), "{}", late[0].alert);
    let since: DateTime<Utc> = late[0].alert["since"].as_str().unwrap().parse().unwrap();
    assert!(
        since > gone && since < gone + TimeDelta::seconds(6),
        "{since} is not when it began, {gone} later"
    );
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(receiver.whole_story().len(), 5, "a flood: {:#?}", receiver.whole_story());
}
