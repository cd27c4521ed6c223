//! What a person is told about a node.

use super::super::{Advice, common::kubernetes::is_name};
use crate::model::{Entity, Number, Reading};

pub fn advise(entity: &Entity, reading: &Reading) -> Advice {
    let (Some(node), Some(condition)) = (entity.get("node"), entity.get("condition")) else {
        return Advice::default();
    };
    if reading.value <= Number::Int(0) {
        return Advice::default();
    }
    let status = reading.facts.text("status").unwrap_or("True");
    let (what, step) = words(condition, status);
    let why = reading.facts.text("message").or(reading.facts.text("reason"));
    let cause = match why {
        Some(why) => format!("`{node}` {what}: {why}"),
        None => format!("`{node}` {what}"),
    };
    let look = if is_name(node) { format!("`kubectl describe node {node}`; ") } else { String::new() };
    Advice { cause: Some(cause), next_step: Some(format!("{look}{step}")) }
}

/// What this means, and what to do.
fn words(condition: &str, status: &str) -> (String, &'static str) {
    let (what, step) = match (condition, status) {
        ("Ready", "Unknown") => (
            "has not been heard of by Kubernetes",
            "see whether the machine runs and its kubelet reaches the API; its pods are moved after about 5 minutes",
        ),
        ("Ready", _) => ("is not ready", "read the kubelet's log on it, and the container runtime's"),
        ("NetworkUnavailable", _) => (
            "has no network for its pods",
            "look at the network plug-in's pod on it, and at the routes of the cloud",
        ),
        ("MemoryPressure", _) => (
            "is short of memory and evicts pods",
            "find what uses it (`kubectl top pods`), and see whether requests and limits are set",
        ),
        ("DiskPressure", _) => (
            "is short of disk, evicts pods and deletes images",
            "free space on it: logs, unused images, what pods write into their own file systems",
        ),
        ("PIDPressure", _) => ("runs too many processes", "find the pod that starts them"),
        ("Unschedulable", _) => ("takes no new pods", "when the work on it is done, `kubectl uncordon` it"),
        (other, _) => return (format!("has the condition {other}"), "ask whoever sets this condition"),
    };
    (what.to_owned(), step)
}
