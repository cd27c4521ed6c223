//! A hundred minutes of a shop and its payments, with everything in them that rules look for. The same in every run.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::engine::Engine;

pub const INDEX: &str = "ea-2026.03.02";
pub const QUIET: &str = "ea-quiet";
/// The hour before is history; rules are run from `START` on, and compared from `COMPARED` on.
pub const START: &str = "2026-03-02T01:00:00Z";
pub const COMPARED: i64 = 25;
pub const MINUTES: i64 = 100;

pub fn start() -> DateTime<Utc> {
    START.parse().unwrap()
}

/// Minutes since the start, and seconds: never within the first second of a minute, in which a look of ElastAlert's that ends
/// on a whole second still counts what comes later.
fn at(minute: i64, second: f64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minute) + TimeDelta::milliseconds((second * 1000.0) as i64)
}

/// A number that is always the same for the same place.
fn chance(n: u64) -> f64 {
    let mut x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Every 7 seconds one document of each service, and what happens beside that.
pub fn all() -> Vec<Value> {
    let mut documents = Vec::new();
    for minute in -60..MINUTES {
        let mut second = 1.5;
        while second < 60.0 {
            for service in ["shop", "pay"] {
                documents.extend(usual(minute, second, service));
            }
            second += if (80..84).contains(&minute) { 1.25 } else { 7.0 };
        }
        documents.extend(unusual(minute));
    }
    documents
}

/// The payments are silent from 55 to 63.
fn usual(minute: i64, second: f64, service: &str) -> Option<Value> {
    if service == "pay" && (55..63).contains(&minute) {
        return None;
    }
    let n = ((minute + 60) * 1_000) as u64 + (second * 10.0) as u64 + u64::from(service == "pay") * 7_000_000;
    let broken = service == "shop" && (45..49).contains(&minute) && chance(n) < 0.6;
    let slow = service == "shop" && (70..75).contains(&minute);
    let took = 80.0 + 40.0 * chance(n + 1) + if slow { 400.0 } else { 0.0 };
    let failed = broken || chance(n + 2) < 0.02;
    let user = format!("u{}", (chance(n + 3) * 5.0) as u64);
    let host = format!("h{}", 1 + (chance(n + 4) * 3.0) as u64);
    Some(document(
        at(minute, second + if service == "pay" { 0.25 } else { 0.0 }),
        &[
            ("service", json!(service)),
            ("user", json!(user)),
            ("version", json!(version(&host, minute))),
            ("host", json!(host)),
            ("outcome", json!(if failed { "failure" } else { "success" })),
            ("status", json!(if broken { 503 } else { 200 })),
            ("took", json!(took.round() as i64)),
            ("path", json!("/cart")),
            ("env", json!("prod")),
        ],
    ))
}

fn version(host: &str, minute: i64) -> &'static str {
    let changed = match host {
        "h1" => 60,
        "h2" => 77,
        _ => i64::MAX,
    };
    if minute >= changed { "1.1" } else { "1.0" }
}

/// Documents that are nothing like the others.
fn unusual(minute: i64) -> Vec<Value> {
    let mut documents = Vec::new();
    let mut add =
        |second: f64, fields: &[(&str, Value)]| documents.push(document(at(minute, second), fields));
    let shop = ("service", json!("shop"));
    match minute {
        // somebody guesses passwords
        30..=33 => {
            for n in 0..12 {
                let user = if n % 3 == 0 { "u2" } else { "u1" };
                add(
                    1.0 + 4.5 * f64::from(n),
                    &[
                        ("service", json!("pay")),
                        ("user", json!(user)),
                        ("outcome", json!("failure")),
                        ("status", json!(401)),
                        ("took", json!(30)),
                        ("host", json!("h3")),
                        ("version", json!("1.0")),
                        ("env", json!("prod")),
                    ],
                );
            }
        }
        40 | 66 => add(
            20.0,
            &[shop.clone(), ("user", json!("root")), ("path", json!("/etc/passwd")), ("took", json!(90))],
        ),
        41 | 43 => {
            for n in 0..3 {
                let root = [("user", json!("root")), ("path", json!("/admin x")), ("took", json!(90))];
                add(5.0 + 10.0 * f64::from(n), &[std::slice::from_ref(&shop), &root[..]].concat());
            }
        }
        // a new user, and many new ones
        50 => add(33.0, &[shop.clone(), ("user", json!("mallory")), ("took", json!(95))]),
        72 => {
            for n in 0..6 {
                add(
                    2.0 + 8.0 * f64::from(n),
                    &[
                        shop.clone(),
                        ("user", json!(format!("x{n}"))),
                        ("took", json!(100)),
                        ("host", json!(format!("y{n}"))),
                    ],
                );
            }
        }
        // an unknown service, and documents without one
        52 => add(10.0, &[("service", json!("spy")), ("took", json!(100)), ("user", json!("u1"))]),
        68 => add(40.0, &[("took", json!(100)), ("user", json!("u2"))]),
        // one that is very slow, and one that is suspiciously fast
        88 => add(15.0, &[shop.clone(), ("took", json!(1_500)), ("user", json!("u3"))]),
        91 => add(45.0, &[shop, ("took", json!(1)), ("user", json!("u4"))]),
        _ => {}
    }
    documents
}

fn document(at: DateTime<Utc>, fields: &[(&str, Value)]) -> Value {
    let mut document = json!({ "@timestamp": at.to_rfc3339() });
    for (name, value) in fields {
        document[*name] = value.clone();
    }
    document
}

/// Another index, which is silent from 50 to 65.
fn quiet() -> Vec<Value> {
    let minutes = (0..MINUTES).filter(|minute| !(50..65).contains(minute));
    minutes.map(|minute| document(at(minute, 30.5), &[("took", json!(1))])).collect()
}

pub async fn write(engine: &Engine) {
    remove(engine).await;
    let keyword = json!({ "type": "keyword" });
    let mut properties =
        json!({ "@timestamp": { "type": "date" }, "took": { "type": "long" }, "status": { "type": "long" } });
    for name in ["service", "user", "host", "outcome", "path", "env", "version"] {
        properties[name] = keyword.clone();
    }
    let body = json!({ "settings": { "number_of_shards": 1, "number_of_replicas": 0 }, "mappings": { "properties": properties } });
    for (index, documents) in [(INDEX, all()), (QUIET, quiet())] {
        engine.put(&format!("/{index}"), body.clone()).await;
        engine.bulk(index, &documents).await;
    }
}

pub async fn remove(engine: &Engine) {
    for index in [INDEX, QUIET] {
        engine.request("DELETE", &format!("/{index}?ignore_unavailable=true"), None).await;
    }
}
