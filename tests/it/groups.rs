//! A hundred thousand groups of one rule on a real engine: all of them, page by page, in bounded memory.

use std::{
    fs,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    daemon::{Home, settings},
    engine::Engine,
    receiver::Receiver,
};

const SOON: Duration = Duration::from_secs(120);
const USERS: usize = 100_000;

/// Two users write more than one document.
async fn write(engine: &Engine, index: &str) {
    let properties = json!({ "@timestamp": { "type": "date" }, "user": { "type": "keyword" } });
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0 });
    let body = json!({ "settings": settings, "mappings": { "properties": properties } });
    engine.put(&format!("/{index}"), body).await;
    let at = (Utc::now() - TimeDelta::minutes(1)).timestamp_millis();
    let line =
        |user: usize| format!("{{\"create\":{{}}}}\n{{\"@timestamp\":{at},\"user\":\"user-{user:06}\"}}\n");
    let users: Vec<usize> = (0..USERS).chain([777, 777, 99_999]).collect();
    for part in users.chunks(25_000) {
        let lines = Value::String(part.iter().copied().map(line).collect());
        let answer = engine.post(&format!("/{index}/_bulk?filter_path=errors"), lines).await;
        assert_eq!(answer["errors"], false);
    }
    engine.request("POST", &format!("/{index}/_refresh"), None).await;
}

fn rule(index: &str) -> String {
    let check = json!({ "count": { "index": index, "window": "30m", "per": ["user"] } });
    let rule = json!({ "id": "users", "check": check, "schedule": "every 1m", "no_data": "keep", "levels": { "warning": "above 1", "critical": "above 2" } });
    json!({ "rules": [rule] }).to_string()
}

/// The most memory that a process has held, in MiB.
fn peak(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[tokio::test]
async fn every_one_of_a_hundred_thousand_groups_is_judged_and_one_more_than_allowed_is_none() {
    let Some(engine) = Engine::shared().await else { return };
    write(engine, "groups-many").await;
    let receiver = Receiver::start();
    let mut settings = settings(&engine.urls(), &receiver);
    settings["clusters"]["main"]["timeout"] = json!("60s");
    settings["clusters"]["main"]["max_groups"] = json!(USERS);
    let home = Home::new(&settings, &rule("groups-many"));
    let (daemon, started) = (home.start().await, Instant::now());
    receiver.wait_for("two alerts", SOON, |_| receiver.events("users").len() >= 2).await;
    let (took, peak) = (started.elapsed(), peak(daemon.pid()));
    eprintln!("{USERS} groups: {took:?}, {peak:.0} MiB at the peak");
    let mut told: Vec<String> = receiver
        .events("users")
        .iter()
        .map(|event| format!("{} {} {}", event.entity("user"), event.words(), event.value()))
        .collect();
    told.sort();
    assert_eq!(told, ["user-000777 fired critical 3", "user-099999 fired warning 2"]);
    assert!(peak < 600.0, "{peak} MiB for {USERS} groups");
    assert_eq!(daemon.stop().await, 0);

    settings["clusters"]["main"]["max_groups"] = json!(USERS - 1);
    home.write_settings(&settings);
    let checked = home.check(&["users"]);
    assert_eq!((checked.code, checked.outcome("users")), (3, "indeterminate"));
    assert!(checked.reason("users").contains("more than 99999 groups"), "{}", checked.reason("users"));
    engine.delete("/groups-many").await;
}
