//! Whether a rule damps the coming and going of its alerts, whether one flaps now, and what that keeps back from whom.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::Alert;
use crate::{
    cli::{paint::Tone, words},
    config::RuleKey,
    model::{
        Entity, Time,
        flapping::{Flapping, Flaps},
        notification::Told,
        span,
    },
    store::{Past, Reader, StoreError},
};

/// As far back as a start of the daemon looks.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What the store knows of coming and going.
#[derive(Default)]
pub struct Flapped {
    history: Vec<Past>,
    told: Vec<(RuleKey, Entity, String, Told)>,
}

impl Flapped {
    pub fn read(store: &Reader, now: Time) -> Result<Self, StoreError> {
        let mut told = Vec::new();
        for (key, stored) in store.load()? {
            for (entity, sinks) in stored.told {
                let rows = sinks.into_iter().filter(|(_, told)| told.flapping);
                told.extend(rows.map(|(sink, row)| (key.clone(), entity.clone(), sink, row)));
            }
        }
        Ok(Self { history: store.history(now - REMEMBERED)?, told })
    }

    fn flaps_since(&self, of: &Alert<'_>, policy: &Flapping, now: Time) -> Option<Time> {
        let mut flaps = Flaps::default();
        for past in self.history.iter().filter(|past| is_of(of, &past.key, &past.transition.entity)) {
            flaps.note(policy, past.transition.kind, past.transition.at);
        }
        flaps.flaps_since(policy, now)
    }

    /// One line about the alert.
    pub fn in_words(&self, of: &Alert<'_>, zone: Tz, now: Time) -> String {
        let Some(policy) = &of.rule.flapping else {
            return "  flapping is not damped: every change is told\n".to_owned();
        };
        let (within, settle) = (span::show(policy.within), span::show(policy.settle));
        let Some(since) = self.flaps_since(of, policy, now) else {
            let changes = policy.changes;
            return format!(
                "  it does not flap now; {changes} changes within {within} would be damped until nothing changed for {settle}\n"
            );
        };
        let since = words::clock(since, now, zone);
        let words = format!("it flaps since {since}: {}", self.kept_back(of, &settle));
        format!("  {}\n", Tone::Waiting.paint(&words))
    }

    /// Whoever was told that it flaps hears of it again only when it gets worse, or settled.
    fn kept_back(&self, of: &Alert<'_>, settle: &str) -> String {
        let told: Vec<_> = self.told.iter().filter(|(key, entity, ..)| is_of(of, key, entity)).collect();
        let quiet = told.iter().filter(|(.., row)| row.level.is_some_and(|known| of.level <= known));
        let quiet: Vec<&str> = quiet.map(|(_, _, sink, _)| sink.as_str()).collect();
        match (quiet.is_empty(), told.is_empty()) {
            (false, _) => format!(
                "what changes is withheld from {} until nothing changed for {settle}; what gets worse is told at once",
                quiet.join(", ")
            ),
            (true, false) => "this level is worse than what was told, and is told at once".to_owned(),
            (true, true) => "nobody was told so yet, and nothing is withheld for it".to_owned(),
        }
    }
}

fn is_of(of: &Alert<'_>, key: &RuleKey, entity: &Entity) -> bool {
    key.rule == of.rule.id && key.cluster == of.cluster && entity == of.entity
}

#[cfg(test)]
mod tests;
