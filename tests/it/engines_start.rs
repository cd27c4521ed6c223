//! The harness itself: engines start, and get into every state that the other tests need.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::engine::{Engine, NodeSpec, Security, Spec, Tmpfs};
use crate::support::not_run::or_not_run;

#[tokio::test]
async fn one_node_starts_and_is_green() {
    let Some(engine) = Engine::shared().await else { return };
    let nodes = engine.get("/_nodes?filter_path=nodes.*.version").await;
    let nodes = nodes["nodes"].as_object().unwrap();
    assert_eq!(nodes.values().next().unwrap()["version"], engine.product().version());
}

#[tokio::test]
async fn a_red_index_heals() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    engine.make_red("stuck").await;
    engine.heal_red("stuck").await;
    engine.wait_for("green").await;
    engine.make_yellow("lonely").await;
    engine.heal_yellow("lonely").await;
    engine.wait_for("green").await;
}

#[tokio::test]
async fn a_missing_shard_makes_answers_partial() {
    let Some(engine) = Engine::shared().await else { return };
    engine.make_partial("half", json!({})).await;
    let partial = engine.get("/half/_search?size=0").await;
    let shards = &partial["_shards"];
    // Elasticsearch 8 says `failed: 1`, others leave it at 0: only the sum tells
    assert_eq!((&shards["total"], &shards["successful"]), (&json!(2), &json!(1)), "{partial}");
    engine.heal_partial("half").await;
    assert_eq!(engine.get("/half/_search?size=0").await["_shards"]["successful"], 2);
    engine.delete("/half").await;
}

#[tokio::test]
async fn more_than_ten_thousand_documents_are_written_and_counted() {
    let Some(engine) = Engine::shared().await else { return };
    let documents: Vec<Value> = (0..10_500).map(|n| json!({ "n": n })).collect();
    engine.bulk("many", &documents).await;
    assert_eq!(engine.get("/many/_count").await["count"], 10_500);
    engine.delete("/many").await;
}

#[tokio::test]
async fn a_frozen_node_hangs_and_comes_back() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    engine.freeze(0);
    let hung = tokio::time::timeout(Duration::from_secs(2), engine.get("/_cluster/health")).await;
    assert!(hung.is_err(), "a frozen node answered {hung:?}");
    engine.thaw(0);
    engine.wait_for("green").await;
}

#[tokio::test]
async fn three_nodes_lose_one_then_get_it_back_then_lose_their_quorum() {
    let Some(engine) = Engine::start(Spec::three_nodes()).await else { return };
    let settings = json!({ "number_of_shards": 3, "number_of_replicas": 1, "index.unassigned.node_left.delayed_timeout": "10m" });
    engine.put("/spread", json!({ "settings": settings })).await;
    engine.wait_for("green").await;
    engine.kill9(2);
    engine.wait_for("yellow").await;
    assert_eq!(engine.get("/_cluster/health").await["number_of_nodes"], 2);
    engine.restart(2);
    engine.wait_until_met(3).await;
    engine.wait_for("green").await;
    engine.kill9(1);
    engine.kill9(2);
    engine
        .poll("the last node to say that it has no master", || async {
            let health =
                engine.try_request("GET", "/_cluster/health?timeout=1s&master_timeout=1s", None).await;
            health.is_ok_and(|(status, _)| status == 503)
        })
        .await;
}

const ROLES: &str = r#"
narrow:
  cluster: [monitor]
  indices:
    - names: ["http_logs_*"]
      privileges: [read, view_index_metadata, monitor]
"#;

#[tokio::test]
async fn security_is_real() {
    let security = Security::roles(ROLES).user("narrow", "a narrow password", &["narrow"]);
    let Some(engine) = Engine::start(Spec::one_node().secured(security)).await else { return };
    engine.put("/http_logs_1", json!({ "settings": { "number_of_replicas": 0 } })).await;
    engine.put("/other", json!({ "settings": { "number_of_replicas": 0 } })).await;
    let ask = |password: &'static str, method: &'static str, path: &'static str| {
        let engine = &engine;
        async move { engine.request_as(("narrow", password), 0, method, path).await.unwrap().0 }
    };
    let right = "a narrow password";
    assert_eq!(ask(right, "GET", "/_cluster/health").await, 200);
    assert_eq!(ask(right, "GET", "/_cluster/settings?include_defaults=true").await, 200);
    assert_eq!(ask(right, "GET", "/_nodes/stats/fs").await, 200);
    assert_eq!(ask(right, "GET", "/http_logs_*/_stats/docs?level=shards").await, 200);
    assert_eq!(ask(right, "GET", "/http_logs_*/_search").await, 200);
    assert_eq!(ask(right, "GET", "/other/_search").await, 403);
    assert_eq!(ask(right, "DELETE", "/http_logs_1").await, 403);
    assert_eq!(ask("wrong", "GET", "/_cluster/health").await, 401);
}

#[tokio::test]
async fn three_secured_nodes_ask_for_a_client_certificate() {
    let security = Security { client_certificate_required: true, ..Security::roles(ROLES) };
    let Some(engine) = Engine::start(Spec::three_nodes().secured(security)).await else { return };
    let ca = reqwest::Certificate::from_pem(&std::fs::read(engine.ca_pem()).unwrap()).unwrap();
    let bare = reqwest::Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap();
    assert!(bare.get(engine.url(0)).send().await.is_err(), "answered without a client certificate");
    assert_eq!(engine.get("/_cluster/health").await["number_of_nodes"], 3);
}

#[tokio::test]
async fn a_tmpfs_fills_up_for_real() {
    let Some(disk) = or_not_run(Tmpfs::mount("400m")) else { return };
    let spec = Spec::of(vec![NodeSpec::default().data_path(disk.path())]);
    let Some(engine) = Engine::start(spec).await else { return };
    let used = || async {
        let stats = engine.get("/_nodes/stats/fs?filter_path=nodes.*.fs.total").await;
        let total = &stats["nodes"].as_object().unwrap().values().next().unwrap()["fs"]["total"];
        let (size, free) =
            (total["total_in_bytes"].as_f64().unwrap(), total["available_in_bytes"].as_f64().unwrap());
        100.0 * (1.0 - free / size)
    };
    assert!(used().await < 10.0);
    disk.fill(345);
    engine.poll("86 %", || async { used().await > 85.0 }).await;
    disk.fill(372);
    engine.poll("93 %", || async { used().await > 92.0 }).await;
    disk.fill(0);
    engine.poll("room again", || async { used().await < 10.0 }).await;
}

#[tokio::test]
async fn nodes_have_the_roles_they_were_given() {
    let nodes = vec![
        NodeSpec::roles(&["master"]),
        NodeSpec::roles(&["data_hot", "data_content"]),
        NodeSpec::roles(&["data_warm"]),
    ];
    let Some(engine) = Engine::start(Spec::of(nodes)).await else { return };
    let answer = engine.get("/_nodes?filter_path=nodes.*.name,nodes.*.roles").await;
    let nodes = answer["nodes"].as_object().unwrap();
    let hot = nodes.values().find(|node| node["name"] == "n2").unwrap();
    assert_eq!(hot["roles"], json!(["data_content", "data_hot"]));
}
