//! What is wrong with one pod.

use std::time::Duration;

use super::recent::Recent;
use crate::model::{
    Time,
    kubernetes::{Container, ContainerState, End, Pod},
    span,
    time::elapsed,
};

/// From when on something is trouble, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub now: Time,
    pub pending_for: Duration,
    pub restarts: i64,
    pub calm_for: Duration,
    pub failed_for: Duration,
}

/// One pod's trouble.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub pod: String,
    /// In Kubernetes' own words: `CrashLoopBackOff`.
    pub reason: String,
    pub container: Option<String>,
    pub detail: Option<String>,
}

impl Trouble {
    pub fn of_pod(pod: &Pod, reason: &str, detail: Option<String>) -> Self {
        Self { pod: pod.name.clone(), reason: reason.to_owned(), container: None, detail }
    }

    pub fn of_container(pod: &Pod, container: &Container, reason: String) -> Self {
        let kind = if container.init { "init container " } else { "" };
        let container = Some(format!("{kind}{}", container.name));
        Self { container, ..Self::of_pod(pod, &reason, None) }
    }
}

/// A container that waits for this is only being started; `pending_for` bounds it.
const BEGINNINGS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// What is wrong with a pod that has neither failed nor ended: the worst of its containers, or its own state.
pub fn of(pod: &Pod, workload: &str, recent: &mut Recent, limits: &Limits) -> Option<Trouble> {
    let mut worst: Option<(u8, Trouble)> = None;
    for container in &pod.restless {
        let restarts = recent.note(pod, workload, container, limits);
        let found = [
            waiting(pod, container).map(|trouble| (3, trouble)),
            killed(pod, container, limits).map(|trouble| (2, trouble)),
            restarts.map(|trouble| (1, trouble)),
        ];
        for (rank, trouble) in found.into_iter().flatten() {
            if worst.as_ref().is_none_or(|(known, _)| rank > *known) {
                worst = Some((rank, trouble));
            }
        }
    }
    worst.map(|(_, trouble)| trouble).or_else(|| as_a_whole(pod, limits))
}

fn waiting(pod: &Pod, container: &Container) -> Option<Trouble> {
    let ContainerState::Waiting { reason: Some(reason), message } = &container.state else { return None };
    if BEGINNINGS.contains(&reason.as_str()) {
        return None;
    }
    let end = container.last.as_ref().filter(|_| reason == "CrashLoopBackOff");
    let detail = end.map(how_it_ended).or_else(|| message.clone());
    Some(Trouble { detail, ..Trouble::of_container(pod, container, reason.clone()) })
}

/// `last run ended with Error, exit code 1`
fn how_it_ended(end: &End) -> String {
    let reason = end.reason.as_deref().unwrap_or("no reason");
    format!("last run ended with {reason}, exit code {}", end.code)
}

fn killed(pod: &Pod, container: &Container, limits: &Limits) -> Option<Trouble> {
    let ended = match &container.state {
        ContainerState::Ended(end) => Some(end),
        _ => None,
    };
    let ends = ended.into_iter().chain(&container.last);
    let mut killed = ends.filter(|end| end.reason.as_deref() == Some("OOMKilled"));
    // without a time it is taken as fresh: the API always says one
    let fresh = |end: &&End| end.at.is_none_or(|at| elapsed(at, limits.now) < limits.calm_for);
    let end = killed.find(fresh)?;
    let ago = end.at.map(|at| format!("killed for its memory {} ago", span::show(elapsed(at, limits.now))));
    Some(Trouble { detail: ago, ..Trouble::of_container(pod, container, "OOMKilled".to_owned()) })
}

fn as_a_whole(pod: &Pod, limits: &Limits) -> Option<Trouble> {
    match pod.phase.as_str() {
        "Running" => None,
        "Pending" => {
            let waited = elapsed(pod.created?, limits.now);
            let why = pod.unscheduled.clone().or_else(|| pod.message.clone());
            let detail = why.unwrap_or_else(|| format!("pending for {}", span::show(waited)));
            (waited >= limits.pending_for).then(|| Trouble::of_pod(pod, "Pending", Some(detail)))
        }
        "" => Some(Trouble::of_pod(pod, "no phase", None)),
        other => Some(Trouble::of_pod(pod, &format!("phase {other}"), pod.message.clone())),
    }
}
