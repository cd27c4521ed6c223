//! What is made up fits the rule, and says that it is made up.

use super::*;
use crate::{
    config::{load_rules, load_with},
    model::{Level, Unit},
};

const SETTINGS: &str = "clusters: { main: { urls: [http://127.0.0.1:9200] } }\nsinks: { log: { stdout: {} } }\ndefaults: { notify: [log] }\n";

/// A rule of these lines, and the settings around it.
fn rule(lines: &str) -> (Settings, Arc<Rule>) {
    let folder = tempfile::tempdir().unwrap();
    let (config, rules) = (folder.path().join("highwater.yaml"), folder.path().join("rules.yaml"));
    std::fs::write(&config, SETTINGS).unwrap();
    std::fs::write(&rules, format!("rules:\n  - id: example\n    schedule: every 5m\n{lines}")).unwrap();
    let mut settings = load_with(&[config], &[], &BTreeMap::new(), false).unwrap();
    settings.rules = vec![rules];
    let loaded = load_rules(&settings).unwrap_or_else(|complaints| panic!("{complaints}"));
    let rule = loaded.set.rules["example"].clone();
    (settings, rule)
}

fn levels(check: &str, levels: &str) -> Arc<Rule> {
    rule(&format!("    check: {check}\n    no_data: keep\n    levels: {levels}\n")).1
}

#[test]
fn the_value_breaches_the_chosen_level_and_none_that_is_worse() {
    let ratio = "{ ratio: { index: a, window: 15m, numerator: \"status:500\" } }";
    let count = "{ count: { index: a, window: 15m } }";
    let capacity = "{ shard_capacity: {} }";
    for (check, written, shown) in [
        (ratio, "{ warning: above 10%, critical: above 25% }", ["11 %", "26 %"]),
        (ratio, "{ warning: above 99%, critical: above 99.9% }", ["99.1 %", "100 %"]),
        (ratio, "{ warning: at least 10%, critical: at least 10.5% }", ["10.1 %", "11.5 %"]),
        (count, "{ warning: below 10, critical: below 1 }", ["9 documents", "0 documents"]),
        (count, "{ warning: above 0, critical: above 1 }", ["1 document", "2 documents"]),
        (count, "{ warning: above 1_000, critical: above 5_000 }", ["1,100 documents", "5,500 documents"]),
        ("{ cluster_health: {} }", "{ warning: yellow, critical: red }", ["yellow", "red"]),
        (
            "{ storage: {} }",
            "{ warning: at least watermark.low, critical: at least watermark.flood_stage }",
            ["86 %", "96 %"],
        ),
        (capacity, "{ warning: above 80%, critical: above 90% }", ["880 shards", "990 shards"]),
    ] {
        let rule = levels(check, written);
        let unit = rule.check.scale().unit();
        for (level, shown) in [Level::Warning, Level::Critical].into_iter().zip(shown) {
            let reading = example::breach(&rule, level);
            assert_eq!(unit.show(reading.value), shown, "{written} {level}");
            for one in &rule.policy.levels {
                let breached = one.judge(&reading) == Ok(Verdict::Breach);
                assert_eq!(breached, one.level <= level, "{written} {level} {}", one.level);
            }
        }
        let over = example::clear(&rule);
        assert!(
            rule.policy.levels.iter().all(|one| one.judge(&over) == Ok(Verdict::Clear)),
            "{written}: {over:?}"
        );
    }
}

#[test]
fn free_space_is_made_up_as_fullness() {
    let rule = levels("{ storage: {} }", "{ warning: below 500GB, critical: below 50GB }");
    for level in [Level::Warning, Level::Critical] {
        let reading = example::breach(&rule, level);
        assert_eq!(reading.unit, Unit::Percent);
        assert_eq!(rule.policy.level(level).unwrap().judge(&reading), Ok(Verdict::Breach), "{reading:?}");
        assert!(reading.value.as_f64() <= 100.0);
    }
}

#[test]
fn advice_that_nobody_gave_is_marked_and_not_made_up() {
    let lines = "    check: { ratio: { index: a, window: 15m, numerator: \"status:500\" } }\n    no_data: keep\n    \
                 levels: { warning: above 10% }\n    message: \"why: {{ cause }}\"\n";
    let (settings, rule) = rule(lines);
    let subject = |kind| Subject {
        rule: &rule,
        cluster: "main",
        sink: "log",
        kind,
        level: Level::Warning,
        entity: Entity::default(),
        alert: None,
    };
    let (delivery, failed) = preview(&settings, Time::UNIX_EPOCH, &subject(Kind::Fired));
    let change = &delivery.notification.alerts[0];
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(change.cause.as_deref(), Some("(example) what `ratio` found behind it"));
    assert_eq!(change.message.as_deref(), Some("why: (example) what `ratio` found behind it"));
    assert!(!delivery.notification.text.contains("0 of 0"), "{}", delivery.notification.text);
    let (over, _) = preview(&settings, Time::UNIX_EPOCH, &subject(Kind::Resolved));
    let over = &over.notification.alerts[0];
    assert_eq!((over.show_value().as_deref(), over.show_peak().as_deref()), (Some("9 %"), Some("11 %")));
}
