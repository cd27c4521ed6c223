//! Objects as a kubelet and controllers would have left them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::kubernetes::Api;

/// A namespace of its own; the path of its pods.
pub async fn namespace(api: &Api, name: &str) -> String {
    api.create("/api/v1/namespaces", json!({ "metadata": { "name": name } })).await;
    format!("/api/v1/namespaces/{name}/pods")
}

/// A pod on `node`; a ReplicaSet's last part is the hash of its template. An owner without a kind is none.
pub fn owned(name: &str, (kind, owner): (&str, &str), node: &str) -> Value {
    let mut metadata = json!({ "name": name });
    if !kind.is_empty() {
        let group = if kind == "Job" { "batch/v1" } else { "apps/v1" };
        metadata["ownerReferences"] =
            json!([{ "apiVersion": group, "kind": kind, "name": owner, "uid": "5a5a", "controller": true }]);
    }
    if kind == "ReplicaSet" {
        metadata["labels"] = json!({ "pod-template-hash": owner.rsplit('-').next().unwrap() });
    }
    let spec = json!({ "nodeName": node, "containers": [{ "name": "app", "image": "example/app:1" }] });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec })
}

pub fn ago(seconds: i64) -> String {
    (Utc::now() - TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn container(restarts: i64, state: Value, last: Value) -> Value {
    json!({ "name": "app", "image": "example/app:1", "imageID": "", "ready": false, "restartCount": restarts, "state": state, "lastState": last })
}

pub fn waiting(reason: &str) -> Value {
    container(0, json!({ "waiting": { "reason": reason, "message": "as it was tested" } }), json!({}))
}

pub fn ended(reason: &str, code: i64) -> Value {
    container(
        0,
        json!({ "terminated": { "reason": reason, "exitCode": code, "finishedAt": ago(5) } }),
        json!({}),
    )
}

fn end(reason: &str) -> Value {
    json!({ "terminated": { "reason": reason, "exitCode": 137, "startedAt": ago(9), "finishedAt": ago(1) } })
}

/// The status of a pod whose container crashes again and again.
pub fn crashing() -> Value {
    let state = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 5m0s" } });
    json!({ "phase": "Running", "containerStatuses": [container(4, state, end("Error"))] })
}

/// The status of a pod that runs since now, after so many restarts.
pub fn running(restarts: i64, last: Option<&str>) -> Value {
    let state = json!({ "running": { "startedAt": ago(0) } });
    json!({ "phase": "Running", "containerStatuses": [container(restarts, state, last.map(end).unwrap_or_else(|| json!({})))] })
}

pub fn condition(kind: &str, status: &str, reason: &str) -> Value {
    let message = format!("{kind} is {status}");
    json!({ "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": ago(3) })
}

pub fn job(name: &str, cron: Option<&str>) -> Value {
    let mut metadata = json!({ "name": name });
    if let Some(cron) = cron {
        metadata["ownerReferences"] = json!([{ "apiVersion": "batch/v1", "kind": "CronJob", "name": cron, "uid": "5a5b", "controller": true }]);
    }
    let pod =
        json!({ "restartPolicy": "Never", "containers": [{ "name": "app", "image": "example/app:1" }] });
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": { "template": { "spec": pod } } })
}

/// Does it for each, sixteen at a time.
pub async fn each<F: Future<Output = ()>>(names: &[String], work: impl Fn(String) -> F) {
    let next = Arc::new(AtomicUsize::new(0));
    let worker = || async {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(name.clone()).await;
        }
    };
    join_all((0..16).map(|_| worker())).await;
}
