//! One turn becomes durable, and only then true.

use std::sync::PoisonError;

use futures::FutureExt;

use crate::{
    config::RuleKey,
    engine::{
        Engine, GUARD,
        draft::Draft,
        lock,
        own::{OwnAlerts, Place},
        texts::Faults,
        watch::Watch,
        withhold::Causes,
    },
    model::{Ending, Tick, Transition, published::Published},
    store::{Outcome, Run, StoreError, Turn},
    threads::{MANY, aside},
};

impl Engine {
    /// Commits a turn together with what it says of the rule's own sight. The watch changes only when the store has it.
    pub(super) async fn commit(&self, watch: &mut Watch, draft: Draft) -> Result<(), StoreError> {
        let now = self.clock.now();
        let looked = draft.watermark > watch.watermark;
        let page = on_page(watch, &draft, looked);
        let faults = Faults::default();
        let own = self.own.lock().await;
        let many = draft.touched.len() > MANY;
        let (turn, after, own_turn) = aside(many, || self.compose(watch, draft, (&own, &faults)));
        let complete = turn.runs.iter().any(|run| is_complete(run.outcome));
        let changed = !turn.history.is_empty();
        match own_turn {
            // nobody else waits while most turns are committed, so that those which end together share a transaction
            None => {
                drop(own);
                self.write(vec![turn]).await?;
            }
            Some(own_turn) => {
                let (own_turn, own_after) = *own_turn;
                self.write(vec![turn, own_turn]).await?;
                self.note_speakers(&own_after);
                let mut own = own;
                own.keep(own_after);
            }
        }
        if let Some(readings) = page {
            self.telemetry.readings(&watch.key, &readings);
        }
        if !faults.is_empty() {
            self.own_up(faults).boxed().await;
        }
        *watch = Watch { fresh: watch.fresh && !looked, ..after };
        self.note_lively(watch);
        self.note_reach(watch);
        if changed {
            self.note_speakers(watch);
        }
        // the canary looks at nothing, so that its look proves nothing
        if complete && watch.rule.kind != super::canary::KIND && !self.is_down(&watch.key.cluster) {
            self.pulse().complete = Some(now);
        }
        Ok(())
    }

    /// What a turn changes and whom it tells, together with what it says of the rule's own sight.
    fn compose(
        &self,
        watch: &Watch,
        draft: Draft,
        (own, faults): (&OwnAlerts, &Faults),
    ) -> (Turn, Watch, Option<Box<(Turn, Watch)>>) {
        let (now, closing, last) = (self.clock.now(), draft.closing(), draft.is_last());
        let (silences, speakers) = (self.silences.load_full(), self.speakers());
        let undecided = self.undecided(watch, !draft.transitions.is_empty());
        let causes = Causes { undecided, ..self.causes(&silences, &speakers) };
        // what is withheld of a rule that goes could never be told
        let causes = (!last).then_some(&causes);
        let (turn, after) = draft.finish(watch, &self.telling(causes, Some(watch), faults));
        let tick = Tick::new(turn.watermark.unwrap_or(now), after.rule.timing.reach(now));
        let blind = after.state.blind.finding(&after.rule.policy.blind, tick);
        let own_turn = match closing.or(blind_for_good(&turn)) {
            None => {
                let telling = &self.telling(causes, None, faults);
                own.blind(Place { telling, settings: &self.settings }, &after, blind, tick)
            }
            Some(ending) => own.close_blind(&after, (ending, last), &self.telling(causes, None, faults)),
        };
        (turn, after, own_turn.map(Box::new))
    }

    /// Which of its alerts speak for others now.
    pub(super) fn note_speakers(&self, watch: &Watch) {
        if self.settings.routing.inhibit.is_empty() {
            return;
        }
        let firing = watch.state.alerts.iter().filter(|(_, alert)| alert.level.is_some());
        let firing =
            firing.map(|(entity, alert)| watch.rule.labels_of(&watch.key.cluster, entity, alert.level));
        let mut speakers = self.speakers.write().unwrap_or_else(PoisonError::into_inner);
        speakers.replace(&watch.key.rule, &watch.key.cluster, firing);
    }

    async fn write(&self, turns: Vec<Turn>) -> Result<(), StoreError> {
        turns.iter().for_each(note_withheld);
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
}

/// What `/metrics` is to show of a rule from now on: its newest look, and nothing of one that saw nothing or of a rule that ends.
/// An old number would read as health.
fn on_page(watch: &Watch, draft: &Draft, looked: bool) -> Option<Vec<Published>> {
    let ends = draft.closing().is_some();
    if !watch.rule.publish.on_page || !(looked || ends) {
        return None;
    }
    let newest = draft.readings.iter().filter(|reading| !ends && Some(reading.at) == draft.watermark);
    Some(newest.cloned().collect())
}

/// A rule that its cluster cannot answer at all is not blind any more, and sees nothing either.
fn blind_for_good(turn: &Turn) -> Option<Ending> {
    let newest = turn.runs.last().filter(|run| run.outcome == Outcome::NotApplicable);
    newest.map(|_| Ending::NotApplicable)
}

/// What is held back is on record, even if the alert ends before anybody hears of it.
fn note_withheld(turn: &Turn) {
    let (rule, cluster) = (&turn.key.rule, &turn.key.cluster);
    for (entity, sink, told) in &turn.told {
        let Some(withheld) = told.as_ref().and_then(|told| told.withheld.as_ref()) else { continue };
        let (by, kind) = (&withheld.by.words, withheld.change.kind.name());
        tracing::info!(rule, cluster, %entity, sink, kind, by, "news withheld");
    }
}

/// A cluster answered completely, as far as an outcome tells.
fn is_complete(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Complete | Outcome::CaughtUp)
}
