//! What is worth telling of one alert: the difference between before and after a look.

use super::Alert;
use crate::model::{Ending, Entity, Finding, Kind, Number, Policy, Reading, Tick, Transition, Verdict};

/// One alert before and after a look, and what the look found.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    pub entity: &'a Entity,
    pub before: &'a Alert,
    pub after: &'a Alert,
    pub finding: &'a Finding,
}

/// The change worth telling between two states of one alert, if there is one.
pub fn difference(policy: &Policy, looked: Looked<'_>, tick: Tick) -> Option<Transition> {
    let Looked { entity, before, after, finding } = looked;
    let kind = match (before.level, after.level) {
        (None, Some(_)) => Kind::Fired,
        (Some(_), None) => Kind::Resolved,
        (Some(old), Some(new)) if new > old => Kind::Raised,
        (Some(old), Some(new)) if new < old => Kind::Lowered,
        // no other level, and told all the same: it fires for its silence now
        (Some(_), Some(_)) if after.told > before.told => Kind::Reminded,
        _ => return None,
    };
    let level = after.level.or(before.level)?;
    let reading = match finding {
        Finding::Value(reading) => Some(reading.clone()),
        _ if kind == Kind::Resolved => before.latest.clone(),
        _ => after.latest.clone(),
    };
    let ending = if kind == Kind::Resolved { after.ending } else { None };
    let threshold = reading.as_ref().and_then(|reading| threshold(policy, kind, before, after, reading));
    let since = before.since.or(after.since).unwrap_or(tick.at);
    let peak = if kind == Kind::Resolved { before.peak } else { after.peak };
    let previous_level = before.level;
    let n = before.told;
    Some(Transition {
        entity: entity.clone(),
        kind,
        level,
        previous_level,
        since,
        at: tick.at,
        n,
        reading,
        threshold,
        peak,
        ending,
    })
}

/// The told level's `when`; on recovery the `clear` that was crossed; on lowering inside a band the new level's `clear`.
fn threshold(
    policy: &Policy,
    kind: Kind,
    before: &Alert,
    after: &Alert,
    reading: &Reading,
) -> Option<Number> {
    let level = policy.level(after.level.or(before.level)?)?;
    let crossed = match kind {
        Kind::Resolved if after.ending == Some(Ending::Cleared) => &level.clear,
        Kind::Lowered if level.judge(reading).ok()? != Verdict::Breach => &level.clear,
        _ => &level.when,
    };
    crossed.resolve(reading).ok()
}
