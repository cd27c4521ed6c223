//! `validate`: the form and the meaning of settings and rules.

use std::process::ExitCode;

use super::{
    args::Global,
    load,
    out::Out,
    paint::Tone,
    stop::{Code, Stop},
    words::count,
};
use crate::{
    config::{Loaded, Settings},
    engine::beforehand,
};

pub fn run(global: &Global, out: Out) -> Result<ExitCode, Stop> {
    let settings = load::settings(global)?;
    let loaded = load::rules(&settings)?;
    out.print(&loaded.warnings.render(out.coloured()))?;
    let mut missing = beforehand::unusable_clusters(&settings);
    missing.extend(load::missing_secrets(&settings));
    missing.extend(beforehand::unusable_kubeconfigs(&loaded.set));
    for missing in missing {
        out.print(&format!("{}: {missing}; `run` will need it\n", Tone::Warning.paint("warning")))?;
    }
    out.print(&format!("{}: {}\n", Tone::Clear.paint("fine"), in_words(&settings, &loaded)))?;
    Ok(Code::Fine.into())
}

/// `6 rules, 1 cluster, 2 sinks, 1 warning`
fn in_words(settings: &Settings, loaded: &Loaded) -> String {
    let own = loaded.set.rules.values().filter(|rule| rule.source.file.is_some()).count();
    let built_in = loaded.set.rules.len() - own;
    let mut parts = vec![
        count(own, "rule"),
        count(settings.clusters.len(), "cluster"),
        count(settings.sinks.len(), "sink"),
    ];
    let mut maybe = |n: usize, word: String| parts.extend((n > 0).then_some(word));
    maybe(built_in, count(built_in, "rule") + " built in");
    let disabled = loaded.set.disabled.len();
    maybe(disabled, count(disabled, "rule") + " disabled");
    maybe(loaded.warnings.warnings(), count(loaded.warnings.warnings(), "warning"));
    parts.join(", ")
}
