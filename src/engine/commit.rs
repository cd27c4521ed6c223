//! One turn becomes durable, and only then true.

use crate::{
    engine::{
        Engine,
        draft::{Draft, outcome_of},
        lock,
        watch::Watch,
    },
    model::{Observation, Tick},
    store::{Outcome, StoreError, Turn},
};

impl Engine {
    /// Commits a turn together with what it says of the rule's own sight. The watch changes only when the store has it.
    pub(super) async fn commit(&self, watch: &mut Watch, draft: Draft) -> Result<(), StoreError> {
        let mutes = self.mutes.load_full();
        let now = self.clock.now();
        let looked = draft.watermark > watch.watermark;
        let (turn, after) = draft.finish(watch, &self.telling(&mutes, watch));
        let tick = Tick::new(turn.watermark.unwrap_or(now), after.rule.timing.reach(now));
        let blind = after.state.blind.finding(&after.rule.policy.blind, tick);
        let mut own = self.own.lock().await;
        let own_turn = own.blind(self, &after, blind, tick);
        let turns: Vec<Turn> =
            [Some(turn), own_turn.as_ref().map(|(turn, _)| turn.clone())].into_iter().flatten().collect();
        self.note(&turns);
        self.store.commit_all(turns).await?;
        if let Some((_, own_after)) = own_turn {
            own.keep(own_after);
        }
        drop(own);
        *watch = Watch { fresh: watch.fresh && !looked, ..after };
        self.note_reach(watch);
        Ok(())
    }

    fn note(&self, turns: &[Turn]) {
        for turn in turns {
            for transition in &turn.history {
                let (rule, cluster) = (&turn.key.rule, &turn.key.cluster);
                let (level, kind) = (transition.level.name(), transition.kind.name());
                tracing::info!(rule, cluster, entity = %transition.entity, level, kind, "alert changed");
            }
            for run in &turn.runs {
                if run.outcome == Outcome::Complete || run.outcome == Outcome::CaughtUp {
                    self.pulse().complete = Some(self.clock.now());
                } else {
                    let (rule, cluster, outcome) = (&turn.key.rule, &turn.key.cluster, run.outcome.name());
                    tracing::debug!(rule, cluster, outcome, reason = run.reason, "tick recorded");
                }
                self.telemetry.recorded(&turn.key, run.outcome);
            }
        }
    }

    /// The built-in rule's alert tells the others whether their blindness is their own.
    fn note_reach(&self, watch: &Watch) {
        if watch.rule.kind != "elasticsearch_unreachable" {
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
        draft.finish(watch, &self.telling(&mutes, watch))
    }
}
