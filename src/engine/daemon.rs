//! The wheel: beats in, turns out, until it is told to stop.

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
        evaluate::evaluate,
        lock,
        own::Own,
        reload::Scans,
        schedule,
    },
    model::{Time, time::elapsed},
};

/// How far ahead a beat arms timers: a beat may be late by this much without any look being late.
const AHEAD: Duration = Duration::from_millis(2500);

/// Turns of different rules at one time. The door has its own bound on requests; this one bounds memory.
const TURNS_AT_ONCE: usize = 2000;

/// What runs beside the turns.
#[derive(Debug)]
pub struct Daemon {
    pub engine: Arc<Engine>,
    pub scans: Scans,
    pub facts: mpsc::Receiver<SinkFact>,
    /// An operator's SIGHUP.
    pub hangups: mpsc::Receiver<()>,
    pub stop: CancellationToken,
}

impl Daemon {
    /// Runs until `stop`; turns that are under way are finished.
    pub async fn run(mut self, mut beats: Beats) {
        let turns = TaskTracker::new();
        let places = Arc::new(Semaphore::new(TURNS_AT_ONCE));
        self.arm(&turns, &places);
        loop {
            tokio::select! {
                beat = beats.next() => self.beat(beat, &turns, &places).await,
                Some(fact) = self.facts.recv() => self.engine.hear(fact).await,
                Some(()) = self.hangups.recv() => self.reload(true).await,
                () = self.stop.cancelled() => break,
            }
        }
        turns.close();
        turns.wait().await;
        beats.stop().await;
    }

    async fn beat(&mut self, beat: Beat, turns: &TaskTracker, places: &Arc<Semaphore>) {
        match beat {
            Beat::Tick => {
                self.engine.pulse().ticked = Some(self.engine.clock.now());
                self.arm(turns, places);
                self.engine.read_mutes().await;
                self.engine.tell_what_is_withheld().await;
                self.engine.remind().await;
            }
            Beat::Stalled => {
                tracing::warn!("scheduler stalled, planning goes on without it");
                self.arm(turns, places);
            }
            Beat::Scan => self.reload(false).await,
            Beat::Inspect => self.engine.inspect().await,
            Beat::Prune => self.engine.prune().await,
        }
    }

    async fn reload(&mut self, at_once: bool) {
        if let Err(error) = self.engine.reload(&mut self.scans, at_once).await {
            tracing::error!(%error, "reload failed");
        }
    }

    /// Arms a timer for every rule that is due soon.
    fn arm(&self, turns: &TaskTracker, places: &Arc<Semaphore>) {
        let until = self.engine.clock.now() + AHEAD;
        for (due, key) in lock(&self.engine.agenda).take_until(until) {
            let (engine, places) = (self.engine.clone(), places.clone());
            turns.spawn(async move {
                tokio::time::sleep(elapsed(engine.clock.now(), due)).await;
                let Ok(_place) = places.acquire().await else { return };
                engine.turn(&key, due).await;
            });
        }
    }
}

impl Engine {
    /// One turn, whatever happens in it; afterwards the rule has its next time.
    async fn turn(&self, key: &RuleKey, due: Time) {
        let Some(watch) = self.watch(key) else { return };
        let mut watch = watch.lock().await;
        let started = self.clock.now();
        let turn = std::panic::AssertUnwindSafe(evaluate(self, &mut watch)).catch_unwind().await;
        match turn {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(rule = key.rule, cluster = key.cluster, %error, "commit failed")
            }
            Err(_) => tracing::error!(rule = key.rule, cluster = key.cluster, "evaluation panicked"),
        }
        let now = self.clock.now();
        self.telemetry.turned(elapsed(due, started), elapsed(started, now));
        self.note_lateness(elapsed(due, started));
        if watch.rule.kind == "gone" {
            return;
        }
        let next = schedule::wake_at(&watch.rule.timing, &watch.progress(now), now);
        // a store that refuses must not turn the wheel faster
        let next = next.map(|next| if next <= now { now + Duration::from_secs(1) } else { next });
        if let Some(next) = next {
            lock(&self.agenda).put(next, key.clone());
        }
    }

    fn note_lateness(&self, late: Duration) {
        let mut worst = lock(&self.latest_start);
        *worst = (*worst).max(late);
    }

    /// A sink's news becomes an alert through another sink.
    async fn hear(&self, fact: SinkFact) {
        match fact {
            SinkFact::Dead { sink, notification_id, why } => {
                tracing::error!(sink, notification_id, why, "delivery given up");
                let dead = self.note_dead(&sink, &why);
                self.say_of_itself(Own::DeadLetter { sink }, dead, &why).await;
            }
            SinkFact::Misconfigured { sink, why } => {
                tracing::error!(sink, why, "sink misconfigured");
                self.say_of_itself(Own::SinkMisconfigured { sink }, 1, &why).await;
            }
            SinkFact::Working { sink } => self.say_of_itself(Own::SinkMisconfigured { sink }, 0, "").await,
        }
    }
}
