//! The truth table of `check`: what was found, and what a pipeline is told. Every format tells the same.

use serde_json::Value;

use super::{
    LOG, Place,
    double::{self, Mood},
    ratio,
};

/// What the rules look at, each with its policy for no data, and the exit code that follows.
type Row = (&'static str, &'static [(&'static str, &'static str)], i32);

const TABLE: [Row; 17] = [
    ("all clear", &[("hot-1-of-100", "keep")], 0),
    ("an info", &[("hot-6-of-100", "keep")], 0),
    ("a warning", &[("hot-20-of-100", "keep")], 1),
    ("a critical", &[("hot-60-of-100", "keep")], 2),
    (
        "the worst counts",
        &[("hot-1-of-100", "keep"), ("hot-20-of-100", "keep"), ("hot-60-of-100", "keep")],
        2,
    ),
    ("a shard is lost", &[("partial", "keep")], 3),
    ("a search timed out", &[("slow", "keep")], 3),
    ("an index is missing", &[("missing", "keep")], 3),
    ("partial beside clear", &[("hot-1-of-100", "keep"), ("partial", "keep")], 3),
    ("partial beside a warning", &[("hot-20-of-100", "keep"), ("partial", "keep")], 3),
    ("partial beside a critical", &[("hot-60-of-100", "keep"), ("partial", "keep")], 2),
    ("no data, kept", &[("hot-0-of-0", "keep")], 3),
    ("no data, kept for a while", &[("hot-0-of-0", "{ keep: 1h, then: resolve }")], 3),
    ("no data is fine", &[("hot-0-of-0", "resolve")], 0),
    ("no data is a warning", &[("hot-0-of-0", "fire warning")], 1),
    ("no data is critical", &[("hot-0-of-0", "fire critical")], 2),
    ("no data is an info", &[("hot-0-of-0", "fire info")], 0),
];

fn place(url: &str, looks: &[(&str, &str)]) -> Place {
    let rules: String = looks
        .iter()
        .enumerate()
        .map(|(n, (index, no_data))| ratio(&format!("r{n}"), index, no_data))
        .collect();
    Place::new(url, &format!("rules:\n{rules}"), LOG)
}

#[test]
fn the_exit_code_says_what_was_found_in_every_format() {
    let url = double::start(Mood::Well);
    for (name, looks, code) in TABLE {
        let place = place(&url, looks);
        for format in ["table", "json"] {
            let said = place.run(&["check", "--format", format]);
            assert_eq!(said.code, code, "{name}, {format}: {said:?}");
        }
    }
}

#[test]
fn a_partial_answer_is_never_success() {
    let url = double::start(Mood::Well);
    for index in ["partial", "slow", "missing"] {
        for fail_on in ["info", "warning", "critical"] {
            let said = place(&url, &[(index, "resolve"), ("hot-1-of-100", "resolve")]).run(&[
                "check",
                "--fail-on",
                fail_on,
            ]);
            assert_eq!(said.code, 3, "{index}, {fail_on}: {said:?}");
        }
    }
}

#[test]
fn fail_on_moves_only_the_one() {
    let url = double::start(Mood::Well);
    for (index, info, warning, critical) in
        [("hot-6-of-100", 1, 0, 0), ("hot-20-of-100", 1, 1, 0), ("hot-60-of-100", 2, 2, 2)]
    {
        let place = place(&url, &[(index, "keep")]);
        for (level, code) in [("info", info), ("warning", warning), ("critical", critical)] {
            assert_eq!(
                place.run(&["check", "--fail-on", level]).code,
                code,
                "{index} with --fail-on {level}"
            );
        }
    }
}

#[test]
fn nobody_there_is_critical_by_the_built_in_rule_and_unknown_to_the_others() {
    let place = place(&double::nobody(), &[("hot-1-of-100", "resolve")]);
    let all = place.run(&["check"]);
    assert_eq!(all.code, 2, "{all:?}");
    assert!(all.out.contains("elasticsearch-unreachable"), "{all:?}");
    assert!(all.out.contains("cluster main cannot be reached"), "{all:?}");
    let one = place.run(&["check", "r0"]);
    assert_eq!(one.code, 3, "{one:?}");
}

#[test]
fn who_refuses_us_or_shows_a_login_page_is_never_clear() {
    for mood in [Mood::Refusing, Mood::Html] {
        let place = place(&double::start(mood), &[("hot-1-of-100", "resolve")]);
        let said = place.run(&["check", "r0"]);
        assert_eq!(said.code, 3, "{mood:?}: {said:?}");
        assert_ne!(place.run(&["check"]).code, 0, "{mood:?}");
    }
}

#[test]
fn the_json_says_what_the_exit_code_says() {
    let place = place(&double::start(Mood::Well), &[("hot-20-of-100", "keep"), ("partial", "keep")]);
    let said = place.run(&["check", "--format", "json", "--color", "always"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["worst"], &json["exit_code"]), (&"unknown".into(), &3.into()));
    let rules = json["rules"].as_array().unwrap();
    let of = |id: &str| rules.iter().find(|rule| rule["rule"] == id).unwrap();
    let alert = &of("r0")["alerts"][0];
    assert_eq!((&alert["state"], &alert["level"]), (&"firing".into(), &"warning".into()));
    assert_eq!((&alert["value"], &alert["unit"]), (&20.0.into(), &"percent".into()));
    assert_eq!((&alert["facts"]["matching"], &alert["facts"]["total"]), (&20.into(), &100.into()));
    assert_eq!(of("r1")["outcome"], "indeterminate");
    assert!(of("r1")["reason"].as_str().unwrap().contains("shard"), "{json}");
    assert_eq!(of("elasticsearch-unreachable")["outcome"], "complete");
}

#[test]
fn for_counts_only_where_there_is_a_memory() {
    let rules =
        ratio("r0", "hot-60-of-100", "keep").replace("critical: above 50%", "critical: above 50% for 1h");
    let place = Place::new(&double::start(Mood::Well), &format!("rules:\n{rules}"), LOG);
    assert_eq!(place.run(&["check", "r0"]).code, 2, "without a memory a breach is taken as lasting");
    let state = ["check", "r0", "--state", "state"];
    for _ in 0..2 {
        let said = place.run(&state);
        assert_eq!(said.code, 1, "the warning fires at once, the critical one waits: {said:?}");
        assert!(said.out.contains("critical if it lasts"), "{said:?}");
    }
}

#[test]
fn a_state_that_cannot_be_kept_is_an_error_and_not_an_answer() {
    let place = place(&double::start(Mood::Well), &[("hot-1-of-100", "keep")]);
    place.write("state", "a file where a folder has to be");
    let said = place.run(&["check", "--state", "state"]);
    assert_eq!(said.code, 74, "{said:?}");
    assert!(said.err.contains("state"), "{said:?}");
}

#[test]
fn waiting_ends_when_all_is_clear_or_a_breach_has_lasted() {
    let url = double::start(Mood::Well);
    assert_eq!(place(&url, &[("hot-1-of-100", "keep")]).run(&["check", "--wait", "1m"]).code, 0);
    assert_eq!(place(&url, &[("hot-20-of-100", "keep")]).run(&["check", "--wait", "1m"]).code, 1);
    let blind = place(&url, &[("partial", "keep")]).run(&["check", "--wait", "1s"]);
    assert_eq!(blind.code, 3, "{blind:?}");
    assert!(blind.err.contains("waiting: 1 unknown"), "{blind:?}");
}
