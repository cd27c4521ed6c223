//! The whole product on real engines: a daemon with its own settings, rules and store, and a receiver that counts.

mod capacity;
mod documents;
mod health;
mod nodes;
mod recorder;
mod roles;
mod shipped;
mod storage;
mod trust;

use std::{
    ops::Deref,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use crate::support::{
    daemon::Daemon,
    engine::{Engine, Shared, Spec},
};

/// How long news may take that is due at once; a machine under load is slow, not wrong.
pub const SOON: Duration = Duration::from_secs(60);

/// A single node whose whole state belongs to one test at a time.
pub struct Quiet {
    engine: &'static Engine,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Quiet {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        self.engine
    }
}

/// A green node with no index of a user and no setting of a test.
pub async fn quiet() -> Option<Quiet> {
    static ENGINE: Shared = Shared::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let engine = Engine::shared_in(&ENGINE, Spec::one_node()).await?;
    clean(engine).await;
    Some(Quiet { engine, _turn: turn })
}

async fn clean(engine: &Engine) {
    engine.cluster_settings(json!({ "*": null })).await;
    let health = engine.get("/_cluster/health?level=indices").await;
    for index in health["indices"].as_object().into_iter().flatten().map(|(name, _)| name) {
        if !index.starts_with('.') {
            engine.delete(&format!("/{index}")).await;
        }
    }
    engine.wait_for("green").await;
}

/// A secured node that wants a client certificate, with the users of [`roles::USERS`], for one test at a time.
pub async fn secured() -> Option<Quiet> {
    static ENGINE: Shared = Shared::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let engine = Engine::shared_in(&ENGINE, Spec::one_node().secured(roles::security())).await?;
    clean(engine).await;
    Some(Quiet { engine, _turn: turn })
}

/// Requests of the last 25 minutes, ten every ten seconds and none of the last 35; of every ten, so many failed.
pub async fn write_traffic(engine: &Engine, index: &str, failed_of_ten: i64) {
    let properties = json!({ "@timestamp": { "type": "date" }, "responseCode": { "type": "integer" }, "service": { "type": "keyword" } });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine
        .put(&format!("/{index}"), json!({ "settings": settings, "mappings": { "properties": properties } }))
        .await;
    let now = chrono::Utc::now().timestamp_millis();
    let document = |n: i64| {
        let code = if n % 10 < failed_of_ten { 503 } else { 200 };
        json!({ "@timestamp": now - 35_000 - n / 10 * 10_000, "responseCode": code, "service": "checkout" })
    };
    engine.bulk(index, &(0..1500).map(document).collect::<Vec<_>>()).await;
}

/// Waits until the daemon has judged so often since its start; `labels` choose which looks count.
pub async fn looked(daemon: &Daemon, looks: u32, labels: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while daemon.metric("highwater_evaluations_total", labels).await < f64::from(looks) {
        assert!(Instant::now() < deadline, "too few looks of {labels:?}:\n{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same, from now on.
pub async fn more_looks(daemon: &Daemon, looks: u32, labels: &[&str]) {
    let before = daemon.metric("highwater_evaluations_total", labels).await;
    looked(daemon, before as u32 + looks, labels).await;
}

/// A number for the closing note.
pub fn figure(what: &str, took: Duration) {
    eprintln!("figure: {what}: {:.1} s", took.as_secs_f64());
}
