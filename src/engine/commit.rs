//! One turn becomes durable, and only then true.

use std::sync::Arc;

use crate::{
    config::RuleKey,
    engine::{
        Engine, GUARD,
        draft::{Draft, outcome_of},
        lock,
        texts::Faults,
        watch::Watch,
    },
    model::{Observation, Tick, Transition},
    store::{Outcome, Run, StoreError, Turn},
};

impl Engine {
    /// Commits a turn together with what it says of the rule's own sight. The watch changes only when the store has it.
    pub(super) async fn commit(&self, watch: &mut Watch, draft: Draft) -> Result<(), StoreError> {
        // what a mute withholds of a rule that goes could never be told
        let mutes = if draft.is_last() { Arc::default() } else { self.mutes.load_full() };
        let (now, closing, last) = (self.clock.now(), draft.closing(), draft.is_last());
        let looked = draft.watermark > watch.watermark;
        let faults = Faults::default();
        let (turn, after) = draft.finish(watch, &self.telling(&mutes, watch, &faults));
        let complete = turn.runs.iter().any(|run| is_complete(run.outcome));
        let tick = Tick::new(turn.watermark.unwrap_or(now), after.rule.timing.reach(now));
        let blind = after.state.blind.finding(&after.rule.policy.blind, tick);
        let own = self.own.lock().await;
        let own_turn = match closing {
            None => own.blind(self, &after, blind, tick),
            Some(ending) => own.close_blind(&after, (ending, last), &self.telling(&mutes, &after, &faults)),
        };
        match own_turn {
            // nobody else waits while most turns are committed, so that those which end together share a transaction
            None => {
                drop(own);
                self.write(vec![turn]).await?;
            }
            Some((own_turn, own_after)) => {
                self.write(vec![turn, own_turn]).await?;
                let mut own = own;
                own.keep(own_after);
            }
        }
        self.own_up(faults).await;
        *watch = Watch { fresh: watch.fresh && !looked, ..after };
        self.note_reach(watch);
        if complete && !self.is_down(&watch.key.cluster) {
            self.pulse().complete = Some(now);
        }
        Ok(())
    }

    async fn write(&self, turns: Vec<Turn>) -> Result<(), StoreError> {
        let noted: Vec<_> =
            turns.iter().map(|turn| (turn.key.clone(), turn.runs.clone(), turn.history.clone())).collect();
        self.store.commit_all(turns).await?;
        for (key, runs, history) in noted {
            self.note(&key, &runs, &history);
        }
        Ok(())
    }

    fn note(&self, key: &RuleKey, runs: &[Run], history: &[Transition]) {
        let (rule, cluster) = (&key.rule, &key.cluster);
        for transition in history {
            let (level, kind) = (transition.level.name(), transition.kind.name());
            tracing::info!(rule, cluster, entity = %transition.entity, level, kind, "alert changed");
        }
        for run in runs {
            if !is_complete(run.outcome) {
                let outcome = run.outcome.name();
                tracing::debug!(rule, cluster, outcome, reason = run.reason, "tick recorded");
            }
            self.telemetry.recorded(key, run.outcome, run.n);
        }
    }

    /// The built-in rule's alert tells the others whether their blindness is their own.
    pub(super) fn note_reach(&self, watch: &Watch) {
        if watch.rule.kind != GUARD {
            return;
        }
        let down = watch.state.alerts.values().any(|alert| !alert.is_inactive());
        let mut clusters = lock(&self.down);
        if down {
            clusters.insert(watch.key.cluster.clone());
        } else {
            clusters.remove(&watch.key.cluster);
        }
    }

    /// A look at something of highwater's own, outside any schedule.
    pub(super) fn own_turn(&self, watch: &Watch, observation: &Observation, tick: Tick) -> (Turn, Watch) {
        let mut draft = Draft::of(watch);
        draft.judge(watch, observation, tick, outcome_of(observation));
        draft.runs.clear();
        let mutes = self.mutes.load_full();
        // its own words hold no template of a rule, and a sink's template was told of already
        draft.finish(watch, &self.telling(&mutes, watch, &Faults::default()))
    }
}

/// A cluster answered completely, as far as an outcome tells.
fn is_complete(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Complete | Outcome::CaughtUp)
}
