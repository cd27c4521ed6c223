//! URLs and what stands in them.

use crate::model::secret::{Part, Secret};

/// Everything but what stands for itself in every place of a URL.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The text of an encoded one.
pub(in crate::sinks) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|_| byte == b'%').and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A URL that starts with plain text has to start like one; whether a looked-up one does is seen at the first attempt.
pub(in crate::sinks) fn complaint_about_url(key: &str, url: &Secret) -> Option<String> {
    let start = match url.parts.first() {
        None => "",
        Some(Part::Literal(start)) => start.as_str(),
        Some(Part::Env(_) | Part::File(_)) => return None,
    };
    let fine = start.starts_with("https://") || start.starts_with("http://");
    (!fine).then(|| format!("`{key}` has to start with `https://` or `http://`"))
}

const HIDDEN: &str = "<hidden>";
/// Stands for a reference while a URL is taken apart: no URL holds it.
const REFERENCE: char = '\u{e000}';

/// A URL for people. References stay; of what is written out, credentials, values of a query and whatever looks like a key are
/// hidden, and everything behind the host where `is_key`.
pub fn shown(url: &Secret, is_key: bool) -> String {
    let mut text = String::new();
    let mut references = Vec::new();
    for part in &url.parts {
        match part {
            Part::Literal(literal) => text.push_str(&literal.replace(REFERENCE, "")),
            Part::Env(_) | Part::File(_) => {
                references.push(Secret { parts: vec![part.clone()] }.to_string());
                text.push(REFERENCE);
            }
        }
    }
    let shown = show_parts(&text, is_key);
    references.iter().fold(shown, |shown, reference| shown.replacen(REFERENCE, reference, 1))
}

fn show_parts(text: &str, is_key: bool) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None if text.starts_with(REFERENCE) => (String::new(), text),
        None => return HIDDEN.to_owned(),
    };
    let (rest, fragment) = cut_before(rest, '#');
    let (rest, query) = cut_before(rest, '?');
    let (host, path) = cut_before(rest, '/');
    let host = match host.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", without_literals(user)),
        None => host.to_owned(),
    };
    let path: Vec<String> = path.split('/').map(|part| show_segment(part, is_key)).collect();
    let query: Vec<String> = query.split('&').map(show_pair).collect();
    let mut shown = format!("{scheme}{host}{}{}", path.join("/"), query.join("&"));
    while shown.contains("/<hidden>/<hidden>") {
        shown = shown.replace("/<hidden>/<hidden>", "/<hidden>");
    }
    if fragment.is_empty() { shown } else { format!("{shown}#{HIDDEN}") }
}

/// The second part keeps the character that it begins with.
fn cut_before(text: &str, at: char) -> (&str, &str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

fn show_segment(segment: &str, is_key: bool) -> String {
    if is_key || looks_like_key(segment) { without_literals(segment) } else { segment.to_owned() }
}

/// `key=value`; the value may open something.
fn show_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", without_literals(value)),
        None if pair.len() > 1 => format!("{}{HIDDEN}", if pair.starts_with('?') { "?" } else { "" }),
        None => pair.to_owned(),
    }
}

/// References alone stay.
fn without_literals(text: &str) -> String {
    let only_references = text.chars().all(|c| c == REFERENCE);
    if only_references { text.to_owned() } else { HIDDEN.to_owned() }
}

/// Long, and of letters and digits mixed: no word that somebody chose for a path.
fn looks_like_key(segment: &str) -> bool {
    let has = |what: fn(&char) -> bool| segment.chars().any(|c| what(&c));
    let length = segment.chars().count();
    length >= 24 || (length >= 8 && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(url: &str, is_key: bool) -> String {
        shown(&Secret::parse(url).unwrap(), is_key)
    }

    #[test]
    fn host_and_path_are_read_and_what_opens_the_service_is_not() {
        for open in [
            "https://hooks.example/alerts/search",
            "http://127.0.0.1:9093",
            "https://api.opsgenie.com/v2/alerts",
            "${env:BASE}/v2/alerts",
            "https://${env:HOST}:8443/x/${file:/run/secrets/path}",
        ] {
            assert_eq!(show(open, false), open);
        }
        for (url, shown) in [
            ("https://u:hunter2@am.example:9093/x", "https://<hidden>@am.example:9093/x"),
            ("https://${env:USER}@am.example/x", "https://${env:USER}@am.example/x"),
            (
                "https://a.example/x?token=hunter2&v=${env:V}#hunter2",
                "https://a.example/x?token=<hidden>&v=${env:V}#<hidden>",
            ),
            ("https://a.example/x?hunter2", "https://a.example/x?<hidden>"),
            ("https://a.example/hooks/Ab3dEfGh9kLmN", "https://a.example/hooks/<hidden>"),
            ("hunter2", "<hidden>"),
            ("", "<hidden>"),
        ] {
            assert_eq!(show(url, false), shown);
        }
    }

    #[test]
    fn behind_the_host_of_a_chats_webhook_nothing_is_read() {
        for (url, shown) in [
            ("https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/<hidden>"),
            ("https://hooks.slack.com/${env:PATH_PART}", "https://hooks.slack.com/${env:PATH_PART}"),
            ("${env:SLACK_URL}", "${env:SLACK_URL}"),
            ("https://chat.example/", "https://chat.example/"),
        ] {
            assert_eq!(show(url, true), shown);
        }
    }
}
