//! The whole table of answers, for every kind.

use super::*;

fn http(status: u16, body: &str) -> Answer {
    Answer::Http { status, retry_after: None, body: body.to_owned() }
}

#[test]
fn every_status_means_what_the_table_says() {
    for (name, sink) in every_sink() {
        for status in (200..600).filter(|status| *status != 304) {
            for body in ["", "<html><body>Bad gateway</body></html>", "{}", "no such thing"] {
                let verdict = said(&sink, &http(status, body));
                assert_eq!(verdict.name(), (contracts::of(name).status)(status), "{name} {status} {body}");
            }
        }
    }
}

#[test]
fn no_answer_is_tried_again_and_nothing_sent_is_a_matter_of_settings() {
    for (name, sink) in every_sink() {
        let lost = said(&sink, &Answer::Lost("connection refused".to_owned()));
        assert_eq!(lost, Verdict::Later { after: None, why: "connection refused".to_owned() }, "{name}");
        let unsent = said(&sink, &Answer::Unsent("`${env:X}` is not set".to_owned()));
        assert_eq!(unsent.name(), "misconfigured", "{name}");
    }
}

#[test]
fn slack_says_in_a_word_what_is_wrong() {
    let sink = parse(Kind::ALL.iter().find(|(name, _)| *name == "slack").unwrap().1).into_sink();
    let table = [
        (200, "ok", "accepted"),
        (200, "ok\n", "accepted"),
        (200, r#"{"ok":true}"#, "accepted"),
        (200, r#"{"ok":false,"error":"invalid_blocks"}"#, "never"),
        (200, r#"{"ok":false,"error":"ratelimited"}"#, "later"),
        (200, "<html>sign in</html>", "misconfigured"),
        (201, "ok", "misconfigured"),
        (400, "invalid_payload", "never"),
        (400, "no_text", "never"),
        (400, "too_many_attachments", "never"),
        (403, "invalid_token", "misconfigured"),
        (403, "action_prohibited", "misconfigured"),
        (404, "no_service", "misconfigured"),
        (404, "no_team", "misconfigured"),
        (404, "channel_not_found", "misconfigured"),
        (410, "channel_is_archived", "misconfigured"),
        (400, "user_not_found", "misconfigured"),
        (500, "rollup_error", "later"),
        (503, "invalid_payload", "later"),
    ];
    for (status, body, verdict) in table {
        assert_eq!(said(&sink, &http(status, body)).name(), verdict, "{status} {body}");
    }
    let Verdict::Misconfigured { why } = said(&sink, &http(404, "no_service")) else { unreachable!() };
    assert_eq!(why, "answered 404: no_service; the webhook was removed or disabled; make a new one");
}

#[test]
fn a_service_that_says_when_to_come_back_is_believed() {
    for (name, sink) in every_sink().filter(|(name, _)| contracts::of(name).retry_after) {
        let after = Some(Duration::from_secs(30));
        let answer = Answer::Http { status: 429, retry_after: after, body: String::new() };
        assert!(
            matches!(said(&sink, &answer), Verdict::Later { after: told, .. } if told == after),
            "{name}"
        );
    }
    let slack = parse("slack: { webhook_url: \"${env:X}\" }").into_sink();
    let body = r#"{"ok":false,"error":"rate_limited","retry_after":7}"#;
    let verdict = said(&slack, &http(429, body));
    assert!(matches!(verdict, Verdict::Later { after: Some(after), .. } if after.as_secs() == 7));
}

#[test]
fn an_answer_in_words_is_short_and_steers_no_terminal() {
    let words = in_words(502, &format!("\u{1b}[31mred\u{7}\n{}", "é".repeat(1000)));
    assert!(words.starts_with("answered 502: [31mred"), "{words}");
    assert!(words.len() <= 256 + "answered 502: ".len());
    assert!(!words.chars().any(char::is_control));
    assert_eq!(in_words(204, "\r\n"), "answered 204");
}
