//! What one look found, as `check --format json` writes it: names are added, never renamed.

use serde::Serialize;

use super::worst::{FailOn, Worst};
use crate::{
    cli::words,
    model::{Entity, Facts, Level, Number, Time, Unit},
    store::Outcome,
};

/// The whole answer of `check`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub checked_at: Time,
    pub worst: Worst,
    pub exit_code: u8,
    pub rules: Vec<RuleReport>,
}

/// One rule on one cluster.
#[derive(Clone, Debug, Serialize)]
pub struct RuleReport {
    pub rule: String,
    pub cluster: String,
    pub outcome: Outcome,
    /// Why nothing, or not all, is known.
    pub reason: Option<String>,
    pub alerts: Vec<AlertReport>,
    /// What the rule would say to accept what is missing.
    #[serde(skip)]
    pub accept: Option<String>,
    /// The instant that was judged.
    #[serde(skip)]
    pub at: Time,
    /// It is unknown only because they do not answer: `cluster main`, or the service itself.
    #[serde(skip)]
    pub unreachable: Option<String>,
}

/// One entity of one rule.
#[derive(Clone, Debug, Serialize)]
pub struct AlertReport {
    pub entity: Entity,
    pub state: State,
    /// Why it is unknown, or without data.
    pub reason: Option<String>,
    pub level: Option<Level>,
    pub value: Option<Number>,
    pub unit: Option<Unit>,
    pub threshold: Option<Number>,
    pub facts: Facts,
    /// This look could not tell, whatever was known before.
    #[serde(skip)]
    pub unproven: bool,
    #[serde(skip)]
    pub since: Option<Time>,
    /// The threshold as a rule would say it.
    #[serde(skip)]
    pub limit: Option<String>,
    /// What is behind it, in a sentence.
    #[serde(skip)]
    pub cause: Option<String>,
    /// What a pending alert waits for.
    #[serde(skip)]
    pub waits: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Inactive,
    Pending,
    Firing,
    Recovering,
    Unknown,
}

impl State {
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering)
    }
}

impl AlertReport {
    pub fn worst(&self) -> Worst {
        let level = self.level.filter(|_| self.state.is_up()).map(Worst::from).unwrap_or_default();
        let unknown = if self.unproven { Worst::Unknown } else { Worst::Clear };
        level.max(unknown)
    }

    pub fn show_value(&self) -> Option<String> {
        Some(words::value(self.value?, self.unit?))
    }
}

impl RuleReport {
    pub fn worst(&self) -> Worst {
        let own = if self.outcome == Outcome::Indeterminate { Worst::Unknown } else { Worst::Clear };
        self.alerts.iter().map(AlertReport::worst).fold(own, Worst::max)
    }
}

impl Report {
    pub fn new(checked_at: Time, mut rules: Vec<RuleReport>, fail_on: FailOn) -> Self {
        rules.sort_by(|a, b| (&a.rule, &a.cluster).cmp(&(&b.rule, &b.cluster)));
        let worst = rules.iter().map(RuleReport::worst).max().unwrap_or_default();
        Self { checked_at, worst, exit_code: worst.exit_code(fail_on), rules }
    }

    /// What keeps it from being settled: `2 pending, 1 unknown`.
    pub fn waits_for(&self) -> String {
        let alerts = self.rules.iter().flat_map(|rule| &rule.alerts);
        let pending = alerts.filter(|alert| alert.state == State::Pending).count();
        let unknown = self.rules.iter().filter(|rule| rule.worst() == Worst::Unknown).count();
        let parts = [(pending, "pending"), (unknown, "unknown")];
        let parts =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Everything is clear: nothing fires that counts, and nothing is about to.
    pub fn is_settled(&self) -> bool {
        let pending = |alert: &AlertReport| alert.state == State::Pending;
        self.exit_code == 0 && !self.rules.iter().any(|rule| rule.alerts.iter().any(pending))
    }
}
