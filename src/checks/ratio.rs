use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Advice, Check, Defaults, Look, Memory};
use crate::model::{
    Entity, Observation, Reading, Reason, Scale,
    filter::Filter,
    query::{Query, Response},
    span::Span,
};

/// The share of documents that match, in percent of all documents of the window.
///
/// Counted exactly, however many there are. The facts `matching` and `total` are the two counts. `no_data` has no default: a window
/// without documents is never fine by itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    /// The date field that the window is about.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// How much time one look is about. It ends exactly at the tick.
    pub window: Span,
    /// Which documents count at all: a query object, or a string in Lucene query-string syntax.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Which of them are counted against the others.
    pub numerator: Filter,
    /// Fields whose values make groups, each judged by itself.
    #[serde(default)]
    pub per: Vec<String>,
    /// A group with fewer documents than this has no data.
    #[serde(default)]
    pub min_total: u64,
    /// When the newest document of the window is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

fn time_field() -> String {
    "@timestamp".to_owned()
}

impl Ratio {
    pub const EXAMPLE: &str = "ratio: { index: \"http_logs_*\", window: 15m, numerator: { range: { responseCode: { gte: 500 } } }, per: [service], min_total: 50, max_lag: 5m }";
}

impl Check for Ratio {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.per.clone()
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
