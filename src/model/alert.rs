//! The remembered state of one (rule, entity), and one step of it.
//!
//! Every level is its own latch (see [`super::latch`]). What binds them together is here:
//!
//! | when | then |
//! |---|---|
//! | a latch fires, returns to firing or ends | every lower latch whose `when` holds in that reading fires with it, whatever is left of its `for` |
//! | the highest latch that is up is firing, above the told level | told: `fired` or `raised` |
//! | … below the told level, and no latch above it is pending | told: `lowered` |
//! | only recovering latches are up | the told level stays |
//! | no latch is up | told: `resolved`, with the reason |
//!
//! | finding | effect |
//! |---|---|
//! | value | every latch is judged; the clock of silence ends |
//! | unknown | nothing, not even an age |
//! | no data, absent | by policy: nothing (`keep`), the end (`resolve`), or a breach of every level up to L (`fire L`), the levels above staying exactly as they are; its last reading counts no more, and an alert that was told for it is told once for its silence |

mod difference;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::difference::{Looked, difference};
use super::{
    Ending, Entity, Finding, Kind, Latch, Level, LevelPolicy, Missing, Number, Policy, Reading, Tick, Time,
    Transition, Verdict, policy::MissingThen, time::elapsed,
};

/// The remembered state of one (rule, entity).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Only the latches that are not inactive.
    #[serde(default)]
    pub latches: BTreeMap<Level, Latch>,
    /// The told level. `None`: nothing is open.
    pub level: Option<Level>,
    /// First breach of the present episode.
    pub since: Option<Time>,
    /// The worst value since then.
    pub peak: Option<Number>,
    /// The newest reading of the episode, and when it was taken.
    pub latest: Option<Reading>,
    pub seen: Option<Time>,
    /// How many changes of this episode were told.
    #[serde(default)]
    pub told: u32,
    /// When something was last told of it: the clock of reminders.
    pub told_at: Option<Time>,
    /// Missing since when, while it is.
    pub silence: Option<Silence>,
    /// How the last episode ended.
    pub ending: Option<Ending>,
}

/// How long an entity has been without data, or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub of: Silent,
    pub since: Time,
    pub seen: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silent {
    NoData,
    Absent,
}

impl Silent {
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoData => "no data since",
            Self::Absent => "gone since",
        }
    }
}

/// One look at one entity. Total, pure, deterministic.
pub fn step_alert(policy: &Policy, before: Alert, finding: &Finding, tick: Tick) -> Alert {
    match finding {
        Finding::Unknown(_) => before,
        Finding::Value(reading) => match verdicts(policy, reading) {
            Ok(verdicts) => before.with_silence(None).judged(policy, &verdicts, Some(reading), tick),
            Err(_unresolved) => before,
        },
        Finding::NoData(_) => before.missing(policy, policy.no_data, Silent::NoData, tick),
        Finding::Absent => before.missing(policy, policy.absent, Silent::Absent, tick),
    }
}

/// The verdicts that a reading proves, level by level; a level that it leaves open stays exactly as it is.
///
/// An error names the threshold that this reading cannot resolve, or says why it proves nothing at all.
pub fn verdicts(policy: &Policy, reading: &Reading) -> Result<BTreeMap<Level, Verdict>, String> {
    let mut verdicts = BTreeMap::new();
    for level in &policy.levels {
        verdicts.extend(level.prove(reading)?.map(|verdict| (level.level, verdict)));
    }
    match &reading.limit {
        Some(limit) if verdicts.is_empty() && !policy.levels.is_empty() => Err(limit.why.clone()),
        _ => Ok(verdicts),
    }
}

impl Alert {
    pub fn latch(&self, level: Level) -> Latch {
        self.latches.get(&level).copied().unwrap_or_default()
    }

    /// Nothing is pending, up or told.
    pub fn is_inactive(&self) -> bool {
        self.latches.is_empty() && self.level.is_none()
    }

    /// The highest latch that is up.
    pub fn highest_up(&self) -> Option<(Level, Latch)> {
        self.latches.iter().rev().find(|(_, latch)| latch.is_up()).map(|(level, latch)| (*level, *latch))
    }

    /// The state in one word, as `alerts` and `check` show it.
    pub fn state(&self) -> &'static str {
        match self.highest_up() {
            Some((_, Latch::Recovering(_))) => "recovering",
            Some(_) => "firing",
            None if self.latches.is_empty() => "inactive",
            None => "pending",
        }
    }

    /// Pending or recovering: a look soon would decide.
    pub fn is_unsettled(&self) -> bool {
        self.latches.values().any(|latch| matches!(latch, Latch::Pending(_) | Latch::Recovering(_)))
    }

    /// A reading that proves something, or a silence that counts as one.
    fn judged(
        mut self,
        policy: &Policy,
        verdicts: &BTreeMap<Level, Verdict>,
        reading: Option<&Reading>,
        tick: Tick,
    ) -> Self {
        let changed = self.latches.keys().any(|level| policy.level(*level).is_none());
        self.latches.retain(|level, _| policy.level(*level).is_some());
        self.turn_latches(policy, verdicts, tick);
        self.remember(policy, reading, tick);
        self.announce(tick, if changed { Ending::RuleChanged } else { Ending::Cleared });
        self
    }

    /// From the worst level down, so that a latch which hands down finds the lower ones still to be turned.
    fn turn_latches(&mut self, policy: &Policy, verdicts: &BTreeMap<Level, Verdict>, tick: Tick) {
        let mut handed_down = false;
        for level in policy.levels.iter().rev() {
            let Some(verdict) = verdicts.get(&level.level).copied() else { continue };
            let before = self.latch(level.level);
            let after = if handed_down && verdict == Verdict::Breach {
                Latch::Firing
            } else {
                before.step(level, verdict, tick)
            };
            handed_down |= before.hands_down(after);
            self.set_latch(level, after);
        }
    }

    fn set_latch(&mut self, level: &LevelPolicy, latch: Latch) {
        if latch.is_inactive() {
            self.latches.remove(&level.level);
        } else {
            self.latches.insert(level.level, latch);
        }
    }

    /// Keeps what a message will say: since when, how bad at worst, and the newest facts.
    fn remember(&mut self, policy: &Policy, reading: Option<&Reading>, tick: Tick) {
        if self.is_inactive() {
            self.forget_episode();
            return;
        }
        if self.since.is_none() {
            (self.since, self.peak, self.told) = (Some(tick.breach()), None, 0);
        }
        self.ending = None;
        let Some(reading) = reading else { return };
        let worse =
            |peak: Number| if policy.points_up() { reading.value > peak } else { reading.value < peak };
        if self.peak.is_none_or(worse) {
            self.peak = Some(reading.value);
        }
        self.latest = Some(reading.clone());
        self.seen = Some(tick.at);
    }

    fn forget_episode(&mut self) {
        *self = Self { silence: self.silence, ending: self.ending, ..Self::default() };
    }

    /// Moves the told level to where the latches are, as far as it may be told now.
    fn announce(&mut self, tick: Tick, ending: Ending) {
        let Some((level, latch)) = self.highest_up() else {
            if self.level.is_some() {
                self.end_episode_but_keep_the_pending(ending, tick);
            }
            return;
        };
        if latch != Latch::Firing || self.level == Some(level) {
            return;
        }
        let lowering = self.level.is_some_and(|told| told > level);
        let undecided = self.latches.range(level..).any(|(_, latch)| matches!(latch, Latch::Pending(_)));
        if lowering && undecided {
            return;
        }
        self.level = Some(level);
        self.count_told(tick);
    }

    fn count_told(&mut self, tick: Tick) {
        self.told += 1;
        self.told_at = Some(tick.at);
    }

    /// A look at an entity that has no number, or is gone.
    fn missing(self, policy: &Policy, missing: Missing, of: Silent, tick: Tick) -> Self {
        let since = self
            .silence
            .filter(|silence| silence.of == of)
            .map_or(tick.at, |silence| silence.since.min(tick.at));
        let quiet = elapsed(since, tick.at);
        let silent = self.with_silence(Some(Silence { of, since, seen: tick.at }));
        if missing.keep.is_none_or(|keep| quiet < keep) {
            return silent;
        }
        let gone = match of {
            Silent::NoData => Ending::NoData,
            Silent::Absent => Ending::Vanished,
        };
        match missing.then {
            MissingThen::Resolve => silent.closed(gone),
            MissingThen::Fire(_) if missing.forget.is_some_and(|forget| quiet >= forget) => {
                silent.closed(gone)
            }
            MissingThen::Fire(worst) => {
                let up_to_worst = policy.levels.iter().filter(|level| level.level <= worst);
                let breached = up_to_worst.map(|level| (level.level, Verdict::Breach)).collect();
                silent.for_its_silence(policy, &breached, tick)
            }
        }
    }

    /// From now on it fires for its silence, and not for its last reading: whoever believes it open hears so once.
    fn for_its_silence(mut self, policy: &Policy, breached: &BTreeMap<Level, Verdict>, tick: Tick) -> Self {
        let spoke = self.latest.take().is_some();
        let (level, told) = (self.level, self.told);
        let mut after = self.judged(policy, breached, None, tick);
        if spoke && level.is_some() && (after.level, after.told) == (level, told) {
            after.count_told(tick);
        }
        after
    }

    /// The clock of an excused absence stands.
    #[must_use]
    pub fn excused(mut self, tick: Tick) -> Self {
        if let Some(silence) = self.silence.as_mut().filter(|silence| silence.of == Silent::Absent) {
            silence.since += elapsed(silence.seen, tick.at);
            silence.seen = tick.at;
        }
        self
    }

    /// Ends whatever is pending or open, for a reason other than a reading.
    #[must_use]
    pub fn closed(mut self, ending: Ending) -> Self {
        self.latches.clear();
        if self.level.is_some() {
            self.end_episode(ending);
        } else {
            self.forget_episode();
            self.ending = Some(ending);
        }
        self
    }

    /// Marks are resolved per entity, so a level can still be pending there when a milder one ends: it begins an episode of its own.
    fn end_episode_but_keep_the_pending(&mut self, ending: Ending, tick: Tick) {
        let (latches, latest, seen) = (std::mem::take(&mut self.latches), self.latest.take(), self.seen);
        self.end_episode(ending);
        if latches.is_empty() {
            return;
        }
        self.latches = latches;
        self.since = Some(tick.breach());
        self.peak = latest.as_ref().filter(|_| seen == Some(tick.at)).map(|reading| reading.value);
        (self.latest, self.seen) = (latest, seen);
    }

    fn end_episode(&mut self, ending: Ending) {
        self.level = None;
        self.forget_episode();
        self.ending = Some(ending);
    }

    /// What `kind` says of this alert as it stands; `level` is the one it is told at.
    pub fn standing(
        &self,
        policy: &Policy,
        entity: &Entity,
        (kind, level): (Kind, Level),
        now: Time,
    ) -> Transition {
        let when = policy.level(level).map(|level| &level.when);
        Transition {
            entity: entity.clone(),
            kind,
            level,
            previous_level: Some(level),
            since: self.since.unwrap_or(now),
            at: now,
            n: self.told,
            reading: self.latest.clone(),
            threshold: self.latest.as_ref().zip(when).and_then(|(reading, when)| when.resolve(reading).ok()),
            peak: self.peak,
            ending: None,
        }
    }

    fn with_silence(mut self, silence: Option<Silence>) -> Self {
        self.silence = silence;
        self
    }

    /// A reminder that is due at `now`; not while recovering.
    pub fn reminder_due(&self, repeat: std::time::Duration, now: Time) -> bool {
        let firing = matches!(self.highest_up(), Some((_, Latch::Firing)));
        self.level.is_some() && firing && self.told_at.is_some_and(|told| elapsed(told, now) >= repeat)
    }

    /// Told in what is the future now: the clock was set back, and its reminders would wait for the same time to come again.
    pub fn told_ahead_of(&self, now: Time) -> bool {
        self.told_at.is_some_and(|told| told > now)
    }

    /// The same alert, reminded of at `now`.
    #[must_use]
    pub fn reminded(mut self, now: Time) -> Self {
        self.told += 1;
        self.told_at = Some(now);
        self
    }
}
