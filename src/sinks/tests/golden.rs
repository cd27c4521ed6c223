//! What exactly is sent, for the notifications that people see most.

use serde_json::json;

use super::*;
use crate::model::{
    Ending, Entity, Kind as What, Level, Number, Unit,
    notification::Change,
    samples::{change, notification, resolved},
};

fn explained() -> Change {
    Change {
        cause: Some("the largest index on it, `http_logs_api-2026.11.21`, grew by 31 GB today".to_owned()),
        next_step: Some("delete or move indices, or add a data node".to_owned()),
        message: Some("es-1 has used 91.24 % of its disk\nask #search before deleting".to_owned()),
        ..change(What::Fired, Level::Critical)
    }
}

fn red() -> Change {
    Change {
        entity: Entity::of("cluster", "main"),
        value: Some(Number::Int(2)),
        unit: Some(Unit::Health),
        threshold: Some(Number::Int(2)),
        peak: Some(Number::Int(2)),
        previous_level: Some(Level::Warning),
        ..change(What::Raised, Level::Critical)
    }
}

fn many(n: usize) -> Vec<Change> {
    let node = |n| Change {
        entity: Entity::of("node", format!("es-{n}")),
        ..change(What::Fired, if n % 3 == 0 { Level::Critical } else { Level::Warning })
    };
    (0..n).map(node).chain([resolved(Ending::Cleared)]).collect()
}

fn event() -> Change {
    let document = json!({
        "@timestamp": "2026-11-21T09:15:59.123Z", "message": "SLOW QUEUE MSG [<Main>]: 320ms\nsecond line",
        "log": { "level": "error" }, "position": i64::MAX, "_index": "kurrentdb-logs-1", "_id": "a1",
    });
    let at = "2026-11-21T09:15:59.123Z".parse().unwrap();
    let about = (Level::Info, Entity::of("host.name", "es-1"));
    let facts = serde_json::from_value(document).unwrap();
    crate::model::Event::new("a1".to_owned(), at, about, facts).change("elasticsearch-storage", "main")
}

fn scenarios() -> Vec<(&'static str, Notification)> {
    let lowered = Change { previous_level: Some(Level::Critical), ..change(What::Lowered, Level::Warning) };
    let late = Change { note: Some("told late".to_owned()), ..change(What::Reminded, Level::Warning) };
    let test = Notification { test: true, ..notification(vec![change(What::Fired, Level::Info)]) };
    vec![
        ("fired", notification(vec![explained()])),
        ("raised", notification(vec![red()])),
        ("lowered_and_recovered", notification(vec![resolved(Ending::Cleared), lowered])),
        ("recovered", notification(vec![resolved(Ending::Cleared)])),
        ("vanished", notification(vec![resolved(Ending::Vanished)])),
        ("reminded_late", notification(vec![late])),
        ("digest", notification(many(36))),
        ("test", test),
        ("happened", notification(vec![event()])),
        ("happened_often", notification((0..12).map(|_| event()).collect())),
    ]
}

#[test]
fn every_kind_sends_what_it_always_sent() {
    for (name, sink) in every_sink() {
        for (scenario, notification) in scenarios() {
            let deliveries = cut(&sink, &delivery(notification));
            let shown: Vec<String> = deliveries.iter().map(|one| show(&sink.render(one, None))).collect();
            insta::assert_snapshot!(format!("{name}_{scenario}"), shown.join("\n\n"));
        }
        let plain = sink.render_plain(&delivery(notification(vec![explained()])));
        insta::assert_snapshot!(format!("{name}_plain"), show(&plain));
    }
}

fn show(message: &Message) -> String {
    let body = body(message);
    if let Message::Mail(letter) = message {
        let html = letter.html.as_deref().unwrap_or_default();
        let head = Letter { text: String::new(), html: None, ..(**letter).clone() };
        let head = serde_json::to_string_pretty(&head).unwrap();
        return format!("{head}\n\n{}\n{html}", letter.text);
    }
    let json = serde_json::from_str::<serde_json::Value>(&body).ok();
    let mut pretty = json.map_or(body.into_owned(), |json| serde_json::to_string_pretty(&json).unwrap());
    let Message::Http(request) = message else { return pretty };
    if request.headers.iter().any(|(_, value)| value == "application/x-www-form-urlencoded") {
        pretty = fields(message).into_iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    }
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{:?} {}\n{headers}\n{pretty}", request.method, request.path)
}

#[test]
fn the_same_delivery_is_always_the_same_bytes() {
    for (name, sink) in every_sink() {
        for (_, notification) in scenarios() {
            let delivery = delivery(notification);
            let stored: Delivery = serde_json::from_str(&serde_json::to_string(&delivery).unwrap()).unwrap();
            assert_eq!(both(&sink, &delivery), both(&sink, &stored), "{name}");
        }
    }
}

/// Teams, Slack and mail have the level as the first word of their title, and need it only once.
#[test]
fn a_card_of_one_alert_says_its_level_once() {
    let nobody = Change { entity: Entity::default(), ..change(What::Fired, Level::Warning) };
    let lowered = Change { previous_level: Some(Level::Critical), ..change(What::Lowered, Level::Warning) };
    let again = |kind| change(kind, Level::Warning);
    for only in [nobody, lowered, again(What::Reminded), again(What::Updated), again(What::Fired)] {
        for (name, sink) in every_sink() {
            if !["teams", "slack", "slack_bot", "email"].contains(&name) {
                continue;
            }
            let message = sink.render(&delivery(notification(vec![only.clone()])), None);
            for card in cards(&message) {
                let said = card.to_lowercase().matches("warning").count();
                assert_eq!(said, 1, "{name} {:?}: {card}", only.kind);
            }
        }
    }
}

/// What people see at once: words only, without what stands for colours.
fn cards(message: &Message) -> Vec<String> {
    fn texts(value: &serde_json::Value, found: &mut String) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        serde_json::Value::String(text) if key == "text" => {
                            found.push_str(&format!("{text}\n"))
                        }
                        other => texts(other, found),
                    }
                }
            }
            serde_json::Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
            _ => {}
        }
    }
    if let Message::Mail(letter) = message {
        let html = letter.html.as_deref().unwrap_or_default();
        let rows = html.split("</style>").nth(1).unwrap().split("<table").skip(1).collect::<String>();
        let words: String =
            rows.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text).collect();
        return vec![letter.text.clone(), words];
    }
    let mut found = String::new();
    texts(&serde_json::from_str(&body(message)).unwrap(), &mut found);
    vec![found]
}
