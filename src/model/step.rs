//! One look of a whole rule: [`step_alert`] folded over an observation.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Alert, Ending, Entity, Finding, Observation, Others, Policy, Reason, Tick, Transition,
    alert::{Looked, difference, step_alert, verdicts},
    blind::Blind,
    reason::Cause,
    time::Course,
};

/// All that is remembered of one rule on one cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    pub alerts: BTreeMap<Entity, Alert>,
    pub blind: Blind,
    pub course: Course,
}

impl RuleState {
    /// An alert pending or recovering: a look soon would decide.
    pub fn is_unsettled(&self) -> bool {
        self.alerts.values().any(Alert::is_unsettled)
    }

    pub fn is_firing(&self) -> bool {
        self.alerts.values().any(|alert| alert.highest_up().is_some())
    }
}

/// What one look changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    pub state: RuleState,
    pub transitions: Vec<Transition>,
    /// The entities whose stored alert is to be written or removed; all others are as they were.
    pub touched: BTreeSet<Entity>,
}

/// Judges one look. Total, pure, deterministic. `excused`: see [`Blind::look`].
pub fn step(
    policy: &Policy,
    state: RuleState,
    observation: &Observation,
    excused: bool,
    tick: Tick,
) -> Stepped {
    let observation = resolved(policy, observation);
    let observation = observation.as_ref();
    let blind = state.blind.look(&policy.blind, observation, excused, tick);
    let (course, tick) = state.course.through(tick);
    let alerts = state.alerts;
    let mut turn = Turn { policy, tick, alerts, blind, transitions: Vec::new(), touched: Vec::new() };
    match observation {
        Observation::Seen { findings, others } => turn.see(findings, *others),
        Observation::NoData(words) => turn.find_nothing(words),
        Observation::Indeterminate(_) | Observation::NotApplicable(_) => {}
    }
    let Turn { alerts, blind, transitions, touched, .. } = turn;
    let began =
        touched.iter().any(|entity| alerts.get(entity).and_then(|alert| alert.since) == Some(tick.breach()));
    let course = if began { course } else { state.course };
    Stepped {
        state: RuleState { alerts, blind, course },
        transitions,
        touched: touched.into_iter().collect(),
    }
}

/// A reading whose thresholds cannot be resolved, or that proves nothing of any level, is unknown, not clear.
pub fn resolved<'a>(policy: &Policy, observation: &'a Observation) -> Cow<'a, Observation> {
    let Observation::Seen { findings, others } = observation else { return Cow::Borrowed(observation) };
    let unresolved = |finding: &Finding| match finding {
        Finding::Value(reading) => verdicts(policy, reading).err(),
        _ => None,
    };
    if !findings.values().any(|finding| unresolved(finding).is_some()) {
        return Cow::Borrowed(observation);
    }
    let findings = findings.iter().map(|(entity, finding)| {
        let finding = match unresolved(finding) {
            Some(text) => Finding::Unknown(Reason::new(Cause::Missing, text)),
            None => finding.clone(),
        };
        (entity.clone(), finding)
    });
    Cow::Owned(Observation::Seen { findings: findings.collect(), others: *others })
}

struct Turn<'a> {
    policy: &'a Policy,
    tick: Tick,
    alerts: BTreeMap<Entity, Alert>,
    blind: Blind,
    transitions: Vec<Transition>,
    touched: Vec<Entity>,
}

impl Turn<'_> {
    fn see(&mut self, findings: &BTreeMap<Entity, Finding>, others: Others) {
        self.end_the_whole_where_somebody_is_seen(findings);
        let rest = self.see_each(findings);
        if others == Others::Untouched {
            return;
        }
        // whoever is known to be gone, or to have no documents, is nobody's blindness any more
        self.blind.entities.retain(|entity, _| findings.contains_key(entity));
        let counted = matches!(others, Others::Zero | Others::Over);
        for entity in rest.iter().filter(|entity| counted || !(self.policy.grouped && entity.is_empty())) {
            self.conclude(entity, others);
        }
        if others == Others::Zero && findings.is_empty() && rest.is_empty() {
            // nobody is known: the whole stands for them, and its number is known
            self.conclude(&Entity::empty(), others);
        }
    }

    /// Shows what was found, and returns who was not found. Both sides are in one order, so nobody has to be looked up.
    fn see_each(&mut self, findings: &BTreeMap<Entity, Finding>) -> Vec<Entity> {
        let mut known = std::mem::take(&mut self.alerts).into_iter().peekable();
        let mut kept = Vec::with_capacity(known.len());
        let mut rest = Vec::new();
        for (entity, finding) in findings {
            while let Some((other, alert)) = known.next_if(|(other, _)| other < entity) {
                rest.push(other.clone());
                kept.push((other, alert));
            }
            let before = known.next_if(|(other, _)| other == entity).map(|(_, alert)| alert);
            kept.extend(self.judge(entity, before, finding).map(|after| (entity.clone(), after)));
        }
        for (other, alert) in known {
            rest.push(other.clone());
            kept.push((other, alert));
        }
        self.alerts = kept.into_iter().collect();
        rest
    }

    /// The empty entity of a grouped rule stood for "nobody at all"; somebody being there ends it.
    fn end_the_whole_where_somebody_is_seen(&mut self, findings: &BTreeMap<Entity, Finding>) {
        let whole = Entity::empty();
        let stands = self.policy.grouped && !findings.contains_key(&whole);
        let Some((_, finding)) = findings.iter().find(|(_, finding)| matches!(finding, Finding::Value(_)))
        else {
            return;
        };
        if !stands {
            return;
        }
        let Some(before) = self.alerts.remove(&whole) else { return };
        let after = before.clone().closed(Ending::Cleared);
        let change = self.change(&whole, &before, &after, finding);
        self.transitions.extend(change);
        self.touched.push(whole);
    }

    fn conclude(&mut self, entity: &Entity, others: Others) {
        match others {
            Others::Untouched => {}
            Others::Absent => self.show(entity, &Finding::Absent),
            Others::Excused => {
                if let Some(alert) = self.alerts.get_mut(entity) {
                    *alert = std::mem::take(alert).excused(self.tick);
                    self.touched.push(entity.clone());
                }
            }
            Others::Zero => {
                self.show(entity, &Finding::Value(self.policy.none()));
            }
            Others::Over => {
                self.conclude(entity, Others::Zero);
                if self.alerts.get(entity).is_some_and(Alert::is_inactive) {
                    self.alerts.remove(entity);
                    self.touched.push(entity.clone());
                }
            }
            Others::NoData => self.show(entity, &Finding::NoData("no documents in the window".to_owned())),
        }
    }

    /// Nothing came at all: nobody that is known had data; where nobody is known, the whole stands for them.
    fn find_nothing(&mut self, words: &str) {
        let mut known: Vec<Entity> = self.alerts.keys().cloned().collect();
        if known.is_empty() {
            known.push(Entity::empty());
        }
        for entity in known {
            self.show(&entity, &Finding::NoData(words.to_owned()));
        }
    }

    fn show(&mut self, entity: &Entity, finding: &Finding) {
        let known = self.alerts.remove(entity);
        if let Some(after) = self.judge(entity, known, finding) {
            self.alerts.insert(entity.clone(), after);
        }
    }

    /// The alert as it is remembered after this finding, if it is.
    fn judge(&mut self, entity: &Entity, known: Option<Alert>, finding: &Finding) -> Option<Alert> {
        let was_known = known.is_some();
        if !was_known && matches!(finding, Finding::Unknown(_)) {
            return None;
        }
        let before = known.unwrap_or_default();
        let after = step_alert(self.policy, before.clone(), finding, self.tick);
        let change = self.change(entity, &before, &after, finding);
        self.transitions.extend(change);
        let keep = self.is_worth_remembering(&after);
        if was_known != keep || (keep && before != after) {
            self.touched.push(entity.clone());
        }
        keep.then_some(after)
    }

    fn change(
        &self,
        entity: &Entity,
        before: &Alert,
        after: &Alert,
        finding: &Finding,
    ) -> Option<Transition> {
        difference(self.policy, Looked { entity, before, after, finding }, self.tick)
    }

    fn is_worth_remembering(&self, alert: &Alert) -> bool {
        if !alert.is_inactive() {
            return true;
        }
        let gone = matches!(alert.ending, Some(Ending::Vanished));
        self.policy.remembers_the_quiet() && !gone
    }
}
