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
    /// Not yet judged since the start: what was missed, was missed while nobody ran.
    pub fresh: bool,
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
        sampled(progress, missed, present)
    })
}

/// The first tick is kept even after a very long absence, but never more than 30 days of them: older outcomes are not kept either.
fn missed_between(timing: &Timing, progress: &Progress, watermark: Time, present: Time) -> Vec<Time> {
    let mut from = watermark.max(present - chrono::TimeDelta::days(30));
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
    let passed_over =
        all.iter().filter(|tick| too_old(tick)).map(|tick| run(*tick, Outcome::Gap, &words)).collect();
    let owed = all.into_iter().filter(|tick| !too_old(tick)).collect();
    Plan { passed_over, owed, present }
}

/// Of a present state only the latest tick can be judged.
fn sampled(progress: &Progress, missed: Vec<Time>, present: Time) -> Plan {
    let (outcome, words) = match progress.fresh {
        true => (Outcome::Gap, "nobody was running"),
        false => (Outcome::SkippedOverlap, "the look before took longer than the schedule"),
    };
    let passed_over = missed.into_iter().map(|tick| run(tick, outcome, words)).collect();
    Plan { passed_over, owed: Vec::new(), present }
}

fn run(tick: Time, outcome: Outcome, words: &str) -> Run {
    Run { tick, outcome, reason: Some(words.to_owned()) }
}

/// Whether `tick` lies on the grid whose windows are made up for.
pub fn is_owable(timing: &Timing, catch_up: Attention, tick: Time) -> bool {
    timing.windowed && timing.latest_at(tick, catch_up) == Some(tick)
}
