//! What one evaluation leaves behind, and what a start finds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    checks::Memory,
    config::RuleKey,
    model::{
        Alert, Entity, RuleState, Time, Transition,
        blind::Blind,
        notification::{Delivery, Told, Untold},
        time::Course,
    },
};

/// Everything that one evaluation changes: committed together, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub key: RuleKey,
    pub card: Card,
    /// Exactly one outcome per due tick, in order.
    pub runs: Vec<Run>,
    /// The latest tick that has an outcome. It never goes back.
    pub watermark: Option<Time>,
    /// Windowed ticks that still have to be judged.
    pub owed: Vec<Time>,
    pub blind: Blind,
    pub course: Course,
    pub memory: Memory,
    /// Alerts to write, or to forget.
    pub alerts: Vec<(Entity, Option<Alert>)>,
    /// What sinks have now been told, or need not be remembered any more.
    pub told: Vec<(Entity, String, Option<Told>)>,
    pub deliveries: Vec<Delivery>,
    /// For people: what happened, whoever was told.
    pub history: Vec<Transition>,
    /// Who was not told of it, and what withheld it.
    pub untold: BTreeMap<Entity, Vec<Untold>>,
    /// The rule is gone: nothing of it is kept once its last deliveries are settled, but its `memory`, if there is one.
    pub forget_rule: bool,
}

/// What has to be known of a rule after it is gone from its file, to close its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub summary: String,
    pub labels: BTreeMap<String, String>,
    pub runbook: Option<String>,
    pub fingerprint: String,
}

/// Due ticks and what became of them: one, or several in a row that were passed over alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: Time,
    /// The last of them.
    pub tick: Time,
    pub n: u32,
    pub outcome: Outcome,
    /// In words, where the outcome has a reason.
    pub reason: Option<String>,
}

impl Run {
    pub const fn one(tick: Time, outcome: Outcome, reason: Option<String>) -> Self {
        Self { first: tick, tick, n: 1, outcome, reason }
    }
}

/// What became of a due tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Complete,
    NoData,
    Indeterminate,
    NotApplicable,
    SkippedOverlap,
    CaughtUp,
    Gap,
    Disabled,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::NoData => "no_data",
            Self::Indeterminate => "indeterminate",
            Self::NotApplicable => "not_applicable",
            Self::SkippedOverlap => "skipped_overlap",
            Self::CaughtUp => "caught_up",
            Self::Gap => "gap",
            Self::Disabled => "disabled",
        }
    }
}

/// What is known of one rule on one cluster at a start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    pub card: Card,
    pub watermark: Option<Time>,
    pub owed: Vec<Time>,
    pub state: RuleState,
    pub memory: Memory,
    /// By entity and sink.
    pub told: BTreeMap<Entity, BTreeMap<String, Told>>,
}
