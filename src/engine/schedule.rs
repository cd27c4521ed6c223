//! Which ticks of one rule are due: pure arithmetic over its grid, so that a simulated week takes milliseconds.

use crate::{
    model::{Attention, Time, Timing, time::elapsed},
    store::{Outcome, Run},
};

/// Where a rule stands.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The latest tick that has an outcome.
    pub watermark: Option<Time>,
    /// Windowed ticks that are still to be judged, oldest first.
    pub owed: Vec<Time>,
    /// How closely it wants to look.
    pub attention: Attention,
    /// How closely missed windows are made up for: as `attention`, but blindness alone does not count.
    pub catch_up: Attention,
    /// When its last turn ended, if one did since the start: what came due before that was missed for being slow.
    pub busy_until: Option<Time>,
}

/// What one turn has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Ticks that will not be judged, with their outcome.
    pub passed_over: Vec<Run>,
    /// Missed windows to judge first, in order.
    pub owed: Vec<Time>,
    pub present: Time,
}

/// When the rule is to be looked at next; `now` if that is overdue.
pub fn wake_at(timing: &Timing, progress: &Progress, now: Time) -> Option<Time> {
    let Some(watermark) = progress.watermark else { return Some(now) };
    timing.next_after(watermark, progress.attention).map(|tick| tick + timing.lag())
}

/// What is due at `now`; `None` if nothing is.
pub fn plan(timing: &Timing, progress: &Progress, now: Time) -> Option<Plan> {
    let horizon = now - timing.lag();
    let present = timing.latest_at(horizon, progress.attention)?;
    let Some(watermark) = progress.watermark else {
        return Some(Plan { passed_over: Vec::new(), owed: Vec::new(), present });
    };
    if present <= watermark {
        return None;
    }
    let missed = missed_between(timing, progress, watermark, present);
    Some(if timing.windowed {
        windowed(timing, progress, missed, present)
    } else {
        sampled(timing, progress, missed, present)
    })
}

/// All of them in order; a very long absence is one of many ticks, but no more than a number each.
fn missed_between(timing: &Timing, progress: &Progress, watermark: Time, present: Time) -> Vec<Time> {
    let mut from = watermark;
    let mut missed = Vec::new();
    while let Some(tick) = timing.next_after(from, progress.catch_up).filter(|tick| *tick < present) {
        missed.push(tick);
        from = tick;
    }
    missed
}

fn windowed(timing: &Timing, progress: &Progress, missed: Vec<Time>, present: Time) -> Plan {
    let mut all: Vec<Time> = progress.owed.iter().copied().chain(missed).collect();
    all.sort_unstable();
    all.dedup();
    let too_old = |tick: &Time| elapsed(*tick, present) > timing.max_catch_up;
    let words = format!("not judged within {}", crate::model::span::show(timing.max_catch_up));
    let owed = all.split_off(all.partition_point(too_old));
    Plan { passed_over: stretch(&all, Outcome::Gap, &words).into_iter().collect(), owed, present }
}

/// Of a present state only the latest tick can be judged. What came while the look before went on was skipped; anything else is a gap.
fn sampled(timing: &Timing, progress: &Progress, missed: Vec<Time>, present: Time) -> Plan {
    let during = |tick: &Time| progress.busy_until.is_some_and(|end| *tick + timing.lag() <= end);
    let (skipped, gap) = missed.split_at(missed.partition_point(during));
    let too_slow = "the look before took longer than the schedule";
    let passed_over = [
        stretch(skipped, Outcome::SkippedOverlap, too_slow),
        stretch(gap, Outcome::Gap, "nobody was looking"),
    ];
    Plan { passed_over: passed_over.into_iter().flatten().collect(), owed: Vec::new(), present }
}

/// Ticks in a row that go the same way.
fn stretch(ticks: &[Time], outcome: Outcome, words: &str) -> Option<Run> {
    let (first, tick) = (*ticks.first()?, *ticks.last()?);
    let n = u32::try_from(ticks.len()).unwrap_or(u32::MAX);
    Some(Run { first, tick, n, outcome, reason: Some(words.to_owned()) })
}

/// Whether `tick` lies on the grid whose windows are made up for.
pub fn is_owable(timing: &Timing, catch_up: Attention, tick: Time) -> bool {
    timing.windowed && timing.latest_at(tick, catch_up) == Some(tick)
}
