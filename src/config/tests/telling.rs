//! Mistakes in what is told and where to: templates, and sinks that cannot be read.

use super::support::{Folder, said, said_of_settings};

const MAIN: &str = "clusters:\n  main: { urls: [http://127.0.0.1:9200] }\n";
const SPIN: &str = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";

fn rule(rest: &str) -> String {
    format!("rules:\n  - id: disk\n    check: {{ storage: {{}} }}\n    schedule: every 1m\n    {rest}\n")
}

#[test]
fn a_template_that_cannot_work_is_told_where_it_stands() {
    let body = |body: &str| {
        format!(
            "{MAIN}sinks:\n  hook:\n    webhook:\n      url: \"${{env:URL}}\"\n      body: '{{\"x\": {body}}}'\n"
        )
    };
    let of_sink = |text: &str| {
        format!("{MAIN}sinks: {{ log: {{ stdout: {{}} }} }}\ntemplates:\n  log: {{ message: \"{text}\" }}\n")
    };
    let settings = |text: &str| said_of_settings(text, &[]);
    let cases = [
        ("text_unknown_filter", said(&rule("message: \"{{ value | uper }}\""))),
        ("text_unknown_function", said(&rule("title: \"{{ now() }}\""))),
        ("text_unknown_test", said(&rule("message: \"{% if value is strnig %}x{% endif %}\""))),
        ("text_without_end", said(&rule(&format!("message: \"{SPIN}\"")))),
        ("text_of_sink_unknown_filter", settings(&of_sink("{{ message | human_byte }}"))),
        ("body_unknown_filter", settings(&body("{{ text | tojsn }}"))),
        ("body_without_end", settings(&body(SPIN))),
        (
            "body_too_long",
            settings(&body("{% for i in range(2000) %}{% for j in range(40) %}x{% endfor %}{% endfor %}")),
        ),
        ("body_no_json", settings(&body("\"{{ text }}\""))),
    ];
    for (name, said) in cases {
        assert!(said.contains('×'), "{name} is taken: {said}");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn a_sink_with_a_mistake_is_there_for_all_who_name_it() {
    let names = "routes:\n  - { match: ['team=\"a\"'], notify: [hook] }\n  - { notify: [history, hook] }\n\
                 self: { notify: [hook] }\ncanary: { every: 1h, notify: [hook] }\ndefaults: { notify: [hook] }\n\
                 templates:\n  hook: { title: x }\n";
    for mistake in [
        "urll: \"${env:U}\"",
        "url: \"${env:U}\", headers: 3",
        "url: ftp://x",
        "url: \"${env:U}\", preset: x",
    ] {
        let sinks = format!(
            "sinks:\n  hook: {{ webhook: {{ {mistake} }} }}\n  history: {{ elasticsearch: {{ cluster: main }} }}\n"
        );
        let said = said_of_settings(&format!("{MAIN}{sinks}{names}"), &[]);
        assert_eq!(said.matches('×').count(), 1, "{said}");
        assert!(!said.contains("unknown sink"), "{said}");
    }
    let said = said_of_settings(
        &format!("{MAIN}sinks: {{ hook: {{ stdot: {{}} }} }}\nself: {{ notify: [hoko] }}\n"),
        &[],
    );
    assert!(said.contains("unknown sink `hoko`") && said.contains("did you mean `hook`?"), "{said}");
}

#[test]
fn a_cluster_with_a_mistake_is_there_for_the_history() {
    let text = "clusters:\n  main: { urls: [http://127.0.0.1:9200], timeout: 3 }\n\
                sinks: { history: { elasticsearch: { cluster: main } } }\n";
    let said = said_of_settings(text, &[]);
    assert_eq!(said.matches('×').count(), 1, "{said}");
    assert!(!said.contains("unknown cluster"), "{said}");
}

#[test]
fn the_command_of_the_guide_about_texts_fits_its_own_rule() {
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let rules = guide.split("```yaml\n").find(|block| block.starts_with("rules:")).unwrap();
    let rules = rules.split("```").next().unwrap();
    let loaded = Folder::new(&[("rules/a.yaml", rules)]).load().unwrap();
    let command = guide.lines().find(|line| line.starts_with("$ highwater render")).unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    let level = words.iter().position(|word| *word == "--level").map(|at| words[at + 1]).unwrap();
    assert!(loaded.set.rules[words[3]].policy.level(level.parse().unwrap()).is_some(), "{command}");
}

#[test]
fn what_the_daemon_would_refuse_is_no_fine_setting() {
    let said = |rest: &str| said_of_settings(&format!("{MAIN}{rest}\n"), &[]);
    for level in ["loud", "\"info,highwater=loud\""] {
        let said = said(&format!("telemetry: {{ level: {level} }}"));
        assert!(said.contains("is no log level") && said.contains("highwater.yaml:3"), "{level}: {said}");
    }
    for level in ["debug", "\"info,highwater::engine=debug\"", "off"] {
        let said = said(&format!("telemetry: {{ level: {level} }}"));
        assert!(said.starts_with("Settings"), "{level}: {said}");
    }
    let said = said("store: { sqlite: { path: \"\" } }");
    assert!(said.contains("`path` is empty") && said.contains("write one like `var/highwater.db`"), "{said}");
}
