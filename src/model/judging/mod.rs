//! What judging has to hold, asked of it from outside: the sentences of the rules as properties, a slow and obvious machine to compare
//! with, and timelines by name.

mod made;
mod properties;
mod reference;
mod regressions;
mod timelines;

use std::{collections::BTreeMap, time::Duration};

use super::{
    Alert, Bound, Condition, Entity, Finding, Level, LevelPolicy, Missing, Number, Observation, Op, Others,
    Policy, Reading, RuleState, Tick, Time, Transition, Unit, policy::BlindPolicy, step,
};

/// Seconds after the start of a test's world.
pub fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_795_000_020 + seconds, 0).unwrap()
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A tick of a rule that looks once a minute.
pub fn tick(seconds: i64) -> Tick {
    Tick::new(at(seconds), secs(120))
}

/// `at least when, clear below clear, for …, recover_for …`.
pub fn level(level: Level, when: i64, clear: i64, fire_after: u64, recover_after: u64) -> LevelPolicy {
    LevelPolicy {
        level,
        when: Condition::new(Op::AtLeast, Bound::Value(Number::Int(when))),
        clear: Condition::new(Op::Below, Bound::Value(Number::Int(clear))),
        fire_after: secs(fire_after),
        recover_after: secs(recover_after),
    }
}

pub fn policy(levels: Vec<LevelPolicy>) -> Policy {
    let (no_data, absent) = (Missing::KEEP, Missing::KEEP);
    Policy { levels, no_data, absent, blind: BlindPolicy::default(), grouped: false, unit: Unit::Percent }
}

pub fn value(value: i64) -> Finding {
    Finding::Value(Reading::new(Number::Int(value), Unit::Percent))
}

pub fn node() -> Entity {
    Entity::of("node", "es-1")
}

/// One rule that is shown looks, and all that was told.
pub struct World {
    pub policy: Policy,
    pub state: RuleState,
    pub told: Vec<Transition>,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        Self { policy, state: RuleState::default(), told: Vec::new() }
    }

    pub fn look(&mut self, tick: Tick, observation: &Observation) -> &mut Self {
        let stepped = step(&self.policy, std::mem::take(&mut self.state), observation, false, tick);
        self.state = stepped.state;
        self.told.extend(stepped.transitions);
        self
    }

    pub fn see(&mut self, seconds: i64, number: i64) -> &mut Self {
        self.look(tick(seconds), &Observation::one(node(), value(number)))
    }

    /// Once a minute from `from` up to and with `to`, in seconds.
    pub fn see_from(&mut self, from: i64, to: i64, number: i64) -> &mut Self {
        (from..=to).step_by(60).for_each(|seconds| {
            self.see(seconds, number);
        });
        self
    }

    pub fn alert(&self, entity: &Entity) -> Alert {
        self.state.alerts.get(entity).cloned().unwrap_or_default()
    }

    /// `3:00 lowered warning`; an ending that proves nothing with its reason.
    pub fn story(&self) -> Vec<String> {
        let line = |told: &Transition| {
            let seconds = (told.at - at(0)).num_seconds();
            let ending = told.ending.map(|ending| format!(" {}", ending.name())).unwrap_or_default();
            format!("{}:{:02} {} {}{ending}", seconds / 60, seconds % 60, told.kind.name(), told.level)
        };
        self.told.iter().map(line).collect()
    }
}

/// Several entities in one exhaustive answer.
pub fn seen(findings: &[(Entity, Finding)], others: Others) -> Observation {
    Observation::Seen { findings: findings.iter().cloned().collect::<BTreeMap<_, _>>(), others }
}
