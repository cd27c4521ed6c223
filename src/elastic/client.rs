//! A request until it is answered or given up: a slot, a deadline, attempts.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chrono::SecondsFormat;
use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use serde_json::Value;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    ElasticError, Resolve,
    budget::Budget,
    credentials::Keyring,
    exchange,
    node::Node,
    nodes::Nodes,
    refusal::{Retry, Setback},
    request::Request,
    signature::Signature,
};
use crate::{
    clock::Clock,
    config::settings::Cluster,
    model::{Cause, Reason, Time, span::show},
};

const MOST_ATTEMPTS: usize = 3;
const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_max_delay(Duration::from_secs(2));
/// How long a node that let a request time out has to show that somebody is there.
const PROBE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub max_response: usize,
}

pub(super) struct Client {
    cluster: String,
    nodes: Nodes,
    slots: Semaphore,
    budget: Budget,
    limits: Limits,
    clock: Clock,
    requests: AtomicU64,
}

impl Client {
    pub fn new(cluster: &Cluster, clock: Clock, resolve: &Resolve) -> Result<Self, ElasticError> {
        let keyring = Keyring::new(cluster.auth.clone(), resolve.clone());
        let proxy =
            cluster.proxy.as_ref().map(|proxy| resolve(proxy)).transpose().map_err(ElasticError::Secret)?;
        let signature = Signature::of(&cluster.auth, &clock);
        let nodes = Nodes::new(cluster, keyring, signature, proxy)?;
        if cluster.tls.insecure_skip_verify {
            tracing::warn!(
                cluster = cluster.name,
                "does not verify certificates: `insecure_skip_verify` is set"
            );
        }
        let limits = Limits {
            timeout: cluster.timeout,
            connect_timeout: cluster.connect_timeout,
            max_response: cluster.max_response,
        };
        let slots = Semaphore::new(cluster.max_in_flight.max(1));
        let (cluster, requests, budget) = (cluster.name.clone(), AtomicU64::new(0), Budget::default());
        Ok(Self { cluster, nodes, slots, budget, limits, clock, requests })
    }

    pub fn timeout(&self) -> Duration {
        self.limits.timeout
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The answer to `request`: a whole JSON document, or why there is none.
    pub async fn send(&self, tick: Time, request: &Request) -> Result<Value, Reason> {
        let _slot = self.slot().await?;
        self.send_in_slot(tick, request).await
    }

    /// The right to one request. Who waits for it too long is not kept waiting by others' slow answers.
    pub async fn slot(&self) -> Result<SemaphorePermit<'_>, Reason> {
        match timeout(self.limits.timeout, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => {
                let text = format!("waited {} for other requests to end", show(self.limits.timeout));
                Err(Reason::new(Cause::Timeout, text))
            }
        }
    }

    /// On the heap: hundreds of looks wait at one instant for an answer that one request brings, and each future would hold this.
    pub fn send_in_slot<'a>(
        &'a self,
        tick: Time,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Value, Reason>> {
        self.attempts(tick, request).boxed()
    }

    async fn attempts(&self, tick: Time, request: &Request) -> Result<Value, Reason> {
        let deadline = sleep(self.limits.timeout).deadline();
        let label = self.label(tick);
        let mut effort = Effort::new();
        self.nodes.refresh(self.now());
        self.budget.note_request(self.now());
        loop {
            let (at, node) = self.nodes.pick(self.now(), &effort.tried);
            let others = effort.tried.len() + 1 < self.nodes.len();
            let attempt = self.attempt(node, request, &label, others);
            let setback = match timeout_at(deadline, attempt).await {
                Ok(Ok(answer)) => return Ok(self.settled(node, answer)),
                Ok(Err(setback)) => setback,
                Err(_) => return Err(effort.sum_up(self.unanswered(node).await)),
            };
            self.note_setback(node, &setback);
            let pause = effort.next(at, &setback, self.nodes.len());
            match pause.filter(|pause| self.may_pause(pause, deadline)) {
                Some(pause) => sleep(pause.length).await,
                None => return Err(effort.sum_up(setback.reason)),
            }
        }
    }

    /// Where there are others, a node that is silent for a third of the deadline, and does not answer a lighter question either, is
    /// left for the next one; and it gets no request before it has shown that it answers. So no look is lost to it.
    async fn attempt(
        &self,
        node: &Node,
        request: &Request,
        label: &str,
        others: bool,
    ) -> Result<Value, Setback> {
        let patience = PROBE.min(self.limits.timeout / 4);
        if self.nodes.len() > 1 && node.still_hangs(patience).await {
            return Err(hangs(node));
        }
        if !others {
            return exchange::attempt(node, request, label, &self.limits, self.now()).await;
        }
        let third = self.limits.timeout / 3;
        let limits = Limits { connect_timeout: self.limits.connect_timeout.min(third), ..self.limits };
        let mut answer = pin!(exchange::attempt(node, request, label, &limits, self.now()));
        if let Ok(done) = timeout(third, &mut answer).await {
            return done;
        }
        // Whoever answers a lighter question is only slow, and is waited for; all that is asked only reads, so it may be asked twice.
        match select(answer, pin!(node.is_alive(patience))).await {
            Either::Left((done, _)) => done,
            Either::Right((true, answer)) => answer.await,
            Either::Right((false, _)) => {
                node.hung();
                Err(hangs(node))
            }
        }
    }

    fn settled(&self, node: &Node, answer: Value) -> Value {
        node.answered(self.now());
        answer
    }

    fn note_setback(&self, node: &Node, setback: &Setback) {
        match setback.reason.cause {
            Cause::Unreachable | Cause::Failing => node.failed(self.now()),
            Cause::Refused => self.nodes.were_refused(),
            _ => node.answered(self.now()),
        }
        tracing::debug!(
            cluster = self.cluster,
            node = node.name,
            reason = setback.reason.text,
            "failed an attempt"
        );
    }

    /// In time, and not more than the cluster has to bear.
    fn may_pause(&self, pause: &Pause, deadline: Instant) -> bool {
        sleep(pause.length).deadline() < deadline && (pause.is_free || self.budget.take_retry(self.now()))
    }

    /// One retry of a single search of a batch.
    pub fn take_retry(&self) -> bool {
        self.budget.take_retry(self.now())
    }

    async fn unanswered(&self, node: &Node) -> Reason {
        node.failed(self.now());
        let (name, waited) = (&node.name, show(self.limits.timeout));
        if node.is_alive(PROBE.min(self.limits.timeout)).await {
            return Reason::new(Cause::Timeout, format!("`{name}` did not answer this within {waited}"));
        }
        node.hung();
        let text = format!("`{name}` accepts connections but does not answer (waited {waited})");
        Reason::new(Cause::Unreachable, text)
    }

    fn label(&self, tick: Time) -> String {
        let batch = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        format!("highwater/{}/{}/{batch}", self.cluster, tick.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

fn hangs(node: &Node) -> Setback {
    let text = format!("`{}` accepts connections but does not answer", node.name);
    Setback::elsewhere(Reason::new(Cause::Unreachable, text))
}

/// The attempts at one request.
struct Effort {
    attempts: usize,
    tried: Vec<usize>,
    said: Vec<String>,
    back_off: ExponentialBackoff,
}

struct Pause {
    length: Duration,
    /// Nothing was sent, and another node has not been tried yet: no cluster bears anything.
    is_free: bool,
}

impl Effort {
    fn new() -> Self {
        Self { attempts: 0, tried: Vec::new(), said: Vec::new(), back_off: BACK_OFF.build() }
    }

    /// How long to wait before the next attempt; `None` to give up.
    fn next(&mut self, node: usize, setback: &Setback, nodes: usize) -> Option<Pause> {
        self.attempts += 1;
        self.tried.push(node);
        let after = match setback.retry {
            Retry::Never => return None,
            Retry::Elsewhere => None,
            Retry::Later(after) => after,
        };
        if self.attempts >= MOST_ATTEMPTS {
            return None;
        }
        if !self.said.contains(&setback.reason.text) {
            self.said.push(setback.reason.text.clone());
        }
        if setback.retry == Retry::Elsewhere && self.tried.len() < nodes {
            return Some(Pause { length: Duration::ZERO, is_free: true });
        }
        let length = jittered(self.back_off.next().unwrap_or_default()).max(after.unwrap_or_default());
        Some(Pause { length, is_free: false })
    }

    /// Where several nodes failed in their own ways, all of them are named.
    fn sum_up(&self, last: Reason) -> Reason {
        let mut said: Vec<&str> = self.said.iter().map(String::as_str).collect();
        said.retain(|text| *text != last.text);
        if last.cause != Cause::Unreachable || said.is_empty() {
            return last;
        }
        said.push(&last.text);
        Reason::new(last.cause, said.join("; "))
    }
}

/// Full jitter: anything between nothing and the whole.
pub(super) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(fastrand::f64())
}
