//! Sudden rises and falls, new values, changed values and derivatives on a real engine, and what a restart makes of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{daemon::Home, engine::Engine, receiver::Receiver};

const INDEX: &str = "trends-test";
const MIXED: &str = "trends-test-mixed";
const LIVE: &str = "trends-live";
const SOON: Duration = Duration::from_secs(60);

const RULES: &str = r#"
defaults: { schedule: every 1m, query_delay: 0s, no_data: keep }
rules:
  - { id: spike, levels: { warning: above 3x }, check: { spike: { index: trends-test, window: 10m, reference: { before: 1h, buckets: 6 }, per: [user] } } }
  - { id: volume, levels: { warning: above 3x }, check: { spike: { index: trends-test, window: 10m, reference: { before: 1h, buckets: 6 }, sum: sent, per: [user] } } }
  - { id: slump, levels: { warning: below 0.2x }, check: { spike: { index: trends-test, window: 10m, reference: { before: 1h, buckets: 6 }, filter: { term: { user: b } } } } }
  - { id: new, check: { new_term: { index: trends-test, window: 10m, fields: [user], history: 1d } } }
  - { id: pair, check: { new_term: { index: trends-test, window: 10m, fields: [user, code], history: 1d } } }
  - { id: changed, check: { change: { index: trends-test, window: 10m, fields: [state], per: [code] } } }
  - { id: missing, check: { change: { index: trends-test, window: 10m, fields: [state], per: [code], ignore_null: false } } }
  - { id: growth, levels: { warning: above 400 }, check: { metric: { index: trends-test, window: 10m, derivative: { field: sent, counter: true }, per: [user] } } }
  - { id: no-field, check: { new_term: { index: trends-test, window: 10m, fields: [absent] } } }
  - { id: mixed, check: { change: { index: "trends-test*", window: 10m, fields: [user], per: [code] } } }
"#;

const HUGE: i64 = 9_007_199_254_740_993;

/// User `a` ten times in each ten minutes of the hour before and 60 times now, `b` only before, `c` only now.
fn documents() -> Vec<Value> {
    let now = Utc::now();
    let ago = |minutes: i64| (now - TimeDelta::minutes(minutes)).to_rfc3339();
    let mut documents = Vec::new();
    for bucket in 0..6 {
        let at = ago(15 + bucket * 10);
        for user in ["a", "b"] {
            let sent = 1_000 - bucket;
            documents.extend(vec![json!({ "@timestamp": at, "user": user, "sent": sent, "code": 1 }); 10]);
        }
    }
    documents.extend(vec![json!({ "@timestamp": ago(5), "user": "a", "sent": 6_000, "code": 1 }); 60]);
    documents.extend(vec![json!({ "@timestamp": ago(5), "user": "c", "sent": 7, "code": 1 }); 50]);
    for (minutes, code, state) in
        [(5, -1, "up"), (4, -1, "down"), (5, HUGE, "up"), (4, HUGE, "up"), (5, 7, "up")]
    {
        documents.push(json!({ "@timestamp": ago(minutes), "code": code, "state": state }));
    }
    documents.push(json!({ "@timestamp": ago(4), "code": 7, "state": null }));
    documents
}

async fn make(engine: &Engine, index: &str, user: &str) {
    let keyword = json!({ "type": "keyword" });
    let properties = json!({
        "@timestamp": { "type": "date_nanos" }, "user": { "type": user }, "state": keyword, "code": { "type": "long" },
        "sent": { "type": "long" }, "service": keyword, "version": keyword,
    });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine
        .put(&format!("/{index}"), json!({ "settings": settings, "mappings": { "properties": properties } }))
        .await;
}

#[tokio::test]
async fn what_is_unlike_before_is_found_and_nothing_else() {
    let Some(engine) = Engine::shared().await else { return };
    make(engine, INDEX, "keyword").await;
    make(engine, MIXED, "text").await;
    engine.bulk(INDEX, &documents()).await;
    engine.bulk(MIXED, &[json!({ "@timestamp": Utc::now().to_rfc3339(), "user": "x", "code": 1 })]).await;
    let looked = Home::of(engine, &Receiver::start(), RULES).check(&[]);
    let of = |rule: &str, label: &str, value: &str| looked.alert(rule, label, value)["value"].clone();
    let count = |rule: &str| {
        looked.rule(rule)["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|alert| alert["level"].is_string())
            .count()
    };

    assert_eq!(of("spike", "user", "a"), json!(6.0), "{}", looked.report);
    assert_eq!(looked.alert("spike", "user", "a")["unit"], "factor");
    assert_eq!(
        (of("spike", "user", "b"), count("spike")),
        (json!(0.0), 1),
        "a new user has nothing to compare with"
    );
    let volume = of("volume", "user", "a").as_f64().unwrap();
    // 60 of 6,000 each now, and ten of 1,000 to 995 each in six parts before
    assert!((volume - 360_000.0 / 9_975.0).abs() < 1e-9, "{}", looked.rule("volume"));
    assert_eq!((of("volume", "user", "b"), count("volume")), (json!(0.0), 1), "nothing adds up to nothing");
    assert_eq!((looked.rule("slump")["alerts"][0]["value"].clone(), count("slump")), (json!(0.0), 1));
    assert_eq!((of("new", "user", "c"), count("new")), (json!(50), 1), "{}", looked.rule("new"));
    assert_eq!((of("pair", "user", "c"), count("pair")), (json!(50), 1));
    assert_eq!((of("changed", "code", "-1"), count("changed")), (json!(1), 1), "{}", looked.rule("changed"));
    let facts = &looked.alert("changed", "code", "-1")["facts"];
    assert_eq!((&facts["before"], &facts["after"]), (&json!("up"), &json!("down")));
    assert_eq!((of("missing", "code", "7"), count("missing")), (json!(1), 2), "{}", looked.rule("missing"));
    assert_eq!((of("growth", "user", "a"), count("growth")), (json!(500.0), 1), "{}", looked.rule("growth"));
    assert_eq!(looked.outcome("no-field"), "indeterminate");
    assert_eq!(looked.outcome("mixed"), "indeterminate", "{}", looked.rule("mixed"));
    for index in [INDEX, MIXED] {
        engine.delete(&format!("/{index}")).await;
    }
}

const LIVE_RULES: &str = r#"
defaults: { schedule: every 1s, query_delay: 1s, no_data: keep }
rules:
  - { id: logins, check: { new_term: { index: trends-live, window: 12s, fields: [user], history: 1d, known_after: 5s } } }
  - { id: versions, check: { change: { index: trends-live, window: 12s, fields: [version], per: [service], within: 1d } } }
"#;

fn login(user: &str, version: &str, at: DateTime<Utc>) -> Value {
    json!({ "@timestamp": at.to_rfc3339(), "user": user, "service": "shop", "version": version })
}

#[tokio::test]
async fn a_restart_neither_repeats_a_new_value_nor_loses_a_change() {
    let Some(engine) = Engine::shared().await else { return };
    make(engine, LIVE, "keyword").await;
    let an_hour_ago = Utc::now() - TimeDelta::hours(1);
    engine.bulk(LIVE, &[login("kim", "1.0", an_hour_ago), login("kim", "1.0", Utc::now())]).await;
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, LIVE_RULES);
    let daemon = home.start().await;

    engine.bulk(LIVE, &[login("lee", "1.0", Utc::now())]).await;
    let fired = receiver.wait_for_story("logins", &["fired warning"], SOON).await;
    assert_eq!(fired[0].entity("user"), "lee");
    // what is not settled when it is killed would be told twice, and rightly
    let deadline = std::time::Instant::now() + SOON;
    while daemon.metric("highwater_outbox_rows", &["sink=\"hook\""]).await > 0.0 {
        assert!(std::time::Instant::now() < deadline, "what was taken is never settled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    daemon.kill9();
    engine.bulk(LIVE, &[login("lee", "1.1", Utc::now())]).await;
    let daemon = home.start().await;

    let fired = receiver.wait_for_story("versions", &["fired warning"], SOON).await;
    let facts = &fired[0].alert["facts"];
    assert_eq!((&facts["before"], &facts["after"]), (&json!("1.0"), &json!("1.1")), "{facts}");
    let mut story = vec!["fired warning", "resolved warning cleared"];
    receiver.wait_for_story("versions", &story, SOON).await;
    receiver.wait_for_story("logins", &story, SOON).await;

    engine.bulk(LIVE, &[login("lee", "1.1", Utc::now()), login("max", "1.1", Utc::now())]).await;
    story.push("fired warning");
    let events = receiver.wait_for_story("logins", &story, SOON).await;
    assert_eq!(events[2].entity("user"), "max", "lee is known");
    assert_eq!(receiver.story("versions"), story[..2]);
    assert_eq!(daemon.stop().await, 0);
    engine.delete(&format!("/{LIVE}")).await;
}

const SLOW: &str = "trends-slow";

const SLOW_RULES: &str = r#"
defaults: { schedule: every 1s, query_delay: 1s, no_data: keep }
rules:
  - { id: slow, levels: { warning: above 3x }, check: { spike: { index: trends-slow, window: 8s, reference: { before: 1h, buckets: 6 }, avg: sent } } }
"#;

#[tokio::test]
async fn a_number_unlike_before_fires_and_recovers_when_it_is_as_before() {
    let Some(engine) = Engine::shared().await else { return };
    make(engine, SLOW, "keyword").await;
    let sent = |sent: i64, at: DateTime<Utc>| json!({ "@timestamp": at.to_rfc3339(), "sent": sent });
    let before = |minutes: i64| sent(100, Utc::now() - TimeDelta::minutes(minutes));
    engine.bulk(SLOW, &[5, 15, 25, 35, 45, 55].map(before)).await;
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, SLOW_RULES);
    let daemon = home.start().await;
    engine.bulk(SLOW, &[sent(900, Utc::now()), sent(1_100, Utc::now())]).await;
    let fired = receiver.wait_for_story("slow", &["fired warning"], SOON).await;
    let facts = &fired[0].alert["facts"];
    assert!((fired[0].value() - 10.0).abs() < 1e-9, "{facts}");
    assert_eq!((&facts["current"], &facts["reference"]), (&json!(1_000.0), &json!(100.0)), "{facts}");
    let usual = async {
        loop {
            engine.bulk(SLOW, &[sent(100, Utc::now())]).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = usual => {}
        _ = receiver.wait_for_story("slow", &["fired warning", "resolved warning cleared"], SOON) => {}
    }
    assert_eq!(daemon.stop().await, 0);
    engine.delete(&format!("/{SLOW}")).await;
}
