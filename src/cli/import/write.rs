//! The new files. Nothing that is there is ever written over, and what was written is read once as `validate` would.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::stop::Stop,
    config,
    import::{Import, RuleReport, yaml},
};

const SETTINGS: &str = "highwater.yaml";

pub fn all(import: &Import, folder: &Path) -> Result<(), Stop> {
    let (settings, rules) = (folder.join(SETTINGS), folder.join("rules"));
    for path in [&settings, &rules] {
        if path.symlink_metadata().is_ok() {
            return Err(Stop::Io(format!("`{}` is there already; name another folder", path.display())));
        }
    }
    let failed = |path: &Path, why: std::io::Error| Stop::Io(format!("`{}`: {why}", path.display()));
    fs::create_dir_all(&rules).map_err(|why| failed(&rules, why))?;
    let text =
        "# Taken over from ElastAlert2. Secrets are references: set the variables before `run`.\n".to_owned();
    fs::write(&settings, text + &yaml(&import.settings)).map_err(|why| failed(&settings, why))?;
    for name in import.files.keys() {
        let path = rules.join(format!("{name}.yaml"));
        let text = heading(import, name) + &import.text(name);
        fs::write(&path, text).map_err(|why| failed(&path, why))?;
    }
    prove(import, settings, rules)
}

/// Where a rule comes from, and what differs.
fn heading(import: &Import, file: &str) -> String {
    let ids: Vec<&str> = import.files[file].iter().filter_map(|rule| rule["id"].as_str()).collect();
    let of = |report: &&RuleReport| report.rules.iter().any(|id| ids.contains(&id.as_str()));
    let Some(report) = import.report.rules.iter().find(of) else { return String::new() };
    let mut lines = vec![format!("From {}, {}.", report.file, report.verdict.name())];
    lines.extend(report.differences.iter().map(|words| format!("- {words}")));
    lines.iter().map(|line| format!("# {}\n", line.replace(['\n', '\r'], " "))).collect()
}

/// What is written has to be valid; where it is not, that is our mistake.
fn prove(import: &Import, settings: PathBuf, rules: PathBuf) -> Result<(), Stop> {
    let mut settings =
        config::load_with(&[settings], &[], &BTreeMap::new(), false).map_err(Stop::Complaints)?;
    settings.rules = vec![rules];
    if !import.files.is_empty() {
        config::load_rules(&settings).map_err(Stop::Complaints)?;
    }
    Ok(())
}
