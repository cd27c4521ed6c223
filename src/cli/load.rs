//! Settings and rules as the command line names them.

use std::{collections::BTreeMap, sync::Arc};

use super::{args::Global, stop::Stop};
use crate::config::{self, Loaded, Settings};

pub fn settings(global: &Global) -> Result<Arc<Settings>, Stop> {
    let overrides: BTreeMap<String, String> = global.set.iter().cloned().collect();
    let loaded = config::load(&global.config, &overrides, global.allow_literal_secrets);
    let mut settings = loaded.map_err(Stop::Complaints)?;
    if !global.rules.is_empty() {
        settings.rules.clone_from(&global.rules);
    }
    Ok(Arc::new(settings))
}

pub fn rules(settings: &Settings) -> Result<Loaded, Stop> {
    config::load_rules(settings).map_err(Stop::Complaints)
}
