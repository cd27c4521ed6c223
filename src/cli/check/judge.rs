//! From one look to what is reported of it: the state machine's own verdict, put into words.

use std::{collections::BTreeMap, time::Duration};

use super::report::{AlertReport, RuleReport, State};
use crate::{
    cli::words,
    config::{Rule, RuleKey},
    engine::draft::outcome_of,
    model::{
        Alert, Entity, Finding, Latch, Level, Observation, Others, Policy, Reading, RuleState, Tick,
        alert::verdicts, policy::Missing, reason::Cause, span, time::elapsed,
    },
};

/// A breach is taken as lasting, a recovery as proven: no `for`, no `recover_for`.
#[must_use]
pub fn at_once(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    for level in &mut policy.levels {
        (level.fire_after, level.recover_after) = (Duration::ZERO, Duration::ZERO);
    }
    policy
}

/// One look at one rule, after the state machine has seen it.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    pub rule: &'a Rule,
    pub policy: &'a Policy,
    pub observation: &'a Observation,
    /// As the look left it.
    pub state: &'a RuleState,
    pub tick: Tick,
}

impl Looked<'_> {
    pub fn report(&self, key: &RuleKey) -> RuleReport {
        let (reason, accept, unreachable) = match self.observation {
            Observation::Indeterminate(reason) | Observation::NotApplicable(reason) => {
                let silent = (reason.cause == Cause::Unreachable).then(|| self.whom(key));
                (Some(reason.text.clone()), reason.accept.clone(), silent)
            }
            Observation::NoData(words) => (Some(words.clone()), None, None),
            Observation::Seen { .. } if self.observation.is_blind() => {
                (Some(self.observation.to_string()), None, None)
            }
            Observation::Seen { .. } => (None, None, None),
        };
        RuleReport {
            rule: key.rule.clone(),
            cluster: key.cluster.clone(),
            outcome: outcome_of(self.observation),
            reason,
            alerts: self.alerts(),
            accept,
            at: self.tick.at,
            unreachable,
        }
    }

    /// Who is asked. What is elsewhere is no cluster, though it stands in the place of one.
    fn whom(&self, key: &RuleKey) -> String {
        match self.rule.check.elsewhere() {
            Some(_) => key.cluster.clone(),
            None => format!("cluster {}", key.cluster),
        }
    }

    /// Everybody who was seen, and everybody whose alert is open.
    fn alerts(&self) -> Vec<AlertReport> {
        let mut alerts: BTreeMap<&Entity, AlertReport> = self
            .state
            .alerts
            .iter()
            .filter_map(|(entity, alert)| Some((entity, self.unseen(entity, alert)?)))
            .collect();
        match self.observation {
            Observation::Seen { findings, .. } => {
                let seen = findings.iter().filter(|(_, finding)| !matches!(finding, Finding::Absent));
                alerts.extend(seen.map(|(entity, finding)| (entity, self.found(entity, finding))));
            }
            Observation::NoData(words) if alerts.is_empty() => {
                return vec![self.found(&Entity::empty(), &Finding::NoData(words.clone()))];
            }
            _ => {}
        }
        alerts.into_values().collect()
    }

    fn found(&self, entity: &Entity, finding: &Finding) -> AlertReport {
        let alert = self.state.alerts.get(entity).cloned().unwrap_or_default();
        match finding {
            Finding::Value(reading) => match verdicts(self.policy, reading) {
                Ok(_) => self.alert(entity, &alert, Some(reading)),
                Err(unresolved) => self.unproven(entity, &alert, &unresolved),
            },
            Finding::Unknown(reason) => self.unproven(entity, &alert, &reason.text),
            Finding::NoData(words) => self.without_data(entity, &alert, words),
            Finding::Absent => self.alert(entity, &alert, None),
        }
    }

    /// An alert that this look did not name.
    fn unseen(&self, entity: &Entity, alert: &Alert) -> Option<AlertReport> {
        match self.observation {
            Observation::NoData(words) => Some(self.without_data(entity, alert, words)),
            Observation::Seen { others: Others::NoData, .. } => {
                Some(self.without_data(entity, alert, "no documents in the window"))
            }
            _ => (!alert.is_inactive()).then(|| self.alert(entity, alert, None)),
        }
    }

    /// As the rule's own policy has it: kept is unknown, resolved is clear, fired is an alert.
    fn without_data(&self, entity: &Entity, alert: &Alert, words: &str) -> AlertReport {
        let words = format!("no data: {words}");
        if self.is_kept(self.policy.no_data, alert) {
            return self.unproven(entity, alert, &words);
        }
        AlertReport { reason: Some(words), ..self.alert(entity, alert, None) }
    }

    fn is_kept(&self, missing: Missing, alert: &Alert) -> bool {
        let quiet = alert.silence.map_or(Duration::ZERO, |silence| elapsed(silence.since, self.tick.at));
        missing.keep.is_none_or(|keep| quiet < keep)
    }

    fn unproven(&self, entity: &Entity, alert: &Alert, why: &str) -> AlertReport {
        let mut report = self.alert(entity, alert, None);
        if !report.state.is_up() {
            report.state = State::Unknown;
        }
        AlertReport { reason: Some(why.to_owned()), unproven: true, ..report }
    }

    fn alert(&self, entity: &Entity, alert: &Alert, reading: Option<&Reading>) -> AlertReport {
        let state = state_of(alert);
        let level = level_of(alert);
        let reading = reading.or(alert.latest.as_ref());
        let shown = level.and_then(|level| self.policy.level(level)).or(self.policy.levels.first());
        let threshold = shown.zip(reading).and_then(|(level, reading)| level.when.resolve(reading).ok());
        let limit = shown.zip(reading).zip(threshold);
        let limit = limit.map(|((level, reading), bound)| words::limit(level.when.op, bound, reading.unit));
        let quiet = matches!(state, State::Inactive | State::Unknown);
        let advice = reading.filter(|_| !quiet).map(|reading| self.rule.check.advise(entity, reading));
        AlertReport {
            entity: entity.clone(),
            state,
            reason: None,
            level,
            value: reading.map(|reading| reading.value),
            unit: reading.map(|reading| reading.unit),
            threshold,
            facts: reading.map(|reading| reading.facts.clone()).unwrap_or_default(),
            unproven: false,
            since: alert.since,
            limit,
            cause: advice.and_then(|advice| advice.cause),
            waits: self.waits(alert),
        }
    }

    /// `40s of 2m`, while a level's `for` is not reached.
    fn waits(&self, alert: &Alert) -> Option<String> {
        let pending = alert.latches.iter().rev().find_map(|(level, latch)| match latch {
            Latch::Pending(age) => Some((self.policy.level(*level)?, age.waited)),
            _ => None,
        });
        let (level, waited) = pending?;
        let (waited, whole) = (span::show(waited), span::show(level.fire_after));
        Some(format!("{} if it lasts: {waited} of {whole}", level.level))
    }
}

fn state_of(alert: &Alert) -> State {
    match alert.highest_up() {
        Some((_, Latch::Recovering(_))) => State::Recovering,
        Some(_) => State::Firing,
        None if alert.latches.is_empty() => State::Inactive,
        None => State::Pending,
    }
}

/// The told level; of a pending alert the level that it would have.
fn level_of(alert: &Alert) -> Option<Level> {
    alert
        .level
        .or_else(|| alert.highest_up().map(|(level, _)| level))
        .or_else(|| alert.latches.keys().next_back().copied())
}
