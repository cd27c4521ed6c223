//! What people read: a notification and each of its alerts in plain text.
//!
//! Sinks that have more than text (colours, fields) take the parts from here, so that all say the same in the same words.

use std::{cmp::Reverse, time::Duration};

use chrono::Datelike;
use chrono_tz::Tz;
use serde_json::Value;

use super::{
    Ending, Kind, Level, Number, Time, event,
    notification::{Change, Notification, Status},
    number::show_bytes,
    span,
    time::elapsed,
};

/// More alerts than this in one notification become a digest: one line each.
pub const DIGEST_ABOVE: usize = 10;
/// How many alerts a digest names; the others are counted.
pub const DIGEST_NAMES: usize = 20;
/// How many facts explain one alert.
const FACTS_SHOWN: usize = 3;
/// The most characters of one line that explains an alert.
const DETAIL_LENGTH: usize = 1000;

/// The whole notification, for people: title, a line per alert, what explains it, the runbook.
pub fn text(notification: &Notification, zone: Tz) -> String {
    let alerts = worst_first(notification);
    let digest = alerts.len() > DIGEST_ABOVE;
    let mut lines: Vec<String> = notification.note.iter().map(|note| clean(note)).collect();
    lines.push(title(notification));
    for change in alerts.iter().take(if digest { DIGEST_NAMES } else { DIGEST_ABOVE }) {
        lines.push(if alerts.len() == 1 { line_alone(change, zone) } else { line(change, zone) });
        if !digest {
            lines.extend(details(change).into_iter().map(|detail| format!("  {detail}")));
        }
    }
    lines.extend(and_more(alerts.len()));
    lines.extend(notification.runbook.as_ref().map(|runbook| format!("runbook: {}", clean(runbook))));
    lines.join("\n")
}

/// `and 17 more`, where a digest cannot name all.
pub fn and_more(alerts: usize) -> Option<String> {
    let more = alerts.saturating_sub(DIGEST_NAMES);
    (more > 0).then(|| format!("and {more} more"))
}

/// What fires before what ended, the highest level first; otherwise as they came.
pub fn worst_first(notification: &Notification) -> Vec<&Change> {
    let mut alerts: Vec<&Change> = notification.alerts.iter().collect();
    alerts.sort_by_key(|change| (change.kind == Kind::Resolved, Reverse(change.level)));
    alerts
}

/// `CRITICAL: Disk used on a data node (main)`; an ending that proves nothing says so first.
pub fn title(notification: &Notification) -> String {
    let test = if notification.test { "TEST: " } else { "" };
    let what = clean(subject(notification));
    format!("{test}{}: {what} ({})", standing(notification), clean(&notification.cluster))
}

/// What it is about: the author's title, else the summary, else the rule's name.
pub fn subject(notification: &Notification) -> &str {
    let summary = notification.title.as_ref().unwrap_or(&notification.summary);
    if summary.trim().is_empty() { &notification.rule } else { summary }
}

/// Not every alert was proven to be over.
const CLOSED: &str = "CLOSED, not all proven recovered";

/// The word that people look for first.
pub fn standing(notification: &Notification) -> String {
    if let (Status::Firing, Some(_)) = (notification.status, &notification.digest) {
        return notification.level.name().to_uppercase();
    }
    if notification.status == Status::Firing {
        let firing = notification.alerts.iter().filter(|change| change.kind != Kind::Resolved);
        return firing.map(|change| change.level).max().unwrap_or(notification.level).name().to_uppercase();
    }
    if notification.digest.as_ref().is_some_and(|digest| digest.unproven) {
        return CLOSED.to_owned();
    }
    let mut endings: Vec<Ending> = notification.alerts.iter().filter_map(|change| change.reason).collect();
    endings.dedup();
    match endings[..] {
        [ending] => shout_first(ending.words()),
        _ => CLOSED.to_owned(),
    }
}

/// `GONE, not proven recovered`
fn shout_first(words: &str) -> String {
    let end = words.find(|c: char| !c.is_alphabetic()).unwrap_or(words.len());
    format!("{}{}", words[..end].to_uppercase(), &words[end..])
}

/// One alert in one line: `node=es-1: raised from warning to critical: 91.2 %, threshold 90 %, since 10:02 CET`.
pub fn line(change: &Change, zone: Tz) -> String {
    line_saying(change, happened(change), zone)
}

/// The same below a title that says the level already: `node=es-1: still firing: 91.2 %, …`.
pub fn line_alone(change: &Change, zone: Tz) -> String {
    line_saying(change, happened_alone(change), zone)
}

fn line_saying(change: &Change, happened: Option<String>, zone: Tz) -> String {
    let mut parts: Vec<String> = change.note.iter().map(|note| clean(note)).collect();
    if !change.entity.is_empty() {
        parts.push(entity(change));
    }
    if change.kind == Kind::Happened {
        parts.push(format!("{}, {}", said(change), when(change.at, change.at, zone)));
        return parts.join(": ");
    }
    parts.extend(happened);
    parts.push(measured(change, zone));
    parts.join(": ")
}

/// What an event says of itself, in one line.
pub fn said(change: &Change) -> String {
    let first = change.message.as_deref().and_then(|message| message.lines().next());
    let own = first.or_else(|| event::message(&change.facts));
    let json = || serde_json::to_string(&change.facts).unwrap_or_default();
    cut(&clean(&own.map_or_else(json, str::to_owned)), DETAIL_LENGTH)
}

/// `node=es-1,path=/data`, for people.
pub fn entity(change: &Change) -> String {
    cut(&clean(&change.entity.to_string()), 200)
}

/// What happened, where it is more than that it fired.
pub fn happened(change: &Change) -> Option<String> {
    let from = |level: Level| format!(" from {level}");
    let from = change.previous_level.map(from).unwrap_or_default();
    match change.kind {
        Kind::Fired => None,
        Kind::Raised => Some(format!("raised{from} to {}", change.level)),
        Kind::Lowered => Some(format!("lowered{from} to {}", change.level)),
        Kind::Reminded | Kind::Updated => Some(format!("still {}", change.level)),
        Kind::Happened => None,
        Kind::Resolved => Some(change.reason.map_or("closed", Ending::words).to_owned()),
    }
}

/// The same of a notification's only alert: its level is the first word of the title, and is not said again.
pub fn happened_alone(change: &Change) -> Option<String> {
    match (change.kind, change.previous_level) {
        (Kind::Reminded | Kind::Updated, _) => Some("still firing".to_owned()),
        (Kind::Lowered, Some(from)) => Some(format!("lowered from {from}")),
        _ => happened(change),
    }
}

/// Value, threshold and time; on an ending also the peak and how long it was.
fn measured(change: &Change, zone: Tz) -> String {
    let value = change.show_value();
    let mut parts = match (change.kind, change.is_cleared()) {
        (Kind::Resolved, false) => value.map(|value| format!("last {value}")).into_iter().collect(),
        _ => vec![value.unwrap_or_else(|| "no value".to_owned())],
    };
    parts.extend(change.show_threshold().map(|threshold| format!("threshold {threshold}")));
    if change.kind == Kind::Resolved {
        parts.extend(change.show_peak().map(|peak| format!("peak {peak}")));
        parts.push(format!("after {}", span::show(lasted(change))));
    }
    parts.push(format!("since {}", when(change.since, change.at, zone)));
    parts.join(", ")
}

/// What a colour says of an alert; each sink has its own paint for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Firing(Level),
    /// Proven to be over: the only one that is green.
    Recovered,
    /// Ended, but not proven to be over.
    Ended,
}

pub fn tone(change: &Change) -> Tone {
    match change.kind {
        Kind::Resolved if change.is_cleared() => Tone::Recovered,
        Kind::Resolved => Tone::Ended,
        _ => Tone::Firing(change.level),
    }
}

/// The tone of the whole: the worst that fires; green only where every ending is proven.
pub fn tone_of_all(notification: &Notification) -> Tone {
    if notification.status == Status::Firing {
        let firing = notification.alerts.iter().filter(|change| change.kind != Kind::Resolved);
        return Tone::Firing(firing.map(|change| change.level).max().unwrap_or(notification.level));
    }
    let unproven = notification.digest.as_ref().is_some_and(|digest| digest.unproven);
    match !unproven && notification.alerts.iter().all(Change::is_cleared) {
        true => Tone::Recovered,
        false => Tone::Ended,
    }
}

/// What was measured, named: value, threshold, since when; on an ending also the peak and how long it was.
pub fn measures(change: &Change, zone: Tz) -> Vec<(&'static str, String)> {
    if change.kind == Kind::Happened {
        return vec![("At", when(change.at, change.at, zone))];
    }
    let resolved = change.kind == Kind::Resolved;
    let value = if resolved && !change.is_cleared() { "Last value" } else { "Value" };
    let mut measures = Vec::new();
    measures.extend(change.show_value().map(|shown| (value, shown)));
    measures.extend(change.show_threshold().map(|shown| ("Threshold", shown)));
    measures.extend(change.show_peak().filter(|_| resolved).map(|shown| ("Peak", shown)));
    measures.push(("Since", when(change.since, change.at, zone)));
    if resolved {
        measures.push(("Lasted", span::show(lasted(change))));
    }
    measures
}

/// The alerts for a phone: whole lines as far as they fit, and how many are left out; at most `most` characters.
pub fn brief(notification: &Notification, zone: Tz, most: usize) -> String {
    let alerts = worst_first(notification);
    let fits = |text: &str, reserve: usize| text.chars().count() + reserve <= most;
    let mut text = notification.note.as_deref().map(clean).unwrap_or_default();
    for (at, change) in alerts.iter().enumerate() {
        let longer = joined(&text, &line(change, zone));
        let last = at + 1 == alerts.len();
        if at > 0 && !fits(&longer, if last { 0 } else { 20 }) {
            return joined(&text, &format!("and {} more", alerts.len() - at));
        }
        text = cut(&longer, if last { most } else { most.saturating_sub(20) });
    }
    if let [only] = alerts[..] {
        for detail in details(only) {
            text = Some(joined(&text, &detail)).filter(|longer| fits(longer, 0)).unwrap_or(text);
        }
    }
    text
}

fn joined(text: &str, line: &str) -> String {
    if text.is_empty() { line.to_owned() } else { format!("{text}\n{line}") }
}

/// `37 alerts: 30 critical, 5 warning, 2 over`
pub fn counts(alerts: &[&Change]) -> String {
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

/// A URL that can be clicked, and nothing else: without blanks, quotes and brackets that could end it early.
pub fn web_address(text: &str) -> Option<String> {
    let fine = text.starts_with("https://") || text.starts_with("http://");
    let mut address = String::new();
    for c in clean(text).chars() {
        match c {
            ' ' => address.push_str("%20"),
            '"' => address.push_str("%22"),
            '\'' => address.push_str("%27"),
            '<' => address.push_str("%3C"),
            '>' => address.push_str("%3E"),
            '`' => address.push_str("%60"),
            '{' => address.push_str("%7B"),
            '}' => address.push_str("%7D"),
            '\\' => address.push_str("%5C"),
            c => address.push(c),
        }
    }
    (fine && address.chars().count() <= DETAIL_LENGTH).then_some(address)
}

/// How long the episode has been, or was.
pub fn lasted(change: &Change) -> Duration {
    elapsed(change.since, change.at)
}

/// What explains an alert: facts, cause, next step, the author's own words.
fn details(change: &Change) -> Vec<String> {
    if change.kind == Kind::Happened {
        // its line has the first of its words
        let lines = change.message.iter().flat_map(|message| message.lines().skip(1).take(20));
        return lines.map(|line| cut(&clean(line), DETAIL_LENGTH)).collect();
    }
    let facts: Vec<String> = facts(change).map(|(name, value)| format!("{name}: {value}")).collect();
    let mut lines = Vec::new();
    if !facts.is_empty() {
        lines.push(facts.join(", "));
    }
    lines.extend(change.cause.as_ref().map(|cause| format!("cause: {}", clean(cause))));
    lines.extend(change.next_step.as_ref().map(|step| format!("next: {}", clean(step))));
    lines.extend(change.precedent.clone());
    for line in change.message.iter().flat_map(|message| message.lines().take(20)) {
        lines.push(clean(line));
    }
    lines.iter().map(|line| cut(line, DETAIL_LENGTH)).collect()
}

/// The first facts that have something to say, named and written for people, in their own order.
pub fn facts(change: &Change) -> impl Iterator<Item = (String, String)> {
    let shown = change.facts.0.iter().filter_map(|(name, value)| {
        let text = show_fact(name, value);
        (!text.is_empty()).then(|| (show_name(name), cut(&text, DETAIL_LENGTH)))
    });
    shown.take(FACTS_SHOWN)
}

/// `used_bytes` is `used`: its value says what it counts.
fn show_name(name: &str) -> String {
    cut(&clean(&name.trim_end_matches("_bytes").replace('_', " ")), 100)
}

fn show_fact(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => show_number(name, number),
        Value::String(text) => clean(text),
        Value::Array(values) => show_list(values.iter().map(|value| show_fact(name, value))),
        Value::Object(map) => show_list(
            map.iter().map(|(name, value)| format!("{} {}", show_name(name), show_fact(name, value))),
        ),
    }
}

fn show_number(name: &str, number: &serde_json::Number) -> String {
    if name.split('_').any(|word| word == "bytes") {
        return number.as_f64().map(show_bytes).unwrap_or_default();
    }
    let whole = number.as_i64().map(Number::Int);
    let number = whole.or_else(|| number.as_f64().and_then(Number::finite));
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The first five; the others are counted.
fn show_list(values: impl ExactSizeIterator<Item = String>) -> String {
    let all = values.len();
    let mut shown: Vec<String> = values.take(5).collect();
    if all > shown.len() {
        shown.push(format!("and {} more", all - shown.len()));
    }
    shown.join(", ")
}

/// A time as people in `zone` read it, on the day of `day`: `10:02 CET`; on another day `21 Nov 10:02 CET`.
pub fn when(at: Time, day: Time, zone: Tz) -> String {
    let (at, day) = (at.with_timezone(&zone), day.with_timezone(&zone));
    let date = match (at.date_naive() == day.date_naive(), at.year() == day.year()) {
        (true, _) => "",
        (false, true) => "%-d %b ",
        (false, false) => "%-d %b %Y ",
    };
    let clock = if at.timestamp() % 60 == 0 { "%H:%M %Z" } else { "%H:%M:%S %Z" };
    at.format(&format!("{date}{clock}")).to_string()
}

/// At most `most` characters; what is cut ends in `…`.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// One line without anything that steers a terminal or turns the direction of reading: documents may hold what they like.
pub fn clean(text: &str) -> String {
    calm(text.trim())
}

/// The same with its blanks: a part of a line.
pub fn calm(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
            || matches!(c, '\u{61c}' | '\u{feff}')
    };
    let blank = |c: char| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c };
    text.chars().map(blank).filter(|c| !steers(*c)).collect()
}

#[cfg(test)]
mod tests;
