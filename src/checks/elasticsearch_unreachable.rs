use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{body, plain_health, text},
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Reading, Reason, Scale, Unit,
    policy::Missing,
    query::{Query, Response},
};

/// Nobody gives a complete answer to a light request. Built in for every configured cluster.
///
/// The level is `unreachable`. An answer is an answer: one that refuses us, or says that it is overloaded, is never called "down".
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElasticsearchUnreachable {}

impl ElasticsearchUnreachable {
    pub const EXAMPLE: &str = "elasticsearch_unreachable: {}";
}

impl Check for ElasticsearchUnreachable {
    fn scale(&self) -> Scale {
        Scale::Reachability
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Critical, "unreachable for 1m")],
            no_data: Some(Missing::KEEP),
            absent: None,
        }
    }

    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        vec![Query::call(plain_health(look))]
    }

    /// What blinds other rules is a reading here, so this one is never blind.
    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        let answer = body(answers, 0).and_then(|health| text(health, "/status"));
        let reading = match answer {
            Ok(_) => Reading::new(Number::Int(0), Unit::Reachability),
            Err(reason) if is_there(&reason) => {
                Reading::new(Number::Int(0), Unit::Reachability).fact("reason", reason.text)
            }
            Err(reason) if reason.cause == Cause::Fault => {
                return (Observation::Indeterminate(reason), memory);
            }
            Err(reason) => Reading::new(Number::Int(1), Unit::Reachability)
                .fact("reason", reason.text)
                .fact("cause", reason.cause.name()),
        };
        (Observation::one(Entity::of("cluster", &look.cluster), Finding::Value(reading)), memory)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        advise(entity, reading)
    }
}

/// Elasticsearch itself answered, though not to this question: a role that may only search, or an engine without this API.
fn is_there(reason: &Reason) -> bool {
    reason.status == Some(403) || matches!(reason.cause, Cause::Unsupported | Cause::Invalid | Cause::Missing)
}

fn advise(entity: &Entity, reading: &Reading) -> Advice {
    let Some(cause) = reading.facts.text("cause").filter(|_| reading.value > Number::Int(0)) else {
        return Advice::default();
    };
    let cluster = entity.get("cluster").unwrap_or("the cluster");
    let (what, step) = words(cause);
    let cause = match reading.facts.text("reason").unwrap_or_default() {
        "" => format!("`{cluster}` {what}"),
        why if why.contains(what) => format!("`{cluster}` {why}"),
        why => format!("`{cluster}` {what}: {why}"),
    };
    Advice { cause: Some(cause), next_step: Some(step.to_owned()) }
}

/// What this means, and what to do; by the names of [`Cause`].
fn words(cause: &str) -> (&'static str, &'static str) {
    match cause {
        "unreachable" => (
            "cannot be reached, or has no master",
            "see whether its nodes run and a majority of the master-eligible ones can talk to each other; \
             then address, name, certificate and network from here",
        ),
        "timeout" => (
            "accepts connections, but does not answer in time",
            "look for a hung or overloaded node: memory, garbage collection, disk, pending tasks",
        ),
        "refused" => (
            "answers, but refuses us",
            "check the user, password, API key or certificate in the settings; the cluster itself is up",
        ),
        "overloaded" => (
            "answers that it is overloaded",
            "look at its thread pools, circuit breakers and what else queries it; it is up",
        ),
        "failing" => ("answers with an error", "read its logs; a proxy in front of it may also say this"),
        _ => (
            "gives an answer that is not Elasticsearch's",
            "see what listens at the configured address: often a proxy, a login page or another service",
        ),
    }
}

#[cfg(test)]
mod tests;
