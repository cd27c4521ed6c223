//! What is secret in a sink's settings is in nothing that it writes, shows or says.

use super::*;
use crate::model::{
    Kind as What, Level,
    samples::{change, notification},
    secret::Part,
};

const CANARY: &str = "canary-7f3a";

/// The kind's example with a canary in the place of each looked-up secret.
fn with_canaries(example: &str) -> String {
    let mut text = example.to_owned();
    while let (Some(start), Some(end)) = (text.find("${"), text.find('}')) {
        text.replace_range(start..=end, &format!("https://{CANARY}.example/{CANARY}"));
    }
    text
}

#[test]
fn no_secret_is_in_any_debug_message_or_verdict() {
    for (name, example) in every_example() {
        let kind = parse(&with_canaries(example));
        let delivery = delivery(notification(vec![change(What::Fired, Level::Critical)]));
        let sink = kind.clone().into_sink();
        let mut shown = format!("{kind:?} {sink:?} {:?} {:?}", sink.destination(), sink.secrets());
        for message in both(&sink, &delivery) {
            shown += &serde_json::to_string(&message).unwrap();
        }
        for status in 200..600 {
            let answer = Answer::Http { status, retry_after: None, body: "no".to_owned() };
            shown += &format!("{:?}", said(&sink, &answer));
        }
        shown += &sink.complaints().join(" ");
        assert!(!shown.contains(CANARY), "{name}: {shown}");
    }
}

#[test]
fn a_secret_that_stands_in_the_file_is_known_as_one() {
    for (name, example) in every_example().filter(|(_, example)| example.contains("${")) {
        let sink = parse(&with_canaries(example)).into_sink();
        assert!(sink.secrets().iter().any(|(_, secret)| secret.is_literal()), "{name}");
    }
}

#[test]
fn a_header_that_carries_a_credential_is_a_secret_too() {
    let text =
        "webhook: { url: \"https://a\", headers: { X-Team: search, X-Api-Key: abc, Authorization: x } }";
    let sink = parse(text).into_sink();
    assert_eq!(sink.secrets().len(), 2);
}

#[test]
fn the_token_travels_as_a_header_of_the_attempt() {
    let sink = parse("webhook: { url: \"${env:U}\", bearer_token: \"${file:/run/t}\" }").into_sink();
    let Destination::Http(Endpoint { headers, .. }) = sink.destination() else { unreachable!() };
    let (name, value) = &headers[0];
    assert_eq!(name, "Authorization");
    let parts = [Part::Literal("Bearer ".to_owned()), Part::File("/run/t".to_owned())];
    assert!(value.parts == parts, "{value}");
}

#[test]
fn a_webhook_may_not_say_what_is_ours_to_say() {
    for header in ["Content-Type", "idempotency-key", "a b", "", "X-Ü"] {
        let text = format!("webhook: {{ url: \"https://a\", headers: {{ {header:?}: x }} }}");
        assert_eq!(parse(&text).into_sink().complaints().len(), 1, "{header}");
    }
    assert_eq!(parse("webhook: { url: ftp://a }").into_sink().complaints().len(), 1);
}
