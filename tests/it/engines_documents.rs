//! Counts and metrics over documents on a real engine, against numbers that are known beforehand.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    daemon::{Checked, Home},
    engine::Engine,
    receiver::Receiver,
};

const INDEX: &str = "documents-test";

const RULES: &str = r#"
defaults: { schedule: every 1m, query_delay: 0s, no_data: keep }
rules:
  - { id: all, levels: { info: at least 0 }, check: { count: { index: documents-test, window: 10m } } }
  - { id: matching, levels: { info: at least 0 }, check: { count: { index: documents-test, window: 10m, filter: "outcome:failure" } } }
  - { id: each, levels: { info: at least 0 }, check: { count: { index: documents-test, window: 10m, filter: { term: { outcome: failure } }, per: [user] } } }
  - { id: nothing, levels: { info: at least 0 }, check: { count: { index: documents-test, window: 10m, filter: { term: { outcome: no_such } } } } }
  - { id: silent, levels: { critical: above 1_000_000 }, check: { count: { index: documents-test, window: 1s } }, no_data: { keep: 0s, then: fire critical } }
  - { id: avg, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, avg: took, per: [user] } } }
  - { id: max, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, max: took } } }
  - { id: min, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, min: took } } }
  - { id: sum, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, sum: took } } }
  - { id: last, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, last: took, per: [user] } } }
  - { id: users, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, cardinality: user } } }
  - { id: p50, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, percentile: { field: took, percent: 50 } } } }
  - { id: no-number, levels: { info: at least 0 }, check: { metric: { index: documents-test, window: 10m, avg: absent } } }
"#;

/// 12,000 documents of ten users: every fourth a failure, `took` running from 1 to 12,000 with time.
fn documents() -> Vec<Value> {
    let start = Utc::now() - TimeDelta::minutes(5);
    let document = |n: i64| {
        let at = start + TimeDelta::milliseconds(n * 10);
        let outcome = if n % 4 == 0 { "failure" } else { "success" };
        json!({ "@timestamp": at.to_rfc3339(), "user": format!("u{}", n % 10), "outcome": outcome, "took": n })
    };
    (1..=12_000).map(document).collect()
}

fn value(looked: &Checked, rule: &str) -> Value {
    looked.rule(rule)["alerts"][0]["value"].clone()
}

fn of_user(looked: &Checked, rule: &str, user: &str) -> Value {
    looked.alert(rule, "user", user)["value"].clone()
}

#[tokio::test]
async fn counts_and_metrics_are_the_numbers_that_were_written() {
    let Some(engine) = Engine::shared().await else { return };
    let keyword = json!({ "type": "keyword" });
    let properties = json!({ "@timestamp": { "type": "date" }, "user": keyword, "outcome": keyword, "took": { "type": "long" } });
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0 });
    engine
        .put(&format!("/{INDEX}"), json!({ "settings": settings, "mappings": { "properties": properties } }))
        .await;
    engine.bulk(INDEX, &documents()).await;
    let looked = Home::of(engine, &Receiver::start(), RULES).check(&[]);
    assert_eq!(value(&looked, "all"), 12_000, "{}", looked.report);
    assert_eq!(value(&looked, "matching"), 3_000);
    assert_eq!((of_user(&looked, "each", "u0"), of_user(&looked, "each", "u2")), (json!(600), json!(600)));
    assert_eq!(
        looked.rule("each")["alerts"].as_array().unwrap().len(),
        5,
        "users without a failure have no group"
    );
    assert_eq!(value(&looked, "nothing"), 0, "documents, but none that matches");
    assert_eq!(looked.rule("silent")["alerts"][0]["level"], "critical", "no document at all is no zero");
    assert_eq!(of_user(&looked, "avg", "u1"), json!(5_996));
    assert_eq!((value(&looked, "max"), value(&looked, "min")), (json!(12_000), json!(1)));
    assert_eq!(value(&looked, "sum"), 72_006_000);
    assert_eq!(
        (of_user(&looked, "last", "u0"), of_user(&looked, "last", "u9")),
        (json!(12_000), json!(11_999))
    );
    assert_eq!(value(&looked, "users"), 10);
    let p50 = value(&looked, "p50").as_f64().unwrap();
    assert!((5_940.0..=6_060.0).contains(&p50), "{p50}");
    assert_eq!(looked.outcome("no-number"), "indeterminate", "a field that no index has is no quiet");
    assert!(looked.reason("no-number").contains("no index of `documents-test` has `absent`"));
    engine.delete(&format!("/{INDEX}")).await;
}
