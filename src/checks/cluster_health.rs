use schemars::JsonSchema;
use serde::Deserialize;

use super::{Advice, Check, Defaults, Look, Memory};
use crate::model::{
    Entity, Level, Observation, Reading, Reason, Scale,
    policy::Missing,
    query::{Query, Response},
};

/// The cluster's own colour: green 0, yellow 1, red 2.
///
/// Levels are `yellow` and `red`, each meaning "at least". The message says how many shards are missing, of what kind, in which
/// indices, and why the first of them is not allocated (where the role may ask).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterHealth {
    /// Patterns of indices that are left out: the colour is then the worst of the others.
    pub ignore: Vec<String>,
}

impl ClusterHealth {
    pub const EXAMPLE: &str = "cluster_health: { ignore: [\"scratch-*\"] }";
}

impl Check for ClusterHealth {
    fn scale(&self) -> Scale {
        Scale::Health
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "yellow for 5m"), (Level::Critical, "red for 1m")],
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
