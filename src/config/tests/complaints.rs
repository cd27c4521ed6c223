//! One golden complaint per mistake: what an author sees.

use super::support::{Folder, said, said_of_settings};

/// A rule that is right but for `rest`, which stands on lines of its own.
fn rule(check: &str, rest: &str) -> String {
    let rest: String = rest.lines().map(|line| format!("    {line}\n")).collect();
    format!("rules:\n  - id: disk\n    check: {check}\n    schedule: every 1m\n{rest}")
}

fn storage(rest: &str) -> String {
    rule("{ storage: {} }", rest)
}

const RATIO: &str = "{ ratio: { index: a, window: 15m, numerator: \"status:500\" } }";

fn ratio(rest: &str) -> String {
    rule(RATIO, rest)
}

fn show<const N: usize>(cases: [(&str, String); N]) {
    for (name, text) in cases {
        let said = said(&text);
        assert!(!said.is_empty(), "{name} is taken without a word");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn every_mistake_in_a_rule_is_shown_where_it_is() {
    let cases = [
        ("unknown_key", storage("sumary: Disk")),
        ("duplicate_key", storage("notify: [alerts]\nnotify: [pager]")),
        ("key_without_value", storage("levels:")),
        ("unknown_check", rule("{ storge: {} }", "")),
        ("two_checks", rule("{ storage: {}, cluster_health: {} }", "")),
        ("no_check", "rules:\n  - id: disk\n    schedule: every 1m\n".to_owned()),
        ("unknown_check_key", rule("{ storage: { role: [data] } }", "")),
        (
            "missing_check_key",
            rule("{ ratio: { index: a, window: 15m } }", "levels: { info: above 1% }\nno_data: keep"),
        ),
        ("check_without_map", rule("{ storage: }", "")),
        ("script", rule("{ ratio: { index: a, window: 15m, numerator: { script: { source: x } } } }", "")),
        ("unknown_sink", storage("notify: [alrets]")),
        ("publish_to_people", storage("publish: [alerts, /metrics]")),
        ("publish_to_nobody", storage("publish: [metrics]")),
        ("unknown_level_sink", storage("levels:\n  critical: { when: at least 90%, notify: [pagers] }")),
        ("notify_text", storage("notify: alerts")),
        ("unknown_cluster", storage("clusters: [mian]")),
        ("all_clusters", storage("clusters: all")),
        ("bad_cron", storage("schedule_while_firing: { cron: \"*/5 25 * * *\" }")),
        ("cron_that_never_comes", storage("schedule_while_firing: { cron: \"0 0 31 2 *\" }")),
        ("cron_over_its_range", storage("schedule_while_firing: { cron: \"*/90 * * * *\" }")),
        (
            "unknown_zone",
            storage("schedule_while_firing: { cron: \"0 9 * * *\", timezone: Europe/Kopenhagen }"),
        ),
        ("schedule_without_every", storage("schedule_while_firing: 5m")),
        ("schedule_without_unit", storage("schedule_while_firing: every 5")),
        ("schedule_too_fine", storage("schedule_while_firing: every 100ms")),
        ("no_schedule", "rules:\n  - id: disk\n    check: { storage: {} }\n".to_owned()),
    ];
    show(cases);
}

#[test]
fn every_mistake_in_a_level_is_shown_where_it_is() {
    let cases = [
        ("bare_comparator", storage("levels:\n  warning: > 88%")),
        ("bare_comparator_in_map", storage("levels:\n  warning: { when: >= 88% }")),
        ("level_without_unit", storage("levels: { warning: at least 88 }")),
        ("level_without_comparator", storage("levels: { warning: 88% }")),
        ("level_number", storage("levels: { warning: 88 }")),
        ("unknown_level", storage("levels: { warn: at least 88% }")),
        ("no_level", storage("levels: {}")),
        ("unknown_mark", storage("levels: { warning: at least watermark.lo }")),
        ("month", storage("repeat: 1M")),
        ("clear_number", storage("levels: { warning: \"at least 88%, clear 86%\" }")),
        ("clear_same_way", storage("levels: { warning: \"at least 88%, clear above 86%\" }")),
        ("clear_overlaps", storage("levels: { warning: \"at least 88%, clear at most 88%\" }")),
        ("free_clear_overlaps", storage("levels: { warning: \"below 50GB, clear above 40GB\" }")),
        ("fires_while_well", storage("levels: { warning: below 88% }")),
        ("levels_out_of_order", storage("levels: { warning: at least 90%, critical: at least 88% }")),
        ("levels_of_two_ways", ratio("levels: { warning: above 10%, critical: below 1% }\nno_data: keep")),
        ("no_levels_of_its_own", ratio("no_data: keep")),
        ("no_no_data", ratio("levels: { critical: above 10% }")),
    ];
    show(cases);
}

#[test]
fn every_mistake_in_a_policy_is_shown_where_it_is() {
    let cases = [
        ("bad_no_data", storage("no_data: ignore")),
        ("keep_without_then", storage("absent: { keep: 10m }")),
        ("forget_without_fire", storage("absent: { keep: 10m, then: resolve, forget: 7d }")),
        ("fire_reaches_no_level", storage("levels: { critical: at least 90% }\nno_data: fire warning")),
        ("bad_blind_level", storage("blind: { after: 5m, level: urgent }")),
        ("bad_message", storage("message: \"{{ value \"")),
        ("unknown_message_name", storage("message: \"{{ vlaue }}\"")),
        ("bad_runbook", storage("runbook: javascript:alert(1)")),
        ("short_repeat", storage("repeat: 1s")),
        ("reserved_id", storage("").replace("disk", "highwater-disk")),
        ("bad_id", storage("").replace("disk", "\"my disk\"")),
        ("built_in_id", storage("").replace("disk", "elasticsearch-unreachable")),
        ("second_document", storage("") + "---\nrules: []\n"),
        ("tab", "rules:\n  - id: disk\n\tcheck: { storage: {} }\n".to_owned()),
        ("unknown_anchor", storage("notify: *all")),
        ("unquoted_star", rule("{ shard_documents: { index: * } }", "")),
        ("not_a_map", "- id: disk\n".to_owned()),
        ("not_a_list", "rules:\n  id: disk\n".to_owned()),
        ("strange_top", "rule: []\n".to_owned()),
        ("empty_file", "# nothing\n".to_owned()),
        ("too_deep", format!("rules: {}\n", "[".repeat(200))),
        (
            "narrow_window",
            ratio("levels: { critical: above 10% }\nno_data: keep").replace("every 1m", "every 1h"),
        ),
        ("unreachable_level", storage("levels: { critical: above 100% }")),
        ("masked_level", storage("levels: { warning: at least 90% for 5m, critical: at least 90% }")),
    ];
    show(cases);
}

#[test]
fn an_alias_bomb_is_one_complaint() {
    let mut text = "defaults: {}\nrules:\n  - &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let alias = format!("*a{}, ", n - 1).repeat(9);
        text.push_str(&format!("  - &a{n} [{}]\n", alias.trim_end_matches(", ")));
    }
    insta::assert_snapshot!("alias_bomb", said(&text));
}

#[test]
fn every_file_is_read_and_every_mistake_is_told_in_one_go() {
    let folder = Folder::new(&[
        ("rules/b.yaml", &storage("notify: [nobody]\nmessage: \"{{ x }}\"")),
        ("rules/a/deep.yaml", &(storage("repeat: 1s") + "  - id: second\n    chek: {}\n")),
        ("rules/a/other.test.yaml", "not: read\n"),
        ("rules/a/readme.txt", "not read\n"),
        ("rules/c.yml", "rules: [\n"),
    ]);
    folder.write("rules/d.yaml", &[b'a', b'\n', 0xff]);
    folder.write("rules/e.yaml", &vec![b'#'; 1024 * 1024 + 1]);
    let complaints = folder.load().unwrap_err();
    insta::assert_snapshot!(folder.shorten(&complaints.lines().join("\n")));
    assert_eq!(complaints.errors(), complaints.lines().len());
}

#[test]
fn a_folder_without_rules_is_said_and_a_set_without_rules_is_an_error() {
    let folder = Folder::new(&[("rules/a.yaml", &storage(""))]);
    let mut settings = folder.settings(super::support::SETTINGS);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    settings.rules.push(folder.path().join("empty"));
    let loaded = crate::config::load_rules(&settings).unwrap();
    insta::assert_snapshot!("empty_folder", folder.shorten(&loaded.warnings.to_string()));
    settings.rules = vec![folder.path().join("empty")];
    let complaints = crate::config::load_rules(&settings).unwrap_err();
    insta::assert_snapshot!("empty_set", folder.shorten(&complaints.to_string()));
    settings.rules = vec![folder.path().join("nowhere")];
    let complaints = crate::config::load_rules(&settings).unwrap_err();
    insta::assert_snapshot!("no_such_folder", folder.shorten(&complaints.to_string()));
}

#[test]
fn every_mistake_in_the_settings_is_shown_where_it_is() {
    const MAIN: &str = "clusters:\n  main: { urls: [http://127.0.0.1:9200] }\n";
    let main = |rest: &str| format!("{MAIN}{rest}\n");
    let cluster = |rest: &str| format!("clusters:\n  main:\n    urls: [http://127.0.0.1:9200]\n    {rest}\n");
    let cases = [
        ("settings_unknown_key", main("sink: {}")),
        ("settings_unknown_below", main("server: { lisen: x }")),
        ("settings_literal_password", cluster("auth: { basic: { username: u, password: hunter2 } }")),
        ("settings_literal_api_key", cluster("auth:\n      api_key: hunter2")),
        (
            "settings_literal_slack",
            main("sinks:\n  a: { slack: { webhook_url: \"https://hooks.example/hunter2\" } }"),
        ),
        ("settings_two_auths", cluster("auth: { bearer: \"${env:A}\", api_key: \"${env:B}\" }")),
        (
            "settings_credentials_in_url",
            "clusters:\n  main: { urls: [\"http://u:hunter2@es:9200\"] }\n".to_owned(),
        ),
        ("settings_no_url", "clusters:\n  main: { urls: [\"es:9200\"] }\n".to_owned()),
        ("settings_half_certificate", cluster("tls: { client_certificate: c.pem }")),
        ("settings_zero", cluster("max_batch: 0")),
        ("settings_no_unit", cluster("timeout: 10")),
        ("settings_bad_size", cluster("max_response: 64")),
        ("settings_bad_listen", main("server: { listen: localhost }")),
        ("settings_bad_zone", main("display: { timezone: Mars/Olympus }")),
        ("settings_bad_format", main("telemetry: { format: xml }")),
        (
            "settings_unknown_sink",
            main("sinks: { log: { stdout: {} } }\nself: { notify: [lgo] }\ndefaults: { notify: [hook] }"),
        ),
        (
            "settings_one_series",
            "clusters:\n  es.eu: { urls: [http://es:9200] }\n  es_eu: { urls: [http://es:9201] }\nsinks:\n  log: { stdout: {} }\n  stats: { statsd: {} }\n".to_owned(),
        ),
        ("settings_unknown_sink_kind", main("sinks: { log: { stdot: {} } }")),
        ("settings_name", "clusters:\n  all: { urls: [http://es:9200] }\n".to_owned()),
        ("settings_bad_reference", main("heartbeat: { url: \"${file}\" }")),
        ("settings_duplicate", format!("{MAIN}{MAIN}")),
    ];
    for (name, text) in cases {
        let said = said_of_settings(&text, &[]);
        assert!(said.contains('×'), "{name} is taken: {said}");
        assert!(!said.contains("hunter2"), "{name} shows a secret: {said}");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn a_mistake_in_the_environment_names_its_variable() {
    let text = "clusters:\n  main: { urls: [http://127.0.0.1:9200] }\n";
    insta::assert_snapshot!("variable_value", said_of_settings(text, &[("server__listen", "nowhere")]));
    insta::assert_snapshot!("variable_name", said_of_settings(text, &[("server__lisen", "127.0.0.1:1")]));
    insta::assert_snapshot!("variable_slip", said_of_settings(text, &[("rule", "[a]")]));
}

#[test]
fn every_mistake_of_form_in_one_rule_is_told_at_once() {
    let three = rule(
        "{ ratio: { index: a, window: 15, numeratr: \"status:500\" } }",
        "levels: { critical: above 10% }\nno_data: keep\nsumary: Disk\nrepeat: 5",
    );
    insta::assert_snapshot!("mistakes_in_one_rule", said(&three));
    let deep = storage(
        "levels:\n  info: { whn: at least 5% }\n  warning: { when: at least 6%, for: 5 }\n  critical: { for: 5m }\n\
         notify: [[a], b, {}]\nblind: { aftr: 5m, level: [] }",
    );
    insta::assert_snapshot!("mistakes_at_every_depth", said(&deep));
    let defaults =
        format!("defaults: {{ repeat: 5, notfy: [a], labels: [] }}\n{}", storage("enabled: maybe"));
    insta::assert_snapshot!("mistakes_in_defaults", said(&defaults));
}

#[test]
fn what_follows_from_a_mistake_that_is_told_is_not_told_again() {
    let misspelt = "rules:\n  - id: disk\n    chek: { storage: {} }\n    schedule: every 1m\n";
    assert_eq!(said(misspelt).matches('×').count(), 1, "{}", said(misspelt));
    let empty = rule("{ ratio: { index: a, window: 15m } }", "sumary: Disk");
    assert_eq!(said(&empty).matches('×').count(), 2, "{}", said(&empty));
}

#[test]
fn a_rule_of_nothing_but_mistakes_is_told_in_part_and_soon() {
    let many: String = (0..5_000).map(|n| format!("strange-{n}: 1\n")).collect();
    let before = std::time::Instant::now();
    assert_eq!(said(&storage(&many)).matches('×').count(), 20);
    assert!(before.elapsed() < std::time::Duration::from_secs(5), "{:?}", before.elapsed());
}

#[test]
fn every_mistake_of_form_in_one_cluster_and_one_sink_is_told_at_once() {
    let text = "clusters:\n  main: { urls: [http://es:9200], timeout: 10, max_btch: 3, tls: { ca: [], kee: x } }\n\
                sinks:\n  hook: { webhook: { urll: x, bearer_token: [], headers: 3 } }\n\
                server: { lisen: x, listen: [] }\n";
    insta::assert_snapshot!("settings_mistakes_at_once", said_of_settings(text, &[]));
}
