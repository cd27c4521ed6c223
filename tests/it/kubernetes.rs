//! Pods and nodes of a real Kubernetes API: every trouble seen, told and recovered from; roles; 5,000 pods; an API that goes away.

mod fixtures;
mod inside;
mod kubeconfigs;
mod many;
mod roles;
mod watch;
mod wire;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::fixtures::{condition, crashing, owned, running, waiting};
use crate::support::{
    daemon::Home,
    kubernetes::Api,
    not_run::{NotRun, or_not_run},
    receiver::{Event, Receiver},
};

const SOON: Duration = Duration::from_secs(60);

/// One API for the tests that do not take it down; each has namespaces of its own.
static SHARED: OnceCell<Result<Api, NotRun>> = OnceCell::const_new();

async fn shared() -> Option<&'static Api> {
    match SHARED.get_or_init(Api::start).await {
        Ok(api) => Some(api),
        Err(why) => or_not_run(Err(why.clone())),
    }
}

/// Settings without any cluster of Elasticsearch.
fn settings(receiver: &Receiver) -> Value {
    json!({
        "rules": ["rules"],
        "store": { "sqlite": { "path": "var/highwater.db" } },
        "sinks": { "hook": { "webhook": { "url": receiver.url("/hook") } } },
        "defaults": { "notify": ["hook"] },
        "self": { "notify": ["hook"] },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "level": "debug", "format": "json" },
    })
}

/// A rule about pods; `more` are keys of its check.
fn pods_rule(kubeconfig: &str, more: &str) -> String {
    format!(
        "rules:\n  - {{ id: pods, check: {{ kubernetes_pods: {{ kubeconfig: {kubeconfig}, {more} }} }}, schedule: every 1s, \
         levels: {{ warning: at least 1 }}, blind: {{ after: 2s, level: warning }} }}\n"
    )
}

fn nodes_rule(kubeconfig: &str, more: &str) -> String {
    format!(
        "rules:\n  - {{ id: nodes, check: {{ kubernetes_nodes: {{ kubeconfig: {kubeconfig}, {more} }} }}, schedule: every 1s }}\n"
    )
}

/// What is firing, as `workload: reason`.
fn firing(home: &Home) -> Vec<String> {
    let checked = home.check(&["pods"]);
    assert_eq!(checked.outcome("pods"), "complete", "{}", checked.report);
    let alerts = checked.rule("pods")["alerts"].as_array().cloned().unwrap_or_default();
    let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
    firing
        .map(|alert| {
            let entity = alert["entity"]["workload"].as_str().or(alert["entity"]["node"].as_str()).unwrap();
            format!("{entity}: {}", alert["facts"]["reason"].as_str().unwrap_or_default())
        })
        .collect()
}

/// Everything that the rule about nodes told, once it is so much.
async fn told(receiver: &Receiver, events: usize) -> Vec<Event> {
    receiver.wait_for("the nodes' news", SOON, |_| receiver.events("nodes").len() >= events).await;
    receiver.events("nodes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trouble_of_pods_is_seen_under_the_workload_that_owns_them() {
    let Some(api) = shared().await else { return };
    let pods = fixtures::namespace(api, "trouble").await;
    let failed = json!({ "phase": "Failed", "containerStatuses": [fixtures::ended("Error", 3)] });
    let evicted =
        json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory." });
    let unscheduled =
        json!({ "phase": "Pending", "conditions": [condition("PodScheduled", "False", "Unschedulable")] });
    let init = json!({ "phase": "Pending", "initContainerStatuses": [waiting("ImagePullBackOff")] });
    for (name, owner, status) in [
        ("web-5d8f-abcde", ("ReplicaSet", "web-5d8f"), crashing()),
        (
            "api-77-aaaaa",
            ("ReplicaSet", "api-77"),
            json!({ "phase": "Pending", "containerStatuses": [waiting("ErrImagePull")] }),
        ),
        (
            "cfg-0",
            ("StatefulSet", "cfg"),
            json!({ "phase": "Pending", "containerStatuses": [waiting("CreateContainerConfigError")] }),
        ),
        ("db-0", ("StatefulSet", "db"), running(1, Some("OOMKilled"))),
        ("agent-x", ("DaemonSet", "agent"), init),
        ("tool", ("", ""), failed),
        ("shy-66-bbbbb", ("ReplicaSet", "shy-66"), evicted),
        ("big-1-ccccc", ("ReplicaSet", "big-1"), unscheduled),
        ("well-2-ddddd", ("ReplicaSet", "well-2"), running(0, None)),
        ("nightly-1-q", ("Job", "nightly-1"), json!({ "phase": "Failed" })),
    ] {
        api.create(&pods, owned(name, owner, "node-1")).await;
        api.status(&pods, name, status).await;
    }
    let jobs = "/apis/batch/v1/namespaces/trouble/jobs";
    api.create(jobs, fixtures::job("nightly-1", Some("nightly"))).await;
    let conditions = [
        condition("FailureTarget", "True", "BackoffLimitExceeded"),
        condition("Failed", "True", "BackoffLimitExceeded"),
    ];
    api.status(jobs, "nightly-1", json!({ "startTime": fixtures::ago(60), "conditions": conditions })).await;
    let receiver = Receiver::start();
    let rule = pods_rule(&api.kubeconfig("admin"), "namespaces: [trouble], pending_for: 0s");
    let home = Home::new(&settings(&receiver), &rule);
    assert_eq!(
        firing(&home),
        [
            "CronJob/nightly: JobFailed",
            "DaemonSet/agent: ImagePullBackOff",
            "Deployment/api: ErrImagePull",
            "Deployment/big: Pending",
            "Deployment/web: CrashLoopBackOff",
            "Pod/tool: Failed",
            "StatefulSet/cfg: CreateContainerConfigError",
            "StatefulSet/db: OOMKilled",
            "node-1: Evicted",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_crashing_pods_of_a_deployment_are_one_message_and_recover_once_they_stay_calm() {
    let Some(api) = shared().await else { return };
    let pods = fixtures::namespace(api, "wave").await;
    let names: Vec<String> = (0..200).map(|n| format!("shop-5c9-{n:05}")).collect();
    fixtures::each(&names, |name| {
        let pods = pods.clone();
        async move {
            api.create(&pods, owned(&name, ("ReplicaSet", "shop-5c9"), "node-1")).await;
            api.status(&pods, &name, running(0, None)).await;
        }
    })
    .await;
    let receiver = Receiver::start();
    let rule = pods_rule(&api.kubeconfig("admin"), "namespaces: [wave], calm_for: 4s");
    let home = Home::new(&settings(&receiver), &rule);
    let daemon = home.start().await;
    let set = |status: fn() -> Value| {
        let pods = pods.clone();
        fixtures::each(&names, move |name| {
            let pods = pods.clone();
            async move { api.status(&pods, &name, status()).await }
        })
    };
    set(crashing).await;
    receiver.wait_for_story("pods", &["fired warning"], SOON).await;
    set(|| running(5, Some("Error"))).await;
    let calm_since = std::time::Instant::now();
    let told = receiver.wait_for_story("pods", &["fired warning", "resolved warning cleared"], SOON).await;
    assert!(told[1].at.duration_since(calm_since) >= Duration::from_secs(2), "not the moment it runs again");
    assert_eq!(told[0].entity("workload"), "Deployment/shop");
    assert_eq!(receiver.arrivals().len(), 2, "one message for all pods, and one recovery");
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_condition_of_a_node_fires_and_recovers_whatever_its_taints() {
    let Some(api) = shared().await else { return };
    const NODES: &str = "/api/v1/nodes";
    let taints = json!([{ "key": "node.kubernetes.io/unreachable", "effect": "NoSchedule" }, { "key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule" }]);
    api.create(NODES, json!({ "metadata": { "name": "bad" }, "spec": { "taints": taints } })).await;
    api.create(NODES, json!({ "metadata": { "name": "good", "labels": { "pool": "spot" } } })).await;
    let conditions = |statuses: [&str; 5]| {
        let kinds = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];
        let all = kinds.into_iter().zip(statuses).map(|(kind, status)| condition(kind, status, "Tested"));
        json!({ "conditions": all.collect::<Vec<Value>>() })
    };
    let well = conditions(["True", "False", "False", "False", "False"]);
    api.status(NODES, "good", well.clone()).await;
    api.status(NODES, "bad", conditions(["Unknown", "True", "True", "True", "True"])).await;
    let receiver = Receiver::start();
    let home = Home::new(
        &settings(&receiver),
        &nodes_rule(&api.kubeconfig("admin"), "skip_labels: [kubernetes.io/none]"),
    );
    let daemon = home.start().await;
    let told = told(&receiver, 5).await;
    let mut words: Vec<String> = told
        .iter()
        .map(|event| format!("{} {} {}", event.entity("node"), event.entity("condition"), event.words()))
        .collect();
    words.sort();
    assert_eq!(
        words,
        [
            "bad DiskPressure fired warning",
            "bad MemoryPressure fired warning",
            "bad NetworkUnavailable fired critical",
            "bad PIDPressure fired warning",
            "bad Ready fired critical",
        ]
    );
    api.status(NODES, "bad", conditions(["False", "False", "False", "False", "False"])).await;
    self::told(&receiver, 9).await;
    api.status(NODES, "bad", well).await;
    let told = self::told(&receiver, 10).await;
    assert!(told[5..].iter().all(|event| event.words().ends_with("cleared")), "{:?}", receiver.whole_story());
    assert_eq!(told[9].entity("condition"), "Ready");
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_with_hostile_labels_and_messages_harms_nobody() {
    let Some(api) = shared().await else { return };
    let pods = fixtures::namespace(api, "hostile").await;
    let evil = "<!channel>\u{202e}\u{1b}[31m `$(reboot)` {{ env.HOME }}".repeat(40);
    let mut pod = owned("evil-1-aaaaa", ("ReplicaSet", "evil-1"), "node-1");
    pod["metadata"]["annotations"] = json!({ "note": evil });
    api.create(&pods, pod).await;
    let mut status = crashing();
    status["message"] = evil.clone().into();
    status["containerStatuses"][0]["state"]["waiting"] = json!({ "reason": evil, "message": evil });
    api.status(&pods, "evil-1-aaaaa", status).await;
    let receiver = Receiver::start();
    let home = Home::new(&settings(&receiver), &pods_rule(&api.kubeconfig("admin"), "namespaces: [hostile]"));
    let daemon = home.start().await;
    receiver.wait_for_story("pods", &["fired warning"], SOON).await;
    let text = receiver.arrivals()[0].body["text"].as_str().unwrap().to_owned();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert!(text.len() < 8000 && text.contains("Deployment/evil"), "{}", text.len());
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_restarted_makes_the_rule_blind_and_nothing_else() {
    let Some(api) = or_not_run(Api::start().await) else { return };
    let pods = fixtures::namespace(&api, "restart").await;
    api.create(&pods, owned("web-1-aaaaa", ("ReplicaSet", "web-1"), "node-1")).await;
    api.status(&pods, "web-1-aaaaa", crashing()).await;
    let receiver = Receiver::start();
    let home = Home::new(&settings(&receiver), &pods_rule(&api.kubeconfig("admin"), ""));
    let daemon = home.start().await;
    receiver.wait_for_story("pods", &["fired warning"], SOON).await;
    api.stop();
    receiver.wait_for_story("highwater-blind pods", &["fired warning"], SOON).await;
    let looked = home.check(&["pods"]);
    assert_eq!(
        (looked.outcome("pods"), looked.reason("pods")),
        ("indeterminate", "the API refuses connections")
    );
    api.start_again().await;
    receiver
        .wait_for_story("highwater-blind pods", &["fired warning", "resolved warning cleared"], SOON)
        .await;
    assert_eq!(receiver.story("pods"), ["fired warning"], "what fired fires on");
    assert_eq!(daemon.stop().await, 0);
}
