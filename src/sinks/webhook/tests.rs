//! The chats and the bodies of one's own, with the notifications that every kind is tried with.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{
    model::{
        Entity, Kind, Level,
        notification::Change,
        samples::{change, notification},
    },
    sinks::Answer,
};

const CHATS: [&str; 4] = [
    "{ url: 'https://chat.example/hooks/x', preset: mattermost }",
    "{ url: 'https://chat.example/api/webhooks/1/x', preset: discord }",
    "{ url: 'https://chat.example/botX/sendMessage', preset: telegram, chat_id: '-100123' }",
    "{ url: 'https://chat.example/v1/spaces/A/messages?key=k', preset: google_chat }",
];

fn webhook(yaml: &str) -> Webhook {
    serde_saphyr::from_str(yaml).unwrap()
}

fn delivery(mut notification: Notification) -> Delivery {
    notification.text = wording::text(&notification, chrono_tz::UTC);
    Delivery::of_rule("chat", notification, chrono_tz::UTC)
}

fn sent(message: &Message) -> Value {
    let Message::Http(request) = message else { panic!("{message:?}") };
    serde_json::from_str(&request.body).unwrap()
}

fn both(webhook: &Webhook, delivery: &Delivery) -> [Value; 2] {
    [sent(&webhook.render(delivery, None)), sent(&webhook.render_plain(delivery))]
}

fn long(n: usize) -> Change {
    let long = "😀*<@".repeat(3000);
    Change {
        entity: Entity::of("node", format!("{n}{long}")),
        facts: (0..12).fold(Facts::default(), |facts, n| facts.with(&format!("{n}{long}"), long.clone())),
        cause: Some(long.clone()),
        next_step: Some(long.clone()),
        message: Some(long),
        ..change(Kind::Fired, Level::Critical)
    }
}

fn all_sizes() -> Vec<Delivery> {
    let small =
        |n| Change { entity: Entity::of("node", format!("es-{n}")), ..change(Kind::Fired, Level::Warning) };
    let mut wordy = notification((0..10).map(long).collect());
    wordy.summary = "*<@x>".repeat(5000);
    wordy.note = Some("late ".repeat(1000));
    vec![
        delivery(notification(vec![small(0)])),
        delivery(notification(vec![long(0)])),
        delivery(wordy),
        delivery(notification((0..11).map(long).collect())),
        delivery(notification((0..10_000).map(small).collect())),
    ]
}

fn units(value: &Value) -> usize {
    value.as_str().unwrap_or_default().encode_utf16().count()
}

fn length_of_all(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(length_of_all).sum(),
        Value::Object(map) => map.values().map(length_of_all).sum(),
        other => units(other),
    }
}

fn keeps_to_limits(preset: Preset, body: &Value) {
    match preset {
        Preset::Telegram => assert!((1..=4096).contains(&units(&body["text"]))),
        Preset::GoogleChat => assert!((1..=4096).contains(&body["text"].as_str().unwrap().len())),
        Preset::Mattermost => assert!(length_of_all(body) <= 16_383, "{}", length_of_all(body)),
        Preset::Discord => {
            assert!(units(&body["content"]) <= 2000);
            let none = Vec::new();
            let embeds = body["embeds"].as_array().unwrap_or(&none);
            assert!(embeds.len() <= 10 && length_of_all(&body["embeds"]) <= 6000);
            for embed in embeds {
                assert!(units(&embed["title"]) <= 256 && units(&embed["description"]) <= 4096);
                let fields = embed["fields"].as_array().unwrap();
                assert!(fields.len() <= 25);
                assert!(fields.iter().all(|field| (1..=256).contains(&units(&field["name"]))));
                assert!(fields.iter().all(|field| (1..=1024).contains(&units(&field["value"]))));
            }
        }
    }
}

#[test]
fn every_chat_gets_what_it_always_got() {
    let explained =
        Change { cause: Some("grew by 31 GB *today*".to_owned()), ..change(Kind::Fired, Level::Critical) };
    let over = crate::model::samples::resolved(crate::model::Ending::Cleared);
    let delivery = delivery(notification(vec![explained, over]));
    let shown: Vec<String> = CHATS
        .iter()
        .map(|yaml| serde_json::to_string_pretty(&both(&webhook(yaml), &delivery)).unwrap())
        .collect();
    insta::assert_snapshot!("webhook_chats", shown.join("\n\n"));
}

#[test]
fn every_chat_takes_whatever_a_notification_holds() {
    for yaml in CHATS {
        let webhook = webhook(yaml);
        for delivery in all_sizes() {
            for body in both(&webhook, &delivery) {
                keeps_to_limits(webhook.preset.unwrap(), &body);
            }
        }
    }
}

#[test]
fn nobody_is_mentioned_and_nothing_is_linked_at_any_chat() {
    const NASTY: [&str; 9] = [
        "@everyone",
        "@channel",
        "@all",
        "@bob",
        "<@123456>",
        "<users/all>",
        "<!channel>",
        "[x](https://evil.example)",
        "**@here**",
    ];
    for nasty in NASTY {
        let attacked = Change {
            entity: Entity::of("node", nasty),
            facts: Facts::default().with("x", nasty.to_owned()),
            cause: Some(nasty.to_owned()),
            next_step: Some(nasty.to_owned()),
            message: Some(nasty.to_owned()),
            note: Some(nasty.to_owned()),
            ..change(Kind::Fired, Level::Critical)
        };
        let mut notification = notification(vec![attacked]);
        (notification.summary, notification.note) = (nasty.to_owned(), Some(nasty.to_owned()));
        notification.labels = [("l".to_owned(), nasty.to_owned())].into();
        let delivery = delivery(notification);
        for yaml in CHATS {
            let webhook = webhook(yaml);
            let google = webhook.preset == Some(Preset::GoogleChat);
            for body in both(&webhook, &delivery) {
                let text = body.to_string().replace("https://runbooks/disk", "");
                let mentions = text.match_indices('@').any(|(at, _)| !text[at + 1..].starts_with('\u{2060}'));
                assert!(
                    !mentions && !text.contains("://") && (!google || !text.contains("<users")),
                    "{yaml}: {text}"
                );
            }
        }
    }
    let discord = webhook(CHATS[1]);
    for body in both(&discord, &all_sizes()[0]) {
        assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    }
}

fn said(yaml: &str, status: u16, body: &str) -> Verdict {
    let (webhook, delivery) = (webhook(yaml), all_sizes().remove(0));
    let message = webhook.render(&delivery, None);
    let answer = Answer::Http { status, retry_after: None, body: body.to_owned() };
    webhook.classify(&Asked { delivery: &delivery, message: &message, handle: None }, &answer)
}

#[test]
fn the_words_of_each_chat_are_understood() {
    let [mattermost, discord, telegram, google] = CHATS;
    let table = [
        (mattermost, 200, "ok", "accepted"),
        (mattermost, 400, r#"{"id":"web.incoming_webhook.invalid.app_error"}"#, "misconfigured"),
        (mattermost, 501, r#"{"id":"web.incoming_webhook.disabled.app_error"}"#, "misconfigured"),
        (mattermost, 400, r#"{"id":"web.incoming_webhook.parse.app_error"}"#, "never"),
        (discord, 204, "", "accepted"),
        (discord, 400, r#"{"code":50035,"message":"Invalid Form Body"}"#, "never"),
        (discord, 404, r#"{"code":10015,"message":"Unknown Webhook"}"#, "misconfigured"),
        (telegram, 200, r#"{"ok":true,"result":{}}"#, "accepted"),
        (telegram, 200, "<html>", "misconfigured"),
        (telegram, 400, r#"{"ok":false,"description":"Bad Request: chat not found"}"#, "misconfigured"),
        (telegram, 400, r#"{"ok":false,"description":"Bad Request: message is too long"}"#, "never"),
        (telegram, 401, r#"{"ok":false,"description":"Unauthorized"}"#, "misconfigured"),
        (telegram, 403, r#"{"ok":false,"description":"Forbidden: bot was kicked"}"#, "misconfigured"),
        (google, 200, "{}", "accepted"),
        (google, 429, r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#, "later"),
        (google, 503, "", "later"),
    ];
    for (yaml, status, body, verdict) in table {
        assert_eq!(said(yaml, status, body).name(), verdict, "{yaml} {status} {body}");
    }
    let moved = r#"{"ok":false,"description":"upgraded","parameters":{"migrate_to_chat_id":-1009}}"#;
    assert!(matches!(said(telegram, 400, moved), Verdict::Misconfigured { why } if why.contains("`-1009`")));
}

#[test]
fn a_chat_that_says_in_its_body_when_to_come_back_is_believed() {
    let after = |yaml, body| match said(yaml, 429, body) {
        Verdict::Later { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after(CHATS[1], r#"{"retry_after":0.5,"global":false}"#), Some(Duration::from_millis(500)));
    assert_eq!(
        after(CHATS[2], r#"{"ok":false,"parameters":{"retry_after":7}}"#),
        Some(Duration::from_secs(7))
    );
    assert_eq!(after(CHATS[0], ""), None);
}

#[test]
fn a_body_of_ones_own_is_sent_and_one_that_fails_gives_way_to_ours() {
    let yaml = |body: &str| format!("{{ url: 'https://x', method: PUT, body: {} }}", json!(body));
    let delivery = all_sizes().remove(0);
    let own = webhook(&yaml("{\"t\": {{ title }}}"));
    let Message::Http(request) = own.render(&delivery, None) else { panic!("http") };
    assert_eq!(request.method, Method::Put);
    assert_eq!(
        request.body,
        "{\"t\": \"CRITICAL: Disk used on a data node (main)\"}".replace("CRITICAL", "WARNING")
    );
    assert_eq!(own.fault(&delivery.notification), None);
    let broken = webhook(&yaml("{\"t\": {{ alerts[0].facts.nothing }}}"));
    assert_eq!(broken.complaints(), Vec::<String>::new());
    assert_eq!(sent(&broken.render(&delivery, None))["version"], 1);
    assert!(broken.fault(&delivery.notification).unwrap().contains("undefined"));
    let text = webhook("{ url: 'https://x', content_type: text/plain, body: '{{ title }}' }");
    let Message::Http(request) = text.render(&delivery, None) else { panic!("http") };
    assert_eq!(request.headers[0], ("Content-Type".to_owned(), "text/plain".to_owned()));
    assert!(request.body.starts_with("WARNING"));
}

#[test]
fn settings_that_contradict_each_other_are_told_when_loaded() {
    let complaints = |more: &str| webhook(&format!("{{ url: 'https://x', {more} }}")).complaints().join("\n");
    for (more, words) in [
        ("preset: discord, body: '{}'", "keep one"),
        ("preset: telegram", "needs a `chat_id`"),
        ("chat_id: '1'", "`preset: telegram` alone"),
        ("content_type: text/plain", "`body` of your own"),
        ("body: x, content_type: plain", "`text/plain`"),
        ("body: '{\"a\": \"{{ text }}\"}'", "brings its own quotes"),
        ("signature: { secret: s, header: Host }", "highwater's own"),
        ("signature: { secret: s, header: X-A, timestamp_header: x-a }", "a header each"),
        ("tls: { client_key: a.pem }", "need each other"),
    ] {
        assert!(complaints(more).contains(words), "{more}: {}", complaints(more));
    }
    assert_eq!(complaints("method: PATCH, body: '{\"a\": {{ text }}}', signature: { secret: s }"), "");
}
