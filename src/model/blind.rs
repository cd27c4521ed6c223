//! A rule that cannot see says so itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Entity, Finding, Number, Observation, Reading, Reason, Tick, Time, Unit, policy::BlindPolicy,
    time::elapsed,
};

/// Since when a rule, or some of its entities, could not be judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blind {
    /// Nothing but indeterminate looks since.
    pub rule: Option<Since>,
    /// The same for single entities, while others are judged.
    #[serde(default)]
    pub entities: BTreeMap<Entity, Since>,
}

/// The first look that proved nothing, and why the newest one did not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Since {
    pub at: Time,
    pub reason: Reason,
    /// A look that nobody excused found it overdue: its alert is told, and stays until something is proven.
    #[serde(default)]
    pub rung: bool,
}

impl Blind {
    /// `excused`: the cluster is known to be unreachable, and its own alert speaks for all. Such looks neither start nor end the
    /// clock; the rule's own, if it already runs, starts again with them, unless it has rung. That of an entity runs through them, but
    /// does not ring.
    #[must_use]
    pub fn look(
        mut self,
        policy: &BlindPolicy,
        observation: &Observation,
        excused: bool,
        tick: Tick,
    ) -> Self {
        match observation {
            Observation::Indeterminate(_) if excused => {
                if let Some(since) = self.rule.as_mut().filter(|since| !since.rung) {
                    since.at = tick.at;
                }
            }
            Observation::Indeterminate(reason) => {
                self.rule = since(policy, self.rule.take(), reason, tick);
                self.ring_for_entities(policy, tick);
            }
            Observation::Seen { findings, .. } => {
                self.look_at(policy, findings, observation.is_blind(), tick);
            }
            Observation::NoData(_) | Observation::NotApplicable(_) => self = Self::default(),
        }
        self
    }

    fn look_at(
        &mut self,
        policy: &BlindPolicy,
        findings: &BTreeMap<Entity, Finding>,
        all_unknown: bool,
        tick: Tick,
    ) {
        self.entities.retain(|entity, _| matches!(findings.get(entity), None | Some(Finding::Unknown(_))));
        self.ring_for_entities(policy, tick);
        let mut first = None;
        for (entity, finding) in findings {
            let Finding::Unknown(reason) = finding else { continue };
            first.get_or_insert(reason);
            let known = self.entities.remove(entity);
            self.entities.extend(since(policy, known, reason, tick).map(|since| (entity.clone(), since)));
        }
        self.rule = match first {
            Some(reason) if all_unknown => since(policy, self.rule.take(), reason, tick),
            _ => None,
        };
    }

    fn ring_for_entities(&mut self, policy: &BlindPolicy, tick: Tick) {
        for since in self.entities.values_mut() {
            since.rung |= elapsed(since.at, tick.at) >= policy.after;
        }
    }

    /// What the rule's own alert, `highwater-blind {rule}`, is to be shown: the time without a look that proved anything.
    pub fn finding(&self, policy: &BlindPolicy, tick: Tick) -> Finding {
        // what was told stays told, whatever the policy is now: only a look that proves something ends it
        let overdue = |since: &Since| since.rung || elapsed(since.at, tick.at) >= policy.after;
        let mut reading = Reading::new(Number::Int(0), Unit::Seconds);
        if let Some(since) = self.rule.as_ref().filter(|since| overdue(since)) {
            reading = blind_for(since, tick).fact("accept", since.reason.accept.clone());
        } else if let Some((_, since)) = self.entities.iter().find(|(_, since)| since.rung) {
            let rung = self.entities.iter().filter(|(_, since)| since.rung);
            let named: Vec<String> = rung.map(|(entity, _)| entity.to_string()).collect();
            reading = blind_for(since, tick).fact("unknown", named);
        }
        Finding::Value(reading)
    }
}

fn since(policy: &BlindPolicy, known: Option<Since>, reason: &Reason, tick: Tick) -> Option<Since> {
    // a clock that was set back must not stop this one
    let at = known.as_ref().map_or(tick.at, |since| since.at.min(tick.at));
    let rung = known.is_some_and(|since| since.rung) || elapsed(at, tick.at) >= policy.after;
    Some(Since { at, reason: reason.clone(), rung })
}

fn blind_for(since: &Since, tick: Tick) -> Reading {
    let seconds = elapsed(since.at, tick.at).as_secs().max(1);
    Reading::new(Number::count(seconds), Unit::Seconds)
        .fact("reason", since.reason.text.clone())
        .fact("since", since.at.to_rfc3339())
}
