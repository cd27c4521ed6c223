use schemars::JsonSchema;
use serde::Deserialize;

use super::{Advice, Check, Defaults, Look, Memory};
use crate::model::{
    Entity, Level, Observation, Reading, Reason, Scale,
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

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        Vec::new()
    }

    fn read(&self, _: &Look, _: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (Observation::Indeterminate(super::unread()), memory)
    }

    fn advise(&self, _: &Entity, _: &Reading) -> Advice {
        Advice::default()
    }
}
