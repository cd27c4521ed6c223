//! One attempt: one request to one node, and what came back.

use std::time::Duration;

use elasticsearch::http::{headers::HeaderMap, response::Response};
use serde_json::Value;

use super::{
    body, client::Limits, complete::malformed, node::Node, refusal, refusal::Setback, request::Request,
    trouble,
};
use crate::{
    model::{Cause, Reason, Time},
    threads::{LONG_TEXT, aside},
};

/// Asks `node` once. `Ok` is a whole JSON document that came under a status of 200.
pub(super) async fn attempt(
    node: &Node,
    request: &Request,
    label: &str,
    limits: &Limits,
    now: Time,
) -> Result<Value, Setback> {
    let asked = request.at(node.url())?;
    node.knock(limits.connect_timeout, now).await.map_err(Setback::elsewhere)?;
    let headers = node.headers(request, label, &asked).await?;
    let hidden = hidden(&headers);
    let sent = node.send(request, headers).await;
    let response = sent.map_err(|error| Setback::elsewhere(trouble::no_answer(&node.name, &error)))?;
    if response.url() != &asked {
        let text = format!("`{}` sends us to another address (a redirect); it is not followed", node.name);
        return Err(Reason::new(Cause::Malformed, text).into());
    }
    read(response, limits, now, &hidden).await
}

/// What only we should know of a request.
fn hidden(headers: &HeaderMap) -> Vec<String> {
    let secret = headers.values().filter(|value| value.is_sensitive());
    secret.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
}

/// A service that does not like a signature repeats what it should have signed.
fn without(hidden: &[String], bytes: Vec<u8>) -> Vec<u8> {
    if hidden.is_empty() {
        return bytes;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    hidden.iter().fold(text, |text, secret| text.replace(secret.as_str(), "***")).into_bytes()
}

async fn read(response: Response, limits: &Limits, now: Time, hidden: &[String]) -> Result<Value, Setback> {
    let status = response.status_code().as_u16();
    let retry_after = retry_after(response.headers(), now);
    let content_type = header(response.headers(), "content-type").unwrap_or_default().to_owned();
    if !content_type.to_ascii_lowercase().contains("json") {
        return Err(refusal::not_json(status, &content_type, retry_after));
    }
    let bytes = body::read(response, limits.max_response).await;
    let bytes = if status == 200 { bytes } else { bytes.map(|bytes| without(hidden, bytes)) };
    let parsed = bytes.and_then(|bytes| {
        let parsed = aside(bytes.len() > LONG_TEXT, || serde_json::from_slice::<Value>(&bytes));
        parsed.map_err(|error| not_whole(&error))
    });
    match (status, parsed) {
        (200, parsed) => Ok(parsed?),
        // The status speaks, even where its words were lost.
        (_, parsed) => Err(refusal::refusal(status, &parsed.unwrap_or(Value::Null), retry_after)),
    }
}

fn not_whole(error: &serde_json::Error) -> Reason {
    if error.is_eof() {
        malformed("the answer was cut off: its JSON does not end")
    } else {
        malformed(format!("the answer is no JSON: {}", trouble::clean(&error.to_string())))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = header(headers, "retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}
