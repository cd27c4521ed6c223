//! The room as a whole: files in, settings and rules or complaints out.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::*;
use crate::model::{Level, Schedule};

fn shipped() -> Settings {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut settings =
        load_with(&[root.join("config/highwater.yaml")], &[], &BTreeMap::new(), false).unwrap();
    settings.rules = vec![root.join("rules")];
    settings
}

#[test]
fn the_shipped_settings_and_rules_work_as_they_are() {
    let settings = shipped();
    assert_eq!(settings.clusters["main"].urls, ["http://127.0.0.1:9200"]);
    let loaded = load_rules(&settings).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let mut shown = String::new();
    for rule in loaded.set.rules.values() {
        shown.push_str(&format!(
            "{} ({}) {} notify {:?}\n",
            rule.id, rule.kind, rule.timing.schedule, rule.notify
        ));
        for level in &rule.policy.levels {
            let when = level.when.show(rule.check.scale().unit());
            shown.push_str(&format!("  {}: {when} for {:?}\n", level.level, level.fire_after));
        }
    }
    insta::assert_snapshot!(shown);
    let capacity = &loaded.set.rules["shard-capacity"];
    assert_eq!(capacity.timing.while_firing, Some(Schedule::Every(Duration::from_secs(1800))));
    let storage = &loaded.set.rules["elasticsearch-storage"];
    assert_eq!(storage.sinks_for(Level::Critical), ["log"]);
}

#[test]
fn no_file_at_all_says_what_to_write() {
    let complaints = load_with(&[], &[], &BTreeMap::new(), false).unwrap_err();
    assert_eq!(complaints.errors(), 1);
    assert!(complaints.to_string().contains("no cluster is configured"), "{complaints}");
    let variables = [("clusters__main__urls".to_owned(), "[http://es:9200]".to_owned())];
    let settings = load_with(&[], &variables, &BTreeMap::new(), false).unwrap();
    assert_eq!(settings.server.listen.port(), 7585);
    assert_eq!(settings.rules, [PathBuf::from("rules")]);
}
