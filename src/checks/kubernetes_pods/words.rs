//! What a person is told about pods in trouble.

use super::super::{
    Advice,
    common::{counted, kubernetes::is_name},
};
use crate::model::{Entity, Number, Reading};

pub fn advise(entity: &Entity, reading: &Reading) -> Advice {
    let Some(reason) = reading.facts.text("reason").filter(|_| reading.value > Number::Int(0)) else {
        return Advice::default();
    };
    let count = reading.value.as_f64() as u64;
    if let Some(node) = entity.get("node") {
        return evictions(node, count, reading);
    }
    let workload = entity.get("workload").unwrap_or("the workload");
    let of = reading.facts.count("of_pods").unwrap_or(count);
    let example = reading.facts.text("example").unwrap_or_default();
    let detail = reading.facts.text("detail").map(|detail| format!(": {detail}")).unwrap_or_default();
    let container = reading.facts.text("container").map(|name| format!(" ({name})")).unwrap_or_default();
    let (what, step) = words(reason);
    let cause = match reason {
        "JobFailed" => format!("the job `{example}` of {workload} failed{detail}"),
        _ => format!("{count} of {of} pods of {workload}: {what}; `{example}`{container}{detail}"),
    };
    Advice { cause: Some(cause), next_step: Some(next_step(entity, reading, reason, step)) }
}

fn evictions(node: &str, count: u64, reading: &Reading) -> Advice {
    let why = reading.facts.text("detail").map(|detail| format!(": {detail}")).unwrap_or_default();
    let cause = format!("{} evicted from `{node}` lately{why}", counted(count, "pod"));
    let next_step = "find what ran short on this node (memory, disk), and give its pods requests and limits";
    Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
}

/// A command to copy, where every name in it is one, then what to look for.
fn next_step(entity: &Entity, reading: &Reading, reason: &str, step: &str) -> String {
    let example = reading.facts.text("example").unwrap_or_default();
    let namespace = entity.get("namespace").unwrap_or_default();
    let container = reading.facts.text("container").unwrap_or_default();
    let container = container.strip_prefix("init container ").unwrap_or(container);
    if !is_name(example) || !is_name(namespace) {
        return step.to_owned();
    }
    let command = match reason {
        "CrashLoopBackOff" | "Restarting" | "Error" if is_name(container) => {
            format!("kubectl -n {namespace} logs {example} -c {container} --previous")
        }
        "JobFailed" => format!("kubectl -n {namespace} describe job {example}"),
        _ => format!("kubectl -n {namespace} describe pod {example}"),
    };
    format!("`{command}`; {step}")
}

/// What a reason means, and what to do.
fn words(reason: &str) -> (String, &'static str) {
    let (what, step) = match reason {
        "CrashLoopBackOff" => {
            ("crash loop", "the end of the last run's log says why; if it began with a release, roll it back")
        }
        "ImagePullBackOff"
        | "ErrImagePull"
        | "ErrImageNeverPull"
        | "InvalidImageName"
        | "RegistryUnavailable" => (
            "the image cannot be pulled",
            "check the image's name and tag, the registry, and the pull secret of the service account",
        ),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => (
            "not to be started as it is configured",
            "look for a config map, secret, volume or command that does not exist",
        ),
        "OOMKilled" => (
            "killed for using too much memory",
            "compare what they use with their memory limit; raise it, or find the leak",
        ),
        "Restarting" => {
            ("restarts too often", "see what ends them: a failing liveness probe, memory, an error")
        }
        "Pending" => (
            "pending too long",
            "see which resources, node selectors, taints or volumes keep them from every node",
        ),
        "JobFailed" => ("failed", "read the log of its last pod; delete the job once it is dealt with"),
        "Failed" | "Error" => ("failed", "read their logs; nobody has taken their place yet"),
        "NodeLost" | "phase Unknown" => ("not heard of", "see whether their node is alive"),
        other => return (other.to_owned(), "the events at the end say why"),
    };
    (what.to_owned(), step)
}
