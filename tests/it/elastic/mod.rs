//! The door to Elasticsearch at the wire: a server whose every byte is ours, and real engines.

mod complete;
mod cut;
mod failover;
mod fixtures;
mod merging;
mod on_engine;
mod own_words;
mod paging;
mod secure;
mod travel;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use highwater::{
    clock::Clock,
    config::settings::{Auth, Cluster, Tls},
    elastic::{Elastic, Resolve},
    model::{
        Reason, Time, Window,
        filter::Filter,
        query::{Call, Metric, Proof, Query, Response, Search, SearchAnswer},
        secret::{Part, Secret},
    },
};
use serde_json::{Value, json};

use crate::support::wire::{Seen, json as reply};

pub fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

/// Settings with short deadlines.
pub fn settings(urls: &[String]) -> Cluster {
    Cluster {
        name: "main".to_owned(),
        urls: urls.to_vec(),
        auth: Auth::None,
        tls: Tls::default(),
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(2),
        max_batch: 250,
        max_in_flight: 5,
        max_response: 64 << 20,
        max_groups: 10_000,
        allow_scripts: false,
        proxy: None,
    }
}

/// Literals and files.
pub fn resolve() -> Resolve {
    Arc::new(|secret: &Secret| {
        let read = |part: &Part| match part {
            Part::Literal(text) => Ok(text.clone()),
            Part::File(path) => {
                std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))
            }
            Part::Env(name) => Err(format!("`{name}` is not set")),
        };
        secret.parts.iter().map(read).collect()
    })
}

pub fn door(cluster: &Cluster) -> Elastic {
    rustls::crypto::ring::default_provider().install_default().ok();
    Elastic::new(cluster, Clock::system(), &resolve()).unwrap()
}

pub fn door_to(url: &str) -> Elastic {
    door(&settings(&[url.to_owned()]))
}

pub async fn ask(door: &Elastic, query: Query) -> Result<Response, Reason> {
    let mut answers = door.ask(at(0), &[query]).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

pub async fn ask_search(door: &Elastic, search: Search) -> Result<SearchAnswer, Reason> {
    Ok(ask(door, Query::search(search)).await?.found().unwrap().clone())
}

pub fn health() -> Query {
    Query::call(Call::get("/_cluster/health", Proof::Whole))
}

/// The ratio of the shipped rule.
pub fn ratio() -> Search {
    Search {
        index: "http_logs_*".to_owned(),
        time_field: "@timestamp".to_owned(),
        window: Window::ending(at(0), Duration::from_secs(900)),
        filter: None,
        counts: BTreeMap::from([("matching".to_owned(), Filter::lucene("responseCode:[500 TO *]"))]),
        metrics: BTreeMap::from([("newest".to_owned(), Metric::Max("@timestamp".to_owned()))]),
        per: Vec::new(),
    }
}

pub fn ratio_per(field: &str) -> Search {
    Search { per: vec![field.to_owned()], ..ratio() }
}

pub fn bare() -> Search {
    Search { counts: BTreeMap::new(), metrics: BTreeMap::new(), ..ratio() }
}

/// A complete answer to [`ratio`], [`ratio_per`] and [`bare`].
pub fn good_item(search: &Search, total: u64, matching: u64) -> Value {
    let numbers = json!({ "c0": { "doc_count": matching }, "m0": { "value": 1_699_999_990_000_u64 } });
    let mut item = json!({
        "took": 3,
        "timed_out": false,
        "_shards": { "total": 7, "successful": 7, "skipped": 2, "failed": 0 },
        "hits": { "total": { "value": total, "relation": "eq" }, "max_score": null, "hits": [] },
        "status": 200,
    });
    if !search.per.is_empty() {
        let mut bucket = numbers;
        bucket["key"] = json!({ "p0": "shop" });
        bucket["doc_count"] = json!(total);
        item["aggregations"] = json!({ "groups": { "buckets": [bucket] } });
    } else if !search.counts.is_empty() {
        item["aggregations"] = numbers;
    }
    item
}

pub fn batch(items: &[Value]) -> Vec<u8> {
    reply(200, &json!({ "took": 3, "responses": items }))
}

/// Header and body of every search of a batch.
pub fn searches(seen: &Seen) -> Vec<(Value, Value)> {
    let lines: Vec<Value> = seen.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len().is_multiple_of(2), "an odd number of lines");
    lines.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// What a field_caps request is told: the field is there.
pub fn caps() -> Vec<u8> {
    reply(200, &json!({ "indices": ["http_logs_1"], "fields": { "@timestamp": { "date": {} } } }))
}
