//! The parts of a rule that looks at nothing but highwater itself.

use std::time::Duration;

use crate::{
    checks::{Advice, Check, Defaults, Look, Memory},
    model::{
        Bound, Condition, Entity, Level, LevelPolicy, Missing, Number, Observation, Op, Policy, Reading,
        Reason, Scale, Schedule, Timing, Unit,
        policy::BlindPolicy,
        query::{Query, Response},
    },
};

pub fn unscheduled() -> Timing {
    let minute = Schedule::Every(Duration::from_secs(60));
    Timing {
        schedule: minute.clone(),
        while_firing: None,
        while_unsettled: minute,
        query_delay: Duration::ZERO,
        offset: Duration::ZERO,
        max_catch_up: Duration::ZERO,
        windowed: false,
    }
}

/// Anything above zero fires at once and ends at once.
pub fn policy(level: Option<Level>) -> Policy {
    let when = Condition::new(Op::Above, Bound::Value(Number::Int(0)));
    let clear = when.complement();
    let (fire_after, recover_after) = (Duration::ZERO, Duration::ZERO);
    let levels = level.map(|level| LevelPolicy { level, when, clear, fire_after, recover_after });
    Policy {
        levels: levels.into_iter().collect(),
        no_data: Missing::KEEP,
        absent: Missing::KEEP,
        blind: BlindPolicy::default(),
        grouped: false,
        unit: Unit::Count,
    }
}

/// Looked at by highwater itself; it asks nobody.
#[derive(Debug)]
pub(super) struct OwnCheck {
    pub unit: Unit,
    pub next_step: &'static str,
}

impl Check for OwnCheck {
    fn scale(&self) -> Scale {
        Scale::Amount(self.unit)
    }

    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        Vec::new()
    }

    fn read(&self, _: &Look, _: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (Observation::NoData("nothing is asked".to_owned()), memory)
    }

    fn advise(&self, _: &Entity, reading: &Reading) -> Advice {
        let cause = reading.facts.text("reason").map(str::to_owned);
        let next_step = cause.is_some().then(|| self.next_step.to_owned()).filter(|words| !words.is_empty());
        Advice { cause, next_step }
    }
}
