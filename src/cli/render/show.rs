//! A message as its service would get it. What is secret stays a reference, or hidden.

use serde_json::{Value, json};

use crate::{
    http::percent_encoded,
    model::{Time, secret::Secret},
    sinks::{Destination, Endpoint, Letter, Message, Request},
};

/// `now` is what a signature's timestamp would say.
pub fn show(to: &Destination, message: &Message, now: Time) -> String {
    match (to, message) {
        (Destination::Http(endpoint), Message::Http(request)) => http(&[endpoint], request, now),
        (Destination::Cluster(all), Message::Http(request)) => {
            http(&all.iter().collect::<Vec<_>>(), request, now)
        }
        (Destination::History { name, .. }, Message::Http(request)) => {
            let line = format!("{} (cluster {name}) {}\n", method(request), request.path);
            format!("{line}{}\n{}\n", headers(request), pretty(&request.body))
        }
        (_, Message::Http(request)) => format!("{}{}\n", headers(request), pretty(&request.body)),
        (_, Message::Datagrams(datagrams)) => format!("{}\n", datagrams.join("\n")),
        (_, Message::Mail(letter)) => mail(letter),
        (_, Message::Line(line)) => format!("{}\n", pretty(line)),
    }
}

/// Each of the servers gets the same; what opens them stands once.
fn http(to: &[&Endpoint], request: &Request, now: Time) -> String {
    let method = method(request);
    let mut shown: String =
        to.iter().map(|endpoint| format!("{method} {}\n", endpoint.show_url(&request.path))).collect();
    shown.push_str(&headers(request));
    let Some(endpoint) = to.first() else { return shown };
    shown.push_str(&keys(endpoint, now));
    let body = filled(&request.body, &endpoint.body_secrets);
    format!("{shown}\n{}\n{}", pretty(&body), builder_link(&body).unwrap_or_default())
}

fn method(request: &Request) -> String {
    format!("{:?}", request.method).to_uppercase()
}

fn headers(request: &Request) -> String {
    request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// What each attempt adds.
fn keys(endpoint: &Endpoint, now: Time) -> String {
    let mut lines: Vec<String> =
        endpoint.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    if let Some((user, password)) = &endpoint.basic {
        lines.push(format!("authorization: Basic {user}:{password}"));
    }
    if let Some(signature) = &endpoint.signature {
        lines.push(format!("{}: {}", signature.timestamp_header, now.timestamp()));
        lines.push(format!(
            "{}: sha256=<hidden: 64 hexadecimal digits, made anew by each attempt>",
            signature.header
        ));
    }
    if endpoint.sign.is_some() {
        lines.push("authorization: AWS4-HMAC-SHA256 <hidden: made anew by each attempt>".to_owned());
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Where a service wants its key in the body, its reference stands there.
fn filled(body: &str, secrets: &[(String, Secret)]) -> String {
    if secrets.is_empty() {
        return body.to_owned();
    }
    if let Ok(Value::Object(mut object)) = serde_json::from_str(body) {
        object.extend(secrets.iter().map(|(name, secret)| (name.clone(), Value::String(secret.to_string()))));
        return Value::Object(object).to_string();
    }
    let fields: Vec<String> = secrets.iter().map(|(name, secret)| format!("{name}={secret}")).collect();
    [body, &fields.join("&")].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("&")
}

/// As a client shows it, then the HTML that a browser shows.
fn mail(letter: &Letter) -> String {
    let Letter { from, subject, message_id, .. } = letter;
    let to = letter.to.join(", ");
    let more: String = letter.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let head = format!("From: {from}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{message_id}>\n{more}");
    format!("{head}\n{}\n{}", letter.text, letter.html.as_deref().unwrap_or_default())
}

fn pretty(body: &str) -> String {
    let json = serde_json::from_str::<Value>(body).ok();
    json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or_else(|| body.to_owned())
}

/// Slack's own page shows blocks as its clients do.
fn builder_link(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let shown = match (&body["attachments"], &body["blocks"]) {
        (Value::Array(attachments), _) if attachments.iter().any(|one| one["blocks"].is_array()) => {
            json!({ "attachments": attachments })
        }
        (_, Value::Array(blocks)) => json!({ "blocks": blocks }),
        _ => return None,
    };
    let link = format!("https://app.slack.com/block-kit-builder#{}", percent_encoded(&shown.to_string()));
    Some(format!("\nBlock Kit Builder: {link}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::Method;

    #[test]
    fn a_history_is_shown_with_the_path_that_is_asked_for() {
        let request = Request {
            method: Method::Post,
            path: "/highwater-history/_bulk".to_owned(),
            headers: Vec::new(),
            body: "{}".to_owned(),
        };
        let to = Destination::History { name: "main".to_owned(), index: "highwater-history".to_owned() };
        let shown = show(&to, &Message::Http(request), Time::UNIX_EPOCH);
        assert!(shown.starts_with("POST (cluster main) /highwater-history/_bulk\n"), "{shown}");
    }
}
