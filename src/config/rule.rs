//! A rule as it was meant: nothing in it is validated again.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    checks::Check,
    model::{Entity, Level, Policy, Timing, flapping::Flapping, matcher::Labels},
};

/// One rule, for every cluster it names.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Stable; state is keyed by it.
    pub id: String,
    pub summary: String,
    /// Configured names; one evaluation each.
    pub clusters: Vec<String>,
    /// The check's key in the rule file.
    pub kind: &'static str,
    pub check: Arc<dyn Check>,
    pub timing: Timing,
    pub policy: Policy,
    /// Sinks to tell, or [`ROUTES`](super::routing::ROUTES), where the level does not name its own.
    pub notify: Vec<String>,
    pub notify_by_level: BTreeMap<Level, Vec<String>>,
    /// Where its readings go, whatever their level: sinks that keep numbers.
    pub publish: Publish,
    pub repeat: Option<Duration>,
    /// When coming and going is too much; `None`: never.
    pub flapping: Option<Flapping>,
    pub labels: BTreeMap<String, String>,
    pub runbook: Option<String>,
    /// A template for a message's title, in place of the summary; known to compile.
    pub title: Option<String>,
    /// A template for the author's own words about one alert; known to compile.
    pub message: Option<String>,
    /// Hash of (kind, clusters, groups): a difference closes the rule's alerts.
    pub fingerprint: String,
    pub source: Source,
}

impl Rule {
    /// The sinks that hear of an alert at `level`.
    pub fn sinks_for(&self, level: Level) -> &[String] {
        self.notify_by_level.get(&level).unwrap_or(&self.notify)
    }

    /// One of its alerts, as matchers see it.
    pub fn labels_of<'a>(&'a self, cluster: &'a str, entity: &'a Entity, level: Option<Level>) -> Labels<'a> {
        Labels { rule: &self.id, cluster, check: self.kind, level, entity, labels: &self.labels }
    }

    pub fn keys(&self) -> impl Iterator<Item = RuleKey> {
        self.clusters.iter().map(|cluster| RuleKey::new(&self.id, cluster))
    }
}

/// Where a rule's readings go as metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publish {
    pub sinks: Vec<String>,
    /// `/metrics` shows them.
    pub on_page: bool,
}

impl Publish {
    pub fn is_nothing(&self) -> bool {
        self.sinks.is_empty() && !self.on_page
    }
}

/// Where a rule was written; built-in rules have no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub file: Option<PathBuf>,
    pub line: usize,
}

/// One rule on one cluster: what is scheduled, and what state is kept for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey {
    pub rule: String,
    pub cluster: String,
}

impl RuleKey {
    pub fn new(rule: &str, cluster: &str) -> Self {
        Self { rule: rule.to_owned(), cluster: cluster.to_owned() }
    }
}

impl fmt::Display for RuleKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} on {}", self.rule, self.cluster)
    }
}

/// Everything that is loaded at one time.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// By id; enabled ones only.
    pub rules: BTreeMap<String, Arc<Rule>>,
    /// Ids that are in a file with `enabled: false`.
    pub disabled: Vec<String>,
}
