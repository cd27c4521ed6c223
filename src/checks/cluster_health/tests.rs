use super::{
    super::tests::{fixture, look, observe, ok, only_reading, reason, shown},
    *,
};

fn check(ignore: &[&str]) -> ClusterHealth {
    ClusterHealth { ignore: ignore.iter().map(|pattern| (*pattern).to_owned()).collect() }
}

fn answers(health: Value) -> Vec<Result<Response, Reason>> {
    vec![ok(health), ok(fixture("routing")), ok(fixture("explain"))]
}

fn value(check: &ClusterHealth, health: Value) -> Number {
    only_reading(&observe(check, &answers(health))).value
}

#[test]
fn colours_are_numbers_and_the_cluster_is_the_entity() {
    let mut health = fixture("health_indices");
    for (status, number) in [("green", 0), ("yellow", 1), ("red", 2)] {
        health["status"] = json!(status);
        let seen = observe(&check(&[]), &answers(health.clone()));
        let Observation::Seen { findings, .. } = &seen else { panic!("{seen:?}") };
        assert!(findings.contains_key(&Entity::of("cluster", "main")));
        assert_eq!(only_reading(&seen).value, Number::Int(number));
    }
}

#[test]
fn what_is_ignored_colours_nothing() {
    let health = fixture("health_indices");
    assert_eq!(value(&check(&["stuck"]), health.clone()), Number::Int(1));
    assert_eq!(value(&check(&["st*", "lonely"]), health.clone()), Number::Int(0));
    let seen = observe(&check(&["lonely"]), &answers(health));
    assert_eq!(only_reading(&seen).facts.text("missing"), Some("1 of 7 shards"));
}

#[test]
fn a_red_that_no_index_accounts_for_cannot_be_ignored() {
    let mut health = fixture("health_indices");
    for index in health["indices"].as_object_mut().unwrap().values_mut() {
        index["status"] = json!("green");
    }
    assert_eq!(value(&check(&["*"]), health), Number::Int(2));
}

#[test]
fn while_the_cluster_is_green_one_light_question_is_asked() {
    let check = check(&[]);
    let ask = |memory: &Memory| check.queries(&look(), memory).len();
    assert_eq!(ask(&Memory::default()), 3);
    let mut health = fixture("health_indices");
    let red = check.read(&look(), &answers(health.clone()), Memory::default()).1;
    assert_eq!(ask(&red), 3);
    health["status"] = json!("green");
    let green = check.read(&look(), &answers(health.clone()), red).1;
    assert_eq!(ask(&green), 1);
    let blind =
        check.read(&look(), &[super::super::tests::failed(crate::model::Cause::Timeout, "slow")], green).1;
    assert_eq!(ask(&blind), 1);
}

#[test]
fn a_refused_explanation_blinds_nothing_and_leaves_the_plain_counts() {
    let refused =
        || super::super::tests::failed(crate::model::Cause::Refused, "answers, but refuses us (403)");
    let seen = observe(&check(&[]), &[ok(fixture("health_indices")), refused(), refused()]);
    let facts = &only_reading(&seen).facts;
    assert_eq!((facts.count("unassigned"), facts.text("explained")), (Some(2), None));
}

#[test]
fn a_status_that_is_no_colour_is_malformed() {
    let mut health = fixture("health_indices");
    health["status"] = json!("mauve");
    assert!(reason(&observe(&check(&[]), &answers(health))).text.contains("`mauve`"));
}

#[test]
fn a_pattern_that_does_not_compile_is_complained_about() {
    assert!(check(&["logs-[", "fine-*"]).complaints()[0].contains("`logs-[`"));
    assert_eq!(check(&[" "]).complaints().len(), 1);
    assert!(check(&["logs-{a,b}*"]).complaints().is_empty());
}

fn copy(state: &str, source: &str, info: Value) -> Value {
    json!({ "state": state, "recovery_source": { "type": source }, "unassigned_info": info })
}

#[test]
fn every_missing_shard_is_of_exactly_one_kind() {
    let info = |reason: &str, status: &str, at: &str| json!({ "reason": reason, "allocation_status": status, "at": at, "delayed": false });
    let (long_ago, just_now) = ("2026-11-21T12:00:00.000Z", "2026-11-21T12:29:30.000Z");
    let delayed =
        json!({ "reason": "NODE_LEFT", "allocation_status": "no_attempt", "at": just_now, "delayed": true });
    let cases = [
        ("a", "stuck", copy("UNASSIGNED", "EMPTY_STORE", info("INDEX_CREATED", "deciders_no", just_now))),
        (
            "a",
            "stuck",
            copy("UNASSIGNED", "EXISTING_STORE", info("NODE_LEFT", "no_valid_shard_copy", just_now)),
        ),
        ("a", "stuck", copy("UNASSIGNED", "PEER", info("INDEX_CREATED", "no_attempt", long_ago))),
        ("a", "newly_created", copy("UNASSIGNED", "PEER", info("INDEX_CREATED", "no_attempt", just_now))),
        (
            "a",
            "newly_created",
            copy("INITIALIZING", "EMPTY_STORE", info("INDEX_CREATED", "no_attempt", just_now)),
        ),
        ("a", "delayed", copy("UNASSIGNED", "PEER", delayed)),
        ("a", "recovering", copy("INITIALIZING", "PEER", info("NODE_LEFT", "no_attempt", long_ago))),
        ("a", "recovering", copy("UNASSIGNED", "PEER", info("NODE_LEFT", "deciders_throttled", long_ago))),
        (
            "a",
            "restoring",
            copy("INITIALIZING", "SNAPSHOT", info("NEW_INDEX_RESTORED", "no_attempt", long_ago)),
        ),
        (
            "partial-a",
            "frozen",
            copy("UNASSIGNED", "SNAPSHOT", info("ALLOCATION_FAILED", "deciders_no", long_ago)),
        ),
    ];
    for (index, kind, copy) in cases {
        let routing = json!({ "routing_table": { "indices": { index: { "shards": { "0": [copy, { "state": "STARTED" }] } } } } });
        assert_eq!(missing::kinds(&routing, &look(), &GlobSet::empty(), 3), [(kind, 1)], "{routing}");
    }
}

/// One data node, and an index that wants one replica more than it can have.
fn one_node() -> [Value; 3] {
    let health = json!({
        "status": "yellow", "number_of_data_nodes": 1, "unassigned_shards": 1,
        "indices": { "logs": { "status": "yellow", "number_of_shards": 1, "number_of_replicas": 1, "active_shards": 1 } },
    });
    let info = json!({ "reason": "INDEX_CREATED", "allocation_status": "no_attempt", "at": "2026-11-21T12:29:30.000Z" });
    let replica = json!({ "state": "UNASSIGNED", "primary": false, "recovery_source": { "type": "PEER" }, "unassigned_info": info });
    let copies = json!([{ "state": "STARTED", "primary": true }, replica]);
    let routing = json!({ "routing_table": { "indices": { "logs": { "shards": { "0": copies } } } } });
    let explain = json!({
        "index": "logs", "shard": 0, "primary": false,
        "allocate_explanation": "Elasticsearch isn't allowed to allocate this shard to any of the nodes in the cluster.",
        "node_allocation_decisions": [{ "deciders": [{
            "decider": "same_shard", "decision": "NO",
            "explanation": "a copy of this shard is already allocated to this node [[logs][0], node[x], [P], s[STARTED]]",
        }] }],
    });
    [health, routing, explain]
}

#[test]
fn a_replica_without_a_second_node_is_not_on_its_way() {
    let check = check(&[]);
    let seen = observe(&check, &one_node().map(ok));
    insta::assert_snapshot!(shown(&check, &seen));
}

#[test]
fn a_replica_without_a_second_node_is_known_from_the_plain_counts_too() {
    let refused =
        || super::super::tests::failed(crate::model::Cause::Refused, "answers, but refuses us (403)");
    let [health, ..] = one_node();
    let seen = observe(&check(&[]), &[ok(health), refused(), refused()]);
    let facts = &only_reading(&seen).facts;
    assert_eq!((facts.count("homeless"), facts.count("unassigned")), (Some(1), None));
}

#[test]
fn a_replica_that_a_node_could_hold_is_on_its_way_and_one_whose_node_left_waits_for_it() {
    let kinds = |routing: &Value, nodes| missing::kinds(routing, &look(), &GlobSet::empty(), nodes);
    let [_, mut routing, _] = one_node();
    assert_eq!(kinds(&routing, 2), [("newly_created", 1)]);
    let copies = routing.pointer_mut("/routing_table/indices/logs/shards/0").unwrap();
    copies[1]["unassigned_info"] =
        json!({ "reason": "NODE_LEFT", "allocation_status": "no_attempt", "delayed": true });
    assert_eq!(kinds(&routing, 1), [("delayed", 1)]);
}

#[test]
fn what_people_read() {
    let check = check(&[]);
    let seen = observe(&check, &answers(fixture("health_indices")));
    insta::assert_snapshot!(shown(&check, &seen));
}

#[test]
fn many_bad_indices_are_named_up_to_five() {
    let mut health = fixture("health_indices");
    let bad = health["indices"]["lonely"].clone();
    for n in 0..7 {
        health["indices"][format!("logs-{n}")] = bad.clone();
    }
    let seen = observe(&check(&[]), &answers(health));
    let named = only_reading(&seen).facts.get("indices").unwrap().as_array().unwrap();
    assert_eq!((named.len(), &named[0], &named[5]), (6, &json!("stuck (red)"), &json!("4 more")));
}
