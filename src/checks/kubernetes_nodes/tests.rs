use serde_json::{Value, json};

use super::{
    super::tests::{fixture, observe, readings, reason, shown},
    *,
};
use crate::model::kubernetes::{Objects, Page};

fn nodes_of(list: &Value) -> Result<Response, Reason> {
    let page: Page<Node> = serde_json::from_value(list.clone()).unwrap();
    Ok(Response::Kubernetes(Objects::Nodes(page.items)))
}

pub fn all() -> Result<Response, Reason> {
    nodes_of(&fixture("kubernetes_nodes"))
}

fn check(text: &str) -> KubernetesNodes {
    serde_saphyr::from_str(text).unwrap()
}

/// What is bad, in the words of its unit.
fn bad(check: &KubernetesNodes, list: &Value) -> Vec<String> {
    let seen = observe(check, &[nodes_of(list)]);
    let bad = readings(&seen).into_iter().filter(|(_, reading)| reading.value > Number::Int(0));
    bad.map(|(entity, reading)| format!("{entity} {}", reading.unit.show(reading.value))).collect()
}

#[test]
fn every_condition_of_every_node_is_judged_and_explained() {
    let check = check("{ unschedulable: true, also: [KernelDeadlock] }");
    insta::assert_snapshot!(shown(&check, &observe(&check, &[all()])));
}

#[test]
fn a_taint_that_kubernetes_set_hides_no_bad_node() {
    let bad = bad(&check("{}"), &fixture("kubernetes_nodes"));
    assert_eq!(
        bad,
        [
            "condition=DiskPressure,node=node-a strained",
            "condition=NetworkUnavailable,node=node-b down",
            "condition=Ready,node=cp-1 down",
            "condition=Ready,node=node-b down",
        ]
    );
    for taint in
        ["node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready", "node.kubernetes.io/disk-pressure"]
    {
        let complaints = check(&format!("{{ skip_taints: [{taint}] }}")).complaints();
        assert!(complaints[0].contains("exactly the nodes"), "{complaints:?}");
    }
    let fine =
        check("{ skip_taints: [node-role.kubernetes.io/control-plane, node.kubernetes.io/unschedulable] }");
    assert_eq!(fine.complaints(), Vec::<String>::new());
}

#[test]
fn nodes_are_left_out_only_by_a_taint_or_a_label_that_is_named() {
    let list = fixture("kubernetes_nodes");
    let names = |text: &str| bad(&check(text), &list).join(" ");
    assert!(!names("{ skip_taints: [node-role.kubernetes.io/control-plane] }").contains("cp-1"));
    assert!(!names("{ skip_labels: [node-role.kubernetes.io/control-plane] }").contains("cp-1"));
    assert!(!names("{ skip_labels: [\"kubernetes.io/os=linux\"] }").contains("node-a"));
    assert!(names("{ skip_labels: [\"kubernetes.io/os=windows\"] }").contains("node-a"));
}

#[test]
fn a_selector_that_leaves_nobody_proves_nothing() {
    let mut list = fixture("kubernetes_nodes");
    list["items"].as_array_mut().unwrap().truncate(1);
    let seen = observe(&check("{ skip_labels: [kubernetes.io/os] }"), &[nodes_of(&list)]);
    assert_eq!(reason(&seen).text, "`skip_taints` and `skip_labels` leave out all of 1 node");
}

#[test]
fn a_cluster_without_nodes_is_no_data() {
    let seen = observe(&check("{}"), &[nodes_of(&json!({ "items": null }))]);
    assert_eq!(seen, Observation::NoData("the cluster has no nodes".to_owned()));
}

#[test]
fn a_condition_that_nobody_understands_is_unknown_and_a_silent_node_is_told_once() {
    let node = |conditions: Value| json!({ "items": [{ "metadata": { "name": "n" }, "status": { "conditions": conditions } }] });
    let finding = |conditions: Value, name: &str| {
        let Observation::Seen { findings, .. } = observe(&check("{}"), &[nodes_of(&node(conditions))]) else {
            panic!()
        };
        findings[&Entity::new([("node", "n"), ("condition", name)])].clone()
    };
    let odd = finding(json!([{ "type": "MemoryPressure", "status": "Perhaps" }]), "MemoryPressure");
    assert_eq!(odd.unknown().unwrap().text, "`MemoryPressure` is `Perhaps`, which says nothing");
    assert!(finding(json!([]), "Ready").unknown().is_some(), "never OK by default");
    let silent = finding(json!([{ "type": "PIDPressure", "status": "Unknown" }]), "PIDPressure");
    assert!(matches!(silent, Finding::NoData(_)), "Ready tells it");
    let odd = finding(json!([{ "type": "Ready", "status": "Perhaps" }]), "Ready");
    assert!(matches!(odd, Finding::Value(reading) if reading.value == Number::Int(2)));
}

#[test]
fn a_further_condition_that_no_node_has_is_not_fine() {
    let check = check("{ also: [KernelDeadlok, KernelDeadlock] }");
    let Observation::Seen { findings, .. } = observe(&check, &[all()]) else { panic!() };
    let of_nobody: Vec<&Entity> = findings.keys().filter(|entity| entity.get("node").is_none()).collect();
    assert_eq!(of_nobody, [&Entity::of("condition", "KernelDeadlok")]);
    let why = findings[of_nobody[0]].unknown().unwrap();
    assert_eq!(why.text, "no node has the condition `KernelDeadlok`; is that its name?");
}

#[test]
fn mistakes_are_complained_about() {
    for text in ["{ also: [Ready] }", "{ skip_labels: [\"\"] }", "{ context: \" \" }", "{ kubeconfig: \"\" }"]
    {
        assert_eq!(check(text).complaints().len(), 1, "{text}");
    }
    assert_eq!(check("{}").elsewhere().as_deref(), Some("kubernetes"));
    assert_eq!(check("{ context: eu-1 }").elsewhere().as_deref(), Some("eu-1"));
}
