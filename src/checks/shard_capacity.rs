use schemars::JsonSchema;
use serde::Deserialize;

use super::{Advice, Check, Defaults, Look, Memory};
use crate::model::{
    Entity, Level, Observation, Reading, Reason, Scale, Unit,
    policy::Missing,
    query::{Query, Response},
};

/// How many more shards may be created before the cluster's own limit refuses them, for each tier group.
///
/// The limit is `cluster.max_shards_per_node` times the data nodes that are not frozen; frozen nodes have a limit of their own.
/// `5%` means percent of that limit.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardCapacity {}

impl ShardCapacity {
    pub const EXAMPLE: &str = "shard_capacity: {}";
}

impl Check for ShardCapacity {
    fn scale(&self) -> Scale {
        Scale::Room(Unit::Shards)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "below 500 for 15m")],
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
