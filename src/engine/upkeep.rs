//! What is done beside looking: reminders, silences that end, and a look at highwater itself.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    engine::{Engine, draft::Draft, lock, own::Own, tell, texts::Faults, watch::Watch, withhold::Causes},
    model::{Alert, Entity, Time, notification::Told, time::elapsed},
    store::Depth,
    telemetry::AlertLabels,
};

/// A store that was found damaged stays an alert for so long.
const DAMAGE_MATTERS: Duration = Duration::from_secs(3600);

/// Looks that start later than this are an alert.
const TOO_LATE: Duration = Duration::from_secs(10);

/// Believed open at its sink, with a message of its own.
fn is_shown(told: &Told) -> bool {
    told.level.is_some() && told.digest.is_none()
}

pub(super) fn waiting(depth: &Depth) -> u32 {
    depth.queued + depth.held
}

impl Engine {
    /// What people wrote into the store: silences, as telling needs them, and messages to be sent again.
    pub async fn notice_others(&self) {
        match self.store.notice_traces(self.clock.now()).await {
            Ok(Some(silences)) => self.silences.store(Arc::new(silences)),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "store not read"),
        }
    }

    /// What is done every second beside looking; a round that is still going on is not joined by another.
    pub(super) async fn keep_up(&self) {
        let Ok(_round) = self.upkeep.try_lock() else { return };
        self.notice_others().await;
        self.tell_what_is_withheld().await;
        self.remind().await;
        self.refresh().await;
        self.end_dead_letters().await;
    }

    /// Alerts that a sink is shown anew from time to time, news or not.
    pub(super) async fn refresh(&self) {
        if self.settings.sinks.values().all(|sink| sink.refresh().is_none()) {
            return;
        }
        let now = self.clock.now();
        let due = |watch: &Watch| (!self.to_refresh(watch, now).is_empty()).then_some(());
        self.turn_where(due, |draft, watch| draft.refreshed = self.to_refresh(watch, now)).await;
    }

    fn to_refresh(&self, watch: &Watch, now: Time) -> Vec<(Entity, String)> {
        let mut due = Vec::new();
        for (entity, sinks) in &watch.told {
            for (name, told) in sinks.iter().filter(|(_, told)| is_shown(told)) {
                let every = self.settings.sinks.get(name).and_then(|sink| sink.refresh());
                let waited =
                    told.shown.is_none_or(|shown| every.is_some_and(|every| elapsed(shown, now) >= every));
                if every.is_some() && waited {
                    due.push((entity.clone(), name.clone()));
                }
            }
        }
        due
    }

    /// Alerts whose reminder is due, and whose rule is not being looked at this instant.
    pub(super) async fn remind(&self) {
        let now = self.clock.now();
        let due = |watch: &Watch| {
            let repeat = watch.rule.repeat?;
            let due = |alert: &Alert| alert.reminder_due(repeat, now) || alert.told_ahead_of(now);
            watch.state.alerts.values().any(due).then_some(())
        };
        self.turn_where(due, |draft, watch| draft.remind(watch, now)).await;
    }

    /// News that nothing withholds any more, or something else than before; and alerts that have settled.
    pub(super) async fn tell_what_is_withheld(&self) {
        let silences = self.silences.load_full();
        let due = |watch: &Watch| {
            if !tell::waits(watch) {
                return None;
            }
            let speakers = self.speakers();
            let causes =
                Causes { undecided: self.undecided(watch, false), ..self.causes(&silences, &speakers) };
            tell::is_due(&self.telling(Some(&causes), Some(watch), &Faults::default()), watch).then_some(())
        };
        self.turn_where(due, |_, _| {}).await;
        self.tell_what_was_withheld_of_itself().await;
    }

    async fn turn_where(&self, due: impl Fn(&Watch) -> Option<()>, work: impl Fn(&mut Draft, &Watch)) {
        for watch in self.lively() {
            let Ok(mut watch) = watch.try_lock() else { continue };
            if due(&watch).is_none() {
                continue;
            }
            let mut draft = Draft::of(&watch);
            draft.owed.clone_from(&watch.owed);
            work(&mut draft, &watch);
            if let Err(error) = self.commit(&mut watch, draft).await {
                tracing::error!(rule = watch.key.rule, %error, "commit failed");
            }
        }
    }

    /// Once a minute: is highwater itself well?
    pub(super) async fn inspect(&self) {
        self.mind_dead_letters().await;
        self.mind_gone_sinks().await;
        self.mind_outboxes().await;
        self.mind_texts().await;
        self.announce_endings().await;
        self.mind_canary().await;
        self.mind_surroundings().await;
        let late = std::mem::take(&mut *lock(&self.latest_start));
        let too_late = late >= TOO_LATE;
        let words = format!("a look started {} late", crate::model::span::show(late));
        self.say_of_itself(Own::Late, if too_late { late.as_secs() } else { 0 }, &words).await;
        let trouble = self.store_trouble();
        self.say_of_itself(Own::Store, u64::from(trouble.is_some()), &trouble.unwrap_or_default()).await;
    }

    /// Sinks that are behind with their work. One that is misconfigured is told as such.
    async fn mind_outboxes(&self) {
        let Ok(depths) = self.store.depth().await else { return };
        let (told, misconfigured) = {
            let own = self.own.lock().await;
            (own.full_outboxes(), own.misconfigured_sinks())
        };
        let now = self.clock.now();
        for sink in self.settings.sinks.keys().filter(|sink| !misconfigured.contains(sink)) {
            let depth = depths.iter().find(|depth| depth.sink == *sink).filter(|depth| waiting(depth) > 0);
            let oldest = depth.and_then(|depth| depth.oldest);
            let age = oldest.map(|oldest| elapsed(oldest, now)).unwrap_or_default();
            let own = Own::Outbox { sink: sink.clone() };
            if age >= self.settings.delivery.alert_after {
                let waiting = depth.map_or(0, waiting);
                let words = format!("{waiting} wait, the oldest for {}", crate::model::span::show(age));
                self.say_of_itself(own, age.as_secs().max(1), &words).await;
            } else if told.contains(sink) {
                self.say_of_itself(own, 0, "").await;
            }
        }
    }

    /// What is wrong with the store now, or was found wrong at the last start.
    fn store_trouble(&self) -> Option<String> {
        let health = self.store.health();
        if let Some(away) = health.in_memory {
            return Some(format!("the store is in memory since {}: {}", away.since.to_rfc3339(), away.why));
        }
        if let Some(path) = health.quarantined {
            return Some(format!("the store was damaged: moved to `{}`", path.display()));
        }
        let (at, words) = lock(&self.found_damaged).clone()?;
        (elapsed(at, self.clock.now()) < DAMAGE_MATTERS).then_some(words)
    }

    /// A store that had to be moved aside is told for an hour.
    pub async fn note_damaged_store(&self, words: String) {
        *lock(&self.found_damaged) = Some((self.clock.now(), words.clone()));
        self.say_of_itself(Own::Store, 1, &words).await;
    }

    pub(super) async fn prune(&self) {
        if let Err(error) = self.store.prune(self.clock.now()).await {
            tracing::error!(%error, "prune failed");
        }
    }

    /// The picture that `/metrics` shows, taken now.
    pub fn take_picture(&self) {
        let mut counts: BTreeMap<(String, &'static str, &'static str), i64> = BTreeMap::new();
        for watch in self.watches() {
            let Ok(watch) = watch.try_lock() else { continue };
            for alert in watch.state.alerts.values().filter(|alert| !alert.is_inactive()) {
                let level = alert.level.or_else(|| alert.latches.keys().next_back().copied());
                let level = level.map_or("none", crate::model::Level::name);
                *counts.entry((watch.key.rule.clone(), level, alert.state())).or_default() += 1;
            }
        }
        let labels = |((rule, level, state), count)| (AlertLabels { rule, level, state }, count);
        self.telemetry.alerts(counts.into_iter().map(labels));
    }
}
