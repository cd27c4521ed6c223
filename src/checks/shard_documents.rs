use schemars::JsonSchema;
use serde::Deserialize;

use super::{Advice, Check, Defaults, Look, Memory};
use crate::model::{
    Entity, Level, Observation, Reading, Reason, Scale, Unit,
    policy::Missing,
    query::{Query, Response},
};

/// How many documents each primary shard holds, deleted ones included: Lucene takes 2,147,483,519 of them and no more.
///
/// Nested documents count as documents of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardDocuments {
    /// Index pattern: names, wildcards, exclusions.
    #[serde(default = "every_index")]
    pub index: String,
}

fn every_index() -> String {
    "*".to_owned()
}

impl ShardDocuments {
    pub const EXAMPLE: &str = "shard_documents: { index: \"*\" }";
}

impl Check for ShardDocuments {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Documents)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "above 1_800_000_000"), (Level::Critical, "above 2_000_000_000")],
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
