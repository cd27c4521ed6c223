//! `render`: what a sink would be sent, before anything happens.

use super::Place;

const RULES: &str = "
rules:
  - id: errors
    summary: Errors
    check: { ratio: { index: \"logs-*\", window: 15m, numerator: { term: { level: error } }, per: [service] } }
    schedule: every 5m
    levels: { warning: above 10%, critical: above 25% }
    no_data: keep
    title: \"{{ summary }} of {{ entity.service }}\"
    message: \"{{ value }} fail, {{ link('https://wiki/5xx', 'what to do') }}\"
    notify: [alerts]
";

const SINKS: &str = "
sinks:
  alerts: { slack: { webhook_url: \"${env:SLACK_URL}\" } }
  hook: { webhook: { url: \"https://hooks.example/x\", bearer_token: \"${env:TOKEN}\" } }
  signed: { webhook: { url: \"https://hooks.example/k3yT0ken9\", signature: { secret: \"${env:SIGN}\", header: X-Sig } } }
  chat: { webhook: { url: \"https://discord.example/api/webhooks/12/hunter2\", preset: discord } }
  am: { alertmanager: { urls: [\"http://am-1:9093\", \"http://am-2:9093/\"] } }
  pager: { pagerduty: { routing_key: \"${env:ROUTING}\" } }
templates:
  hook: { message: \"{{ level }}: {{ message }}{{ runbook }}\" }
";

fn place() -> Place {
    Place::new("http://127.0.0.1:1", RULES, SINKS)
}

#[test]
fn the_exact_request_is_shown_with_references_in_place_of_secrets() {
    let said = place().run(&[
        "render",
        "errors",
        "--sink",
        "hook",
        "--level",
        "warning",
        "--entity",
        "service=cart",
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with("POST https://hooks.example/x\n"), "{}", said.out);
    assert!(said.out.contains("Authorization: <hidden>${env:TOKEN}\n"), "{}", said.out);
    assert!(said.out.contains("\"title\": \"Errors of cart\""), "{}", said.out);
    assert!(
        said.out.contains("\"message\": \"warning: 11 % fail, what to do (https://wiki/5xx)\""),
        "{}",
        said.out
    );
    assert!(said.err.contains("made up"), "{}", said.err);
}

#[test]
fn of_a_url_only_what_opens_the_service_is_hidden_and_every_sink_shows_where_it_goes() {
    let out = |sink: &str| {
        let said = place().run(&["render", "errors", "--sink", sink]);
        assert_eq!(said.code, 0, "{}", said.err);
        said.out
    };
    assert!(out("alerts").starts_with("POST ${env:SLACK_URL}\n"));
    let chat = out("chat");
    assert!(
        chat.starts_with("POST https://discord.example/<hidden>\n") && !chat.contains("hunter2"),
        "{chat}"
    );
    let am = out("am");
    assert!(
        am.starts_with(
            "POST http://am-1:9093/api/v2/alerts\nPOST http://am-2:9093/api/v2/alerts\nContent-Type: "
        ),
        "{am}"
    );
    let pager = out("pager");
    assert!(pager.starts_with("POST https://events.pagerduty.com/v2/enqueue\n"), "{pager}");
    assert!(pager.contains("\"routing_key\": \"${env:ROUTING}\""), "{pager}");
}

#[test]
fn a_signed_webhook_shows_the_headers_of_its_signature() {
    let said = place().run(&["render", "errors", "--sink", "signed"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with("POST https://hooks.example/<hidden>\n"), "{}", said.out);
    let header = |name: &str| said.out.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    assert!(header("X-Highwater-Timestamp: ").parse::<u64>().is_ok(), "{}", said.out);
    assert!(header("X-Sig: ").starts_with("sha256=<hidden"), "{}", said.out);
    assert!(!said.out.contains("SIGN"), "{}", said.out);
}

#[test]
fn an_example_is_one_of_the_chosen_level_and_its_advice_is_marked() {
    for (level, value) in [("warning", "11"), ("critical", "26")] {
        let said = place().run(&["render", "errors", "--sink", "hook", "--level", level]);
        assert!(said.out.contains(&format!("\"value\": {value}")), "{}", said.out);
        assert!(said.out.contains("\"cause\": \"(example) what `ratio` found behind it\""), "{}", said.out);
        assert!(said.err.contains("marked as examples"), "{}", said.err);
    }
}

#[test]
fn slack_comes_with_a_link_to_where_blocks_are_looked_at() {
    let said = place().run(&["render", "errors", "--sink", "alerts", "--kind", "resolved"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("<https://wiki/5xx|what to do>"), "{}", said.out);
    let link = said.out.lines().last().unwrap();
    assert!(
        link.starts_with("Block Kit Builder: https://app.slack.com/block-kit-builder#%7B%22attachments"),
        "{link}"
    );
    assert!(link.contains("%232eb67d"), "it is green");
}

#[test]
fn a_text_that_fails_is_named_and_the_built_in_words_are_shown() {
    let place = place();
    place.write("rules/all.yaml", &RULES.replace("entity.service", "facts.no_such"));
    let said = place.run(&["render", "errors", "--sink", "alerts"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("a text of rule errors failed"), "{}", said.err);
    assert!(said.out.contains("CRITICAL: Errors (main)"), "{}", said.out);
}

#[test]
fn names_that_are_not_known_are_told_with_those_that_are() {
    for (args, hint) in [
        (["render", "errs", "--sink", "alerts"], "`errors`"),
        (["render", "errors", "--sink", "alrts"], "`alerts`"),
    ] {
        let said = place().run(&args);
        assert_eq!(said.code, 64);
        assert!(said.err.contains(hint), "{}", said.err);
    }
    assert_eq!(place().run(&["render", "errors", "--sink", "alerts", "--level", "info"]).code, 64);
}
