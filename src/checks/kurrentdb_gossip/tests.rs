use serde_json::{Value, json};

use super::{
    super::http::tests::answer,
    super::tests::{failed, observe, readings, reason, shown},
    *,
};

/// As KurrentDB 25 writes it, field by field.
fn member(node: u16, state: &str) -> Value {
    json!({
        "instanceId": format!("0000000{node}-aaaa-4bbb-8ccc-dddddddddddd"),
        "timeStamp": "2026-11-21T12:29:59.1234567Z", "state": state, "isAlive": true,
        "internalTcpIp": format!("10.0.0.{node}"), "internalTcpPort": 0, "internalSecureTcpPort": 1112,
        "externalTcpIp": format!("10.0.0.{node}"), "externalTcpPort": 0, "externalSecureTcpPort": 0,
        "internalHttpEndPointIp": format!("10.0.0.{node}"), "internalHttpEndPointPort": 2113,
        "httpEndPointIp": format!("n{node}"), "httpEndPointPort": 2113,
        "lastCommitPosition": 1_613_144_i64, "writerCheckpoint": 9_007_199_254_740_993_i64,
        "chaserCheckpoint": 1_613_144_i64, "epochPosition": 1_600_000_i64, "epochNumber": 7,
        "epochId": "eeeeeeee-1111-4222-8333-444444444444", "nodePriority": 0, "isReadOnlyReplica": false,
        "esVersion": "25.0.0.0",
    })
}

/// What `server` answers; no two answers are alike.
fn view(server: u16, members: &[Value]) -> Value {
    let mut members = members.to_vec();
    for member in &mut members {
        member["timeStamp"] = format!("2026-11-21T12:29:5{server}Z").into();
        member["writerCheckpoint"] = (9_007_199_254_740_993_i64 + i64::from(server)).into();
    }
    json!({ "members": members, "serverIp": format!("10.0.0.{server}"), "serverPort": 2113 })
}

fn three() -> Vec<Value> {
    vec![member(1, "Leader"), member(2, "Follower"), member(3, "Follower")]
}

type Answers = Vec<Result<Response, Reason>>;

fn views(views: [&[Value]; 3]) -> Answers {
    (1..).zip(views).map(|(server, members)| answer(200, view(server, members))).collect()
}

pub fn agreed() -> Answers {
    let all = three();
    views([&all, &all, &all])
}

fn check() -> KurrentdbGossip {
    let nodes = "[\"https://n1:2113\", \"https://n2:2113\", \"https://n3:2113/\"]";
    serde_saphyr::from_str(&format!("{{ nodes: {nodes} }}")).unwrap()
}

/// What is wrong, each with its number.
fn wrong(check: &KurrentdbGossip, answers: &Answers) -> Vec<String> {
    let seen = observe(check, answers);
    let mut wrong = Vec::new();
    for (entity, reading) in readings(&seen) {
        if reading.value > Number::Int(0) {
            wrong.push(format!("{entity} {}", reading.value));
        }
    }
    wrong
}

fn dead(mut member: Value) -> Value {
    member["isAlive"] = false.into();
    member
}

#[test]
fn views_that_differ_only_in_times_and_checkpoints_agree() {
    assert_eq!(wrong(&check(), &agreed()), Vec::<String>::new());
    assert_eq!(readings(&observe(&check(), &agreed())).len(), 9);
}

#[test]
fn the_order_of_members_says_nothing() {
    let (all, mut turned) = (three(), three());
    turned.reverse();
    assert_eq!(wrong(&check(), &views([&all, &turned, &all])), Vec::<String>::new());
}

#[test]
fn a_node_that_is_down_is_unreachable_and_dead_to_the_others() {
    let left = [member(1, "Leader"), member(2, "Follower"), dead(member(3, "Follower"))];
    let mut answers = views([&left, &left, &left]);
    answers[2] = failed(Cause::Unreachable, "cannot be reached: connection refused");
    assert_eq!(
        wrong(&check(), &answers),
        ["finding=member_dead,node=n3:2113 2", "finding=unreachable,node=n3:2113 1"]
    );
}

#[test]
fn what_a_dead_member_was_each_view_remembers_for_itself() {
    let (mut one, mut two) = (three(), three());
    (one[2], two[2]) = (dead(member(3, "Follower")), dead(member(3, "CatchingUp")));
    two[2]["epochNumber"] = 6.into();
    let mut answers = views([&one, &two, &one]);
    answers[2] = failed(Cause::Timeout, "does not answer in time");
    assert!(!wrong(&check(), &answers).iter().any(|wrong| wrong.contains("views_differ")));
}

#[test]
fn an_election_is_disagreement_without_a_leader() {
    let electing = [member(1, "Unknown"), member(2, "Unknown"), member(3, "PreLeader")];
    let later = [member(1, "Unknown"), member(2, "PreReplica"), member(3, "PreLeader")];
    assert_eq!(
        wrong(&check(), &views([&electing, &electing, &later])),
        ["finding=no_leader 3", "finding=views_differ 1"]
    );
}

#[test]
fn a_parted_cluster_has_two_leaders_and_two_views() {
    let small = [member(1, "Leader"), dead(member(2, "Follower")), dead(member(3, "Follower"))];
    let mut large = [dead(member(1, "Leader")), member(2, "Leader"), member(3, "Follower")];
    large[1]["epochNumber"] = 8.into();
    let seen = wrong(&check(), &views([&small, &large, &large]));
    assert!(seen.contains(&"finding=several_leaders 2".to_owned()), "{seen:?}");
    assert!(seen.contains(&"finding=views_differ 1".to_owned()), "{seen:?}");
    assert_eq!(seen.iter().filter(|finding| finding.contains("member_dead")).count(), 3);
}

#[test]
fn an_epoch_or_an_instance_that_differs_is_a_difference() {
    for (field, value) in [
        ("epochNumber", json!(8)),
        ("epochId", json!("ffffffff-1111-4222-8333-444444444444")),
        ("instanceId", json!("new")),
    ] {
        let (all, mut other) = (three(), three());
        other[1][field] = value;
        let seen = wrong(&check(), &views([&all, &other, &all]));
        assert_eq!(seen, ["finding=views_differ 1"], "{field}");
    }
}

#[test]
fn a_read_only_replica_is_a_member_like_others() {
    let mut all = vec![member(1, "Leader"), member(2, "Follower"), member(3, "ReadOnlyReplica")];
    all[2]["isReadOnlyReplica"] = true.into();
    assert_eq!(wrong(&check(), &views([&all, &all, &all])), Vec::<String>::new());
    all[0] = dead(all[0].clone());
    all[2]["state"] = "ReadOnlyLeaderless".into();
    let seen = wrong(&check(), &views([&all, &all, &all]));
    assert_eq!(seen, ["finding=member_dead,node=n1:2113 3", "finding=no_leader 3"]);
}

#[test]
fn a_node_that_was_restarted_is_not_dead_for_its_former_instance() {
    let mut all = three();
    let mut before = dead(member(2, "Follower"));
    before["instanceId"] = "99999999-aaaa-4bbb-8ccc-dddddddddddd".into();
    all.push(before);
    assert_eq!(wrong(&check(), &views([&all, &all, &all])), Vec::<String>::new());
}

#[test]
fn version_5_says_master_and_external_http() {
    let older = |node: u16, state: &str| {
        let mut member = member(node, state);
        let fields = member.as_object_mut().unwrap();
        for newer in ["httpEndPointIp", "httpEndPointPort", "isReadOnlyReplica", "esVersion"] {
            fields.remove(newer);
        }
        fields.insert("externalHttpIp".to_owned(), format!("n{node}").into());
        fields.insert("externalHttpPort".to_owned(), 2113.into());
        member
    };
    let all = [older(1, "Master"), older(2, "Slave"), older(3, "Slave")];
    assert_eq!(wrong(&check(), &views([&all, &all, &all])), Vec::<String>::new());
}

#[test]
fn a_single_node_has_nobody_to_disagree_with() {
    let check: KurrentdbGossip = serde_saphyr::from_str("{ nodes: [\"http://n1:2113\"] }").unwrap();
    let seen = observe(&check, &[answer(200, view(1, &[member(1, "Leader")]))]);
    let names: Vec<String> = readings(&seen).into_keys().collect();
    assert_eq!(
        names,
        [
            "finding=member_dead,node=n1:2113",
            "finding=no_leader",
            "finding=several_leaders",
            "finding=unreachable,node=n1:2113"
        ]
    );
}

#[test]
fn where_nobody_answers_the_nodes_are_told_and_the_cluster_is_unknown() {
    let silent = || failed(Cause::Unreachable, "cannot be reached: connection refused");
    let answers = vec![silent(), silent(), answer(401, json!({}))];
    assert_eq!(wrong(&check(), &answers).len(), 3);
    let Observation::Seen { findings, others } = observe(&check(), &answers) else { panic!() };
    assert_eq!(others, Others::Untouched);
    assert!(matches!(findings[&Entity::of("finding", "no_leader")], Finding::Unknown(_)));
}

#[test]
fn what_is_no_gossip_is_a_query_that_failed() {
    for body in
        [json!({}), json!({ "members": [] }), json!({ "members": [{ "isAlive": "yes" }] }), json!([1])]
    {
        let mut answers = agreed();
        answers[1] = answer(200, body);
        assert_eq!(wrong(&check(), &answers), ["finding=unreachable,node=n2:2113 1"]);
    }
}

#[test]
fn what_cannot_work_is_complained_about() {
    let complaints =
        |text: &str| serde_saphyr::from_str::<KurrentdbGossip>(text).unwrap().complaints().join("; ");
    assert!(complaints("{ nodes: [] }").contains("names 0"));
    assert!(complaints("{ nodes: [\"n1:2113\"] }").contains("has to start with"));
    assert!(complaints("{ nodes: [\"http://n1\", \"http://n1\"] }").contains("twice"));
    let literal = "{ nodes: [\"http://n1\"], auth: { basic: { username: a, password: changeit } } }";
    assert!(complaints(literal).contains("must not stand here as plain text"));
    assert!(reason(&observe(&check(), &Vec::new())).text.contains("not answered"));
}

#[test]
fn what_people_read() {
    let small = [member(1, "Leader"), dead(member(2, "Follower")), member(3, "Follower")];
    let mut large = [member(1, "Follower"), member(2, "Leader"), member(3, "Follower")];
    large[2]["state"] = "Foll\u{7}ower\n".into();
    let mut answers = views([&small, &large, &large]);
    answers[2] = answer(401, json!({}));
    insta::assert_snapshot!(shown(&check(), &observe(&check(), &answers)));
}
