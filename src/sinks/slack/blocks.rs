//! How a notification looks in a channel: a title, then one attachment per alert with its colour, or one for a digest.
//!
//! Limits (Slack's reference for Block Kit): 50 blocks in a message, 3000 characters in a section's text.

use std::cmp::Reverse;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::escape::{escape, link};
use crate::model::{
    Kind, Level,
    notification::{Change, Digest, Notification, Status},
    wording::{self, DIGEST_ABOVE, DIGEST_NAMES},
};

/// The most characters of the message's own text, and of a section's.
pub const TEXT: usize = 3000;
/// What one of ten alerts may say of its causes.
const DETAIL: usize = 1500;
/// One of three facts.
const FACT: usize = 500;
/// One line of a digest: ten of them make a section.
const DIGEST_LINE: usize = 280;
/// One of ten in a reply.
const REPLY_LINE: usize = 200;

const RED: &str = "#d7263d";
const AMBER: &str = "#f2a100";
const BLUE: &str = "#2f80ed";
const GREEN: &str = "#2eb67d";
const GREY: &str = "#9e9e9e";

pub fn message(notification: &Notification, zone: Tz) -> Value {
    let alerts = wording::worst_first(notification);
    let mut attachments = match alerts[..] {
        _ if notification.digest.is_some() => vec![digest(notification, &alerts, zone)],
        [] => Vec::new(),
        [only] => vec![attachment(colour(only), alert_blocks(only))],
        _ if alerts.len() <= DIGEST_ABOVE => {
            alerts.iter().map(|change| with_headline(change, zone)).collect()
        }
        _ => vec![digest(notification, &alerts, zone)],
    };
    let context = context(notification, zone);
    match attachments.last_mut().and_then(|last| last["blocks"].as_array_mut()) {
        Some(blocks) => blocks.push(context),
        None => attachments.push(attachment(GREY, vec![context])),
    }
    attachments[0]["fallback"] = escape(&notification.text, TEXT).into();
    json!({ "text": title(notification, &alerts, zone), "attachments": attachments })
}

/// The same as plain text, for an edit that takes the blocks away.
pub fn plain(notification: &Notification) -> Value {
    json!({ "text": escape(&notification.text, TEXT), "attachments": [] })
}

/// What a reply in the thread tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Raised,
    Over,
    Reminded,
}

impl News {
    /// `None`: it is enough to edit the message.
    pub fn of(notification: &Notification) -> Option<Self> {
        let any = |kinds: [Kind; 2]| notification.alerts.iter().any(|change| kinds.contains(&change.kind));
        match notification.status {
            Status::Resolved => Some(Self::Over),
            Status::Firing if any([Kind::Raised, Kind::Fired]) => Some(Self::Raised),
            Status::Firing => any([Kind::Reminded; 2]).then_some(Self::Reminded),
        }
    }
}

/// What goes into the thread: the title, and what is new of whom.
pub fn reply(notification: &Notification, zone: Tz) -> Value {
    let alerts = wording::worst_first(notification);
    let mut lines = vec![title(notification, &alerts, zone)];
    if alerts.len() > 1 {
        let news = alerts.iter().take(DIGEST_NAMES / 2);
        lines.extend(news.map(|change| bullet(change, REPLY_LINE, zone)));
    }
    json!({ "text": lines.join("\n") })
}

/// What a phone shows: the title, and the alert itself or how many there are.
fn title(notification: &Notification, alerts: &[&Change], zone: Tz) -> String {
    let note = notification.note.as_ref().map(|note| format!("_{}_\n", escape(note, 200)));
    let title = format!("{}*{}*", note.unwrap_or_default(), escape(&wording::title(notification), 600));
    match (alerts, &notification.digest) {
        (_, Some(digest)) if digest.open.min(alerts.len()) < digest.of => {
            format!("{title}\n{}", what_is_left(digest))
        }
        ([], _) => title,
        ([only], None) => format!("{title}\n{}", escape(&wording::line_alone(only, zone), 1200)),
        _ => format!("{title}\n{}", counts(alerts)),
    }
}

/// `12 of 37 alerts still fire`
fn what_is_left(digest: &Digest) -> String {
    match digest.open {
        0 => format!("all {} alerts are over", digest.of),
        1 => format!("1 of {} alerts still fires", digest.of),
        open => format!("{open} of {} alerts still fire", digest.of),
    }
}

/// `37 alerts: 30 critical, 5 warning, 2 over`
fn counts(alerts: &[&Change]) -> String {
    let over = alerts.iter().filter(|change| change.kind == Kind::Resolved).count();
    let at = |level: Level| {
        let firing = alerts.iter().filter(|change| change.kind != Kind::Resolved && change.level == level);
        (firing.count(), level.name())
    };
    let mut kinds: Vec<(usize, &str)> = Level::ALL.into_iter().rev().map(at).collect();
    kinds.push((over, "over"));
    let kinds: Vec<String> =
        kinds.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    format!("{} alerts: {}", alerts.len(), kinds.join(", "))
}

/// Green is only for what is proven to be over.
fn colour(change: &Change) -> &'static str {
    match (change.kind, change.level) {
        (Kind::Resolved, _) if change.is_cleared() => GREEN,
        (Kind::Resolved, _) => GREY,
        (_, level) => colour_of(level),
    }
}

const fn colour_of(level: Level) -> &'static str {
    match level {
        Level::Critical => RED,
        Level::Warning => AMBER,
        Level::Info => BLUE,
    }
}

fn attachment(colour: &str, blocks: Vec<Value>) -> Value {
    json!({ "color": colour, "blocks": blocks })
}

fn with_headline(change: &Change, zone: Tz) -> Value {
    let mut blocks = vec![section(escape(&wording::line(change, zone), TEXT))];
    blocks.extend(alert_blocks(change));
    attachment(colour(change), blocks)
}

/// Why, what to do, and the facts; the value and its threshold stand in the line above.
fn alert_blocks(change: &Change) -> Vec<Value> {
    explanation(change).into_iter().chain(facts(change)).collect()
}

/// `*used* 430 GB · *free* 40 GB`
fn facts(change: &Change) -> Option<Value> {
    let facts = wording::facts(change);
    let facts: Vec<String> =
        facts.map(|(name, value)| format!("*{}* {}", escape(&name, 100), escape(&value, FACT))).collect();
    (!facts.is_empty()).then(|| section(facts.join(" · ")))
}

/// Cause, next step, how often it came before, and the author's own words.
fn explanation(change: &Change) -> Option<Value> {
    let cause = change.cause.as_ref().map(|cause| format!("*Cause*: {}", escape(cause, DETAIL / 3)));
    let next = change.next_step.as_ref().map(|step| format!("*Next step*: {}", escape(step, DETAIL / 3)));
    let own = own_words(change);
    let lines: Vec<String> = [cause, next, change.precedent.clone(), own]
        .into_iter()
        .flatten()
        .filter(|line| !line.is_empty())
        .collect();
    (!lines.is_empty()).then(|| section(lines.join("\n")))
}

/// The author's own words; the links in them are the only ones that a message makes beside the runbook's.
fn own_words(change: &Change) -> Option<String> {
    let mut words = escape(change.message.as_ref()?, DETAIL / 3);
    for made in &change.links {
        if let Some(link) = link(&made.url, &made.text) {
            let linked = words.replace(&escape(&made.plain(), DETAIL), &link);
            words = if linked.chars().count() <= DETAIL { linked } else { words };
        }
    }
    Some(words)
}

/// The worst by name, the others by number: what changed, and what is open beside it.
fn digest(notification: &Notification, alerts: &[&Change], zone: Tz) -> Value {
    let standing = notification.digest.iter().flat_map(|digest| &digest.standing);
    let mut named: Vec<&Change> = alerts.iter().copied().chain(standing).collect();
    named.sort_by_key(|change| (change.kind == Kind::Resolved, Reverse(change.level)));
    let over = alerts.iter().filter(|change| change.kind == Kind::Resolved).count();
    let all = notification.digest.as_ref().map_or(alerts.len(), |digest| digest.open + over);
    let lines: Vec<String> =
        named.iter().take(DIGEST_NAMES).map(|change| bullet(change, DIGEST_LINE, zone)).collect();
    let mut blocks: Vec<Value> = lines.chunks(10).map(|lines| section(lines.join("\n"))).collect();
    blocks.extend(wording::and_more(all).map(section));
    attachment(digests_colour(notification, alerts), blocks)
}

fn digests_colour(notification: &Notification, alerts: &[&Change]) -> &'static str {
    if let Some(digest) = &notification.digest {
        return match (notification.status, digest.unproven) {
            (Status::Firing, _) => colour_of(notification.level),
            (Status::Resolved, true) => GREY,
            (Status::Resolved, false) => GREEN,
        };
    }
    let firing = notification.status == Status::Firing;
    let told = alerts.iter().filter(|change| !firing || change.kind != Kind::Resolved);
    let colours: Vec<&str> = told.map(|change| colour(change)).collect();
    let worst = [RED, AMBER, BLUE, GREY].into_iter().find(|colour| colours.contains(colour));
    worst.unwrap_or(GREEN)
}

fn bullet(change: &Change, most: usize, zone: Tz) -> String {
    format!("• {}", escape(&wording::line(change, zone), most))
}

/// Rule, labels, when it was judged, and the runbook.
fn context(notification: &Notification, zone: Tz) -> Value {
    let mut parts = vec![escape(&notification.rule, 200)];
    let labels: Vec<String> =
        notification.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.push(escape(&labels.join(", "), 500));
    parts.push(format!("as of {}", wording::when(notification.at, notification.at, zone)));
    parts.extend(notification.runbook.as_ref().map(|runbook| {
        link(runbook, "runbook").unwrap_or_else(|| escape(&format!("runbook: {runbook}"), 500))
    }));
    parts.retain(|part| !part.is_empty());
    json!({ "type": "context", "elements": [mrkdwn(parts.join(" · "))] })
}

fn section(text: String) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

/// `verbatim`: what looks like an address or a name in it stays text.
fn mrkdwn(text: String) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Ending,
        samples::{change, notification, resolved},
    };

    fn colours(alerts: Vec<Change>) -> Vec<String> {
        let message = message(&notification(alerts), chrono_tz::UTC);
        let attachments = message["attachments"].as_array().unwrap().iter();
        attachments.map(|attachment| attachment["color"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn green_is_only_for_what_is_proven_to_be_over() {
        use Ending::{Cleared, Disabled, NoData, RuleChanged, RuleRemoved, SinkRemoved, Vanished};
        for ending in [Vanished, NoData, RuleRemoved, RuleChanged, Disabled, SinkRemoved] {
            assert_eq!(colours(vec![resolved(ending)]), [GREY]);
            let mut many = vec![resolved(Cleared); 11];
            many.push(resolved(ending));
            assert_eq!(colours(many), [GREY], "a digest is green only if all of it is proven");
        }
        assert_eq!(colours(vec![resolved(Cleared)]), [GREEN]);
        assert_eq!(colours(vec![resolved(Cleared); 11]), [GREEN]);
    }

    #[test]
    fn each_alert_has_the_colour_of_its_level_and_a_digest_that_of_the_worst() {
        let levels = [Level::Info, Level::Critical, Level::Warning];
        let alerts: Vec<Change> = levels.map(|level| change(Kind::Fired, level)).to_vec();
        assert_eq!(colours(alerts), [RED, AMBER, BLUE]);
        let mut many = vec![resolved(Ending::Cleared); 11];
        many.push(change(Kind::Fired, Level::Warning));
        assert_eq!(colours(many), [AMBER]);
    }
}
