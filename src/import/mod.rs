//! ElastAlert2's rules, said in highwater's words. Pure: what was read comes in, what is to be written goes out.
//!
//! [`translate`] takes every rule of a folder and gives highwater rules, the settings they need, and a [`Report`] that says of each
//! rule whether it does the same, what differs, or why it cannot be said. No secret of the old files is in any of it.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]

mod clusters;
mod counts;
mod emit;
mod filters;
mod index;
mod merge;
mod metrics;
mod names;
mod old;
mod part;
mod report;
mod rule;
mod secrets;
mod sinks;
mod telling;
mod texts;
mod trends;
mod types;
mod unread;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::{clusters::Clusters, names::Names, old::Old, secrets::Variables, sinks::Sinks};
pub use self::{
    emit::yaml,
    merge::{Reader, merged},
    report::{EVERYWHERE, Report, RuleReport, Verdict},
    secrets::Variable,
};

/// A file as it was found, with what it imports already in it; or why it cannot be read.
#[derive(Clone, Debug)]
pub struct Source {
    /// As people name it: from the folder that was given.
    pub file: String,
    pub rule: Result<Map<String, Value>, String>,
}

/// What a folder of rules becomes.
#[derive(Clone, Debug)]
pub struct Import {
    /// `clusters` and `sinks`.
    pub settings: Value,
    /// The rules of each file, by the file's name without its ending.
    pub files: BTreeMap<String, Vec<Value>>,
    pub report: Report,
}

/// All that is gathered on the way.
#[derive(Debug, Default)]
struct Gathered {
    clusters: Clusters,
    sinks: Sinks,
    variables: Variables,
    names: Names,
}

/// Translates every rule. `global` is ElastAlert's `config.yaml`, empty where there is none.
pub fn translate(global: &Map<String, Value>, sources: &[Source]) -> Import {
    let mut gathered = Gathered::default();
    let mut files = BTreeMap::new();
    let mut report = Report::default();
    let mut seen = BTreeMap::new();
    for source in sources {
        let outcome = match &source.rule {
            Err(why) => RuleReport::unreadable(&source.file, why),
            Ok(own) => {
                let old = Old::new(&source.file, own, global);
                match seen.insert(old.identity(), source.file.clone()) {
                    Some(first) => RuleReport::twice(&source.file, &old.name(), &first),
                    None => one(&old, &mut gathered, &mut files),
                }
            }
        };
        report.rules.push(outcome);
    }
    if !gathered.clusters.are_several() {
        files.values_mut().flatten().for_each(leave_out_the_only_cluster);
    }
    report.notes = unread::settings(global);
    let mut settings = Map::new();
    settings.insert("clusters".to_owned(), gathered.clusters.section(global, &mut gathered.variables));
    if !gathered.sinks.is_empty() {
        settings.insert("sinks".to_owned(), gathered.sinks.section());
    }
    if gathered.clusters.is_assumed() {
        report.notes.push(
            "no `es_host` was found: the cluster `main` is assumed at http://127.0.0.1:9200".to_owned(),
        );
    }
    report.variables = gathered.variables.listed();
    Import { settings: Value::Object(settings), files, report }
}

fn leave_out_the_only_cluster(rule: &mut Value) {
    if let Some(rule) = rule.as_object_mut() {
        rule.shift_remove("clusters");
    }
}

fn one(old: &Old<'_>, gathered: &mut Gathered, files: &mut BTreeMap<String, Vec<Value>>) -> RuleReport {
    let mut report = RuleReport::new(old);
    match rule::translated(old, gathered, &mut report) {
        Ok(rules) => {
            report.rules = rules.iter().filter_map(|rule| rule["id"].as_str().map(str::to_owned)).collect();
            files.insert(gathered.names.file(old.file), rules);
        }
        Err(why) => report.is_impossible(why),
    }
    report
}

impl Import {
    /// A rule file as it is written.
    pub fn text(&self, file: &str) -> String {
        let rules = self.files.get(file).cloned().unwrap_or_default();
        yaml(&json!({ "rules": rules }))
    }
}
