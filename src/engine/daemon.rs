//! The wheel: beats in, turns out, until it is told to stop. The wheel itself waits for nobody.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::RuleKey,
    engine::{
        Engine,
        beat::{Beat, Beats},
        deliver::SinkFact,
        evaluate::{Eyes, evaluate, evaluate_by},
        lock,
        own::Own,
        schedule,
        watch::{Pace, Watch},
    },
    model::{Cause, Observation, Reason, Time, time::elapsed},
};

/// How far ahead a beat arms timers: a beat may be late by this much without any look being late.
const AHEAD: Duration = Duration::from_millis(2500);

/// Turns of different rules at one time. The door has its own bound on requests; this one bounds memory.
const TURNS_AT_ONCE: usize = 2000;

/// What turns the rules.
#[derive(Debug)]
pub struct Daemon {
    engine: Arc<Engine>,
    turns: TaskTracker,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Daemon {
    pub fn new(engine: Arc<Engine>, stop: CancellationToken) -> Self {
        Self { engine, turns: TaskTracker::new(), places: Arc::new(Semaphore::new(TURNS_AT_ONCE)), stop }
    }

    /// Runs until `stop`; turns that are under way are finished, as far as `patience` goes.
    pub async fn run(self, mut beats: Beats, mut hangups: mpsc::Receiver<()>, patience: Duration) {
        self.arm();
        loop {
            tokio::select! {
                beat = beats.next() => self.beat(beat),
                Some(()) = hangups.recv() => self.reload(true),
                () = self.stop.cancelled() => break,
            }
        }
        self.turns.close();
        if tokio::time::timeout(patience, self.turns.wait()).await.is_err() {
            tracing::warn!("looks left for the next start");
        }
        beats.stop().await;
    }

    fn beat(&self, beat: Beat) {
        let engine = self.engine.clone();
        match beat {
            Beat::Tick => {
                engine.pulse().ticked = Some(engine.clock.now());
                self.arm();
                self.turns.spawn(async move { engine.keep_up().await });
            }
            Beat::Stalled => {
                tracing::warn!("scheduler stalled, planning goes on without it");
                self.arm();
                self.turns.spawn(async move { engine.keep_up().await });
            }
            Beat::Scan => self.reload(false),
            Beat::Inspect => drop(self.turns.spawn(async move { engine.inspect().await })),
            Beat::Prune => drop(self.turns.spawn(async move { engine.prune().await })),
        }
    }

    fn reload(&self, at_once: bool) {
        let engine = self.engine.clone();
        self.turns.spawn(async move {
            if let Err(error) = engine.reload(at_once).await {
                tracing::error!(%error, "reload failed");
            }
        });
    }

    /// Arms a timer for every rule that is due soon.
    fn arm(&self) {
        let until = self.engine.clock.now() + AHEAD;
        for (due, key) in lock(&self.engine.agenda).take_until(until) {
            let (engine, places, stop) = (self.engine.clone(), self.places.clone(), self.stop.clone());
            self.turns.spawn(async move {
                let wait = tokio::time::sleep(elapsed(engine.clock.now(), due));
                if stop.run_until_cancelled(wait).await.is_none() {
                    return;
                }
                let mut due = due;
                loop {
                    let Ok(_place) = places.acquire().await else { return };
                    let at_once = engine.turn(&key, due).await;
                    if !at_once || stop.is_cancelled() {
                        return;
                    }
                    due = engine.clock.now();
                }
            });
        }
    }
}

/// Hears what sinks are like, until nobody speaks any more.
pub async fn listen(engine: Arc<Engine>, mut facts: mpsc::Receiver<SinkFact>) {
    while let Some(fact) = facts.recv().await {
        engine.hear(fact).await;
    }
}

impl Engine {
    /// One turn, whatever happens in it; afterwards the rule has its next time. The answer is whether it goes on at once.
    pub(super) async fn turn(&self, key: &RuleKey, due: Time) -> bool {
        let Some(held) = self.watch(key) else { return false };
        let mut watch = held.lock().await;
        // a rule that was removed while this turn waited must not come back
        if !self.watch(key).is_some_and(|present| Arc::ptr_eq(&present, &held)) {
            return false;
        }
        let started = self.clock.now();
        let turn = std::panic::AssertUnwindSafe(evaluate(self, &mut watch)).catch_unwind().await;
        let (done, panicked) = (matches!(turn, Ok(Ok(()))), turn.is_err());
        match turn {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(rule = key.rule, cluster = key.cluster, %error, "commit failed")
            }
            Err(_) => {
                tracing::error!(rule = key.rule, cluster = key.cluster, "evaluation panicked");
                self.record_fault(&mut watch).boxed().await;
            }
        }
        let now = self.clock.now();
        watch.busy_until = Some(now);
        self.telemetry.turned(elapsed(due, started), elapsed(started, now));
        self.note_lateness(elapsed(due, started));
        if watch.rule.kind == "gone" {
            return false;
        }
        let next = schedule::wake_at(&watch.rule.timing, &watch.progress(now), now);
        // neither a store that refuses nor sinks that take nothing turn the wheel faster; a fault that could not even be recorded waits
        let soon = now + Duration::from_secs(if panicked { 60 } else { 1 });
        let next = next.map(|next| if next <= now { soon } else { next });
        let next = if watch.pace == Pace::Scheduled { next } else { Some(soon) };
        if done && watch.pace == Pace::AtOnce {
            return true;
        }
        if let Some(next) = next {
            lock(&self.agenda).put(next, key.clone());
        }
        false
    }

    /// A turn that panicked is its ticks' outcome: without one, the rule would be silent and not even blind.
    pub(super) async fn record_fault(&self, watch: &mut Watch) {
        let fault = |_| {
            let reason = Reason::new(Cause::Fault, "a fault of highwater's own; the log says more");
            Observation::Indeterminate(reason)
        };
        let recorded = std::panic::AssertUnwindSafe(evaluate_by(self, watch, Eyes::Script(&fault)));
        if let Ok(Err(error)) = recorded.catch_unwind().await {
            tracing::error!(rule = watch.key.rule, %error, "commit failed");
        }
    }

    fn note_lateness(&self, late: Duration) {
        let mut worst = lock(&self.latest_start);
        *worst = (*worst).max(late);
    }

    /// A sink's news becomes an alert through another sink.
    pub(super) async fn hear(&self, fact: SinkFact) {
        match fact {
            SinkFact::Dead { sink, notification_id, why } => {
                tracing::error!(sink, notification_id, why, "delivery given up");
                self.note_dead(sink, &why).await;
            }
            SinkFact::Misconfigured { sink, why } => {
                tracing::error!(sink, why, "sink misconfigured");
                self.say_of_itself(Own::SinkMisconfigured { sink }, 1, &why).await;
            }
            SinkFact::Working { sink } => self.say_of_itself(Own::SinkMisconfigured { sink }, 0, "").await,
        }
    }
}
