//! What Slack's answers mean, and what may be a repeat.

use super::*;

#[test]
fn slacks_words_mean_what_they_say() {
    let fired = of(change(Kind::Fired, Level::Critical));
    let table = [
        ("msg_too_long", "never"),
        ("invalid_blocks", "never"),
        ("invalid_metadata_schema", "never"),
        ("ratelimited", "later"),
        ("internal_error", "later"),
        ("channel_not_found", "misconfigured"),
        ("not_in_channel", "misconfigured"),
        ("invalid_auth", "misconfigured"),
        ("token_revoked", "misconfigured"),
        ("missing_scope", "misconfigured"),
        ("a_word_of_tomorrow", "misconfigured"),
    ];
    for (word, verdict) in table {
        assert_eq!(walk(&bot(), &fired, None, &[error(word)]).1.name(), verdict, "{word}");
    }
    let scope =
        http(200, r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"identify"}"#);
    let Verdict::Misconfigured { why } = walk(&bot(), &fired, None, &[scope]).1 else { panic!() };
    assert_eq!(
        why,
        "Slack says `missing_scope`; add the scope to the app, and install it again (`chat:write`)"
    );
    let html = http(200, "<html>sign in</html>");
    let Verdict::Misconfigured { why } = walk(&bot(), &fired, None, &[html]).1 else { panic!() };
    assert!(why.ends_with("is `api_url` Slack's Web API?"), "{why}");
}

#[test]
fn slack_says_when_to_come_back_in_the_header_or_in_the_body() {
    let fired = of(change(Kind::Fired, Level::Critical));
    let header = Answer::Http { status: 429, retry_after: Some(Duration::from_secs(30)), body: error_body() };
    for (answer, seconds) in [(header, 30), (http(429, r#"{"ok":false,"retry_after":7}"#), 7)] {
        let Verdict::Later { after, .. } = walk(&bot(), &fired, None, &[answer]).1 else { panic!() };
        assert_eq!(after, Some(Duration::from_secs(seconds)));
    }
}

fn error_body() -> String {
    r#"{"ok":false,"error":"ratelimited"}"#.to_owned()
}

#[test]
fn what_may_be_a_repeat_says_so_once_and_an_edit_never_has_to() {
    let post = bot().render(&raised(), None);
    let lost = Answer::Lost("no answer in time".to_owned());
    for answer in [None, Some(&lost), Some(&http(504, "")), Some(&error("internal_error"))] {
        let marked = bot().repeat(&post, answer).unwrap();
        let text = body(&marked)["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("_May be a repeat"), "{text}");
        assert!(text.ends_with(body(&post)["text"].as_str().unwrap()));
        assert_eq!(body(&marked)["metadata"], body(&post)["metadata"]);
        assert_eq!(bot().repeat(&marked, answer), None, "it says so already");
    }
    let refused = Answer::Unreached("connection refused".to_owned());
    for answer in
        [refused, error("ratelimited"), error("not_in_channel"), http(429, ""), http(500, ""), http(503, "")]
    {
        assert_eq!(bot().repeat(&post, Some(&answer)), None, "{answer:?}: it was surely not taken");
    }
    assert_eq!(bot().repeat(&bot().render(&raised(), Some(&known())), None), None);
    let webhook = sink(Slack::EXAMPLE);
    assert!(
        webhook.repeat(&webhook.render(&raised(), None), Some(&lost)).is_some(),
        "a webhook has no key either"
    );
}

#[test]
fn a_message_kept_for_a_webhook_is_made_anew_for_a_bot() {
    let old = sink(Slack::EXAMPLE).render(&raised(), None);
    let delivery = raised();
    let asked = Asked { delivery: &delivery, message: &old, handle: None };
    let Verdict::Then { message, .. } = bot().classify(&asked, &http(404, "")) else { panic!() };
    assert_eq!(step(&message), "post");
}
