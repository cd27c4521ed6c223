//! What pings say, and what a look remembers to be fair: since when it looks, and when nobody listened.

use serde::{Deserialize, Serialize};

use super::{Heartbeat, shown};
use crate::{
    checks::Memory,
    model::{Finding, Number, Reading, Time, Unit, heartbeat::Pings, span, time::elapsed},
};

/// What one look leaves to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// The first look of all.
    since: Time,
    looked: Time,
    /// Until then nobody is blamed for silence: a sign may have been lost while nobody listened.
    spared: Option<Time>,
}

impl Recall {
    pub fn of(memory: &Memory, now: Time) -> Self {
        let kept = serde_json::from_value(memory.0.clone()).ok();
        kept.unwrap_or(Self { since: now, looked: now, spared: None })
    }

    pub fn memory(&self) -> Memory {
        Memory(serde_json::to_value(self).unwrap_or_default())
    }

    /// From when silence counts: a sign from before the first look says nothing of the time after it.
    fn last(&self, pings: &Pings) -> Time {
        pings.alive.map_or(self.since, |alive| alive.max(self.since))
    }

    /// Whether a sign was due while nobody listened.
    #[must_use]
    pub fn heard(self, of: &Heartbeat, pings: &Pings, now: Time) -> Self {
        let mut spared = self.spared;
        if let Some(listening) = pings.listening.filter(|listening| self.looked < *listening) {
            let due = self.last(pings) + of.every.0;
            let missed = self.looked <= due + of.grace.0 && due - of.grace.0 <= listening;
            if missed {
                spared = Some(listening + of.patience());
            }
        }
        Self { looked: now.max(self.looked), spared, ..self }
    }

    pub fn judge(&self, of: &Heartbeat, pings: &Pings, now: Time) -> Finding {
        let silent = elapsed(self.last(pings), now);
        let run = pings.started.map(|started| elapsed(started, now));
        let state = match () {
            () if pings.failed.is_some() => "failed",
            () if run.zip(of.max_run).is_some_and(|(run, longest)| run > longest.0) => "runs_too_long",
            () if silent <= of.patience() => "alive",
            () if self.spared.is_some_and(|spared| now < spared) => {
                let words =
                    "a sign of life may have been lost while highwater was away; the next one is awaited";
                return Finding::NoData(words.to_owned());
            }
            () => "silent",
        };
        let mut reading = Reading::new(Number::Int(i64::from(state != "alive")), Unit::Liveness);
        reading = reading.fact("state", state).fact("silent_for", span::show(silent));
        let last = pings.alive.map_or_else(|| "never".to_owned(), shown);
        reading = reading.fact("last", last).fact("expected_every", of.every.to_string());
        for (name, at) in [("failed", pings.failed), ("started", pings.started)] {
            if let Some(at) = at {
                reading = reading.fact(name, shown(at));
            }
        }
        if let Some(run) = run {
            reading = reading.fact("runs_for", span::show(run));
        }
        if let Some(took) = pings.took {
            reading = reading.fact("took", span::show(took));
        }
        Finding::Value(reading)
    }
}
