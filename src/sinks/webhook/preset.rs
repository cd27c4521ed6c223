//! Chats whose webhooks take their own JSON: how a notification looks there, within what they take.

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::inert::{ANGLES, MARKDOWN, PLAIN, Reader};
use crate::model::{
    Level,
    notification::{Change, Delivery, Notification},
    wording::{self, DIGEST_ABOVE, DIGEST_NAMES, Tone},
};

/// A chat with a body, limits and answers of its own. Nobody can be mentioned by what a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// An incoming webhook; `url` is the whole of it.
    Mattermost,
    /// A channel's webhook; `url` is the whole of it.
    Discord,
    /// A bot; `url` is `https://api.telegram.org/bot${env:TOKEN}/sendMessage`, and `chat_id` says where.
    Telegram,
    /// A space's webhook; `url` is the whole of it, with its key and its token.
    GoogleChat,
}

/// Discord: characters of all embeds together, with a reserve.
const DISCORD: usize = 5800;
/// Mattermost: characters of a post.
const MATTERMOST: usize = 16_000;
const TELEGRAM: usize = 4096;
/// Google Chat: bytes of a text.
const GOOGLE_CHAT: usize = 4096;
/// The most characters that a runbook's address may have beside a text.
const ADDRESS: usize = 1000;
/// How much one alert may say, from the longest to what always fits.
const ROOM: [usize; 4] = [600, 200, 60, 0];
const LINE: usize = 160;

impl Preset {
    pub fn body(self, delivery: &Delivery, chat_id: Option<&str>) -> Value {
        let (notification, zone) = (&delivery.notification, delivery.zone);
        match self {
            Self::Mattermost => fitting(MATTERMOST, |room| mattermost(notification, zone, room)),
            Self::Discord => fitting(DISCORD, |room| discord(notification, zone, room)),
            Self::Telegram => json!({
                "chat_id": chat_id,
                "text": text(notification, zone, (PLAIN, TELEGRAM)),
                "link_preview_options": { "is_disabled": true },
            }),
            Self::GoogleChat => json!({ "text": text(notification, zone, (ANGLES, GOOGLE_CHAT)) }),
        }
    }

    /// Title and lines only.
    pub fn plain(self, delivery: &Delivery, chat_id: Option<&str>) -> Value {
        let (notification, zone) = (&delivery.notification, delivery.zone);
        let whole = format!("{}\n{}", wording::title(notification), wording::brief(notification, zone, 900));
        let brief = |reader: Reader| reader.inert(&whole, 1900);
        match self {
            Self::Mattermost => json!({ "text": brief(MARKDOWN) }),
            Self::Discord => json!({ "content": brief(MARKDOWN), "allowed_mentions": { "parse": [] } }),
            Self::Telegram => json!({ "chat_id": chat_id, "text": brief(PLAIN) }),
            Self::GoogleChat => json!({ "text": brief(ANGLES) }),
        }
    }
}

/// The longest that fits.
fn fitting(most: usize, build: impl Fn(usize) -> Value) -> Value {
    let mut last = Value::Null;
    for room in ROOM {
        last = build(room);
        if last.to_string().encode_utf16().count() <= most {
            break;
        }
    }
    last
}

fn discord(notification: &Notification, zone: Tz, room: usize) -> Value {
    let embeds: Vec<Value> = parts(notification, zone, room)
        .into_iter()
        .map(|part| {
            let field =
                |(name, value): (String, String)| json!({ "name": name, "value": value, "inline": true });
            let fields: Vec<Value> = part.fields.into_iter().map(field).collect();
            let colour = u32::from_str_radix(part.colour.trim_start_matches('#'), 16).unwrap_or_default();
            json!({ "title": part.title, "description": part.text, "color": colour, "fields": fields })
        })
        .collect();
    json!({ "content": head(notification), "embeds": embeds, "allowed_mentions": { "parse": [] } })
}

fn mattermost(notification: &Notification, zone: Tz, room: usize) -> Value {
    let attachments: Vec<Value> = parts(notification, zone, room)
        .into_iter()
        .map(|part| {
            let field = |(name, value): (String, String)| json!({ "title": name, "value": value, "short": true });
            let fields: Vec<Value> = part.fields.into_iter().map(field).collect();
            json!({ "fallback": part.title, "color": part.colour, "title": part.title, "text": part.text, "fields": fields })
        })
        .collect();
    json!({ "text": head(notification), "attachments": attachments })
}

/// Title, what has to be said first, and the runbook.
fn head(notification: &Notification) -> String {
    let mut head = format!("**{}**", MARKDOWN.inert(&wording::title(notification), 600));
    if let Some(note) = &notification.note {
        head = format!("{}\n{head}", MARKDOWN.inert(note, LINE));
    }
    let runbook = notification.runbook.as_deref().and_then(wording::web_address);
    // angle brackets end it where we say; the address holds none
    if let Some(url) = runbook.filter(|url| url.len() <= ADDRESS) {
        head.push_str(&format!("\nrunbook: <{url}>"));
    }
    head
}

/// One alert, or all of a digest.
struct Part {
    colour: &'static str,
    title: String,
    text: Option<String>,
    fields: Vec<(String, String)>,
}

fn parts(notification: &Notification, zone: Tz, room: usize) -> Vec<Part> {
    let alerts = wording::worst_first(notification);
    if alerts.len() <= DIGEST_ABOVE {
        return alerts.into_iter().map(|change| part(change, zone, room)).collect();
    }
    let line = |change: &&Change| MARKDOWN.inert(&wording::line(change, zone), LINE);
    let mut lines: Vec<String> = alerts.iter().take(DIGEST_NAMES).map(line).collect();
    lines.extend(wording::and_more(alerts.len()));
    vec![Part {
        colour: colour(wording::tone_of_all(notification)),
        title: wording::counts(&alerts),
        text: Some(lines.join("\n")),
        fields: Vec::new(),
    }]
}

fn part(change: &Change, zone: Tz, room: usize) -> Part {
    let inert = |text: &str, most: usize| MARKDOWN.inert(text, most);
    let measures = wording::measures(change, zone).into_iter().map(|(name, value)| (name.to_owned(), value));
    let facts = wording::facts(change).filter(|_| room > 0);
    let fields =
        measures.chain(facts).map(|(name, value)| (inert(&name, 60), inert(&value, room.clamp(60, 300))));
    let fields = fields.filter(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty());
    Part {
        colour: colour(wording::tone(change)),
        title: headline(change),
        text: Some(explanation(change, room).join("\n")).filter(|text| !text.is_empty()),
        fields: fields.take(12).collect(),
    }
}

/// Whom it is about, and what happened; the numbers stand below.
fn headline(change: &Change) -> String {
    let whom = if change.entity.is_empty() { change.level.to_string() } else { wording::entity(change) };
    let parts = [change.note.clone(), Some(whom), wording::happened(change)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    MARKDOWN.inert(&parts.join(": "), LINE)
}

fn explanation(change: &Change, room: usize) -> Vec<String> {
    if room == 0 {
        return Vec::new();
    }
    let named = |name: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!("**{name}**  {}", MARKDOWN.inert(text, room)))
    };
    let own = change.message.as_ref().map(|own| MARKDOWN.inert(own, room));
    [named("Cause", &change.cause), named("Next step", &change.next_step), own]
        .into_iter()
        .flatten()
        .collect()
}

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Level::Critical) => "#d7263d",
        Tone::Firing(Level::Warning) => "#f2a100",
        Tone::Firing(Level::Info) => "#2f80ed",
        Tone::Recovered => "#2eb67d",
        Tone::Ended => "#9e9e9e",
    }
}

/// The whole in plain text, and the runbook's address as it is.
fn text(notification: &Notification, zone: Tz, (reader, most): (Reader, usize)) -> String {
    let runbook = notification.runbook.as_deref().and_then(wording::web_address);
    let runbook =
        runbook.filter(|url| url.len() <= ADDRESS).map(|url| format!("\nrunbook: {url}")).unwrap_or_default();
    let without = Notification { runbook: None, ..notification.clone() };
    let room = most - runbook.chars().map(reader.length).sum::<usize>();
    format!("{}{runbook}", reader.inert(&wording::text(&without, zone), room))
}
