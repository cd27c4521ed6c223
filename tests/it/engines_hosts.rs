//! Hosts on a real engine, from documents as Metricbeat writes them: who is judged, and when it opens, closes and falls silent.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{daemon::Home, engine::Engine, receiver::Receiver};

const SOON: Duration = Duration::from_secs(60);

/// One event of the module `system`; `set` is like `load`, `numbers` what is below `system.load`.
fn event(host: &str, at: DateTime<Utc>, set: &str, numbers: &Value) -> Value {
    json!({
        "@timestamp": at.to_rfc3339(),
        "agent": { "type": "metricbeat", "version": "8.15.0", "name": host, "id": "3f0c9e9e" },
        "ecs": { "version": "8.0.0" },
        "event": { "dataset": format!("system.{set}"), "module": "system", "duration": 412_000 },
        "host": { "name": host, "hostname": host, "os": { "type": "linux", "platform": "debian" } },
        "metricset": { "name": set, "period": 10_000 },
        "service": { "type": "system" },
        "system": { set: numbers },
    })
}

fn load(host: &str, at: DateTime<Utc>, one: f64) -> Value {
    let norm = json!({ "1": one / 4.0, "5": one / 4.0, "15": one / 4.0 });
    event(host, at, "load", &json!({ "1": one, "5": one, "15": one, "cores": 4, "norm": norm }))
}

fn memory(host: &str, at: DateTime<Utc>, used: f64) -> Value {
    let actual = json!({ "free": 1_u64 << 30, "used": { "bytes": 7_u64 << 30, "pct": used } });
    event(host, at, "memory", &json!({ "total": 8_u64 << 30, "used": { "pct": 0.99 }, "actual": actual }))
}

fn disk(host: &str, at: DateTime<Utc>, (mount, kind): (&str, &str), used: f64) -> Value {
    let bytes = json!({ "bytes": 80_u64 << 30, "pct": used });
    let numbers = json!({ "mount_point": mount, "type": kind, "device_name": "/dev/sda1", "total": 100_u64 << 30, "used": bytes });
    event(host, at, "filesystem", &numbers)
}

async fn create(engine: &Engine, index: &str) {
    // numbers come as 32 bits, as in an index that nobody made a template for
    let strings = json!({ "strings": { "match_mapping_type": "string", "mapping": { "type": "keyword" } } });
    let mappings =
        json!({ "dynamic_templates": [strings], "properties": { "@timestamp": { "type": "date" } } });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine.put(&format!("/{index}"), json!({ "settings": settings, "mappings": mappings })).await;
}

const RULES: &str = r#"
defaults: { schedule: every 30s }
rules:
  - { id: load, check: { host_load: { index: metricbeat-hosts-test, threads_per_core: 2 } } }
  - { id: memory, check: { host_memory: { index: metricbeat-hosts-test } } }
  - { id: disk, check: { host_disk: { index: metricbeat-hosts-test } } }
  - { id: elsewhere, check: { host_memory: { index: metricbeat-hosts-test, field: system.memory.no_such } } }
  - { id: containers, check: { host_memory: { index: metricbeat-hosts-test, container_fields: [] } } }
"#;

/// Seven minutes of a few hosts, a sample every ten seconds.
fn fleet(now: DateTime<Utc>) -> Vec<Value> {
    let mut documents = Vec::new();
    for step in 0..42 {
        let at = now - TimeDelta::seconds(step * 10 + 2);
        // one peak, four minutes ago
        documents.push(load("web-1", at, if step == 24 { 4.2 } else { 0.5 }));
        documents.push(load("web-2", at, 4.0));
        documents.push(memory("web-1", at, 0.6));
        documents.push(memory("web-2", at, 0.9));
        documents.push(memory("web-3", at + TimeDelta::hours(2), 0.95));
        let mut container = memory("web-1", at, 0.97);
        container["container"] = json!({ "id": "4ab1", "runtime": "containerd" });
        documents.push(container);
        documents.push(disk("db-1", at, ("/data", "ext4"), 0.85));
        documents.push(disk("db-1", at, ("/", "ext4"), if step == 12 { 0.8 } else { 0.85 }));
        documents.push(disk("db-1", at, ("/snap/core", "squashfs"), 1.0));
    }
    documents
}

#[tokio::test]
async fn each_host_is_judged_by_its_own_samples_and_by_no_containers() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, "metricbeat-hosts-test").await;
    engine.bulk("metricbeat-hosts-test", &fleet(Utc::now())).await;
    let looked = Home::of(engine, &Receiver::start(), RULES).check(&[]);
    let level = |rule: &str, label: &str, value: &str| looked.alert(rule, label, value)["level"].clone();
    assert_eq!(level("load", "host", "web-1"), "warning", "one peak opens it: {}", looked.report);
    assert_eq!(looked.alert("load", "host", "web-1")["value"], 2.1);
    assert_eq!(level("load", "host", "web-2"), Value::Null, "exactly 2.0 is not above");
    assert_eq!(level("memory", "host", "web-1"), Value::Null, "its container is not the host");
    assert_eq!(level("memory", "host", "web-2"), Value::Null, "90 % is not above, in 32 bits either");
    assert_eq!(level("containers", "host", "web-1"), "warning", "{}", looked.rule("containers"));
    let ahead = looked.alert("memory", "host", "web-3");
    assert!(ahead["reason"].as_str().unwrap().starts_with("the clock of web-3 is ahead"), "{ahead}");
    assert_eq!(level("disk", "mount", "/data"), "warning", "{}", looked.rule("disk"));
    assert_eq!(level("disk", "mount", "/"), Value::Null, "one sample that is not above");
    assert_eq!(looked.rule("disk")["alerts"].as_array().unwrap().len(), 2, "no image that is full for ever");
    assert_eq!(looked.outcome("elsewhere"), "indeterminate");
    assert!(
        looked.reason("elsewhere").contains("has `system.memory.no_such`"),
        "{}",
        looked.reason("elsewhere")
    );
    engine.delete("/metricbeat-hosts-test").await;
}

const LIVE: &str = r#"
defaults: { schedule: every 1s, query_delay: 1s }
rules:
  - { id: memory, check: { host_memory: { index: metricbeat-hosts-live, window: 6s, min_samples: 3 } } }
  - { id: disk, check: { host_disk: { index: metricbeat-hosts-live, window: 6s, min_samples: 3 } }, absent: resolve }
"#;

/// What the host sends at present.
struct Host {
    memory: AtomicU32,
    disk: AtomicU32,
    sends: AtomicBool,
}

impl Host {
    /// Two samples a second, beside those of another host that is always well.
    async fn run(&self, engine: &Engine) {
        loop {
            let now = Utc::now();
            let share = |of: &AtomicU32| f64::from(of.load(Ordering::Relaxed)) / 100.0;
            let mut events = vec![memory("web-2", now, 0.5), disk("web-2", now, ("/", "ext4"), 0.5)];
            if self.sends.load(Ordering::Relaxed) {
                events.push(memory("web-1", now, share(&self.memory)));
                events.push(disk("web-1", now, ("/", "ext4"), share(&self.disk)));
            }
            engine.bulk("metricbeat-hosts-live", &events).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn tell(&self, receiver: &Receiver) {
        let set = |of: &AtomicU32, percent| of.store(percent, Ordering::Relaxed);
        receiver.wait_for_story("disk", &["fired warning"], SOON).await;
        set(&self.disk, 80);
        receiver.wait_for_story("disk", &["fired warning", "resolved warning cleared"], SOON).await;
        set(&self.memory, 91);
        receiver.wait_for_story("memory", &["fired warning"], SOON).await;
        set(&self.memory, 60);
        let over = ["fired warning", "resolved warning cleared"];
        receiver.wait_for_story("memory", &over, SOON).await;
        self.sends.store(false, Ordering::Relaxed);
        let silent = [over[0], over[1], "fired warning"];
        let told = receiver.wait_for_story("memory", &silent, SOON).await;
        assert_eq!((told[2].entity("host"), &told[2].alert["value"]), ("web-1", &Value::Null));
        let cause = told[2].alert["cause"].as_str().unwrap();
        assert!(cause.starts_with("no sample of web-1 in `metricbeat-hosts-live` for 6s"), "{cause}");
    }
}

#[tokio::test]
async fn a_host_opens_closes_and_falls_silent_as_its_kinds_have_it() {
    let Some(engine) = Engine::shared().await else { return };
    create(engine, "metricbeat-hosts-live").await;
    let host = Host { memory: AtomicU32::new(60), disk: AtomicU32::new(85), sends: AtomicBool::new(true) };
    let receiver = Receiver::start();
    let home = Home::of(engine, &receiver, LIVE);
    engine
        .bulk(
            "metricbeat-hosts-live",
            &[memory("web-2", Utc::now(), 0.5), disk("web-2", Utc::now(), ("/", "ext4"), 0.5)],
        )
        .await;
    let daemon = home.start().await;
    tokio::select! {
        () = host.run(engine) => {}
        () = host.tell(&receiver) => {}
    }
    assert_eq!(daemon.stop().await, 0);
    engine.delete("/metricbeat-hosts-live").await;
}
