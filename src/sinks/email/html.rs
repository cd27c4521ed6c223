//! How a mail looks: one column of at most 600 points, a coloured edge, large numbers; light and dark.
//!
//! Clients know little: tables and inline styles carry the layout, and the style sheet only turns it dark where that is understood.
//! Gmail cuts a mail at 102 KB.

use chrono_tz::Tz;

use crate::model::{
    Level,
    notification::{Change, Notification},
    wording::{self, DIGEST_ABOVE, DIGEST_NAMES, Tone},
};

/// How much one alert says of its causes, in characters, from the longest to what always fits.
const ROOM: [usize; 3] = [600, 200, 60];
const BYTES: usize = 90_000;
const LINE: usize = 300;

pub fn page(notification: &Notification, zone: Tz) -> String {
    let mut page = String::new();
    for room in ROOM {
        page = filled(notification, zone, room);
        if page.len() <= BYTES {
            break;
        }
    }
    page
}

fn filled(notification: &Notification, zone: Tz, room: usize) -> String {
    let alerts = wording::worst_first(notification);
    let mut rows = head(notification, &alerts, zone);
    if alerts.len() > DIGEST_ABOVE {
        rows.push_str(&digest(&alerts, zone));
    } else {
        let alone = alerts.len() == 1;
        alerts.iter().for_each(|change| rows.push_str(&alert(change, zone, (alone, room))));
    }
    rows.push_str(&button(notification));
    let parts = [
        ("{STYLE}", STYLE.to_owned()),
        ("{EDGE}", edge(wording::tone_of_all(notification)).to_owned()),
        ("{PREVIEW}", escape(&preview(notification, &alerts, zone), LINE)),
        ("{FOOT}", foot(notification, zone)),
        // last: nothing that it holds is a place
        ("{ROWS}", rows),
    ];
    parts.iter().fold(PAGE.to_owned(), |page, (place, text)| page.replacen(place, text, 1))
}

const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<style>{STYLE}</style></head>
<body class="page" style="margin:0;padding:0;background:#f1f3f5">
<div style="display:none;max-height:0;overflow:hidden">{PREVIEW}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#f1f3f5"><tr><td align="center" style="padding:20px 10px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="card" style="max-width:600px;background:#ffffff;border-radius:8px;border-top:6px solid {EDGE};font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1c2126">
{ROWS}<tr><td class="quiet line" style="padding:14px 24px 18px;border-top:1px solid #e5e8eb;font-size:12px;line-height:18px;color:#66707a">{FOOT}</td></tr>
</table></td></tr></table></body></html>
"#;

const STYLE: &str = ":root{color-scheme:light dark}\
@media(prefers-color-scheme:dark){.page{background:#101316!important}.card{background:#1b2025!important;color:#e8ebee!important}\
.quiet{color:#9aa5af!important}.line{border-color:#323a42!important}.box{background:#252c33!important}\
.critical{color:#ff7385!important}.warning{color:#ffc04d!important}.info{color:#7fb4ff!important}\
.recovered{color:#55d69c!important}.ended{color:#b4bcc4!important}.button{color:#e8ebee!important;border-color:#55606b!important}}\
@media(max-width:480px){.number{display:block!important;padding-bottom:8px!important}}";

const fn edge(tone: Tone) -> &'static str {
    match tone {
        Tone::Firing(Level::Critical) => "#d7263d",
        Tone::Firing(Level::Warning) => "#f2a100",
        Tone::Firing(Level::Info) => "#2f80ed",
        Tone::Recovered => "#2eb67d",
        Tone::Ended => "#9e9e9e",
    }
}

/// Class and colour of words: darker than the edge, to be read on white.
const fn ink(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Firing(Level::Critical) => ("critical", "#bb1730"),
        Tone::Firing(Level::Warning) => ("warning", "#8f5b00"),
        Tone::Firing(Level::Info) => ("info", "#1f62c4"),
        Tone::Recovered => ("recovered", "#13794f"),
        Tone::Ended => ("ended", "#5a636c"),
    }
}

/// What a list of mails shows behind the subject.
fn preview(notification: &Notification, alerts: &[&Change], zone: Tz) -> String {
    let what = match alerts {
        [only] => wording::line_alone(only, zone),
        _ => wording::counts(alerts),
    };
    format!("{}: {what}", wording::standing(notification))
}

fn head(notification: &Notification, alerts: &[&Change], zone: Tz) -> String {
    let (class, colour) = ink(wording::tone_of_all(notification));
    let test = if notification.test { "TEST: " } else { "" };
    let standing = format!("{test}{}", wording::standing(notification));
    let summary = notification.title.as_ref().unwrap_or(&notification.summary);
    let what = if summary.trim().is_empty() { &notification.rule } else { summary };
    let note = notification.note.as_ref().map(|note| {
        format!("<div class=\"ended\" style=\"font-size:14px;font-weight:600;padding-bottom:8px;color:#5a636c\">{}</div>", escape(note, LINE))
    });
    let at = wording::when(notification.at, notification.at, zone);
    let mut below = format!("{} · {}", escape(&notification.cluster, 100), escape(&at, 40));
    if alerts.len() > 1 {
        below = format!("{} · {below}", wording::counts(alerts));
    }
    format!(
        "<tr><td style=\"padding:20px 24px 16px\">{}<div class=\"{class}\" style=\"font-size:13px;line-height:18px;font-weight:700;letter-spacing:.4px;color:{colour}\">{}</div>\
         <div style=\"font-size:21px;line-height:28px;font-weight:600;padding:2px 0 4px\">{}</div>\
         <div class=\"quiet\" style=\"font-size:13px;line-height:18px;color:#66707a\">{below}</div></td></tr>\n",
        note.unwrap_or_default(),
        escape(&standing, LINE),
        escape(what, LINE),
    )
}

/// Alone, an alert needs no line above it and no repetition of its level.
fn alert(change: &Change, zone: Tz, (alone, room): (bool, usize)) -> String {
    let border = if alone { "" } else { "border-top:1px solid #e5e8eb;" };
    let top = if alone { 0 } else { 16 };
    format!(
        "<tr><td class=\"line\" style=\"{border}padding:{top}px 24px 18px\">{}<div style=\"padding:10px 0 4px\">{}</div>{}{}</td></tr>\n",
        headline(change, alone),
        wording::measures(change, zone).iter().map(number).collect::<String>(),
        facts(change, room / 2),
        explanation(change, room),
    )
}

fn headline(change: &Change, alone: bool) -> String {
    let (class, colour) = ink(wording::tone(change));
    let dot = format!("<span style=\"color:{}\">●</span> ", edge(wording::tone(change)));
    let entity = wording::entity(change);
    let happened = if alone { wording::happened_alone(change) } else { wording::happened(change) };
    let words = [change.note.clone(), happened];
    let words: Vec<String> = words.into_iter().flatten().map(|words| escape(&words, LINE)).collect();
    if alone && entity.is_empty() && words.is_empty() {
        return String::new();
    }
    format!(
        "<div style=\"font-size:15px;line-height:22px\">{}<b>{}</b> <span class=\"{class}\" style=\"color:{colour}\">{}</span></div>",
        if alone { "" } else { &dot },
        escape(&entity, LINE),
        words.join(", "),
    )
}

/// Its name above it; on a phone one below the other.
fn number((name, value): &(&'static str, String)) -> String {
    format!(
        "<span class=\"number\" style=\"display:inline-block;padding:0 28px 4px 0;vertical-align:top\">\
         <span class=\"quiet\" style=\"display:block;font-size:12px;line-height:16px;color:#66707a\">{name}</span>\
         <b style=\"font-size:17px;line-height:24px;font-weight:600\">{}</b></span>",
        escape(value, 60)
    )
}

fn facts(change: &Change, room: usize) -> String {
    let row = |(name, value): (String, String)| {
        format!(
            "<tr><td class=\"quiet\" style=\"padding:1px 14px 1px 0;vertical-align:top;white-space:nowrap;color:#66707a\">{}</td><td>{}</td></tr>",
            escape(&name, 60),
            escape(&value, room)
        )
    };
    let rows: String = wording::facts(change).map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"font-size:14px;line-height:20px\">{rows}</table>"
    )
}

/// Cause, next step and the author's own words.
fn explanation(change: &Change, room: usize) -> String {
    let mut paragraphs = Vec::new();
    let named = |name: &str, words: &String| format!("<b>{name}</b> {}", escape(words, room));
    paragraphs.extend(change.cause.as_ref().map(|cause| named("Cause", cause)));
    paragraphs.extend(change.next_step.as_ref().map(|next| named("Next step", next)));
    let own = wording::cut(change.message.as_deref().unwrap_or_default(), room);
    let own: Vec<String> = own.lines().take(20).map(|line| escape(line, room)).collect();
    paragraphs.extend(Some(own.join("<br>")).filter(|own| !own.replace("<br>", "").is_empty()));
    if paragraphs.is_empty() {
        return String::new();
    }
    let paragraphs: Vec<String> =
        paragraphs.iter().map(|text| format!("<div style=\"padding:2px 0\">{text}</div>")).collect();
    format!(
        "<div class=\"box\" style=\"margin-top:10px;padding:8px 12px;border-radius:6px;background:#f4f6f8;font-size:14px;line-height:20px\">{}</div>",
        paragraphs.concat()
    )
}

fn digest(alerts: &[&Change], zone: Tz) -> String {
    let line = |change: &&Change| {
        let colour = edge(wording::tone(change));
        let words = escape(&wording::line(change, zone), LINE);
        format!("<div style=\"padding:3px 0\"><span style=\"color:{colour}\">●</span> {words}</div>")
    };
    let mut lines: String = alerts.iter().take(DIGEST_NAMES).map(line).collect();
    let more = wording::and_more(alerts.len()).unwrap_or_default();
    lines.push_str(&format!("<div class=\"quiet\" style=\"padding:6px 0 0;color:#66707a\">{more}</div>"));
    format!(
        "<tr><td class=\"line\" style=\"border-top:1px solid #e5e8eb;padding:12px 24px 16px;font-size:14px;line-height:20px\">{lines}</td></tr>\n"
    )
}

fn button(notification: &Notification) -> String {
    let address = notification.runbook.as_deref().and_then(wording::web_address);
    let Some(address) = address else { return String::new() };
    format!(
        "<tr><td style=\"padding:0 24px 20px\"><a class=\"button\" href=\"{}\" style=\"display:inline-block;padding:8px 16px;border:1px solid #c3cad1;border-radius:6px;\
         font-size:14px;font-weight:600;text-decoration:none;color:#1c2126\">Runbook</a></td></tr>\n",
        escape(&address, usize::MAX)
    )
}

fn foot(notification: &Notification, zone: Tz) -> String {
    let labels: Vec<String> =
        notification.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let at = notification.at.with_timezone(&zone).format("%-d %b %Y %H:%M %Z").to_string();
    let parts = [notification.rule.clone(), labels.join(", "), at, "sent by highwater".to_owned()];
    let parts: Vec<String> =
        parts.iter().filter(|part| !part.is_empty()).map(|part| escape(part, LINE)).collect();
    parts.join(" · ")
}

/// `text` on one line, at most `most` characters, with nothing in it that HTML or [`PAGE`] would take for more than text.
fn escape(text: &str, most: usize) -> String {
    let text = wording::cut(&wording::clean(text), most);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '{' => out.push_str("&#123;"),
            c => out.push(c),
        }
    }
    out
}
