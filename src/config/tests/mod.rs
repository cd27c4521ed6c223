//! The room as a whole: files in, settings and rules or complaints out.

mod chaos;
mod complaints;
mod layers;
mod limits;
mod routes;
mod support;
mod telling;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::*;
use crate::{
    checks,
    model::{Level, Schedule},
    sinks,
};

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
fn files_that_are_as_they_were_are_known_by_their_hash() {
    let text =
        "rules: [{ id: a, check: { cluster_health: {} }, schedule: every 1m, levels: { critical: red } }]";
    let folder = support::Folder::new(&[("rules/a.yaml", text)]);
    let settings = folder.settings(support::SETTINGS);
    let loaded = load_rules(&settings).unwrap();
    assert_eq!(rules_hash(&settings), Some(loaded.hash));
    folder.write("rules/b.yaml", text.as_bytes());
    assert_ne!(rules_hash(&settings), Some(loaded.hash), "a copy takes ids twice");
    std::fs::remove_file(folder.path().join("rules/a.yaml")).unwrap();
    assert_eq!(rules_hash(&settings), Some(loaded.hash), "it only moved");
    folder.write("rules/c.yaml", b"rules: \xff");
    assert_eq!(rules_hash(&settings), None, "the complaint is to be told");
}

#[test]
fn without_a_cluster_only_the_rules_that_ask_one_are_refused() {
    let folder = support::Folder::new(&[(
        "rules/a.yaml",
        "rules:\n  - { id: disk, check: { storage: {} }, schedule: every 1m }\n",
    )]);
    let settings = folder.settings("rules: [rules]\n");
    assert!(settings.clusters.is_empty());
    let complaints = load_rules(&settings).unwrap_err();
    assert_eq!(complaints.errors(), 1);
    let said = complaints.to_string();
    assert!(said.contains("`storage` asks an Elasticsearch cluster, and the settings have none"), "{said}");
    let variables = [("clusters__main__urls".to_owned(), "[http://es:9200]".to_owned())];
    let settings = load_with(&[], &variables, &BTreeMap::new(), false).unwrap();
    assert_eq!(settings.server.listen.port(), 7585);
    assert_eq!(settings.rules, [PathBuf::from("rules")]);
}

#[test]
fn every_kind_of_check_reads_its_own_example() {
    for (name, example) in checks::Kind::ALL {
        let text = format!(
            "rules:\n  - id: example\n    check:\n      {example}\n    schedule: every 15m\n    no_data: keep\n    levels: {{ critical: LEVEL }}\n"
        );
        let level = match *name {
            "cluster_health" => "red",
            "elasticsearch_unreachable" => "unreachable",
            "heartbeat" | "kubernetes_nodes" => "down",
            "host_disk" | "host_memory" | "kurrentdb_stats" | "storage" | "ratio" => "above 90%",
            "documents" | "storage_forecast" => "above 1h",
            "spike" => "above 3x",
            _ => "above 1_000",
        };
        let folder = support::Folder::new(&[("rules/a.yaml", &text.replace("LEVEL", level))]);
        let loaded = folder.load().unwrap_or_else(|complaints| panic!("{name}\n{complaints}"));
        assert_eq!(loaded.set.rules["example"].kind, *name);
    }
}

#[test]
fn every_kind_of_sink_reads_its_own_example() {
    for (name, example) in sinks::Kind::ALL {
        let text =
            format!("clusters: {{ main: {{ urls: [http://es:9200] }} }}\nsinks:\n  x:\n    {example}\n");
        let folder = support::Folder::new(&[]);
        let settings = folder.settings(&text);
        assert_eq!(settings.sinks.len(), 1, "{name}");
    }
}

#[test]
fn the_built_in_rule_watches_every_cluster_until_a_file_tunes_it() {
    let usual = "rules:\n  - { id: disk, check: { storage: {} }, schedule: every 1m }\n";
    let loaded = support::Folder::new(&[("rules/a.yaml", usual)]).load().unwrap();
    let built_in = &loaded.set.rules["elasticsearch-unreachable"];
    assert_eq!(built_in.clusters, ["logs", "main"]);
    assert_eq!(built_in.timing.schedule, Schedule::Every(Duration::from_secs(15)));
    assert_eq!(built_in.policy.levels[0].fire_after, Duration::from_secs(60));
    assert_eq!(built_in.source.file, None);
    let tuned = "rules:\n  - id: elasticsearch-unreachable\n    check: { elasticsearch_unreachable: {} }\n    clusters: all\n    notify: [pager]\n";
    let loaded = support::Folder::new(&[("rules/a.yaml", tuned)]).load().unwrap();
    let tuned = &loaded.set.rules["elasticsearch-unreachable"];
    assert_eq!((tuned.clusters.len(), &tuned.notify), (2, &vec!["pager".to_owned()]));
    assert_eq!(tuned.timing.schedule, Schedule::Every(Duration::from_secs(15)));
    assert_eq!(tuned.source.line, 2);
}

#[test]
fn one_cluster_may_be_named_without_a_list() {
    let text = "rules:\n  - { id: disk, check: { storage: {} }, schedule: every 1m, clusters: NAME }\n";
    let load = |name| support::Folder::new(&[("rules/a.yaml", &text.replace("NAME", name))]).load();
    assert_eq!(load("logs").unwrap().set.rules["disk"].clusters, ["logs"]);
    assert!(load("lgos").unwrap_err().to_string().contains("did you mean `logs`?"));
}

#[test]
fn the_hash_follows_the_text_and_not_the_place() {
    let a = "rules:\n  - { id: disk, check: { storage: {} }, schedule: every 1m }\n";
    let b = a.replace("1m", "2m");
    let hash = |name: &str, text: &str| support::Folder::new(&[(name, text)]).load().unwrap().hash;
    assert_eq!(hash("rules/a.yaml", a), hash("rules/x/b.yaml", a));
    assert_ne!(hash("rules/a.yaml", a), hash("rules/a.yaml", &b));
}

#[test]
fn a_disabled_rule_is_known_but_not_run() {
    let text = "rules:\n  - { id: disk, enabled: false, check: { storage: {} }, schedule: every 1m }\n";
    let loaded = support::Folder::new(&[("rules/a.yaml", text)]).load().unwrap();
    assert_eq!(loaded.set.disabled, ["disk"]);
    assert!(!loaded.set.rules.contains_key("disk"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_a_loop_ends() {
    let text = "rules:\n  - { id: disk, check: { storage: {} }, schedule: every 1m }\n";
    let folder = support::Folder::new(&[("elsewhere/a.yaml", text), ("rules/keep.txt", "")]);
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(from)).unwrap()
    };
    link("rules/one.yaml", "elsewhere/a.yaml");
    link("rules/two.yaml", "elsewhere/a.yaml");
    assert_eq!(folder.load().unwrap().files.len(), 1);
    link("rules/loop", "rules");
    let outcome = folder.load();
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[test]
fn a_rule_says_what_its_file_says() {
    let text = "\u{feff}rules:
  - id: errors
    summary: Too many errors
    clusters: [logs]
    check: { ratio: { index: a, window: 15m, numerator: \"status:500\", per: [service] } }
    schedule: { cron: \"*/5 8-17 * * mon-fri\", timezone: Europe/Copenhagen }
    schedule_while_firing: every 30s
    schedule_while_unsettled: every 10s
    levels:
      warning: above 10%, clear below 8%
      critical: { when: above 20%, clear: at most 15%, for: 2m, recover_for: 5m, notify: [pager] }
    no_data: { keep: 1h, then: fire warning }
    absent: { fire: critical, forget: 7d }
    blind: { after: 7m, level: critical }
    repeat: 4h
    labels: { team: search, floor: 3 }
    runbook: https://example.org
    message: \"{{ entity.service }}: {{ value }}\"
    query_delay: 45s
    max_catch_up: 2h
";
    let loaded = support::Folder::new(&[("rules/a.yaml", text)]).load().unwrap();
    let rule = &loaded.set.rules["errors"];
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert!(rule.policy.grouped);
    let shown = format!(
        "{:#?}\n{:#?}\n{:?}",
        rule.policy,
        rule.timing,
        (&rule.notify, &rule.notify_by_level, &rule.repeat, &rule.labels)
    );
    insta::assert_snapshot!(shown);
}
