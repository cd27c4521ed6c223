//! Messages that were given up, as an operator deals with them beside the running daemon.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    receiver::{Receiver, Reply},
};

const SOON: Duration = Duration::from_secs(60);

fn said(home: &Home, args: &[&str], code: i32) -> String {
    let output = home.command(args).output().expect("the program starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

fn sinks(home: &Home) -> Value {
    let all: Value = serde_json::from_str(&said(home, &["sinks", "--format", "json"], 0)).expect("JSON");
    all["sinks"][0].clone()
}

fn dead(home: &Home) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(&said(home, &["sinks", "dead", "--format", "json"], 0)).expect("JSON");
    all["dead"].as_array().expect("a list").clone()
}

/// How many messages one of highwater's own alerts speaks of; none if there is no such alert.
fn of_own(home: &Home, rule: &str) -> Option<u64> {
    let all: Value = serde_json::from_str(&said(home, &["alerts", "--format", "json"], 0)).expect("JSON");
    let mut open = all["alerts"].as_array().expect("a list").iter();
    open.find(|alert| alert["rule"] == rule).and_then(|alert| alert["value"].as_u64())
}

fn told_of(home: &Home) -> Option<u64> {
    of_own(home, "highwater-dead-letter hook")
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// One rule, and one sink that tells of it.
fn home(double: &Double, receiver: &Receiver) -> Home {
    let settings = json!({
        "clusters": { "main": { "urls": [double.url] } },
        "rules": ["rules"],
        "sinks": { "hook": { "webhook": { "url": receiver.url("/hook") } } },
        "defaults": { "notify": ["hook"], "no_data": "keep", "query_delay": "0s" },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "format": "json" },
    });
    let rules = json!({ "rules": [{
        "id": "r", "check": { "ratio": { "index": "logs", "window": "1m", "numerator": "bad", "per": ["service"] } },
        "schedule": "every 1s", "levels": { "warning": "above 50%" },
    }] });
    Home::new(&settings, &rules.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_given_up_is_listed_sent_after_all_or_put_away_with_a_record() {
    let bad = Arc::new(AtomicBool::new(true));
    let is_bad = bad.clone();
    let double = Double::start(move |_| {
        let n = u64::from(is_bad.load(Ordering::Relaxed));
        vec![Counted::new("a", n, 1), Counted::new("b", n, 1)]
    });
    let (double, receiver) = (double.await, Receiver::start());
    receiver.answer(Reply::Status(400));
    let home = home(&double, &receiver).env("USER", "anna");
    assert_eq!(sinks(&home)["state"], "unused", "before the first start there is nothing to say");
    let daemon = home.start().await;
    until("it is dead", || dead(&home).len() == 1).await;
    until("it is an alert", || told_of(&home) == Some(1)).await;
    let sink = sinks(&home);
    assert_eq!(
        (&sink["kind"], &sink["state"], &sink["dead"]),
        (&json!("webhook"), &json!("failing"), &json!(1))
    );
    assert_eq!(sink["answer"], "answered 400");
    let shown = said(&home, &["sinks", "dead", "hook"], 0);
    assert!(shown.contains("answered 400") && shown.contains("WARNING: r (main)"), "{shown}");

    // the service is mended: what it refused is sent after all, by a daemon that was not told
    receiver.answer(Reply::Ok);
    let id = dead(&home)[0]["id"].as_str().expect("an id").to_owned();
    said(&home, &["sinks", "retry", "hook", "nothing-like-it"], 64);
    said(&home, &["sinks", "retry", "hook"], 64);
    let sent = said(&home, &["sinks", "retry", "hook", &id[..8], "--reason", "the hook was mended"], 0);
    assert!(sent.contains("1 message for hook will be sent again"), "{sent}");
    let taken = Instant::now();
    receiver.wait_for("the letter", SOON, |all| all.iter().any(|one| one.taken())).await;
    assert!(taken.elapsed() < Duration::from_secs(20), "{:?}", taken.elapsed());
    assert_eq!(receiver.story("r"), ["fired warning", "fired warning"]);
    until("it is an alert no more", || told_of(&home).is_none()).await;
    until("it works", || sinks(&home)["state"] == "working").await;
    let deed = &sinks(&home)["deeds"][0];
    assert_eq!((&deed["who"], &deed["deed"]), (&json!("anna"), &json!("retried")));
    assert_eq!(deed["reason"], "the hook was mended");
    assert!(said(&home, &["sinks"], 0).contains("anna retried WARNING: r (main): the hook was mended"));

    receiver.answer(Reply::Status(400));
    bad.store(false, Ordering::Relaxed);
    until("the recovery is dead", || dead(&home).len() == 1).await;
    until("it is an alert again", || told_of(&home) == Some(1)).await;
    said(&home, &["sinks", "drop", "hook", "--all"], 64);
    let gone = said(&home, &["sinks", "drop", "hook", "--all", "--reason", "told by hand"], 0);
    assert!(gone.contains("1 message for hook put away"), "{gone}");
    assert_eq!(dead(&home).len(), 0);
    assert_eq!(sinks(&home)["deeds"][0]["reason"], "told by hand");
    let past = said(&home, &["alerts", "--since", "1h"], 0);
    assert!(past.contains("anna dropped"), "{past}");
    until("nothing is left to tell of", || told_of(&home).is_none()).await;
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_is_not_sent_after_its_alert_has_ended() {
    let bad = Arc::new(AtomicBool::new(true));
    let is_bad = bad.clone();
    let double =
        Double::start(move |_| vec![Counted::new("a", u64::from(is_bad.load(Ordering::Relaxed)), 1)]);
    let (double, receiver) = (double.await, Receiver::start());
    receiver.answer(Reply::Status(400));
    let settings = json!({
        "clusters": { "main": { "urls": [double.url] } },
        "rules": ["rules"],
        "sinks": { "hook": { "webhook": { "url": receiver.url("/hook") } } },
        "defaults": { "notify": ["hook"], "no_data": "keep", "query_delay": "0s" },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "format": "json" },
    });
    let rules = r#"rules: [{ id: r, check: { ratio: { index: logs, window: 1m, numerator: bad } }, schedule: every 1s, levels: { warning: above 50% } }]"#;
    let home = Home::new(&settings, rules);
    let daemon = home.start().await;
    until("it is dead", || dead(&home).len() == 1).await;
    receiver.answer(Reply::Ok);
    bad.store(false, Ordering::Relaxed);
    receiver.wait_for("the recovery", SOON, |all| all.iter().any(|one| one.taken())).await;
    let id = dead(&home)[0]["id"].as_str().expect("an id").to_owned();
    let refused = said(&home, &["sinks", "retry", "hook", &id], 64);
    assert!(refused.contains("--even-if-over"), "{refused}");
    assert!(said(&home, &["sinks", "retry", "hook", "--all"], 0).starts_with("0 messages"));
    assert_eq!(dead(&home).len(), 1);
    said(&home, &["sinks", "retry", "hook", &id, "--even-if-over"], 0);
    until("it is sent", || dead(&home).is_empty() && receiver.story("r").len() == 2).await;
    assert_eq!(daemon.stop().await, 0);
}

const ONE_RULE: &str = "rules: [{ id: r, check: { ratio: { index: logs, window: 1m, numerator: bad } }, schedule: every 1s, levels: { warning: above 50% } }]";

fn with_sink(double: &Double, receiver: &Receiver, sink: &str) -> Value {
    json!({
        "clusters": { "main": { "urls": [double.url] } },
        "rules": ["rules"],
        "sinks": { sink: { "webhook": { "url": receiver.url(&format!("/{sink}")) } } },
        "defaults": { "notify": [sink], "no_data": "keep", "query_delay": "0s" },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "format": "json" },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_for_a_sink_that_is_gone_is_told_until_it_is_put_away() {
    let (double, receiver) = (Double::start(move |_| vec![Counted::new("a", 1, 1)]).await, Receiver::start());
    receiver.answer(Reply::Status(400));
    let settings = |sink: &str| with_sink(&double, &receiver, sink);
    let home = Home::new(&settings("hook"), ONE_RULE);
    let daemon = home.start().await;
    until("it is an alert", || told_of(&home) == Some(1)).await;
    assert_eq!(daemon.stop().await, 0);

    receiver.answer(Reply::Ok);
    home.write_settings(&settings("desk"));
    let daemon = home.start().await;
    until("what is left is told", || of_own(&home, "highwater-sink-gone hook") == Some(1)).await;
    assert_eq!(told_of(&home), None, "that alert ended with its sink");
    let past = said(&home, &["alerts", "--since", "1h"], 0);
    assert!(past.contains("sink removed"), "{past}");
    assert!(said(&home, &["sinks", "dead", "hook"], 0).contains("answered 400"));
    let refused = said(&home, &["sinks", "retry", "hook", "--all"], 64);
    assert!(refused.contains("not in the settings any more"), "{refused}");
    let gone = said(&home, &["sinks", "drop", "hook", "--all", "--reason", "told by hand"], 0);
    assert!(gone.contains("1 message for hook put away"), "{gone}");
    until("nothing is left", || of_own(&home, "highwater-sink-gone hook").is_none()).await;
    receiver
        .wait_for_story("highwater-sink-gone hook", &["fired critical", "resolved critical cleared"], SOON)
        .await;
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_still_waits_for_a_sink_that_is_gone_is_put_away_beside_the_daemon() {
    let (double, receiver) = (Double::start(move |_| vec![Counted::new("a", 1, 1)]).await, Receiver::start());
    receiver.answer(Reply::Status(503));
    let home = Home::new(&with_sink(&double, &receiver, "hook"), ONE_RULE).env("USER", "anna");
    let daemon = home.start().await;
    until("it waits", || sinks(&home)["queued"] == 1).await;
    assert_eq!(daemon.stop().await, 0);

    receiver.answer(Reply::Ok);
    home.write_settings(&with_sink(&double, &receiver, "desk"));
    let daemon = home.start().await;
    until("what is left is told", || of_own(&home, "highwater-sink-gone hook") == Some(1)).await;
    said(&home, &["sinks", "drop", "hoo", "--all", "--reason", "a slip"], 64);
    let gone = said(&home, &["sinks", "drop", "hook", "--all", "--reason", "told by hand"], 0);
    assert!(gone.contains("1 message for hook put away, of which 1 still waited"), "{gone}");
    until("nothing is left", || of_own(&home, "highwater-sink-gone hook").is_none()).await;
    assert!(
        said(&home, &["alerts", "--since", "1h"], 0).contains("anna dropped WARNING: r (main): told by hand")
    );
    said(&home, &["sinks", "drop", "hook", "--all", "--reason", "told by hand"], 64);
    assert_eq!(daemon.stop().await, 0);
}
