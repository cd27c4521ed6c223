//! Who, what about, and which thread: all of a mail but its HTML.

use lettre::message::Mailbox as Address;

use super::Email;
use crate::{
    model::{
        Kind, Level,
        notification::{Delivery, Handle, Notification},
        wording::{self, Tone},
    },
    sinks::Letter,
};

const SUBJECT: usize = 120;
const TEXT: usize = 40_000;

pub fn plain(email: &Email, delivery: &Delivery, handle: Option<&Handle>) -> Letter {
    let notification = &delivery.notification;
    let host = host(&email.from);
    let message_id = format!("{}@{host}", notification.notification_id);
    let thread = handle.map(|handle| handle.0.clone()).filter(|thread| *thread != message_id);
    Letter {
        from: email.from.clone(),
        to: email.to.clone(),
        missing: email.to.clone(),
        at: notification.at,
        subject: subject(notification),
        headers: headers(notification, &host),
        message_id,
        thread,
        text: text(delivery),
        html: None,
    }
}

/// An address that every server takes, with or without a name.
pub fn parse(text: &str) -> Option<Address> {
    text.parse().ok().filter(|_| text.is_ascii())
}

fn host(from: &str) -> String {
    parse(from).map_or("localhost".to_owned(), |from| from.email.domain().to_owned())
}

/// The same when it fires and when it is over, for clients that sort by it; the level comes first in the mail itself.
fn subject(notification: &Notification) -> String {
    let test = if notification.test { "TEST: " } else { "" };
    let summary = notification.title.as_ref().unwrap_or(&notification.summary);
    let what = if summary.trim().is_empty() { &notification.rule } else { summary };
    let cluster = wording::clean(&notification.cluster);
    wording::cut(&format!("{test}{} ({cluster})", wording::clean(what)), SUBJECT)
}

/// For programs that sort, and for those that would answer by themselves.
fn headers(notification: &Notification, host: &str) -> Vec<(String, String)> {
    let rule = wording::clean(&notification.rule);
    let cluster = wording::clean(&notification.cluster);
    let list = format!("<{}.{}.highwater.{host}>", label(&rule), label(&cluster));
    let mut headers = vec![
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        ("List-Id", list),
        ("X-Highwater-Rule", wording::cut(&rule, SUBJECT)),
        ("X-Highwater-Cluster", wording::cut(&cluster, SUBJECT)),
        ("X-Highwater-Status", status(notification)),
    ];
    let is_news = |kind: Kind| !matches!(kind, Kind::Resolved | Kind::Lowered | Kind::Updated);
    let urgent =
        notification.alerts.iter().any(|change| change.level == Level::Critical && is_news(change.kind));
    if urgent && !notification.test {
        headers.push(("Importance", "high".to_owned()));
    }
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn status(notification: &Notification) -> String {
    match wording::tone_of_all(notification) {
        Tone::Firing(level) => format!("firing {level}"),
        Tone::Recovered => "resolved".to_owned(),
        Tone::Ended => "ended".to_owned(),
    }
}

/// What may stand in the name of a list.
fn label(text: &str) -> String {
    let fine = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    text.chars().take(60).map(fine).collect()
}

fn text(delivery: &Delivery) -> String {
    let notification = &delivery.notification;
    let when = wording::when(notification.at, notification.at, delivery.zone);
    let foot = [notification.rule.as_str(), notification.cluster.as_str(), when.as_str()].map(wording::clean);
    let body: Vec<String> = notification.text.lines().map(line_of).collect();
    format!("{}\n\n-- \n{}\n", wording::cut(&body.join("\n"), TEXT), foot.join(", "))
}

/// Its indentation stays, everything that steers goes.
fn line_of(line: &str) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    format!("{}{}", " ".repeat(indent.min(8)), wording::clean(line))
}
