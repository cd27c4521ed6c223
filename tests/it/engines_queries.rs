//! Searches and queries in the author's own words on a real engine: right numbers, and nothing that was cut off in silence.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    daemon::{Home, settings},
    engine::Engine,
    receiver::Receiver,
};

const SOON: Duration = Duration::from_secs(60);

const RULES: &str = r#"
defaults: { schedule: every 1m, no_data: keep }
rules:
  - id: users
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 10m, body: { query: { term: { outcome: failure } }, aggs: { users: { terms: { field: user, size: 20 }, aggs: { took: { max: { field: took } } } } } }, groups: /aggregations/users/buckets, per: { user: /key }, value: /took/value } }
  - id: total
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 10m, body: { query: { term: { outcome: failure } } }, value: /hits/total/value } }
  - id: cut
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 10m, body: { aggs: { users: { terms: { field: user, size: 3 } } } }, groups: /aggregations/users/buckets, per: { user: /key }, value: /doc_count } }
  - id: page
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 10m, body: { aggs: { users: { composite: { sources: [{ user: { terms: { field: user } } }] } } } }, groups: /aggregations/users/buckets, per: { user: /key/user }, value: /doc_count } }
  - id: quiet
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 1s, body: { aggs: { x: { value_count: { field: took } } } }, value: /aggregations/x/value } }
  - id: no-field
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 10m, time_field: no_such, body: {}, value: /hits/total/value } }
  - id: refused
    levels: { info: at least 0 }
    check: { search: { index: queries-test, window: 10m, body: { query: { no_such_query: {} } }, value: /hits/total/value } }
  - id: esql
    levels: { info: at least 0 }
    check: { esql: { query: "FROM queries-test | STATS n = COUNT(*) BY user", window: 10m, value: n, per: [user] } }
  - id: esql-no-field
    levels: { info: at least 0 }
    check: { esql: { query: "FROM queries-test | STATS n = COUNT(*)", window: 10m, time_field: no_such, value: n } }
"#;

/// 1,200 documents of twelve users over two minutes, every fourth a failure; `took` counts them.
fn documents() -> Vec<Value> {
    let start = Utc::now() - TimeDelta::minutes(5);
    let document = |n: i64| {
        let at = start + TimeDelta::milliseconds(n * 100);
        let outcome = if n % 4 == 0 { "failure" } else { "success" };
        json!({ "@timestamp": at.to_rfc3339(), "user": format!("u{}", n % 12), "outcome": outcome, "took": n })
    };
    (1..=1_200).map(document).collect()
}

async fn create(engine: &Engine, index: &str) {
    let keyword = json!({ "type": "keyword" });
    let properties = json!({ "@timestamp": { "type": "date" }, "user": keyword, "outcome": keyword, "took": { "type": "long" } });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine
        .put(&format!("/{index}"), json!({ "settings": settings, "mappings": { "properties": properties } }))
        .await;
}

#[tokio::test]
async fn what_is_asked_is_what_was_written_and_what_is_cut_off_is_named() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, "queries-test").await;
    engine.bulk("queries-test", &documents()).await;
    let home = Home::of(engine, &Receiver::start(), RULES);
    let looked = home.check(&[]);
    let value = |rule: &str| looked.rule(rule)["alerts"][0]["value"].clone();
    let count = |rule: &str| looked.rule(rule)["alerts"].as_array().unwrap().len();
    let said = |rule: &str, words: &str| {
        assert_eq!(looked.outcome(rule), "indeterminate", "{}", looked.rule(rule));
        assert!(looked.reason(rule).contains(words), "{rule}: {}", looked.reason(rule));
    };
    assert_eq!(looked.alert("users", "user", "u0")["value"], 1_200, "{}", looked.report);
    assert_eq!(count("users"), 3);
    assert_eq!(value("total"), 300);
    said("cut", "the terms of `users` were cut off: 900 documents are in none of them");
    said("page", "`users` brought a full page of 10 groups");
    assert_eq!(looked.outcome("quiet"), "no_data", "no documents are no zero");
    said("no-field", "no index of `queries-test` has `no_such`");
    said("refused", "no_such_query");
    // none of the engines that registries have comes with ES|QL: its tables are read at the wire
    assert_eq!(looked.outcome("esql"), "not_applicable", "{}", looked.rule("esql"));
    assert!(looked.reason("esql").starts_with("this cluster has no ES|QL; it comes with Elasticsearch 8.11"));
    said("esql-no-field", "no index of `queries-test` has `no_such`");
    engine.delete("/queries-test").await;
}

const LIVE: &str = r#"
defaults: { schedule: every 1s, query_delay: 1s, no_data: keep }
rules:
  - { id: search, levels: { warning: above 10 }, check: { search: { index: queries-live, window: 8s, body: { query: { term: { outcome: failure } } }, value: /hits/total/value } } }
"#;

/// Writes failures, twice a second.
async fn fail(engine: &Engine) {
    loop {
        let failure =
            json!({ "@timestamp": Utc::now().to_rfc3339(), "user": "kim", "outcome": "failure", "took": 1 });
        engine.bulk("queries-live", &vec![failure; 11]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_search_fires_and_recovers() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, "queries-live").await;
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, LIVE);
    let daemon = home.start().await;
    tokio::select! {
        () = fail(engine) => {}
        told = receiver.wait_for_story("search", &["fired warning"], SOON) => assert!(told[0].value() >= 11.0),
    }
    receiver.wait_for_story("search", &["fired warning", "resolved warning cleared"], SOON).await;
    assert_eq!(daemon.stop().await, 0);
    engine.delete("/queries-live").await;
}

#[test]
fn a_script_is_refused_until_its_cluster_allows_it() {
    const SCRIPTED: &str = "rules: [{ id: a, schedule: every 1m, no_data: keep, levels: { info: above 1 }, check: { search: { index: a, window: 1m, body: { query: { bool: { filter: [{ script: { script: '1' } }] } } }, value: /hits/total/value } } }]";
    let receiver = Receiver::start();
    let mut settings = settings(&["http://127.0.0.1:1".to_owned()], &receiver);
    let home = Home::new(&settings, SCRIPTED);
    let refused = home.command(&["validate"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    let said = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(said.contains("write `allow_scripts: true` into `clusters.main` of the settings"), "{said}");
    settings["clusters"]["main"]["allow_scripts"] = json!(true);
    home.write_settings(&settings);
    let allowed = home.command(&["validate"]).output().unwrap();
    assert!(allowed.status.success(), "{}", String::from_utf8_lossy(&allowed.stderr));
}
