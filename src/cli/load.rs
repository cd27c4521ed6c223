//! Settings and rules as the command line names them.

use std::{collections::BTreeMap, sync::Arc};

use super::{args::Global, stop::Stop};
use crate::{
    config::{self, Loaded, Rule, RuleSet, Settings},
    engine::{own, start},
};

pub fn settings(global: &Global) -> Result<Arc<Settings>, Stop> {
    let overrides: BTreeMap<String, String> = global.set.iter().cloned().collect();
    let loaded = config::load(&global.config, &overrides, global.allow_literal_secrets);
    let mut settings = loaded.map_err(Stop::Complaints)?;
    if !global.rules.is_empty() {
        settings.rules.clone_from(&global.rules);
    }
    Ok(Arc::new(settings))
}

/// Secrets of sinks and of the heartbeat that are not there: what would be noticed only when they are needed.
pub fn missing_secrets(settings: &Settings) -> Vec<String> {
    let reveal = start::reveal();
    let mut missing = Vec::new();
    for (name, sink) in &settings.sinks {
        let destination = sink.destination();
        let unknown = destination.secrets().into_iter().filter_map(|secret| reveal(secret).err());
        missing.extend(unknown.map(|why| format!("sink `{name}`: {why}")));
    }
    if let Some(heartbeat) = &settings.heartbeat {
        missing.extend(reveal(&heartbeat.url).err().map(|why| format!("heartbeat: {why}")));
    }
    missing
}

/// A rule by its id: one of the files, or one of highwater's own.
pub fn rule(set: &RuleSet, settings: &Settings, id: &str) -> Result<Arc<Rule>, Stop> {
    let found = set.rules.get(id).cloned().or_else(|| own::named(id, set, settings).map(Arc::new));
    found.ok_or_else(|| Stop::unknown("rule", id, set.rules.keys().map(String::as_str)))
}

pub fn rules(settings: &Settings) -> Result<Loaded, Stop> {
    config::load_rules(settings).map_err(Stop::Complaints)
}
