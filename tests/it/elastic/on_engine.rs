//! The door on a real engine: what is asked here is understood there, and what comes back is judged right.

use std::{collections::BTreeMap, time::Duration};

use highwater::{
    config::settings::{Auth, Cluster},
    elastic::Elastic,
    model::{
        Cause, Entity, Number, Window,
        filter::Filter,
        query::{Call, Metric, Proof, Query, Search},
        secret::Secret,
    },
};
use serde_json::{Value, json};

use super::{ask, ask_search, at, door, settings};
use crate::support::engine::{Engine, Security, Spec};

/// Documents of the last 100 seconds before [`at`]`(0)`: every third fails, of one of four services.
async fn write_traffic(engine: &Engine, index: &str, count: usize) {
    let properties = json!({ "@timestamp": { "type": "date" }, "service": { "type": "keyword" }, "responseCode": { "type": "integer" }, "bytes": { "type": "long" }, "words": { "type": "text" } });
    let body = json!({ "settings": { "number_of_replicas": 0, "number_of_shards": 2 }, "mappings": { "properties": properties } });
    engine.put(&format!("/{index}"), body).await;
    let documents: Vec<Value> = (0..count).map(document).collect();
    engine.bulk(index, &documents).await;
    engine.request("POST", &format!("/{index}/_refresh"), None).await;
}

fn document(n: usize) -> Value {
    let millis = at(0).timestamp_millis() - 1 - i64::try_from(n % 100).unwrap() * 1000;
    let code = if n.is_multiple_of(3) { 503 } else { 200 };
    json!({ "@timestamp": millis, "service": format!("s{}", n % 4), "responseCode": code, "bytes": n, "words": "a b" })
}

fn failing(index: &str) -> Search {
    let failed = Filter::object(json!({ "range": { "responseCode": { "gte": 500 } } })).unwrap();
    Search {
        index: index.to_owned(),
        time_field: "@timestamp".to_owned(),
        window: Window::ending(at(0), Duration::from_secs(900)),
        filter: None,
        counts: BTreeMap::from([("matching".to_owned(), failed)]),
        metrics: BTreeMap::from([("newest".to_owned(), Metric::Max("@timestamp".to_owned()))]),
        per: Vec::new(),
    }
}

fn door_of(engine: &Engine) -> Elastic {
    door(&settings(&engine.urls()))
}

#[tokio::test]
async fn more_than_ten_thousand_documents_are_counted_to_the_last_one() {
    let Some(engine) = Engine::shared().await else { return };
    write_traffic(engine, "door-a-1", 12_000).await;
    let door = door_of(engine);
    let mut search = failing("door-a-*");
    search.metrics.insert("sum".to_owned(), Metric::Sum("bytes".to_owned()));
    search.metrics.insert("least".to_owned(), Metric::Min("bytes".to_owned()));
    search.metrics.insert("mean".to_owned(), Metric::Avg("responseCode".to_owned()));
    let whole = &ask_search(&door, search).await.unwrap().groups[&Entity::empty()];
    assert_eq!((whole.total, whole.counts["matching"]), (12_000, 4_000));
    assert_eq!(whole.metrics["newest"], Some(Number::Int(at(0).timestamp_millis() - 1)));
    assert_eq!(whole.metrics["sum"], Some(Number::Int(12_000 * 11_999 / 2)));
    assert_eq!(whole.metrics["least"], Some(Number::Int(0)));
    assert_eq!(whole.metrics["mean"], Some(Number::Int(301)));
    let mut misspelt = failing("door-a-*");
    misspelt.metrics.insert("sum".to_owned(), Metric::Sum("never".to_owned()));
    let reason = ask_search(&door, misspelt).await.unwrap_err();
    assert!(reason.text.contains("no index of `door-a-*` has `never`"), "{reason}");

    let grouped = Search {
        per: vec!["service".to_owned()],
        filter: Some(Filter::lucene("service:(s0 OR s1)")),
        ..failing("door-a-*")
    };
    let groups = ask_search(&door, grouped).await.unwrap().groups;
    assert_eq!(
        groups.keys().cloned().collect::<Vec<_>>(),
        ["s0", "s1"].map(|name| Entity::of("service", name))
    );
    assert_eq!(groups[&Entity::of("service", "s0")].total, 3_000);
    assert_eq!(groups[&Entity::of("service", "s0")].counts["matching"], 1_000);

    // One group a document: many pages.
    let many = Search {
        per: vec!["bytes".to_owned(), "service".to_owned()],
        filter: Some(Filter::lucene("bytes:[0 TO 2499]")),
        ..failing("door-a-*")
    };
    let groups = ask_search(&door, many).await.unwrap().groups;
    assert_eq!(groups.len(), 2_500);
    assert_eq!(groups[&Entity::new([("bytes", "2001"), ("service", "s1")])].counts["matching"], 1);

    // The window is half open: its end belongs to the next one.
    let millisecond = |start, end| Search {
        window: Window {
            start: at(0) - Duration::from_millis(start),
            end: at(0) - Duration::from_millis(end),
        },
        ..failing("door-a-*")
    };
    assert_eq!(ask_search(&door, millisecond(1, 0)).await.unwrap().groups[&Entity::empty()].total, 120);
    assert_eq!(ask_search(&door, millisecond(1000, 1)).await.unwrap().groups[&Entity::empty()].total, 0);
    engine.delete("/door-a-1").await;
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said_and_does_not_blind_the_others() {
    let Some(engine) = Engine::shared().await else { return };
    write_traffic(engine, "door-b-1", 10).await;
    let no_time = json!({ "settings": { "number_of_replicas": 0 }, "mappings": { "properties": { "other": { "type": "keyword" } } } });
    engine.put("/door-untimed", no_time).await;
    let with = |change: &dyn Fn(&mut Search)| {
        let mut search = failing("door-b-*");
        change(&mut search);
        Query::search(search)
    };
    let filter = |query: Value| Some(Filter::new(query));
    let queries = [
        with(&|_| {}),
        with(&|search| search.index = "door-nobody-*".to_owned()),
        with(&|search| search.index = "door-b-1,door-gone".to_owned()),
        with(&|search| search.index = "door-untimed".to_owned()),
        with(&|search| search.per = vec!["words".to_owned()]),
        with(&|search| search.per = vec!["nowhere".to_owned()]),
        with(&|search| search.filter = filter(json!({ "no_such_query": {} }))),
        with(&|search| search.filter = filter(json!({ "query_string": { "query": "a:(" } }))),
        with(&|search| search.window = Window::ending(at(-100_000), Duration::from_secs(60))),
    ];
    let answers = door_of(engine).ask(at(0), &queries).await;
    let causes: Vec<Option<Cause>> =
        answers.iter().map(|answer| answer.as_ref().err().map(|reason| reason.cause)).collect();
    let missing = Some(Cause::Missing);
    let invalid = Some(Cause::Invalid);
    assert_eq!(
        causes,
        [None, missing, missing, missing, invalid, missing, invalid, invalid, None],
        "{answers:#?}"
    );
    let text = |at: usize| answers[at].as_ref().unwrap_err().text.clone();
    assert_eq!(text(1), "no index matches `door-nobody-*`");
    assert_eq!(text(2), "no index matches `door-gone`");
    assert_eq!(answers[2].as_ref().unwrap_err().accept.as_deref(), Some("door-b-1"));
    assert_eq!(text(3), "field missing: no index of `door-untimed` has `@timestamp`");
    assert!(text(4).contains("keyword"), "{}", text(4));
    assert!(text(6).contains("no_such_query"), "{}", text(6));
    engine.delete("/door-b-1").await;
    engine.delete("/door-untimed").await;
}

#[tokio::test]
async fn a_missing_shard_is_partial_with_its_index_and_what_would_accept_it() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    write_traffic(&engine, "door-c-whole", 10).await;
    engine.make_partial("door-c-half", json!({ "properties": { "@timestamp": { "type": "date" } } })).await;
    let door = door_of(&engine);
    for per in [vec![], vec!["service".to_owned()]] {
        let reason = ask_search(&door, Search { per, ..failing("door-c-*") }).await.unwrap_err();
        assert_eq!(reason.cause, Cause::Partial, "{reason}");
        assert!(reason.text.contains("1 of 4 shards failed in `door-c-half`"), "{reason}");
        assert_eq!(reason.accept.as_deref(), Some("door-c-*,-door-c-half"));
    }
    let accepted = ask_search(&door, failing("door-c-*,-door-c-half")).await.unwrap();
    assert_eq!(accepted.groups[&Entity::empty()].total, 10);
    let stats = Query::call(Call::get("/_stats/docs", Proof::Shards));
    assert!(ask(&door, stats).await.is_ok(), "an unassigned copy is no failure there");
}

#[tokio::test]
async fn cluster_apis_are_answered() {
    let Some(engine) = Engine::shared().await else { return };
    let door = door_of(engine);
    let settings = Call::get("/_cluster/settings", Proof::Whole)
        .with("include_defaults", "true")
        .with("flat_settings", "true");
    let queries = [
        Query::call(Call::get("/_cluster/health", Proof::Whole).with("level", "indices")),
        Query::call(Call::get("/_nodes/stats/fs", Proof::Nodes).with("timeout", "5s")),
        Query::call(settings),
        Query::call(Call::get("/_no_such_api", Proof::Whole)).optional(),
    ];
    let answers = door.ask(at(0), &queries).await;
    assert!(answers[0].as_ref().unwrap().body().unwrap()["status"].is_string());
    assert_eq!(answers[1].as_ref().unwrap().body().unwrap()["_nodes"]["failed"], 0);
    assert!(answers[2].as_ref().unwrap().body().unwrap()["defaults"].is_object());
    assert_eq!(answers[3].as_ref().unwrap_err().cause, Cause::Unsupported, "{:?}", answers[3]);
    assert_eq!(door.version().await.as_deref(), Some(engine.product().version()));
}

#[tokio::test]
async fn a_frozen_engine_is_unreachable_and_answers_again_when_thawed() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    let mut cluster = settings(&engine.urls());
    cluster.timeout = Duration::from_secs(1);
    let door = door(&cluster);
    door.ask(at(0), &[super::health()]).await.remove(0).unwrap();
    engine.freeze(0);
    let reason = door.ask(at(1), &[super::health()]).await.remove(0).unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable);
    assert!(reason.text.contains("accepts connections but does not answer"), "{reason}");
    engine.thaw(0);
    engine.wait_for("green").await;
    door.ask(at(2), &[super::health()]).await.remove(0).unwrap();
}

const ROLES: &str = r#"
narrow:
  indices:
    - names: ["http_logs_*"]
      privileges: [read, view_index_metadata]
reader:
  indices:
    - names: ["http_logs_*"]
      privileges: [read]
"#;

fn as_user(engine: &Engine, name: &str, password: &str) -> Cluster {
    let mut cluster = settings(&engine.urls());
    cluster.tls.ca = Some(engine.ca_pem().to_owned());
    cluster.auth = Auth::Basic { username: name.to_owned(), password: Secret::literal(password) };
    cluster
}

#[tokio::test]
async fn a_narrow_role_sees_its_logs_and_a_wrong_password_nothing() {
    let security = Security::roles(ROLES).user("narrow", "narrow password", &["narrow"]).user(
        "reader",
        "reader password",
        &["reader"],
    );
    let Some(engine) = Engine::start(Spec::one_node().secured(security)).await else { return };
    write_traffic(&engine, "http_logs_1", 30).await;
    write_traffic(&engine, "other", 10).await;
    let narrow = door(&as_user(&engine, "narrow", "narrow password"));
    let found = ask_search(&narrow, failing("http_logs_*")).await.unwrap();
    assert_eq!(found.groups[&Entity::empty()].counts["matching"], 10);
    let refused = ask(&narrow, super::health()).await.unwrap_err();
    assert_eq!((refused.cause, refused.status), (Cause::Refused, Some(403)), "{refused}");
    let refused = ask_search(&narrow, failing("other")).await.unwrap_err();
    assert_eq!(refused.cause, Cause::Refused, "{refused}");
    assert!(refused.text.starts_with("answers, but refuses us (403)"), "{refused}");
    assert_eq!(narrow.version().await, None);

    // Who may not ask for fields is not blinded by that.
    let quiet =
        Search { window: Window::ending(at(-100_000), Duration::from_secs(60)), ..failing("http_logs_*") };
    let reader = door(&as_user(&engine, "reader", "reader password"));
    assert_eq!(ask_search(&reader, quiet).await.unwrap().groups[&Entity::empty()].total, 0);

    let stranger = door(&as_user(&engine, "narrow", "wrong"));
    for query in [super::health(), Query::search(failing("http_logs_*"))] {
        let refused = ask(&stranger, query).await.unwrap_err();
        assert_eq!((refused.cause, refused.status), (Cause::Refused, Some(401)), "{refused}");
        assert!(!refused.text.contains("wrong"), "{refused}");
    }
    let mut misled = as_user(&engine, "narrow", "narrow password");
    misled.tls.ca = Some(engine.tls().other_ca.clone());
    let refused = ask(&door(&misled), super::health()).await.unwrap_err();
    assert_eq!(refused.cause, Cause::Unreachable);
    assert!(refused.text.contains("unknown issuer"), "{refused}");
}
