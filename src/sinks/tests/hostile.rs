//! Whatever documents hold, nobody is mentioned, nothing is linked, no terminal is steered, and it stays one message.

use super::*;
use crate::model::{
    Entity, Facts, Kind as What, Level,
    notification::Change,
    samples::{change, notification},
};

const NASTY: [&str; 20] = [
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<@U024BE7LH>",
    "<#C024BE7LR>",
    "<!subteam^SAZ94GDB8>",
    "<https://evil|ok>",
    "https://evil.example",
    "&lt;!channel&gt;",
    "&",
    "<",
    ">",
    "|",
    "`",
    "```",
    "*",
    "\u{202e}",
    "\u{200b}",
    "\u{1b}[31m",
    "\n",
];

/// Twelve strings make one notification: 10^5 strings are 8,334 of them.
fn cases() -> u64 {
    let strings = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok());
    strings.unwrap_or(100_000_u64) / 12 + 1
}

fn hostile(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.u8(0..8) {
        match random.u8(0..3) {
            0 => text.push_str(NASTY[random.usize(..NASTY.len())]),
            1 => text.push(random.char(..)),
            _ => text.push(random.alphanumeric()),
        }
    }
    text
}

fn infested(mut text: impl FnMut() -> String) -> Delivery {
    let attacked = Change {
        entity: Entity::new([(text(), text())]),
        facts: Facts::default().with(&text(), text()).with("b", text()),
        cause: Some(text()),
        next_step: Some(text()),
        message: Some(text()),
        note: Some(text()),
        ..change(What::Fired, Level::Critical)
    };
    let mut notification = notification(vec![attacked]);
    notification.summary = text();
    notification.labels = [(text(), text())].into();
    delivery(notification)
}

#[test]
fn no_text_of_a_document_has_a_meaning_at_any_sink() {
    let sinks: Vec<_> = every_sink().collect();
    for seed in 0..cases() {
        let mut random = fastrand::Rng::with_seed(seed);
        let delivery = infested(|| hostile(&mut random));
        for (name, sink) in &sinks {
            for message in both(sink, &delivery) {
                harmless(name, &message).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            }
        }
    }
}

#[test]
fn each_known_attack_is_harmless_in_every_place() {
    for nasty in NASTY {
        let delivery = infested(|| nasty.to_owned());
        for (name, sink) in every_sink() {
            for message in both(&sink, &delivery) {
                harmless(name, &message).unwrap();
            }
        }
    }
}

fn harmless(kind: &str, message: &Message) -> Result<(), String> {
    // where a service takes lines, their ends are no part of them
    let ends: &[char] = if kind == "elasticsearch" { &['\n'] } else { &[] };
    let body = body(message).replace(ends, "");
    if body.chars().any(steers) {
        return Err(format!("{kind}: {body:?}"));
    }
    (contracts::of(kind).harmless)(message)
}

fn steers(c: char) -> bool {
    c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
}
