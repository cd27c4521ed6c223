//! A double of Elasticsearch for what no real one can be asked to do a thousand times: it is always green, and answers
//! grouped searches from a script over the window that they ask about.
//!
//! ```ignore
//! let double = Double::start(|asked| vec![Counted::new("checkout", 30, 100)]).await;
//! ```

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// One search of a batch.
#[derive(Debug)]
pub struct Asked {
    pub index: String,
    /// The end of its window, in milliseconds.
    pub end: i64,
}

/// What one group counts.
#[derive(Debug, Clone)]
pub struct Counted {
    pub group: String,
    pub matching: u64,
    pub total: u64,
}

impl Counted {
    pub fn new(group: impl Into<String>, matching: u64, total: u64) -> Counted {
        Counted { group: group.into(), matching, total }
    }
}

type Script = dyn Fn(&Asked) -> Vec<Counted> + Send + Sync;

/// The double; it is gone when dropped.
#[derive(Debug)]
pub struct Double {
    pub url: String,
    counters: Arc<Counters>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counters {
    searches: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    counters: Arc<Counters>,
    pause: Duration,
}

impl Double {
    /// Answers with what `script` counts, in the order of the groups' names.
    pub async fn start(script: impl Fn(&Asked) -> Vec<Counted> + Send + Sync + 'static) -> Double {
        Double::start_slow(Duration::ZERO, script).await
    }

    /// The same, each answer taking so long.
    pub async fn start_slow(
        pause: Duration,
        script: impl Fn(&Asked) -> Vec<Counted> + Send + Sync + 'static,
    ) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let counters = Arc::new(Counters::default());
        let shared = Shared { script: Arc::new(script), counters: counters.clone(), pause };
        let app = Router::new()
            .route("/_cluster/health", get(health))
            .route("/_msearch", get(searches).post(searches))
            .route("/{index}/_field_caps", get(field_caps))
            .with_state(shared);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("a double") });
        Double { url, counters, serving }
    }

    /// Searches answered so far.
    pub fn searches(&self) -> usize {
        self.counters.searches.load(Ordering::Relaxed)
    }

    /// The most requests that were open at one time.
    pub fn most_in_flight(&self) -> usize {
        self.counters.most_in_flight.load(Ordering::Relaxed)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn health(State(shared): State<Shared>) -> Json<Value> {
    let _open = shared.open().await;
    Json(json!({
        "cluster_name": "double", "status": "green", "timed_out": false, "number_of_nodes": 1,
        "number_of_data_nodes": 1, "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0,
        "initializing_shards": 0, "unassigned_shards": 0, "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }))
}

/// Every field that is asked about is there, as a date.
async fn field_caps(Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let field = asked.get("fields").expect("a field");
    let date = json!({ "type": "date", "metadata_field": false, "searchable": true, "aggregatable": true });
    Json(json!({ "indices": ["an-index"], "fields": { field: { "date": date } } }))
}

async fn searches(State(shared): State<Shared>, body: String) -> Json<Value> {
    let _open = shared.open().await;
    let lines: Vec<Value> =
        body.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let answers: Vec<Value> = lines.chunks(2).map(|pair| shared.answer(&pair[0], &pair[1])).collect();
    shared.counters.searches.fetch_add(answers.len(), Ordering::Relaxed);
    Json(json!({ "took": 1, "responses": answers }))
}

/// Counts a request for as long as it is open.
struct Open(Arc<Counters>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    async fn open(&self) -> Open {
        let now = self.counters.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.counters.most_in_flight.fetch_max(now, Ordering::Relaxed);
        let open = Open(self.counters.clone());
        tokio::time::sleep(self.pause).await;
        open
    }

    fn answer(&self, header: &Value, body: &Value) -> Value {
        let range = body["query"]["bool"]["filter"][0]["range"].as_object().expect("a window");
        let end = range.values().next().expect("a time field")["lt"].as_i64().expect("milliseconds");
        let index = header["index"].as_str().expect("an index").to_owned();
        let mut counted = (self.script)(&Asked { index, end });
        counted.sort_by(|a, b| a.group.cmp(&b.group));
        let total: u64 = counted.iter().map(|group| group.total).sum();
        let matching = counted.iter().map(|group| group.matching).sum();
        let grouped = &body["aggs"]["groups"];
        let aggregations = if body["aggs"]["s0"].is_object() {
            merged(&body["aggs"], total, matching, end)
        } else if grouped.is_null() {
            numbers(&body["aggs"], matching, end)
        } else {
            Map::from_iter([("groups".to_owned(), page(grouped, &counted, end))])
        };
        json!({
            "took": 1, "timed_out": false, "status": 200,
            "_shards": { "total": 1, "successful": 1, "skipped": 0, "failed": 0 },
            "hits": { "total": { "value": total, "relation": "eq" }, "max_score": null, "hits": [] },
            "aggregations": aggregations,
        })
    }
}

/// The named filters of a merged search: all count the same.
fn merged(asked: &Value, total: u64, matching: u64, end: i64) -> Map<String, Value> {
    let shapes = asked.as_object().into_iter().flatten();
    let buckets = |shape: &Value| {
        let names = shape["filters"]["filters"].as_object().into_iter().flat_map(Map::keys);
        let bucket = |name: &String| {
            let mut bucket = numbers(&shape["aggs"], matching, end);
            bucket.insert("doc_count".to_owned(), total.into());
            (name.clone(), Value::Object(bucket))
        };
        names.map(bucket).collect::<Map<String, Value>>()
    };
    shapes.map(|(name, shape)| (name.clone(), json!({ "buckets": buckets(shape) }))).collect()
}

/// One page of a composite aggregation.
fn page(asked: &Value, counted: &[Counted], end: i64) -> Value {
    let composite = &asked["composite"];
    let size = composite["size"].as_u64().expect("a size") as usize;
    let after = composite["after"]["p0"].as_str();
    let rest = counted.iter().filter(|group| after.is_none_or(|after| group.group.as_str() > after));
    let groups: Vec<&Counted> = rest.take(size).collect();
    let buckets: Vec<Value> = groups
        .iter()
        .map(|group| {
            let mut bucket = numbers(&asked["aggs"], group.matching, end);
            bucket.insert("key".to_owned(), json!({ "p0": group.group }));
            bucket.insert("doc_count".to_owned(), group.total.into());
            Value::Object(bucket)
        })
        .collect();
    let mut page = json!({ "buckets": buckets });
    if let Some(last) = groups.last() {
        page["after_key"] = json!({ "p0": last.group });
    }
    page
}

/// Counts match, and the newest document is as new as it can be.
fn numbers(asked: &Value, matching: u64, end: i64) -> Map<String, Value> {
    let names = asked.as_object().into_iter().flat_map(Map::keys);
    names
        .map(|name| match name.starts_with('c') {
            true => (name.clone(), json!({ "doc_count": matching })),
            false => (name.clone(), json!({ "value": (end - 1) as f64 })),
        })
        .collect()
}
