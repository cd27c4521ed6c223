//! Scripts run code on a cluster: only one that says so is asked to.

use super::settings::Settings;
use crate::checks::Check;

/// The clusters whose settings allow scripts.
pub fn allowed(settings: &Settings) -> Vec<String> {
    let allowing = settings.clusters.iter().filter(|(_, cluster)| cluster.allow_scripts);
    allowing.map(|(name, _)| name.clone()).collect()
}

/// What is wrong with a check that holds a script, on clusters of which one does not allow it.
pub fn complaint(check: &dyn Check, clusters: &[String], allowing: &[String]) -> Option<String> {
    let script = check.script()?;
    let cluster = clusters.iter().find(|cluster| !allowing.contains(cluster))?;
    Some(format!(
        "`{script}` runs a script on the cluster, which is refused; where that is meant, write `allow_scripts: true` into `clusters.{cluster}` of the settings"
    ))
}
