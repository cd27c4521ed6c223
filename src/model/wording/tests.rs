use chrono::TimeZone as _;
use chrono_tz::Europe::Copenhagen;
use serde_json::json;

use super::*;
use crate::model::{
    Entity, Facts,
    samples::{at, change, notification, resolved},
};

#[test]
fn a_reader_sees_level_entity_value_threshold_since_facts_and_what_to_do() {
    let mut fired = change(Kind::Fired, Level::Critical);
    fired.cause = Some("the disk fills by 2 GB an hour".to_owned());
    fired.next_step = Some("delete old indices or add a node".to_owned());
    let expected = "CRITICAL: Disk used on a data node (main)\n\
        node=es-1: 91.24 %, threshold 90 %, since 10:02 CET\n  \
        used: 430 GB, free: 40 GB\n  \
        cause: the disk fills by 2 GB an hour\n  \
        next: delete old indices or add a node\n\
        runbook: https://runbooks/disk";
    assert_eq!(text(&notification(vec![fired]), Copenhagen), expected);
}

#[test]
fn a_recovery_says_the_peak_and_how_long_it_was() {
    let line = line(&resolved(Ending::Cleared), Copenhagen);
    assert_eq!(line, "node=es-1: recovered: 91.24 %, threshold 90 %, peak 93 %, after 14m, since 10:02 CET");
    assert!(title(&notification(vec![resolved(Ending::Cleared)])).starts_with("RECOVERED: "));
}

#[test]
fn an_ending_that_proves_nothing_says_so_before_anything_else() {
    for ending in
        [Ending::Vanished, Ending::NoData, Ending::RuleRemoved, Ending::RuleChanged, Ending::Disabled]
    {
        let title = title(&notification(vec![resolved(ending)]));
        assert!(title.starts_with("GONE, not proven") || title.starts_with("CLOSED "), "{title}");
        assert!(!text(&notification(vec![resolved(ending)]), Copenhagen).contains("RECOVERED"));
        assert!(line(&resolved(ending), Copenhagen).starts_with(&format!("node=es-1: {}", ending.words())));
    }
    let mixed = notification(vec![resolved(Ending::Cleared), resolved(Ending::Vanished)]);
    assert!(title(&mixed).starts_with("CLOSED, not all proven recovered: "));
}

#[test]
fn what_fires_gives_the_title_even_where_something_worse_is_over() {
    let both = notification(vec![resolved(Ending::Cleared), change(Kind::Fired, Level::Warning)]);
    assert!(title(&both).starts_with("WARNING: "));
    assert_eq!(worst_first(&both)[0].kind, Kind::Fired);
}

#[test]
fn a_change_of_level_says_from_where_to_where() {
    let mut raised = change(Kind::Raised, Level::Critical);
    raised.previous_level = Some(Level::Warning);
    assert!(line(&raised, Copenhagen).starts_with("node=es-1: raised from warning to critical: 91.24 %"));
    raised.note = Some("told late".to_owned());
    assert!(line(&raised, Copenhagen).starts_with("told late: node=es-1: "));
}

#[test]
fn a_digest_names_twenty_and_counts_the_rest() {
    let alerts: Vec<Change> = (0..37)
        .map(|n| Change {
            entity: Entity::of("node", format!("es-{n}")),
            ..change(Kind::Fired, Level::Warning)
        })
        .collect();
    let text = text(&notification(alerts), Copenhagen);
    assert_eq!(text.lines().filter(|line| line.starts_with("node=")).count(), 20);
    assert!(text.contains("\nand 17 more\n"));
    assert!(!text.contains("used: "));
}

#[test]
fn times_are_those_of_the_reader_and_name_the_day_when_it_is_another() {
    assert_eq!(when(at(9, 2), at(10, 0), Copenhagen), "10:02 CET");
    assert_eq!(when(at(23, 30), at(22, 0), Copenhagen), "22 Nov 00:30 CET");
    let summer = chrono::Utc.with_ymd_and_hms(2025, 7, 1, 10, 0, 5).unwrap();
    assert_eq!(when(summer, at(9, 0), Copenhagen), "1 Jul 2025 12:00:05 CEST");
}

#[test]
fn facts_read_as_people_write_them() {
    let mut fired = change(Kind::Fired, Level::Info);
    fired.facts = Facts::default()
        .with("matching", 12_345)
        .with("restricted", true)
        .with("nothing", Value::Null)
        .with("indices", json!(["a", "b", "c", "d", "e", json!({ "name": "logs" }), "g"]))
        .with("a fourth is too many", 1);
    let shown: Vec<String> = facts(&fired).map(|(name, value)| format!("{name}={value}")).collect();
    let expected = ["matching=12,345", "restricted=yes", "indices=a, b, c, d, e, and 2 more"];
    assert_eq!(shown, expected);
    fired.facts = Facts::default().with("worst_index", json!({ "name": "logs", "store_bytes": 1024 }));
    assert_eq!(facts(&fired).next().unwrap().1, "name logs, store 1 KB");
}

#[test]
fn what_documents_hold_cannot_steer_a_terminal_or_turn_the_text_around() {
    assert_eq!(clean("a\u{1b}[31mred\u{7}\u{202e}b\u{200b}\nc\u{9b}"), "a[31mred".to_owned() + "b c");
}

#[test]
fn a_huge_fact_does_not_make_a_huge_message() {
    let mut fired = change(Kind::Fired, Level::Info);
    fired.facts = Facts::default().with("message", "x".repeat(1 << 20));
    fired.message = Some("y".repeat(1 << 20));
    fired.entity = Entity::of("host", "z".repeat(1 << 20));
    assert!(text(&notification(vec![fired]), Copenhagen).chars().count() < 5000);
}
