//! What is remembered of containers that were restarted lately: only of those, so that memory is bounded by the trouble.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    super::Memory,
    trouble::{Limits, Trouble},
};
use crate::model::{
    Time,
    kubernetes::{Container, ContainerState, Pod},
    span,
    time::elapsed,
};

/// More than this many containers are not remembered; those that crashed last stay.
const MOST: usize = 1_000;
/// Changes of one count.
const CHANGES: usize = 16;

/// By the pod's uid and the container's name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Recent(BTreeMap<String, Restless>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Restless {
    pub namespace: String,
    pub workload: String,
    pub pod: String,
    pub container: String,
    /// When the count was seen to change (seconds since the epoch), and to what; the first is where counting begins.
    counts: Vec<(i64, i64)>,
    /// Why it is in trouble until it has been calm for long enough.
    pub why: Option<String>,
    /// Its last restart.
    pub last: i64,
    /// Seen in this look.
    #[serde(skip)]
    pub here: bool,
}

impl Recent {
    /// What another version wrote is nothing.
    pub fn of(memory: &Memory) -> Self {
        serde_json::from_value(memory.0.clone()).unwrap_or_default()
    }

    pub fn into_memory(mut self) -> Memory {
        if self.0.len() > MOST {
            let mut newest: Vec<(String, Restless)> = std::mem::take(&mut self.0).into_iter().collect();
            newest.sort_by_key(|(_, restless)| std::cmp::Reverse(restless.last));
            self.0 = newest.into_iter().take(MOST).collect();
        }
        if self.0.is_empty() {
            return Memory::default();
        }
        Memory(serde_json::to_value(self).unwrap_or_default())
    }

    /// Notes how a container is; what its restarts amount to, if to anything.
    pub fn note(
        &mut self,
        pod: &Pod,
        workload: &str,
        container: &Container,
        limits: &Limits,
    ) -> Option<Trouble> {
        let key = format!("{}/{}", pod.uid, container.name);
        let now = limits.now.timestamp();
        let looping = is_looping(container);
        let known = self.0.get(&key).map(|restless| restless.last);
        let last = if looping {
            Some(now)
        } else {
            restarted(container).map(|at| at.timestamp().min(now)).or(known)
        };
        let Some(last) = last.filter(|last| looping || is_within(*last, now, limits.calm_for)) else {
            self.0.remove(&key);
            return None;
        };
        let begin = Restless { counts: vec![(last, container.restarts - 1)], ..Restless::default() };
        let restless = self.0.entry(key).or_insert(begin);
        restless.namespace.clone_from(&pod.namespace);
        workload.clone_into(&mut restless.workload);
        restless.pod.clone_from(&pod.name);
        restless.container.clone_from(&container.name);
        (restless.last, restless.here) = (last, true);
        let growth = restless.grow(container.restarts, now, limits.calm_for);
        if looping {
            restless.why = Some("CrashLoopBackOff".to_owned());
        } else if growth >= limits.restarts && restless.why.is_none() {
            restless.why = Some("Restarting".to_owned());
        }
        let why = restless.why.clone()?;
        let runs = match &container.state {
            ContainerState::Running { since: Some(since) } => span::show(elapsed(*since, limits.now)),
            _ => String::new(),
        };
        let calm = span::show(limits.calm_for);
        let detail = match (growth, runs.as_str()) {
            (0 | 1, "") => None,
            (0 | 1, runs) => Some(format!("runs again for {runs}; over after {calm} without a restart")),
            (growth, _) => Some(format!("{growth} restarts within {calm}, {} in all", container.restarts)),
        };
        Some(Trouble { detail, ..Trouble::of_container(pod, container, why) })
    }

    /// Those that were not restarted for long enough.
    pub fn forget_the_calm(&mut self, limits: &Limits) {
        let now = limits.now.timestamp();
        self.0.retain(|_, restless| restless.here || is_within(restless.last, now, limits.calm_for));
    }

    /// Containers in trouble whose pods are not there any more: their workload has not proven to be well yet.
    pub fn gone(&self) -> impl Iterator<Item = (&Restless, &str)> {
        let gone = self.0.values().filter(|restless| !restless.here);
        gone.filter_map(|restless| Some((restless, restless.why.as_deref()?)))
    }
}

impl Restless {
    /// How many restarts there were within the span that ends now.
    fn grow(&mut self, restarts: i64, now: i64, span: Duration) -> i64 {
        match self.counts.last() {
            Some((_, count)) if *count == restarts => {}
            Some((_, count)) if *count > restarts => self.counts = vec![(now, restarts)],
            _ => self.counts.push((now, restarts)),
        }
        // the newest one from before the span is where counting begins
        while self.counts.get(1).is_some_and(|(at, _)| !is_within(*at, now, span)) {
            self.counts.remove(0);
        }
        if self.counts.len() > CHANGES {
            self.counts.remove(1);
        }
        self.counts.first().map_or(0, |(_, first)| restarts.saturating_sub(*first))
    }
}

fn is_within(at: i64, now: i64, span: Duration) -> bool {
    now.saturating_sub(at) < i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

fn is_looping(container: &Container) -> bool {
    matches!(&container.state, ContainerState::Waiting { reason: Some(reason), .. } if reason == "CrashLoopBackOff")
}

/// When a container that was restarted was so last.
fn restarted(container: &Container) -> Option<Time> {
    let ended = container.last.as_ref().and_then(|end| end.at);
    let now = match &container.state {
        ContainerState::Running { since } => *since,
        ContainerState::Ended(end) => end.at,
        _ => None,
    };
    ended.max(now).filter(|_| container.restarts > 0)
}
