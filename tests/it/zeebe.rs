//! Incidents of a real Zeebe broker, through its own exporter: firing, a resolve that fails, recovering; and each told once.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{
    daemon::{Daemon, Home},
    engine::Engine,
    not_run::or_not_run,
    receiver::{Event, Receiver},
    zeebe::Zeebe,
};

const PATIENCE: Duration = Duration::from_secs(240);

const RULES: &str = r#"
rules:
  - id: open
    summary: Incidents are open
    check: { zeebe_incidents: { index: "zeebe-record_incident_*", hold: 2s } }
    schedule: every 1s
    notify: [hook]
  - id: raised
    summary: An incident was raised
    message: "{{ facts.value.bpmnProcessId }}: {{ facts.value.errorMessage }}"
    check:
      documents:
        index: "zeebe-record_incident_*"
        time_field: timestamp
        sequence: { field: sequence, partition: partitionId }
        filter: { term: { intent: CREATED } }
        from: beginning
    schedule: every 1s
    blind: { after: 1h }
    notify: [hook]
  - id: canary
    summary: The canary in Zeebe is silent
    check: { heartbeat: { from: { index: "zeebe-record_incident_*", time_field: timestamp, filter: { term: { intent: CREATED } } }, every: 6s, grace: 4s } }
    schedule: every 1s
    levels: { critical: down }
    blind: { after: 1h }
    flapping: off
    notify: [hook]
"#;

async fn raised(receiver: &Receiver, count: usize) -> Vec<Event> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let events = receiver.events("raised");
        if events.len() >= count {
            return events;
        }
        assert!(Instant::now() < deadline, "{:?}", receiver.whole_story());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// So many looks more at what is open.
async fn looks(daemon: &Daemon, more: f64) {
    let looked = || daemon.metric("highwater_evaluations_total", &["rule=\"open\"", "outcome=\"complete\""]);
    let (until, deadline) = (looked().await + more, Instant::now() + PATIENCE);
    while looked().await < until {
        assert!(Instant::now() < deadline, "{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn key(event: &Event) -> i64 {
    event.alert["facts"]["key"].as_i64().unwrap()
}

/// A process that raises an incident every few seconds proves that the exporter writes: it is cut off, and the silence fires.
async fn canary_falls_silent(receiver: &Receiver, zeebe: &mut Zeebe) {
    let fires = || receiver.story("canary").last().is_some_and(|last| last.starts_with("fired"));
    let deadline = Instant::now() + PATIENCE;
    let known = receiver.events("raised").len();
    zeebe.order();
    raised(receiver, known + 1).await;
    while fires() {
        assert!(Instant::now() < deadline, "{:?}", receiver.whole_story());
        zeebe.order();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    zeebe.kill();
    while !fires() {
        assert!(Instant::now() < deadline, "{:?}", receiver.whole_story());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What was told of the open incidents of one process: `pack: fired warning`.
fn told(receiver: &Receiver, process: &str) -> Vec<String> {
    let events = receiver.events("open").into_iter();
    let of_it = events.filter(|event| event.entity("bpmnProcessId") == process);
    let mut told: Vec<String> =
        of_it.map(|event| format!("{}: {}", event.entity("elementId"), event.words())).collect();
    // of two elements of one look, either may be told first
    told.sort();
    told
}

async fn until_told(receiver: &Receiver, process: &str, words: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    while told(receiver, process) != words {
        assert!(Instant::now() < deadline, "{process}: {:?}", told(receiver, process));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An instance with an open incident goes on as one of the process's next version, and then of another process.
async fn is_migrated_with_its_incident(receiver: &Receiver, zeebe: &Zeebe, daemon: &Daemon) {
    zeebe.deploy_task("parcel", "pack");
    let parcel = zeebe.begin("parcel");
    zeebe.fail_task("parcel");
    until_told(receiver, "parcel", &["pack: fired warning"]).await;
    let known = receiver.events("raised").len();
    let next = zeebe.deploy_task("parcel", "wrap");
    zeebe.migrate(parcel, next, ("pack", "wrap")).await;
    let both = ["pack: fired warning", "pack: resolved warning cleared", "wrap: fired warning"];
    until_told(receiver, "parcel", &both).await;
    let freight = zeebe.deploy_task("freight", "load");
    zeebe.migrate(parcel, freight, ("wrap", "load")).await;
    until_told(receiver, "freight", &["load: fired warning"]).await;
    looks(daemon, 5.0).await;
    assert_eq!(told(receiver, "freight"), ["load: fired warning"], "it stays open");
    let now = receiver.events("open").into_iter().find(|event| event.entity("elementId") == "load").unwrap();
    assert_eq!(now.value(), 1.0, "and is counted once");
    assert_eq!(told(receiver, "parcel").last().unwrap(), "wrap: resolved warning cleared");
    assert_eq!(receiver.events("raised").len(), known, "it is no new incident");
    zeebe.cancel(parcel);
    until_told(receiver, "freight", &["load: fired warning", "load: resolved warning cleared"]).await;
}

#[tokio::test]
async fn an_incident_fires_a_resolve_that_fails_is_no_recovery_and_one_that_works_is() {
    let Some(engine) = Engine::shared().await else { return };
    let Some(mut zeebe) = or_not_run(Zeebe::start(engine).await) else { return };
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, RULES);
    let daemon = home.start().await;
    let first = zeebe.order();
    let events = raised(&receiver, 1).await;
    let fired = receiver.wait_for_story("open", &["fired warning"], PATIENCE).await.remove(0);
    assert_eq!((fired.entity("bpmnProcessId"), fired.entity("elementId")), ("order", "paid"));
    assert_eq!((fired.entity("errorType"), fired.entity("tenantId")), ("EXTRACT_VALUE_ERROR", "<default>"));
    assert_eq!(fired.value(), 1.0);
    // nothing is mended, so Zeebe resolves it and raises another at once
    zeebe.resolve(key(&events[0]));
    let events = raised(&receiver, 2).await;
    assert_eq!(
        events[0].alert["facts"]["value"]["elementInstanceKey"],
        events[1].alert["facts"]["value"]["elementInstanceKey"]
    );
    // long enough for whatever was held to be believed
    let second = zeebe.order();
    let events = raised(&receiver, 3).await;
    looks(&daemon, 5.0).await;
    assert_eq!(receiver.story("open"), ["fired warning"], "a resolve that fails is no recovery");
    zeebe.set_amount(first);
    zeebe.resolve(key(&events[1]));
    zeebe.cancel(second);
    receiver.wait_for_story("open", &["fired warning", "resolved warning cleared"], PATIENCE).await;
    assert_eq!(receiver.story("raised"), ["happened info"; 3], "each incident was told once");
    let message: &Value = &receiver.events("raised")[0].alert["message"];
    assert!(
        message.as_str().unwrap().starts_with("order: Expected result of the expression 'amount > 10'"),
        "{message}"
    );
    is_migrated_with_its_incident(&receiver, &zeebe, &daemon).await;
    canary_falls_silent(&receiver, &mut zeebe).await;
    assert_eq!(daemon.stop().await, 0);
    drop(zeebe);
    for index in engine.get("/_cat/indices/zeebe-record*?format=json&h=index").await.as_array().unwrap() {
        engine.delete(&format!("/{}", index["index"].as_str().unwrap())).await;
    }
}
