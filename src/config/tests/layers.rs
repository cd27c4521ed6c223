//! Which layer wins, and that no text is retyped on the way.

use std::collections::BTreeMap;

use super::support::Folder;
use crate::{
    config::{Secrets, Settings, load_with, settings::Auth},
    model::{Level, Schedule},
};

const MAIN: &str = "clusters:\n  main: { urls: [http://file:9200] }\n";

fn load(files: &[&str], variables: &[(&str, &str)], overrides: &[(&str, &str)]) -> Settings {
    let names: Vec<String> = (0..files.len()).map(|n| format!("{n}.yaml")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(files.iter().copied()).collect();
    let folder = Folder::new(&pairs);
    let paths: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    let variables: Vec<(String, String)> = variables.iter().map(owned).collect();
    let overrides: BTreeMap<String, String> = overrides.iter().map(owned).collect();
    load_with(&paths, &variables, &overrides, true).unwrap()
}

#[test]
fn the_later_layer_wins_and_says_only_what_it_says() {
    let port = |settings: Settings| settings.server.listen.port();
    let one = "server: { listen: 127.0.0.1:1 }\nstore: { sqlite: { path: one.db } }\n";
    let two = "server: { listen: 127.0.0.1:2 }\n";
    let variables = [("server__listen", "127.0.0.1:3")];
    assert_eq!(port(load(&[MAIN], &[], &[])), 7585);
    let files = load(&[MAIN, one, two], &[], &[]);
    assert_eq!(files.store.path.to_str(), Some("one.db"));
    assert_eq!(port(files), 2);
    assert_eq!(port(load(&[MAIN, one], &variables, &[])), 3);
    assert_eq!(port(load(&[MAIN, one], &variables, &[("server.listen", "127.0.0.1:4")])), 4);
}

#[test]
fn a_list_is_replaced_and_a_map_is_joined() {
    let more = "clusters:\n  logs: { urls: [http://logs:9200] }\n  main: { timeout: 3s }\n";
    let settings = load(&[MAIN, more], &[("clusters__main__urls", "[http://a:1, http://b:2]")], &[]);
    assert_eq!(settings.clusters.len(), 2);
    assert_eq!(settings.clusters["main"].urls, ["http://a:1", "http://b:2"]);
    assert_eq!(settings.clusters["main"].timeout.as_secs(), 3);
    assert_eq!(settings.clusters["logs"].timeout.as_secs(), 10);
}

#[test]
fn a_secret_keeps_its_text_whatever_it_looks_like() {
    for text in ["0123456", "true", "1e3", "no", "~x", "1_000", "a: b", "# hash", "[x", "{y", "  spaced  "] {
        let variables =
            [("clusters__main__auth__basic__username", "u"), ("clusters__main__auth__basic__password", text)];
        let settings = load(&[MAIN], &variables, &[]);
        assert_eq!(password(&settings), text);
    }
    for text in ["0123456", "true", "1e3", "no", "1.10"] {
        let file =
            format!("clusters:\n  main:\n    auth: {{ basic: {{ username: u, password: {text} }} }}\n");
        assert_eq!(password(&load(&[MAIN, &file], &[], &[])), text);
    }
}

fn password(settings: &Settings) -> String {
    let Auth::Basic { password, .. } = &settings.clusters["main"].auth else { panic!("no password") };
    Secrets::default().reveal(password).unwrap().as_str().to_owned()
}

#[test]
fn numbers_and_switches_come_from_the_environment_too() {
    let variables = [
        ("clusters__main__max_batch", "1_0"),
        ("clusters__main__tls__insecure_skip_verify", "true"),
        ("clusters__main__max_response", "1MB"),
        ("bless", "1"),
    ];
    let cluster = &load(&[MAIN], &variables, &[]).clusters["main"];
    assert_eq!((cluster.max_batch, cluster.max_response), (10, 1024 * 1024));
    assert!(cluster.tls.insecure_skip_verify);
}

#[test]
fn a_rule_takes_what_it_leaves_out_from_its_file_and_then_from_the_settings() {
    let folder = Folder::new(&[(
        "rules/a.yaml",
        "defaults: { schedule: every 2m, labels: { team: search, tier: a } }\nrules:\n\
         \x20 - { id: one, check: { storage: {} }, labels: { tier: b } }\n\
         \x20 - { id: two, check: { storage: {} }, schedule: every 3m, notify: [pager] }\n",
    )]);
    let set = folder.load().unwrap().set;
    let (one, two) = (&set.rules["one"], &set.rules["two"]);
    let every = |seconds| Schedule::Every(std::time::Duration::from_secs(seconds));
    assert_eq!((&one.timing.schedule, &two.timing.schedule), (&every(120), &every(180)));
    assert_eq!(one.labels["team"], "search");
    assert_eq!(one.labels["tier"], "b");
    assert_eq!(
        (one.sinks_for(Level::Info), two.sinks_for(Level::Info)),
        (&["alerts".to_owned()][..], &["pager".to_owned()][..])
    );
}
