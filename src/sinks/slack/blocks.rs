//! How a notification looks in a channel: a title, then one attachment per alert with its colour, or one for a digest.
//!
//! Limits (Slack's reference for Block Kit): 50 blocks in a message, 3000 characters in a section's text, 10 fields of 2000.

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::escape::{escape, link};
use crate::model::{
    Kind, Level,
    notification::{Change, Notification, Status},
    span,
    wording::{self, DIGEST_ABOVE, DIGEST_NAMES},
};

/// The most characters of the message's own text, and of a section's.
pub const TEXT: usize = 3000;
/// What one of ten alerts may say of its causes.
const DETAIL: usize = 1500;
const FIELDS: usize = 10;
const FIELD: usize = 500;
/// One line of a digest: ten of them make a section.
const DIGEST_LINE: usize = 280;

const RED: &str = "#d7263d";
const AMBER: &str = "#f2a100";
const BLUE: &str = "#2f80ed";
const GREEN: &str = "#2eb67d";
const GREY: &str = "#9e9e9e";

pub fn message(notification: &Notification, zone: Tz) -> Value {
    let alerts = wording::worst_first(notification);
    let mut attachments = match alerts[..] {
        [] => Vec::new(),
        [only] => vec![attachment(colour(only), alert_blocks(only, zone))],
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

/// What a phone shows: the title, and the alert itself or how many there are.
fn title(notification: &Notification, alerts: &[&Change], zone: Tz) -> String {
    let title = escape(&wording::title(notification), 600);
    match alerts {
        [] => format!("*{title}*"),
        [only] => format!("*{title}*\n{}", escape(&wording::line(only, zone), 2000)),
        _ => format!("*{title}*\n{}", counts(alerts)),
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
        (_, Level::Critical) => RED,
        (_, Level::Warning) => AMBER,
        (_, Level::Info) => BLUE,
    }
}

fn attachment(colour: &str, blocks: Vec<Value>) -> Value {
    json!({ "color": colour, "blocks": blocks })
}

fn with_headline(change: &Change, zone: Tz) -> Value {
    let mut blocks = vec![section(escape(&wording::line(change, zone), TEXT))];
    blocks.extend(alert_blocks(change, zone));
    attachment(colour(change), blocks)
}

fn alert_blocks(change: &Change, zone: Tz) -> Vec<Value> {
    let mut blocks = vec![json!({ "type": "section", "fields": fields(change, zone) })];
    blocks.extend(explanation(change));
    blocks
}

fn fields(change: &Change, zone: Tz) -> Vec<Value> {
    let resolved = change.kind == Kind::Resolved;
    let mut fields = vec![("Level".to_owned(), change.level.to_string())];
    let mut add = |name: &str, value: Option<String>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    add(if resolved && !change.is_cleared() { "Last value" } else { "Value" }, change.show_value());
    add("Threshold", change.show_threshold());
    add("Since", Some(wording::when(change.since, change.at, zone)));
    add("Peak", change.show_peak().filter(|_| resolved));
    add("Lasted", resolved.then(|| span::show(wording::lasted(change))));
    fields.extend(wording::facts(change));
    let shown = fields.into_iter().take(FIELDS);
    shown
        .map(|(name, value)| mrkdwn(format!("*{}*\n{}", escape(&name, 100), escape(&value, FIELD))))
        .collect()
}

/// Cause, next step and the author's own words.
fn explanation(change: &Change) -> Option<Value> {
    let cause = change.cause.as_ref().map(|cause| format!("*Cause*: {}", escape(cause, DETAIL / 3)));
    let next = change.next_step.as_ref().map(|step| format!("*Next step*: {}", escape(step, DETAIL / 3)));
    let own = own_words(change);
    let lines: Vec<String> =
        [cause, next, own].into_iter().flatten().filter(|line| !line.is_empty()).collect();
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

fn digest(notification: &Notification, alerts: &[&Change], zone: Tz) -> Value {
    let firing = notification.status == Status::Firing;
    let told = alerts.iter().filter(|change| !firing || change.kind != Kind::Resolved);
    let colours: Vec<&str> = told.map(|change| colour(change)).collect();
    let worst = [RED, AMBER, BLUE, GREY].into_iter().find(|colour| colours.contains(colour));
    let lines: Vec<String> = alerts
        .iter()
        .take(DIGEST_NAMES)
        .map(|change| format!("• {}", escape(&wording::line(change, zone), DIGEST_LINE)))
        .collect();
    let mut blocks: Vec<Value> = lines.chunks(10).map(|lines| section(lines.join("\n"))).collect();
    blocks.extend(wording::and_more(alerts.len()).map(section));
    attachment(worst.unwrap_or(GREEN), blocks)
}

/// Rule, labels, when it was judged, and the runbook.
fn context(notification: &Notification, zone: Tz) -> Value {
    let mut parts = vec![escape(&notification.rule, 200)];
    let labels: Vec<String> =
        notification.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.push(escape(&labels.join(", "), 500));
    parts.push(wording::when(notification.at, notification.at, zone));
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
        use Ending::{Cleared, Disabled, NoData, RuleChanged, RuleRemoved, Vanished};
        for ending in [Vanished, NoData, RuleRemoved, RuleChanged, Disabled] {
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
