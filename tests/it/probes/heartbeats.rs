//! Signs of life: pings and documents, silence, failure, crashes, and who may knock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{SOON, settings};
use crate::support::{
    daemon::{Daemon, Home},
    double::{Counted, Double},
    receiver::Receiver,
};

async fn knock(daemon: &Daemon, method: &str, path: &str, header: Option<(&str, &str)>) -> u16 {
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let method = method.parse().expect("a method");
    let mut request = client.request(method, format!("{}/v1/heartbeats/{path}", daemon.url()));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_and_failure_fire_and_signs_of_life_outlive_a_crash() {
    let receiver = Receiver::start();
    let rule = |id: &str, check: serde_json::Value| json!({ "id": id, "check": { "heartbeat": check }, "schedule": "every 1s" });
    let rules = json!({ "rules": [
        rule("often", json!({ "name": "often", "every": "2s", "grace": "1s" })),
        rule("daily", json!({ "name": "daily", "every": "1d", "max_run": "2s" })),
    ] });
    let home = Home::new(&settings(&receiver), &rules.to_string());
    let daemon = home.start().await;
    // never heard: not silent for ever
    receiver.wait_for_story("often", &["fired critical"], SOON).await;
    assert_eq!(knock(&daemon, "POST", "often", None).await, 200);
    receiver.wait_for_story("often", &["fired critical", "resolved critical cleared"], SOON).await;

    for (method, path, header, status) in [
        ("GET", "daily", None, 200),
        ("HEAD", "daily", None, 200),
        ("GET", "dayly", None, 404),
        ("PUT", "daily", None, 405),
        ("GET", "daily", Some(("Origin", "https://elsewhere.example")), 403),
        ("GET", "daily", Some(("Sec-Fetch-Site", "cross-site")), 403),
    ] {
        assert_eq!(knock(&daemon, method, path, header).await, status, "{method} {path} {header:?}");
    }
    // a run that does not end
    assert_eq!(knock(&daemon, "POST", "daily/start", None).await, 200);
    let told = receiver.wait_for_story("daily", &["fired critical"], SOON).await;
    assert_eq!(told[0].alert["facts"]["state"], "runs_too_long", "{}", told[0].alert);
    assert_eq!(knock(&daemon, "POST", "daily", None).await, 200);
    receiver.wait_for_story("daily", &["fired critical", "resolved critical cleared"], SOON).await;

    // what was answered with 200 is there after a crash
    assert_eq!(knock(&daemon, "GET", "daily/fail", None).await, 200);
    daemon.kill9();
    let daemon = home.start().await;
    let story = ["fired critical", "resolved critical cleared", "fired critical"];
    let told = receiver.wait_for_story("daily", &story, SOON).await;
    assert_eq!(told[2].alert["facts"]["state"], "failed");
    let beside = home.check(&["daily"]);
    assert_eq!(beside.code, 2, "{}", beside.report);
    assert_eq!(knock(&daemon, "POST", "daily", None).await, 200);
    let story = [&story[..], &["resolved critical cleared"]].concat();
    receiver.wait_for_story("daily", &story, SOON).await;
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_asked_for_where_there_is_one_and_other_machines_need_one() {
    let receiver = Receiver::start();
    let rules = json!({ "rules": [{ "id": "job", "check": { "heartbeat": { "name": "job", "every": "1h" } }, "schedule": "every 1m" }] });
    let mut with_token = settings(&receiver);
    with_token["server"]["heartbeat_token"] = "${env:HEARTBEAT_TOKEN}".into();
    let home = Home::new(&with_token, &rules.to_string()).env("HEARTBEAT_TOKEN", "a-token-of-many-letters");
    let daemon = home.start().await;
    let bearer = Some(("Authorization", "Bearer a-token-of-many-letters"));
    assert_eq!(knock(&daemon, "GET", "job", None).await, 401);
    assert_eq!(knock(&daemon, "GET", "job", Some(("Authorization", "Bearer another"))).await, 401);
    assert_eq!(knock(&daemon, "GET", "job", bearer).await, 200);
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_stops_to_come_fires_and_one_that_comes_again_ends_it() {
    let matching = Arc::new(AtomicU64::new(1));
    let now = matching.clone();
    let double = Double::start(move |_| {
        let total = now.load(Ordering::Relaxed);
        vec![Counted::new("", total, total)]
    });
    let (double, receiver) = (double.await, Receiver::start());
    let rules = json!({ "rules": [{
        "id": "exporter", "schedule": "every 1s", "query_delay": "0s",
        "check": { "heartbeat": { "every": "1m", "from": { "index": "zeebe-record_incident_*", "filter": "canary", "time_field": "timestamp" } } },
    }] });
    let mut settings = settings(&receiver);
    settings["clusters"] = json!({ "main": { "urls": [double.url] } });
    let home = Home::new(&settings, &rules.to_string());
    assert_eq!(home.check(&["exporter"]).code, 0);
    let daemon = home.start().await;
    // of whom there never was a document, nothing is known before it was waited for
    timeout(SOON, async {
        while daemon.metric("highwater_evaluations_total", &["rule=\"exporter\"", "complete"]).await < 1.0 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("a look at a document");
    matching.store(0, Ordering::Relaxed);
    receiver.wait_for_story("exporter", &["fired critical"], SOON).await;
    matching.store(2, Ordering::Relaxed);
    receiver.wait_for_story("exporter", &["fired critical", "resolved critical cleared"], SOON).await;
    assert_eq!(daemon.stop().await, 0);
}
