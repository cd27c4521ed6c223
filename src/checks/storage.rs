use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Advice, Check, Defaults, Look, Memory};
use crate::model::{
    Entity, Level, Observation, Reading, Reason, Scale,
    policy::{Missing, MissingThen},
    query::{Query, Response},
};

/// How full each node's data path is, in percent; of several paths the fullest.
///
/// Besides percentages, levels may say free space (`below 50GB`) and Elasticsearch's own marks as they are in effect on the node
/// (`at least watermark.low`, `.high`, `.flood_stage`, each with a margin: `watermark.low - 5%`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Nodes with any of these roles are looked at. `data` means every data role, but not nodes that are frozen only.
    pub roles: Vec<String>,
}

impl Default for Storage {
    fn default() -> Self {
        Self { roles: vec!["data".to_owned()] }
    }
}

impl Storage {
    pub const EXAMPLE: &str = "storage: { roles: [data] }";
}

impl Check for Storage {
    fn scale(&self) -> Scale {
        Scale::Fullness
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![
                (Level::Info, "at least 85%"),
                (Level::Warning, "at least 88%"),
                (Level::Critical, "at least 90%"),
            ],
            no_data: Some(Missing::KEEP),
            absent: Some(Missing::keep_then(Duration::from_secs(3600), MissingThen::Resolve)),
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
