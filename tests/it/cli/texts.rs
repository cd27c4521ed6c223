//! Templates that cannot work: `validate` says so, and where.

use super::Place;

const RULE: &str = "
rules:
  - id: disk
    check: { storage: {} }
    schedule: every 1m
    notify: [hook]
";

const SPIN: &str = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";

fn settings(body: &str, texts: &str) -> String {
    format!(
        "sinks:\n  hook:\n    webhook:\n      url: \"${{env:HOOK}}\"\n      body: '{body}'\n{texts}\
         routes: [{{ notify: [hook] }}]\nself: {{ notify: [hook] }}\n"
    )
}

#[test]
fn a_template_that_cannot_work_is_an_error_of_the_file_it_stands_in() {
    const FINE: &str = "{\"text\": {{ text }}}";
    let rule = |text: &str| format!("{RULE}    message: \"{text}\"\n");
    let of_sink = |text: &str| format!("templates: {{ hook: {{ title: \"{text}\" }} }}\n");
    for (rules, settings, words) in [
        (rule("{{ value | uper }}"), settings(FINE, ""), ["all.yaml:7", "no filter `uper`", "`upper`"]),
        (rule("{{ now() }}"), settings(FINE, ""), ["all.yaml:7", "no function `now`", "`link`"]),
        (rule(SPIN), settings(FINE, ""), ["all.yaml:7", "does not end", "no loop"]),
        (
            RULE.to_owned(),
            settings(FINE, &of_sink("{{ 1 if value is strnig }}")),
            ["highwater.yaml:7", "no test `strnig`", "`string`"],
        ),
        (
            RULE.to_owned(),
            settings("{\"x\": {{ text | tojsn }}}", ""),
            ["highwater.yaml:6", "no filter `tojsn`", "`tojson`"],
        ),
        (RULE.to_owned(), settings(SPIN, ""), ["highwater.yaml:6", "does not end", "`alerts`"]),
        (
            RULE.to_owned(),
            settings(&format!("\"{}\"", "x".repeat(70_000)), ""),
            ["highwater.yaml:6", "longer than 65536 bytes", "`alerts`"],
        ),
    ] {
        let said = Place::new("http://127.0.0.1:1", &rules, &settings).run(&["validate"]);
        assert_eq!(said.code, 78, "{words:?}: {said:?}");
        for word in words {
            assert!(said.err.contains(word), "{word}: {}", said.err);
        }
        assert!(!said.err.contains("unknown sink"), "{}", said.err);
    }
}

#[test]
fn what_may_work_for_some_alert_is_taken() {
    let rules =
        format!("{RULE}    message: \"{{{{ facts.used_bytes | human_bytes }}}} of {{{{ entity.node }}}}\"\n");
    let body = "{\"n\": {{ alerts[0].facts.n | int }}, \"t\": {{ labels.team }}}";
    let said = Place::new("http://127.0.0.1:1", &rules, &settings(body, "")).run(&["validate"]);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn a_mistake_in_a_sink_is_told_once() {
    let settings = settings("x", "").replace("url:", "urll:");
    let said = Place::new("http://127.0.0.1:1", RULE, &settings).run(&["validate"]);
    assert_eq!(said.code, 78, "{said:?}");
    assert!(said.err.contains("unknown key `urll`") && said.err.contains("`url`"), "{}", said.err);
    assert!(!said.err.contains("unknown sink"), "{}", said.err);
}
