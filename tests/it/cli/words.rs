//! What the program says to what is wrong, and how it ends.

use std::{fs::OpenOptions, process::Stdio, time::Instant};

use super::{
    LOG, Place, command,
    double::{self, Mood},
    ratio, said,
};

fn fine() -> Place {
    let rules = ratio("http-5xx", "hot-1-of-100", "keep") + &ratio("http-latency", "hot-1-of-100", "keep");
    Place::new(&double::start(Mood::Well), &format!("rules:\n{rules}"), LOG)
}

#[test]
fn version_and_help_need_no_settings_and_no_time() {
    let empty = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let version = said(command(empty.path(), &["--version"]).output().unwrap());
    assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
    assert_eq!(
        (version.code, version.out.as_str()),
        (0, concat!("highwater ", env!("CARGO_PKG_VERSION"), "\n"))
    );
    assert_eq!(said(command(empty.path(), &["help"]).output().unwrap()).code, 0);
}

#[test]
fn a_command_line_that_asks_for_what_there_is_not_ends_with_64() {
    let place = fine();
    for args in
        [&["chekc"][..], &[], &["check", "--nope"], &["check", "--wait", "10"], &["mute", "x", "--for", "1h"]]
    {
        assert_eq!(place.run(args).code, 64, "{args:?}");
    }
    let said = place.run(&["check", "http-5x"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("unknown rule `http-5x`") && said.err.contains("`http-5xx`"), "{said:?}");
    let said = place.run(&["sinks", "test", "lgo"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("unknown sink `lgo`") && said.err.contains("`log`"), "{said:?}");
}

#[test]
fn broken_rules_and_settings_end_with_78_and_all_mistakes_are_told() {
    let place = fine();
    place.write("rules/broken.yaml", "rules:\n  - id: a\n    chekc: {}\n    schedule: every 5\n");
    for args in [&["validate"][..], &["check"], &["rules"]] {
        let said = place.run(args);
        assert_eq!(said.code, 78, "{args:?}: {said:?}");
        assert!(said.err.contains("broken.yaml") && said.err.contains("chekc"), "{said:?}");
        assert!(said.out.is_empty(), "{said:?}");
    }
    place.write("rules/broken.yaml", "rules: [\n");
    assert_eq!(place.run(&["check"]).code, 78);
    place.write("config/highwater.yaml", "clusters: 3\n");
    assert_eq!(place.run(&["validate"]).code, 78);
    assert_eq!(place.run(&["check", "--config", "nowhere.yaml"]).code, 78);
}

#[test]
fn a_secret_that_is_missing_is_named_and_never_guessed() {
    let place = fine();
    place.write(
        "config/highwater.yaml",
        "clusters: { main: { urls: [\"http://127.0.0.1:1\"], auth: { api_key: \"${env:HIGHWATER_TEST_NOT_THERE}\" } } }\nsinks: { log: { stdout: {} } }\n",
    );
    let said = place.run(&["check"]);
    assert_eq!(said.code, 78, "{said:?}");
    assert!(said.err.contains("HIGHWATER_TEST_NOT_THERE"), "{said:?}");
}

#[test]
fn validate_says_in_words_what_is_fine() {
    let said = fine().run(&["validate"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.out, "fine: 2 rules, 1 cluster, 1 sink, 1 rule built in\n");
}

#[test]
fn rules_shows_what_is_loaded() {
    let said = fine().run(&["rules"]);
    assert_eq!(said.code, 0, "{said:?}");
    let line = said.out.lines().find(|line| line.starts_with("http-5xx")).unwrap();
    for part in
        ["ratio", "main", "every 1m", "(in ", "info above 5 %; warning above 10 %; critical above 50 %"]
    {
        assert!(line.contains(part), "`{part}` in {line}");
    }
}

#[test]
fn rules_says_what_ends_a_level_who_is_told_and_what_is_muted() {
    let place = fine();
    place.write(
        "rules/disk.yaml",
        "rules:\n  - id: disk\n    check: { storage: {} }\n    schedule: every 1m\n    notify: [log]\n    \
         levels: { critical: \"at least 90%, clear below 88%, for 2m, recover_for 5m\" }\n",
    );
    let wide = place.run(&["rules"]);
    assert!(
        wide.out.contains("critical at least 90 %, clear below 88 %, for 2m, recovered after 5m  log\n"),
        "{wide:?}"
    );
    let narrow = said(place.command(&["rules"]).env("COLUMNS", "80").output().unwrap());
    assert!(narrow.out.lines().all(|line| line.chars().count() <= 80), "{narrow:?}");
    assert!(narrow.out.contains("\nelasticsearch-unreachable "), "{narrow:?}");
    assert!(narrow.out.contains("tells log"), "{narrow:?}");
}

#[test]
fn a_secret_on_the_command_line_is_refused_as_in_a_file_and_never_shown() {
    let place = fine();
    let set = ["check", "--set", "clusters.main.auth.api_key=hunter2"];
    let said = place.run(&set);
    assert_eq!(said.code, 78, "{said:?}");
    assert!(said.err.contains("`api_key` is a secret"), "{said:?}");
    assert!(!said.err.contains("hunter2"), "{said:?}");
    let mut allowed = set.to_vec();
    allowed.push("--allow-literal-secrets");
    assert_ne!(place.run(&allowed).code, 78);
}

#[test]
fn completions_are_there_for_every_shell_without_settings() {
    let empty = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let said = said(command(empty.path(), &["completions", shell]).output().unwrap());
        assert_eq!(said.code, 0, "{shell}");
        assert!(said.out.contains("highwater") && said.out.contains("validate"), "{shell}");
    }
}

#[test]
fn colours_are_for_terminals_and_whoever_asks() {
    let place = fine();
    assert!(!place.run(&["check"]).out.contains('\u{1b}'));
    assert!(place.run(&["check", "--color", "always"]).out.contains('\u{1b}'));
    let asked = place.command(&["check", "--color", "always"]).env("NO_COLOR", "1").output().unwrap();
    assert!(said(asked).out.contains('\u{1b}'), "what is typed counts more than the environment");
}

#[test]
fn an_output_that_cannot_be_written_ends_with_74() {
    let place = fine();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let said = said(place.command(&["rules"]).stdout(full).output().unwrap());
    assert_eq!(said.code, 74, "{said:?}");
    assert!(said.err.contains("cannot write the output"), "{said:?}");
}

#[test]
fn a_reader_that_leaves_early_is_no_panic() {
    let place = fine();
    let mut child = place
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let said = said(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (74, ""));
}
