//! The check behind highwater's own alerts.

use crate::{
    checks::{Advice, Check, Defaults, Look, Memory},
    model::{
        Entity, Observation, Reading, Reason, Scale, Unit,
        query::{Query, Response},
    },
};

/// Looked at by highwater itself; it asks nobody.
#[derive(Debug)]
pub struct OwnCheck {
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
