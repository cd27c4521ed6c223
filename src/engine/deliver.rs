//! From the outbox to the sinks: one task per sink, so that a slow or dead one delays nobody else.
//!
//! A sink's task ([`post`]) takes the oldest delivery of each lane, a few lanes at a time, at the sink's pace. One flight
//! ([`flight`]) renders, freezes, sends, and writes into the store what came of it: nothing is forgotten before a sink took
//! it, and what may have arrived is sent again as it was, but for its age. What people must know of a sink itself goes to the engine as a [`SinkFact`].

mod age;
mod delays;
mod door;
mod flight;
mod gates;
mod history;
mod post;
mod tally;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{age::Age, flight::Flight, post::Post};
pub use self::{delays::Delays, door::Door};
use crate::{
    clock::Clock,
    model::{Time, notification::Delivery},
    sinks::Sink,
    store::{Store, StoreError},
};

/// What people must know of a sink: the engine makes alerts of it, through other sinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkFact {
    /// A delivery was given up.
    Dead { sink: String, notification_id: String, why: String },
    /// The sink takes nothing until somebody mends its settings.
    Misconfigured { sink: String, why: String },
    /// It took something: for the first time since the start, or since it was misconfigured.
    Working { sink: String },
}

/// Told of every attempt: the sink and its verdict in one word.
pub type Count = Arc<dyn Fn(&str, &'static str) + Send + Sync>;

/// Told of every delivery that a sink took.
pub type Told = Arc<dyn Fn(&Delivery) + Send + Sync>;

/// What all sinks' tasks share.
pub struct Office {
    pub store: Store,
    pub clock: Clock,
    pub door: Door,
    pub delays: Delays,
    pub facts: mpsc::Sender<SinkFact>,
    pub count: Count,
    pub told: Told,
}

impl fmt::Debug for Office {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Office").field("delays", &self.delays).finish_non_exhaustive()
    }
}

/// The running tasks.
#[derive(Debug)]
pub struct Lanes {
    tasks: TaskTracker,
    stop: CancellationToken,
    drop: CancellationToken,
}

impl Lanes {
    /// One task for each of `sinks`.
    pub fn open(mut office: Office, sinks: impl IntoIterator<Item = (String, Arc<dyn Sink>)>) -> Self {
        let lanes = Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            drop: CancellationToken::new(),
        };
        let sinks: Vec<(String, Arc<dyn Sink>)> = sinks.into_iter().collect();
        let out = (office.door.clone(), office.store.clone());
        let (told, counting) = tally::open(office.told, out, sinks.clone());
        office.told = told;
        lanes.spawn(counting);
        let office = Arc::new(office);
        for (name, sink) in sinks {
            let post = Post::new(name, sink, office.clone());
            lanes.spawn(post.run(lanes.stop.clone()));
        }
        lanes
    }

    /// Lets what is due and under way arrive, for at most `patience`. The rest stays in the store.
    pub async fn stop(self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!("deliveries left for the next start");
        }
        self.drop.cancel();
        self.tasks.wait().await;
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let drop = self.drop.clone();
        self.tasks.spawn(async move { drop.run_until_cancelled(task).await });
    }
}

impl Office {
    async fn tell(&self, fact: SinkFact) {
        // nobody listens only when the engine has stopped
        let _stopped = self.facts.send(fact).await;
    }
}

/// The wall clock, except that it never goes back: a step of the clock must not stop a retry.
#[derive(Clone, Debug)]
struct Monotone {
    clock: Clock,
    base: Time,
    started: Instant,
}

impl Monotone {
    fn new(clock: Clock) -> Self {
        Self { base: clock.now(), started: Instant::now(), clock }
    }

    fn now(&self) -> Time {
        self.clock.now().max(self.base + self.started.elapsed())
    }
}

/// A write that has to be done: tried again until the store takes it, because what came of an attempt may not be forgotten.
async fn insist<F, T>(rest: Duration, mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match write().await {
            Err(error) if !matches!(error, StoreError::NoSuchDelivery { .. } | StoreError::Closed) => {
                tracing::error!(%error, "outbox not written");
                tokio::time::sleep(rest).await;
            }
            done => return done,
        }
    }
}
