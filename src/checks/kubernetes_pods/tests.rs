use serde_json::{Value, json};

use super::{
    super::tests::{failed, fixture, look, readings, reason, shown},
    *,
};
use crate::model::{
    Cause, Number, Time,
    kubernetes::{Objects, Page, Pod},
};

fn pods_of(list: &Value) -> Result<Response, Reason> {
    let page: Page<Pod> = serde_json::from_value(list.clone()).unwrap();
    Ok(Response::Kubernetes(Objects::Pods(page.items)))
}

fn workloads_of(list: &Value) -> Result<Response, Reason> {
    let page: Page<Workload> = serde_json::from_value(list.clone()).unwrap();
    Ok(Response::Kubernetes(Objects::Workloads(page.items)))
}

fn answers(pods: &Value, workloads: &Value) -> Vec<Result<Response, Reason>> {
    let mut answers = vec![pods_of(pods)];
    for resource in WORKLOADS {
        let list = workloads.get(resource.name()).cloned().unwrap_or(json!({ "items": [] }));
        answers.push(workloads_of(&list));
    }
    answers
}

pub fn all() -> Vec<Result<Response, Reason>> {
    answers(&fixture("kubernetes_pods"), &fixture("kubernetes_workloads"))
}

fn check(text: &str) -> KubernetesPods {
    serde_saphyr::from_str(text).unwrap()
}

fn at(minutes: i64) -> Look {
    let start: Time = "2026-11-21T12:00:00Z".parse().unwrap();
    let end = start + chrono::TimeDelta::minutes(minutes);
    Look { window: crate::model::Window::ending(end, Duration::ZERO), ..look() }
}

/// RFC 3339, as the API writes times.
fn time(minutes: i64) -> String {
    at(minutes).window.end.to_rfc3339()
}

/// A pod of the Deployment `app`, with one container as `status` says.
fn pod(name: &str, status: Value) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "a", "uid": format!("uid-{name}"), "creationTimestamp": time(-600), "labels": { "pod-template-hash": "h1" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "app-h1", "controller": true }],
        },
        "spec": { "nodeName": "n" },
        "status": { "phase": "Running", "containerStatuses": [status] },
    })
}

fn crashing() -> Value {
    json!({ "name": "c", "restartCount": 4, "state": { "waiting": { "reason": "CrashLoopBackOff" } } })
}

fn running(restarts: i64, since: i64) -> Value {
    json!({ "name": "c", "restartCount": restarts, "state": { "running": { "startedAt": time(since) } } })
}

/// What successive looks find of one workload: (minute, its pods) → how many are in trouble.
fn course(check: &KubernetesPods, looks: &[(i64, Vec<Value>)]) -> Vec<i64> {
    let mut memory = Memory::default();
    let mut values = Vec::new();
    for (minute, pods) in looks {
        let (seen, after) = check.read(&at(*minute), &answers(&json!({ "items": pods }), &json!({})), memory);
        memory = after;
        let value = readings(&seen)["namespace=a,workload=Deployment/app"].value;
        values.push(value.as_f64() as i64);
    }
    values
}

fn troubles(check: &KubernetesPods, pods: &Value, workloads: &Value) -> Vec<String> {
    let (seen, _) = check.read(&at(30), &answers(pods, workloads), Memory::default());
    let bad = readings(&seen).into_iter().filter(|(_, reading)| reading.value > Number::Int(0));
    bad.map(|(entity, reading)| {
        format!("{entity}: {} {}", reading.value, reading.facts.text("reason").unwrap())
    })
    .collect()
}

#[test]
fn every_trouble_is_counted_under_its_owner_and_explained() {
    let check = KubernetesPods::default();
    let (seen, _) = check.read(&look(), &all(), Memory::default());
    insta::assert_snapshot!(shown(&check, &seen));
}

#[test]
fn per_pod_the_pod_is_a_label_too() {
    let (seen, _) = check("{ per: pod }").read(&look(), &all(), Memory::default());
    let readings = readings(&seen);
    let entity = "namespace=shop,pod=checkout-6d4f8b7c9-abcde,workload=Deployment/checkout";
    assert_eq!(readings[entity].value, Number::Int(1));
    assert_eq!(
        readings["namespace=shop,pod=checkout-6d4f8b7c9-fghij,workload=Deployment/checkout"].value,
        Number::Int(0)
    );
}

#[test]
fn two_hundred_crashing_pods_of_one_deployment_are_one_alert() {
    let pods: Vec<Value> = (0..200).map(|n| pod(&format!("app-h1-{n}"), crashing())).collect();
    let check = KubernetesPods::default();
    let (seen, memory) =
        check.read(&at(0), &answers(&json!({ "items": pods }), &json!({})), Memory::default());
    let reading = readings(&seen)["namespace=a,workload=Deployment/app"];
    assert_eq!((reading.value, reading.whole), (Number::Int(200), Some(Number::Int(200))));
    assert_eq!(reading.facts.get("pods").unwrap().as_array().unwrap().len(), 10, "the others are counted");
    assert!(memory.0.to_string().len() < 200 * 200, "{}", memory.0.to_string().len());
}

#[test]
fn every_waiting_reason_but_the_beginnings_is_trouble_at_once() {
    let waits = |reason: Value| {
        let status = json!({ "name": "c", "restartCount": 0, "state": { "waiting": { "reason": reason } } });
        let mut pod = pod("p", status);
        pod["metadata"]["creationTimestamp"] = time(29).into();
        pod["status"]["phase"] = "Pending".into();
        troubles(&KubernetesPods::default(), &json!({ "items": [pod] }), &json!({}))
    };
    for reason in
        ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "SomethingNew"]
    {
        assert_eq!(waits(reason.into()), [format!("namespace=a,workload=Deployment/app: 1 {reason}")]);
    }
    for reason in [json!("ContainerCreating"), json!("PodInitializing"), Value::Null] {
        assert_eq!(waits(reason.clone()), [""; 0], "{reason}");
    }
}

#[test]
fn a_crash_loop_has_recovered_only_after_ten_minutes_without_a_restart() {
    let check = KubernetesPods::default();
    let one = |status: Value| vec![pod("p", status)];
    let looks = [
        (0, one(crashing())),
        (2, one(running(5, 1))),
        (4, one(crashing())),
        (6, one(running(6, 5))),
        (14, one(running(6, 5))),
        (15, one(running(6, 5))),
        (16, one(running(6, 5))),
    ];
    assert_eq!(course(&check, &looks), [1, 1, 1, 1, 1, 0, 0]);
}

#[test]
fn new_pods_have_to_prove_themselves_when_the_crashing_ones_are_deleted() {
    let looks = [
        (0, vec![pod("p", crashing())]),
        (1, vec![pod("q", running(0, 1))]),
        (9, vec![pod("q", running(0, 1))]),
        (10, vec![pod("q", running(0, 1))]),
    ];
    assert_eq!(course(&KubernetesPods::default(), &looks), [1, 1, 1, 0]);
}

#[test]
fn restarts_count_only_where_they_come_close_together() {
    let one = |minute: i64, restarts: i64| (minute, vec![pod("p", running(restarts, minute))]);
    let check = KubernetesPods::default();
    assert_eq!(course(&check, &[one(0, 1), one(9, 2), one(18, 3), one(27, 4)]), [0, 0, 0, 0]);
    assert_eq!(
        course(&check, &[one(0, 1), one(2, 2), one(4, 3), one(20, 3)]),
        [0, 0, 1, 1],
        "restarted at 20"
    );
    let calm = (16, vec![pod("p", running(3, 4))]);
    assert_eq!(course(&check, &[one(0, 1), one(2, 2), one(4, 3), calm]), [0, 0, 1, 0]);
    assert_eq!(course(&check, &[one(0, 40)]), [0], "old restarts are no news");
    assert_eq!(course(&check, &[one(0, 40), one(1, 45)]), [0, 1], "several between two looks");
}

#[test]
fn a_kill_for_memory_counts_for_ten_minutes_without_any_memory_of_ours() {
    let killed = |minute: i64| {
        let mut status = running(1, minute);
        status["lastState"] =
            json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": time(minute) } });
        json!({ "items": [pod("p", status)] })
    };
    let check = KubernetesPods::default();
    assert_eq!(
        troubles(&check, &killed(21), &json!({})),
        ["namespace=a,workload=Deployment/app: 1 OOMKilled"]
    );
    assert_eq!(troubles(&check, &killed(19), &json!({})), [""; 0]);
}

#[test]
fn a_failed_pod_counts_while_it_is_recent_and_nobody_took_its_place() {
    let failed = |ended: i64, available: i64| {
        let state = json!({ "name": "c", "restartCount": 0, "state": { "terminated": { "exitCode": 1, "finishedAt": time(ended) } } });
        let mut pod = pod("p", state);
        pod["status"]["phase"] = "Failed".into();
        let deployment = json!({ "metadata": { "name": "app", "namespace": "a" }, "spec": { "replicas": 2 }, "status": { "availableReplicas": available } });
        troubles(
            &KubernetesPods::default(),
            &json!({ "items": [pod] }),
            &json!({ "deployments": { "items": [deployment] } }),
        )
    };
    assert_eq!(failed(20, 1), ["namespace=a,workload=Deployment/app: 1 Failed"]);
    assert_eq!(failed(20, 2), [""; 0], "replaced");
    assert_eq!(failed(-40, 1), [""; 0], "long ago");
}

#[test]
fn a_cronjob_is_as_its_newest_ended_job_and_a_job_as_itself() {
    let job = |name: &str, cron: bool, created: i64, condition: &str| {
        let owner = if cron {
            json!([{ "kind": "CronJob", "name": "nightly", "controller": true }])
        } else {
            json!([])
        };
        json!({ "metadata": { "name": name, "namespace": "a", "creationTimestamp": time(created), "ownerReferences": owner },
            "status": { "conditions": [{ "type": condition, "status": "True" }] } })
    };
    let of = |jobs: Vec<Value>| {
        troubles(&KubernetesPods::default(), &json!({ "items": [] }), &json!({ "jobs": { "items": jobs } }))
    };
    let failed = "namespace=a,workload=CronJob/nightly: 1 JobFailed";
    assert_eq!(of(vec![job("n-1", true, 0, "Complete"), job("n-2", true, 9, "Failed")]), [failed]);
    assert_eq!(of(vec![job("n-9", true, 0, "Failed"), job("n-10", true, 9, "Complete")]), [""; 0]);
    assert_eq!(
        of(vec![job("n-1", true, 0, "Failed"), job("n-2", true, 9, "Suspended")]),
        [failed],
        "not ended yet"
    );
    assert_eq!(of(vec![job("once", false, -9000, "Failed")]), ["namespace=a,workload=Job/once: 1 JobFailed"]);
}

#[test]
fn a_pod_is_given_to_its_owner_and_not_to_a_name_that_looks_like_it() {
    let owned = |kind: &str, name: &str, hash: &str, controller: bool| {
        let mut pod = pod("p", crashing());
        pod["metadata"]["labels"] = json!({ "pod-template-hash": hash });
        pod["metadata"]["ownerReferences"] =
            json!([{ "kind": kind, "name": name, "controller": controller }]);
        troubles(&KubernetesPods::default(), &json!({ "items": [pod] }), &json!({}))[0].clone()
    };
    assert!(owned("ReplicaSet", "web-api-abc", "abc", true).contains("workload=Deployment/web-api:"));
    assert!(owned("ReplicaSet", "web-api-abc", "bc", true).contains("workload=ReplicaSet/web-api-abc:"));
    assert!(owned("ReplicaSet", "abc", "abc", true).contains("workload=ReplicaSet/abc:"));
    assert!(owned("Rollout", "web-abc", "abc", true).contains("workload=Rollout/web-abc:"));
    assert!(owned("ReplicaSet", "web-abc", "abc", false).contains("workload=Pod/p:"));
}

#[test]
fn pods_that_end_well_or_are_on_their_way_out_are_no_trouble() {
    let mut done =
        pod("done", json!({ "name": "c", "restartCount": 0, "state": { "terminated": { "exitCode": 0 } } }));
    done["status"]["phase"] = "Succeeded".into();
    let mut leaving = pod("leaving", crashing());
    leaving["metadata"]["deletionTimestamp"] = time(29).into();
    let list = json!({ "items": [done, leaving] });
    assert_eq!(troubles(&KubernetesPods::default(), &list, &json!({})), [""; 0]);
}

#[test]
fn a_phase_that_nobody_knows_is_told() {
    for (phase, said) in [
        (json!("Unknown"), "phase Unknown"),
        (json!("Dreaming"), "phase Dreaming"),
        (Value::Null, "no phase"),
    ] {
        let mut pod = pod("p", running(0, 0));
        pod["status"]["phase"] = phase;
        let told = troubles(&KubernetesPods::default(), &json!({ "items": [pod] }), &json!({}));
        assert_eq!(told, [format!("namespace=a,workload=Deployment/app: 1 {said}")]);
    }
}

#[test]
fn objects_without_anything_in_them_and_hostile_ones_do_no_harm() {
    let hostile = "x\u{202e}\n<!channel> `rm -rf`";
    let list = json!({ "items": [
        { "metadata": {} },
        { "metadata": { "name": null, "namespace": null, "labels": null, "ownerReferences": null }, "spec": null, "status": null },
        { "metadata": { "name": hostile, "namespace": hostile, "labels": { (hostile): hostile } }, "status": { "phase": hostile, "message": hostile.repeat(1000),
            "containerStatuses": [{ "name": hostile, "restartCount": -5, "state": { "waiting": { "reason": hostile, "message": hostile.repeat(1000) } } }] } },
        { "metadata": { "name": "far", "namespace": "a" }, "status": { "phase": "Running", "containerStatuses": [
            { "name": "c", "restartCount": i64::MAX, "state": { "running": { "startedAt": "9999-12-31T23:59:59Z" } } },
            { "name": "d", "restartCount": 3, "state": {}, "lastState": { "terminated": { "exitCode": 1, "finishedAt": "0001-01-01T00:00:00Z" } } } ] } },
    ] });
    let list: Value = serde_json::from_str(&list.to_string().replace("\"name\":null,", "")).unwrap();
    let check = KubernetesPods::default();
    let (seen, memory) = check.read(&at(30), &answers(&list, &json!({})), Memory::default());
    let text = shown(&check, &seen);
    assert!(!text.contains("`kubectl"), "no command holds a hostile name: {text}");
    assert!(text.len() < 10_000, "{}", text.len());
    check.read(&at(31), &answers(&list, &json!({})), memory);
}

#[test]
fn what_is_remembered_is_bounded_and_what_cannot_be_read_is_forgotten() {
    let pods: Vec<Value> = (0..3000).map(|n| pod(&format!("app-h1-{n}"), crashing())).collect();
    let check = KubernetesPods::default();
    let (_, memory) = check.read(&at(0), &answers(&json!({ "items": pods }), &json!({})), Memory::default());
    assert_eq!(memory.0.as_object().unwrap().len(), 1000);
    let odd = Memory(json!({ "a": 1 }));
    let (seen, _) = check.read(&at(0), &all(), odd);
    assert!(!readings(&seen).is_empty());
    let calm = answers(&json!({ "items": [pod("p", running(0, -60))] }), &json!({}));
    assert_eq!(
        check.read(&at(0), &calm, Memory::default()).1,
        Memory::default(),
        "nothing is remembered of the calm"
    );
}

#[test]
fn a_look_that_fails_forgets_nothing() {
    let check = KubernetesPods::default();
    let crash = answers(&json!({ "items": [pod("p", crashing())] }), &json!({}));
    let (_, memory) = check.read(&at(0), &crash, Memory::default());
    let mut broken = crash.clone();
    broken[0] = failed(Cause::Unreachable, "the API refuses connections");
    let (seen, after) = check.read(&at(1), &broken, memory.clone());
    assert_eq!((reason(&seen).cause, after), (Cause::Unreachable, memory));
}

#[test]
fn without_workloads_pods_alone_are_judged_and_a_narrow_role_says_so() {
    let pods_only = check("{ workloads: false }");
    assert_eq!(pods_only.queries(&look(), &Memory::default()).len(), 1);
    let (seen, _) = pods_only.read(&look(), &all()[..1], Memory::default());
    assert!(readings(&seen).contains_key("namespace=ops,workload=Job/backup-29000"), "by its pod");
    let mut narrow = all();
    narrow[4] = Err(Reason::new(Cause::Refused, "grant `list` on `jobs`").with_status(403));
    let (seen, _) = KubernetesPods::default().read(&look(), &narrow, Memory::default());
    assert_eq!(reason(&seen).text, "grant `list` on `jobs`, or say `workloads: false`");
}

#[test]
fn a_namespace_without_pods_is_no_data_and_asks_for_its_name() {
    let (seen, _) = check("{ namespaces: [shpo] }").read(
        &at(0),
        &answers(&json!({ "items": [] }), &json!({})),
        Memory::default(),
    );
    assert_eq!(seen, Observation::NoData("there are no pods in shpo; is that its name?".to_owned()));
}

#[test]
fn mistakes_are_complained_about() {
    for text in [
        "{ restarts: 0 }",
        "{ calm_for: 0s }",
        "{ namespaces: [\"shop-*\"] }",
        "{ namespaces: [a, a] }",
        "{ namespaces: [\"../x\"] }",
    ] {
        assert_eq!(check(text).complaints().len(), 1, "{text}");
    }
}
