//! Room for more shards, as the cluster itself counts it.

use serde_json::json;

use super::{SOON, quiet};
use crate::support::{
    daemon::Home,
    engine::{Engine, NodeSpec, Product, Spec},
    not_run::{self, NotRun},
    receiver::Receiver,
};

const RULES: &str = "
rules:
  - id: room
    check: { shard_capacity: {} }
    schedule: every 1s
    levels: { warning: below 500 }
  - id: room-in-percent
    check: { shard_capacity: {} }
    schedule: every 1s
    levels: { critical: below 5% }
";

#[tokio::test]
async fn a_lowered_limit_takes_the_head_room_away_and_gives_it_back() {
    let Some(engine) = quiet().await else { return };
    // an index asks for what it does not get: unassigned replicas count
    engine.make_yellow("two-copies").await;
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let shards = counted(&home)["shards"].as_i64().unwrap();
    assert!(shards >= 2, "{shards} shards");
    let daemon = home.start().await;

    engine.cluster_settings(json!({ "cluster.max_shards_per_node": 400 })).await;
    let told = receiver.wait_for_story("room", &["fired warning"], SOON).await;
    let alert = &told[0].alert;
    assert_eq!((&alert["value"], &alert["threshold"]), (&(400 - shards).into(), &500.into()), "{alert}");
    assert_eq!((told[0].entity("cluster"), told[0].entity("tier")), ("main", "data"));
    assert_eq!(receiver.story("room-in-percent"), [""; 0]);

    engine.cluster_settings(json!({ "cluster.max_shards_per_node": shards })).await;
    let told = receiver.wait_for_story("room-in-percent", &["fired critical"], SOON).await;
    assert_eq!(told[0].alert["value"], 0, "{}", told[0].alert);
    engine.cluster_settings(json!({ "cluster.max_shards_per_node": null })).await;
    receiver.wait_for_story("room", &["fired warning", "resolved warning cleared"], SOON).await;
    receiver.wait_for_story("room-in-percent", &["fired critical", "resolved critical cleared"], SOON).await;
    assert_eq!(daemon.stop().await, 0);
}

/// The facts of `room` for the tier of data.
fn counted(home: &Home) -> serde_json::Value {
    home.check(&["room"]).alert("room", "tier", "data")["facts"].clone()
}

#[tokio::test]
async fn nodes_with_tiered_roles_only_are_data_nodes() {
    if Product::chosen().is_opensearch() {
        return not_run::record(&NotRun::NotApplicable("OpenSearch has no tiers of data nodes".to_owned()));
    }
    let nodes = [&["master", "data_hot", "data_content"][..], &["data_warm"], &["master"]];
    let spec = Spec::of(nodes.into_iter().map(NodeSpec::roles).collect());
    let Some(engine) = Engine::start(spec).await else { return };
    let receiver = Receiver::start();
    let rules = "
rules:
  - { id: room, check: { shard_capacity: {} }, schedule: every 1s, levels: { warning: below 500 } }
  - { id: disk, check: { storage: {} }, schedule: every 1s, levels: { critical: at least 100% } }
  - { id: hot-disk, check: { storage: { roles: [data_hot] } }, schedule: every 1s, levels: { critical: at least 100% } }
  - { id: cold-disk, check: { storage: { roles: [data_cold] } }, schedule: every 1s, levels: { critical: at least 100% } }
";
    let home = Home::of(&engine, &receiver, rules);
    let checked = home.check(&[]);
    let room = checked.alert("room", "tier", "data");
    assert_eq!((&room["state"], &room["facts"]["limit"]), (&"inactive".into(), &2000.into()), "{room}");
    let nodes = |rule: &str| -> Vec<String> {
        let alerts = checked.rule(rule)["alerts"].as_array().unwrap();
        alerts.iter().map(|alert| alert["entity"]["node"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(nodes("disk"), ["n1", "n2"]);
    assert_eq!(nodes("hot-disk"), ["n1"]);
    assert_eq!(checked.outcome("cold-disk"), "indeterminate");
    assert!(checked.reason("cold-disk").contains("data_warm"), "{}", checked.reason("cold-disk"));
    assert_eq!(checked.code, 3, "a selector that matches nothing proves nothing");
}
