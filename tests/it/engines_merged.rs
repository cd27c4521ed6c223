//! Merged searches on a real engine: equal to the same searches asked one by one, whatever they are.

use std::{collections::BTreeMap, time::Duration};

use highwater::{
    elastic::Elastic,
    model::{
        Cause, Entity, Number, Reason, Window,
        filter::Filter,
        query::{Group, Metric, Query, Response, Search},
    },
};
use serde_json::{Value, json};

use crate::{
    elastic::{at, door, settings},
    support::engine::{Engine, Shared, Spec},
};

static ENGINE: Shared = Shared::const_new();
const INDEX: &str = "merged-a-*";
const DOCUMENTS: usize = 3_000;
const SEARCHES: usize = 160;

async fn engine() -> Option<&'static Engine> {
    Engine::shared_in(&ENGINE, Spec::one_node()).await
}

fn mappings(mixed: &str) -> Value {
    let keyword = json!({ "type": "keyword" });
    json!({ "properties": {
        "@timestamp": { "type": "date" }, "service": keyword, "code": { "type": "integer" },
        "took": { "type": "long" }, "price": { "type": "double" }, "words": { "type": "text" }, "mixed": { "type": mixed },
    } })
}

/// Some lie before the window, some lack a field, some have two values.
fn document(random: &mut fastrand::Rng) -> Value {
    let millis = at(0).timestamp_millis() - random.i64(1..1_100_000);
    let words = ["alpha", "beta gamma", "delta alpha"][random.usize(0..3)];
    let mut document = json!({
        "@timestamp": millis, "service": format!("s{}", random.u8(0..12)), "code": random.i32(100..600),
        "words": words, "mixed": 1,
    });
    match random.u8(0..8) {
        0 => {}
        1 => document["took"] = json!([random.i64(-50..0), random.i64(1 << 40..1 << 41)]),
        _ => document["took"] = json!(random.i64(0..5_000)),
    }
    if random.bool() {
        document["price"] = json!(f64::from(random.i32(-400..400)) / 4.0);
    }
    document
}

fn filter(random: &mut fastrand::Rng) -> Filter {
    let (service, code) = (format!("s{}", random.u8(0..14)), random.i32(100..600));
    let term = json!({ "term": { "service": service } });
    match random.u8(0..7) {
        0 => Filter::lucene(&format!("service:{service} AND code:[{code} TO *]")),
        1 => Filter::lucene("words:alpha OR (price:[* TO 0] AND NOT service:s1)"),
        2 => Filter::new(json!({ "range": { "code": { "gte": code, "lt": code + 100 } } })),
        3 => Filter::new(json!({ "bool": { "must_not": [term, { "exists": { "field": "price" } }] } })),
        4 => Filter::new(json!({ "bool": { "should": [term, { "match": { "words": "gamma" } }] } })),
        5 => Filter::new(json!({ "exists": { "field": "took" } })),
        _ => Filter::new(term),
    }
}

fn metric(random: &mut fastrand::Rng) -> Metric {
    let field = ["took", "price", "code"][random.usize(0..3)].to_owned();
    match random.u8(0..8) {
        0 => Metric::Max(field),
        1 => Metric::Min(field),
        2 => Metric::Avg(field),
        3 => Metric::Sum(field),
        4 => Metric::Cardinality(["service", "took"][random.usize(0..2)].to_owned()),
        5 => Metric::Last { field: "code".to_owned(), by: "@timestamp".to_owned() },
        6 => Metric::Max("@timestamp".to_owned()),
        _ => Metric::Percentile { field, percent: ["50", "99", "99.9"][random.usize(0..3)].to_owned() },
    }
}

fn plain(index: &str) -> Search {
    Search {
        index: index.to_owned(),
        time_field: "@timestamp".to_owned(),
        window: Window::ending(at(0), Duration::from_secs(900)),
        filter: None,
        counts: BTreeMap::new(),
        metrics: BTreeMap::new(),
        per: Vec::new(),
    }
}

fn search(random: &mut fastrand::Rng) -> Search {
    let mut search = plain(INDEX);
    search.filter = (random.u8(0..6) > 0).then(|| filter(random));
    for name in 0..random.usize(0..3) {
        search.counts.insert(format!("count {name}"), filter(random));
    }
    for name in 0..random.usize(0..3) {
        search.metrics.insert(format!("metric {name}"), metric(random));
    }
    search
}

async fn write(engine: &Engine, random: &mut fastrand::Rng) {
    for (index, mixed) in [("merged-a-1", "long"), ("merged-a-2", "keyword")] {
        let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0 });
        engine.put(&format!("/{index}"), json!({ "settings": settings, "mappings": mappings(mixed) })).await;
        let documents: Vec<Value> = (0..DOCUMENTS / 2).map(|_| document(random)).collect();
        engine.bulk(index, &documents).await;
    }
}

/// Searches that the shards of these indices have run.
async fn run(engine: &Engine) -> u64 {
    let stats = engine.get(&format!("/{INDEX}/_stats/search")).await;
    stats["_all"]["total"]["search"]["query_total"].as_u64().unwrap()
}

type Answers = Vec<Result<Response, Reason>>;

async fn alone(door: &Elastic, searches: &[Search]) -> Answers {
    let mut answers = Vec::new();
    for search in searches {
        answers.extend(door.ask(at(0), &[Query::search(search.clone())]).await);
    }
    answers
}

async fn merged(door: &Elastic, searches: &[Search]) -> Answers {
    let queries: Vec<Query> = searches.iter().cloned().map(Query::search).collect();
    door.ask(at(0), &queries).await
}

fn assert_equal(search: &Search, one: &Group, other: &Group) {
    assert_eq!((one.total, &one.counts), (other.total, &other.counts), "{search:?}");
    assert_eq!(one.metrics.keys().collect::<Vec<_>>(), other.metrics.keys().collect::<Vec<_>>());
    for (name, metric) in &search.metrics {
        let (one, other) = (one.metrics[name], other.metrics[name]);
        let number = |value: Option<Number>| value.map(Number::as_f64);
        if let (Metric::Percentile { .. }, Some(one), Some(other)) = (metric, number(one), number(other)) {
            // Where a digest puts its centres depends on the order in which it hears of the numbers.
            assert!((one - other).abs() <= 0.02 * one.abs().max(50.0), "{one} and {other}: {search:?}");
        } else {
            assert_eq!(one, other, "{search:?}");
        }
    }
}

fn compare(searches: &[Search], alone: &Answers, merged: &Answers) {
    assert_eq!((alone.len(), merged.len()), (searches.len(), searches.len()));
    for ((search, alone), merged) in searches.iter().zip(alone).zip(merged) {
        match (alone, merged) {
            (Ok(alone), Ok(merged)) => {
                let group = |answer: &Response| answer.found().unwrap().groups[&Entity::empty()].clone();
                assert_equal(search, &group(alone), &group(merged));
            }
            (Err(alone), Err(merged)) => assert_eq!(alone.cause, merged.cause, "{search:?}: {merged}"),
            _ => panic!("{search:?}\nalone: {alone:?}\nmerged: {merged:?}"),
        }
    }
}

#[tokio::test]
async fn merged_answers_are_those_of_the_same_searches_asked_one_by_one() {
    let Some(engine) = engine().await else { return };
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    write(engine, &mut random).await;
    let mut searches: Vec<Search> = (0..SEARCHES).map(|_| search(&mut random)).collect();
    let before = run(engine).await;
    let one_by_one = alone(&door(&settings(&engine.urls())), &searches).await;
    let between = run(engine).await;
    let together = door(&settings(&engine.urls()));
    compare(&searches, &one_by_one, &merged(&together, &searches).await);
    let (apart, at_once) = (between - before, run(engine).await - between);
    assert!(at_once * 10 < apart, "{at_once} searches of shards instead of {apart}");

    // Some that cannot be answered, here and there: a whole batch refused, all shards failing, and some of them.
    let bad = |change: &dyn Fn(&mut Search)| {
        let mut search = plain(INDEX);
        change(&mut search);
        search
    };
    let spoilers = [
        bad(&|search| search.filter = Some(Filter::new(json!({ "no_such_query": {} })))),
        bad(&|search| search.filter = Some(Filter::lucene("service:("))),
        bad(&|search| search.filter = Some(Filter::new(json!({ "term": { "code": "many" } })))),
        bad(&|search| drop(search.metrics.insert("m".to_owned(), Metric::Avg("service".to_owned())))),
        bad(&|search| drop(search.metrics.insert("m".to_owned(), Metric::Avg("mixed".to_owned())))),
    ];
    for spoiler in spoilers {
        searches.insert(random.usize(0..searches.len()), spoiler);
    }
    let one_by_one = alone(&door(&settings(&engine.urls())), &searches).await;
    let causes: Vec<Cause> =
        one_by_one.iter().filter_map(|answer| Some(answer.as_ref().err()?.cause)).collect();
    assert_eq!(causes.len(), 5, "{causes:?}");
    assert!(causes.contains(&Cause::Partial), "a field of two types fails where it is no number: {causes:?}");
    for _ in 0..2 {
        compare(&searches, &one_by_one, &merged(&together, &searches).await);
    }
    engine.delete("/merged-a-1").await;
    engine.delete("/merged-a-2").await;
}

#[tokio::test]
async fn a_failed_shard_makes_all_of_a_merged_search_indeterminate() {
    let Some(engine) = engine().await else { return };
    let mut random = fastrand::Rng::with_seed(7);
    engine.make_partial("merged-half", mappings("long")).await;
    let searches: Vec<Search> =
        (0..40).map(|_| Search { index: "merged-half".to_owned(), ..search(&mut random) }).collect();
    let answers = merged(&door(&settings(&engine.urls())), &searches).await;
    for answer in &answers {
        let reason = answer.as_ref().unwrap_err();
        assert_eq!(reason.cause, Cause::Partial, "{reason}");
        assert!(reason.text.starts_with("1 of 2 shards failed in `merged-half`"), "{reason}");
    }
    engine.heal_partial("merged-half").await;
    let answers = merged(&door(&settings(&engine.urls())), &searches).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    engine.delete("/merged-half").await;
}
