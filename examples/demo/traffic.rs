//! Audit documents of a small shop: what every service answered, to whom, and how long it took.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::engine::Engine;

const SERVICES: [(&str, &[&str]); 4] = [
    ("catalogue", &["/products", "/products/4711", "/search?q=kettle"]),
    ("checkout", &["/basket", "/orders", "/payment"]),
    ("accounts", &["/login", "/me", "/me/addresses"]),
    ("shipping", &["/rates", "/parcels/93-2218"]),
];
const USERS: [&str; 6] = ["amara", "bjarne", "chiara", "dmitri", "elif", "freja"];

/// Documents in a second.
pub const PACE: usize = 24;
/// Of a hundred requests to checkout, while its payment provider is away.
const FAILING: u32 = 40;

/// The index that today's requests go to.
pub fn index() -> String {
    format!("http_logs_shop-{}", Utc::now().format("%Y.%m.%d"))
}

pub async fn create(engine: &Engine, index: &str) {
    let mappings = json!({ "properties": {
        "@timestamp": { "type": "date" }, "service": { "type": "keyword" }, "responseCode": { "type": "integer" },
        "method": { "type": "keyword" }, "path": { "type": "keyword" }, "took_ms": { "type": "integer" },
        "user": { "type": "keyword" }, "client": { "type": "ip" },
    }});
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine.put(&format!("/{index}"), json!({ "settings": settings, "mappings": mappings })).await;
}

/// The requests of the last `minutes`; the answer is how many they were.
pub async fn backfill(engine: &Engine, index: &str, minutes: i64) -> usize {
    let (now, all) = (Utc::now(), minutes as usize * 60 * PACE);
    let step = chrono::Duration::milliseconds(1000 / PACE as i64);
    let documents: Vec<Value> = (0..all)
        .map(|n| document(now - step * i32::try_from(n).expect("a small number"), n, false))
        .collect();
    engine.bulk(index, &documents).await;
    all
}

/// Goes on for as long as it is polled.
pub async fn live(engine: &Engine, index: &str, failing: Arc<AtomicBool>) {
    let mut every = tokio::time::interval(Duration::from_millis(500));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut n, mut last) = (0, Utc::now());
    loop {
        every.tick().await;
        let now = Utc::now();
        let count = ((now - last).num_milliseconds().max(0) as usize * PACE / 1000).max(1);
        last = now;
        let failing = failing.load(Ordering::Relaxed);
        let documents: Vec<Value> = (n..n + count).map(|n| document(now, n, failing)).collect();
        n += count;
        engine.bulk(index, &documents).await;
    }
}

fn document(at: DateTime<Utc>, n: usize, failing: bool) -> Value {
    let (service, paths) = SERVICES[n % SERVICES.len()];
    let ill = failing && service == "checkout" && fastrand::u32(0..100) < FAILING;
    let code = match fastrand::u32(0..1000) {
        _ if ill => 502,
        0..3 => 500,
        3..30 => 404,
        30..60 => 302,
        _ => 200,
    };
    json!({
        "@timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "service": service,
        "responseCode": code,
        "method": if fastrand::u32(0..5) == 0 { "POST" } else { "GET" },
        "path": paths[fastrand::usize(0..paths.len())],
        "took_ms": if ill { 3000 + fastrand::u32(0..200) } else { 4 + fastrand::u32(0..90) },
        "user": USERS[fastrand::usize(0..USERS.len())],
        "client": format!("198.51.100.{}", fastrand::u32(1..255)),
    })
}
