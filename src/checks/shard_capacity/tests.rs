use serde_json::json;

use super::{
    super::tests::{fixture, observe as look_at, ok, readings, reason, shown},
    *,
};

const CHECK: ShardCapacity = ShardCapacity {};

fn answers(metadata: Value, nodes: Value, settings: Value) -> Vec<Result<Response, Reason>> {
    vec![ok(metadata), ok(nodes), ok(settings), ok(fixture("health"))]
}

fn left(metadata: Value, nodes: Value, settings: Value) -> BTreeMap<String, i64> {
    let seen = look_at(&CHECK, &answers(metadata, nodes, settings));
    let left = |(entity, reading): (String, &Reading)| (entity, reading.value.as_f64() as i64);
    readings(&seen).into_iter().map(left).collect()
}

fn index(shards: u64, replicas: u64, state: &str) -> Value {
    let settings = json!({ "index": { "number_of_shards": shards.to_string(), "number_of_replicas": replicas.to_string() } });
    json!({ "state": state, "settings": settings })
}

const DATA: &str = "cluster=main,tier=data";
const FROZEN: &str = "cluster=main,tier=frozen";

#[test]
fn open_shards_count_whether_they_are_allocated_or_not_and_closed_ones_do_not() {
    // orders 3 x 2, lonely 1 x 4, stuck 1; old is closed
    let left = left(fixture("metadata"), fixture("nodes"), fixture("settings"));
    assert_eq!(left[DATA], 3000 - 11);
}

#[test]
fn transient_limits_come_before_persistent_ones() {
    let mut settings = fixture("settings");
    settings["persistent"] = json!({ "cluster.max_shards_per_node": "100" });
    assert_eq!(left(fixture("metadata"), fixture("nodes"), settings.clone())[DATA], 300 - 11);
    settings["transient"] = json!({ "cluster.max_shards_per_node": "3" });
    assert_eq!(left(fixture("metadata"), fixture("nodes"), settings)[DATA], 9 - 11);
}

#[test]
fn frozen_nodes_have_a_limit_of_their_own() {
    let mut metadata = fixture("metadata");
    let mut frozen = index(5, 0, "open");
    frozen["settings"]["index"]["store"] = json!({ "snapshot": { "partial": "true" } });
    metadata["metadata"]["indices"]["partial-logs"] = frozen;
    let nodes = json!({ "nodes": {
        "a": { "name": "a", "roles": ["data_hot"] },
        "b": { "name": "b", "roles": ["data_frozen"] },
        "c": { "name": "c", "roles": ["master"] },
    } });
    let left = left(metadata, nodes, fixture("settings"));
    assert_eq!(left, BTreeMap::from([(DATA.to_owned(), 1000 - 11), (FROZEN.to_owned(), 3000 - 5)]));
}

#[test]
fn a_frozen_limit_that_nobody_uses_is_not_shown() {
    assert_eq!(left(fixture("metadata"), fixture("nodes"), fixture("settings")).len(), 1);
}

#[test]
fn a_cluster_without_indices_has_all_its_room() {
    let left = left(json!({ "cluster_name": "shop" }), fixture("nodes"), fixture("settings"));
    assert_eq!(left[DATA], 3000);
}

#[test]
fn an_answer_that_is_no_cluster_state_is_not_an_empty_cluster() {
    let seen = look_at(&CHECK, &answers(json!({}), fixture("nodes"), fixture("settings")));
    assert_eq!(reason(&seen).cause, Cause::Malformed);
}

#[test]
fn opensearch_names_no_roles_and_its_health_counts_the_data_nodes() {
    let nodes = || ok(fixture("opensearch_nodes"));
    let settings = || ok(fixture("opensearch_settings"));
    let seen = look_at(&CHECK, &[ok(fixture("metadata")), nodes(), settings(), ok(fixture("health"))]);
    assert_eq!(readings(&seen)[DATA].value, Number::Int(3000 - 11));
    let refused = super::super::tests::failed(Cause::Refused, "answers, but refuses us (403)");
    let seen = look_at(&CHECK, &[ok(fixture("metadata")), nodes(), settings(), refused]);
    assert_eq!(reason(&seen).text, "the answer has no roles of nodes");
}

#[test]
fn a_cap_on_the_whole_cluster_is_kept() {
    let mut settings = fixture("opensearch_settings");
    settings["persistent"] = json!({ "cluster.routing.allocation.total_shards_limit": "50" });
    assert_eq!(left(fixture("metadata"), fixture("nodes"), settings)[DATA], 50 - 11);
}

#[test]
fn without_a_data_node_there_is_no_limit_to_judge() {
    let nodes = json!({ "nodes": { "a": { "name": "a", "roles": ["master"] } } });
    let seen = look_at(&CHECK, &answers(fixture("metadata"), nodes, fixture("settings")));
    assert_eq!(reason(&seen).cause, Cause::Missing);
}

#[test]
fn five_percent_means_of_the_limit() {
    use crate::model::{Bound, Condition, Op};
    let seen = look_at(&CHECK, &answers(fixture("metadata"), fixture("nodes"), fixture("settings")));
    let below = Condition::new(Op::Below, Bound::Share(Number::Int(5)));
    assert_eq!(below.resolve(readings(&seen)[DATA]), Ok(Number::Int(150)));
}

#[test]
fn what_people_read() {
    let mut settings = fixture("settings");
    settings["persistent"] = json!({ "cluster.max_shards_per_node": 5 });
    let seen = look_at(&CHECK, &answers(fixture("metadata"), fixture("nodes"), settings));
    insta::assert_snapshot!(shown(&CHECK, &seen));
}
