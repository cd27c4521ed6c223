//! One rule on one cluster, as the daemon holds it between looks.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    checks::{Look, Memory},
    config::{Rule, RuleKey},
    engine::schedule::Progress,
    model::{
        Attention, Entity, RuleState, Tick, Time, Window, flapping::Flaps, notification::Told,
        precedent::Precedent,
    },
    store::{Stored, turn::Card},
};

/// A watermark this far ahead of the clock tells that the clock was set back.
const CLOCK_SET_BACK: std::time::Duration = std::time::Duration::from_secs(600);

/// What is told, by entity and sink.
pub type ToldBySink = BTreeMap<Entity, BTreeMap<String, Told>>;

/// When a rule looks again, beside its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Not before.
    #[default]
    Scheduled,
    /// There is more behind what it read.
    AtOnce,
    /// There is more, but what it has seen waits for sinks that do not take it yet.
    HeldBack,
}

/// Shared from turn to turn, for it rarely changes.
pub type Precedents = Arc<BTreeMap<Entity, Precedent>>;

/// One rule on one cluster: the rule as it is now, and what the store knows of it.
#[derive(Clone, Debug)]
pub struct Watch {
    pub key: RuleKey,
    pub rule: Arc<Rule>,
    pub state: RuleState,
    pub memory: Memory,
    pub told: ToldBySink,
    pub watermark: Option<Time>,
    pub owed: Vec<Time>,
    /// The last tick that was looked at since the start.
    pub judged: Option<Time>,
    /// When its last turn ended, if one did since the start.
    pub busy_until: Option<Time>,
    /// When it looks again, beside its schedule.
    pub pace: Pace,
    /// Not yet judged since the start.
    pub fresh: bool,
    /// Why this rule is blind without blame: its cluster's own alert speaks for it.
    pub excused: bool,
    /// How often its alerts came and went lately.
    pub flaps: BTreeMap<Entity, Flaps>,
    /// The ended episodes of its alerts.
    pub precedents: Precedents,
    /// It was said that the cluster cannot answer this question.
    pub said_not_applicable: bool,
}

impl Watch {
    pub fn new(rule: Arc<Rule>, cluster: &str, stored: Stored) -> Self {
        Self {
            key: RuleKey::new(&rule.id, cluster),
            rule,
            state: stored.state,
            memory: stored.memory,
            told: stored.told,
            watermark: stored.watermark,
            owed: stored.owed,
            judged: None,
            busy_until: None,
            pace: Pace::default(),
            fresh: true,
            excused: false,
            flaps: BTreeMap::new(),
            precedents: Precedents::default(),
            said_not_applicable: false,
        }
    }

    pub fn progress(&self, now: Time) -> Progress {
        let catch_up = self.catch_up();
        let blind = self.state.blind.rule.is_some() || self.excused;
        let attention = Attention { unsettled: catch_up.unsettled || blind || self.fresh, ..catch_up };
        let (watermark, owed) = (self.watermark_at(now), self.owed.clone());
        Progress { watermark, owed, attention, catch_up, busy_until: self.busy_until }
    }

    /// How closely missed windows are made up for: blindness alone does not count.
    pub fn catch_up(&self) -> Attention {
        Attention { firing: self.state.is_firing(), unsettled: self.state.is_unsettled() }
    }

    /// A watermark that lies in the future is waited for, as long as it is near; if it is far, the clock was set back, and
    /// silence until it comes round again would be worse than looking at a tick twice.
    fn watermark_at(&self, now: Time) -> Option<Time> {
        let Some(ahead) = self.watermark.filter(|watermark| *watermark > now) else { return self.watermark };
        let since_then = self.judged.filter(|judged| *judged <= now);
        let near = ahead <= now + CLOCK_SET_BACK;
        since_then.or(Some(ahead).filter(|_| near))
    }

    /// Nothing is open, and nobody believes that something is.
    pub fn is_over(&self) -> bool {
        self.state.alerts.is_empty() && self.told.is_empty()
    }

    pub fn tick(&self, at: Time) -> Tick {
        Tick::new(at, self.rule.timing.reach(at))
    }

    pub fn look(&self, at: Time, timeout: std::time::Duration, asked: Time) -> Look {
        let length = self.rule.check.window().unwrap_or_default();
        Look { cluster: self.key.cluster.clone(), window: Window::ending(at, length), asked, timeout }
    }

    pub fn card(&self) -> Card {
        Card {
            summary: self.rule.summary.clone(),
            labels: self.rule.labels.clone(),
            runbook: self.rule.runbook.clone(),
            fingerprint: self.rule.fingerprint.clone(),
        }
    }
}
