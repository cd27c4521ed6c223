//! How a notification looks in Teams: an Adaptive Card with a coloured head, then the alerts, then what else is known.
//!
//! All that comes from outside stands in text runs: unlike text blocks and facts, they know no Markdown
//! (Adaptive Cards 1.2; a message holds at most 28 KB).

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::model::{
    Level,
    notification::{Change, Notification},
    wording::{self, DIGEST_ABOVE, DIGEST_NAMES, Tone},
};

/// What Teams takes, less a reserve for what the workflow adds.
pub const BYTES: usize = 27_000;
/// How much one alert may say, in characters, from the longest to what always fits.
const ROOM: [usize; 4] = [800, 300, 120, 0];
const LINE: usize = 300;

pub fn message(notification: &Notification, zone: Tz) -> Value {
    let mut last = Value::Null;
    for room in ROOM {
        last = wrap(body(notification, zone, room), &notification.runbook);
        if last.to_string().len() <= BYTES {
            break;
        }
    }
    last
}

/// The text as it is, without a link.
pub fn plain(notification: &Notification) -> Value {
    let lines = notification.text.lines().take(2 * DIGEST_NAMES);
    wrap(lines.map(|line| text(&[run(&wording::cut(line, 150))])).collect(), &None)
}

fn wrap(body: Vec<Value>, runbook: &Option<String>) -> Value {
    let address = runbook.as_deref().and_then(wording::web_address);
    let actions: Vec<Value> = address
        .map(|url| json!({ "type": "Action.OpenUrl", "title": "Runbook", "url": url }))
        .into_iter()
        .collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": body,
        "actions": actions,
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": card,
    });
    json!({ "type": "message", "attachments": [attachment] })
}

fn body(notification: &Notification, zone: Tz, room: usize) -> Vec<Value> {
    let alerts = wording::worst_first(notification);
    let mut body = vec![head(notification, &alerts)];
    if alerts.len() > DIGEST_ABOVE {
        let named = alerts.iter().take(DIGEST_NAMES);
        body.extend(named.map(|change| digest_line(change, zone)));
        body.extend(wording::and_more(alerts.len()).map(|more| text(&[quiet(&more)])));
    } else {
        let alone = alerts.len() == 1;
        body.extend(alerts.iter().map(|change| alert(change, zone, (alone, room))));
    }
    body.push(foot(notification, zone));
    body
}

/// The word that people look for, on its colour.
fn head(notification: &Notification, alerts: &[&Change]) -> Value {
    let mut items = Vec::new();
    items.extend(notification.note.as_ref().map(|note| text(&[bold(&wording::cut(note, LINE))])));
    let tone = wording::tone_of_all(notification);
    let title = with(bold(&wording::cut(&wording::title(notification), LINE)), "size", "Medium");
    items.push(text(&[with(title, "color", colour(tone))]));
    if alerts.len() > 1 {
        items.push(text(&[run(&wording::counts(alerts))]));
    }
    json!({ "type": "Container", "style": style(tone), "bleed": true, "items": items })
}

const fn style(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Level::Critical) => "attention",
        Tone::Firing(Level::Warning) => "warning",
        Tone::Firing(Level::Info) => "accent",
        Tone::Recovered => "good",
        Tone::Ended => "emphasis",
    }
}

/// Text runs have no grey of their own: what ended otherwise is not coloured.
const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Level::Critical) => "Attention",
        Tone::Firing(Level::Warning) => "Warning",
        Tone::Firing(Level::Info) => "Accent",
        Tone::Recovered => "Good",
        Tone::Ended => "Default",
    }
}

fn digest_line(change: &Change, zone: Tz) -> Value {
    let dot = with(run("● "), "color", colour(wording::tone(change)));
    let line = text(&[dot, run(&wording::cut(&wording::line(change, zone), LINE / 2))]);
    with(line, "spacing", "Small")
}

fn alert(change: &Change, zone: Tz, (alone, room): (bool, usize)) -> Value {
    let mut items: Vec<Value> = headline(change, alone).into_iter().collect();
    items.push(measures(change, zone));
    let facts: Vec<Value> = wording::facts(change).flat_map(|fact| named(&fact, room / 3)).collect();
    if room > 0 && !facts.is_empty() {
        items.push(with(text(&facts[1..]), "spacing", "Small"));
    }
    if room > 0 {
        items.extend(explanation(change, room));
    }
    json!({ "type": "Container", "separator": !alone, "spacing": "Medium", "items": items })
}

/// Whom it is about, and what happened. Alone, an alert of no entity has nothing to add to the title.
fn headline(change: &Change, alone: bool) -> Option<Value> {
    let mut runs = Vec::new();
    if !alone {
        runs.push(with(run("● "), "color", colour(wording::tone(change))));
    }
    if !change.entity.is_empty() {
        runs.push(bold(&wording::entity(change)));
    }
    let happened = if alone { wording::happened_alone(change) } else { wording::happened(change) };
    let notes = [change.note.as_ref().map(|note| wording::cut(note, LINE)), happened];
    for words in notes.into_iter().flatten() {
        runs.push(if runs.is_empty() { run(&words) } else { run(&format!("  {words}")) });
    }
    (!runs.is_empty()).then(|| text(&runs))
}

/// A column for each number, its name above it.
fn measures(change: &Change, zone: Tz) -> Value {
    let column = |(name, value): (&str, String)| {
        let name = with(text(&[quiet(name)]), "spacing", "None");
        let value = with(text(&[bold(&wording::cut(&value, 60))]), "spacing", "None");
        json!({ "type": "Column", "width": "auto", "spacing": "Large", "items": [name, value] })
    };
    let columns: Vec<Value> = wording::measures(change, zone).into_iter().map(column).collect();
    json!({ "type": "ColumnSet", "spacing": "Small", "columns": columns })
}

/// ` · used 430 GB`
fn named((name, value): &(String, String), most: usize) -> [Value; 3] {
    [quiet(" · "), quiet(&format!("{name} ")), run(&wording::cut(value, most))]
}

/// Cause, next step and the author's own words, a paragraph each.
fn explanation(change: &Change, room: usize) -> Vec<Value> {
    let cut = |words: &str| wording::cut(&wording::clean(words), room);
    let mut lines = Vec::new();
    lines.extend(change.cause.as_ref().map(|cause| text(&[bold("Cause  "), run(&cut(cause))])));
    lines.extend(change.next_step.as_ref().map(|next| text(&[bold("Next step  "), run(&cut(next))])));
    let own = wording::cut(change.message.as_deref().unwrap_or_default(), room);
    let own = own.lines().filter(|line| !wording::clean(line).is_empty());
    lines.extend(own.take(10).map(|line| text(&[run(line)])));
    lines.into_iter().map(|line| with(line, "spacing", "Small")).collect()
}

/// Rule, labels, and when it was judged.
fn foot(notification: &Notification, zone: Tz) -> Value {
    let labels: Vec<String> =
        notification.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let parts = [
        wording::cut(&notification.rule, 100),
        wording::cut(&labels.join(", "), LINE),
        wording::when(notification.at, notification.at, zone),
    ];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    with(with(text(&[quiet(&parts.join(" · "))]), "separator", true), "spacing", "Medium")
}

fn text(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

/// Text without any meaning but itself; not even a date, which `{{` would begin. Blanks at its ends stay.
fn run(words: &str) -> Value {
    let mut shown = String::with_capacity(words.len());
    shown.extend(words.chars().take_while(|c| *c == ' '));
    for c in wording::clean(words).chars() {
        if c == '{' && shown.ends_with('{') {
            shown.push(' ');
        }
        shown.push(c);
    }
    if words.ends_with(' ') && !shown.ends_with(' ') {
        shown.push(' ');
    }
    json!({ "type": "TextRun", "text": shown })
}

fn bold(words: &str) -> Value {
    with(run(words), "weight", "Bolder")
}

fn quiet(words: &str) -> Value {
    with(with(run(words), "isSubtle", true), "size", "Small")
}

fn with(mut element: Value, key: &str, value: impl Into<Value>) -> Value {
    element[key] = value.into();
    element
}
