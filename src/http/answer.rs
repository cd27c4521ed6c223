//! Reading an answer, or saying why there is none, without naming the URL.

use std::{error::Error, time::Duration};

use chrono::DateTime;
use reqwest::{Response, header::HeaderMap};

use super::{echo, guard::Forbidden};
use crate::{
    clock::Clock,
    model::{Time, time::elapsed, wording},
    sinks::Answer,
};

/// More of a body is not read: what a sink has to say is short.
const MAX_BODY: usize = 64 * 1024;

pub async fn read(mut response: Response, clock: &Clock, secrets: &[String]) -> Answer {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), clock.now());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(MAX_BODY - body.len())]),
            Ok(None) => break,
            Err(error) => return lost(error),
        }
        if body.len() == MAX_BODY {
            break;
        }
    }
    let body = echo::without(secrets, String::from_utf8_lossy(&body).into_owned());
    Answer::Http { status, retry_after, body }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some(elapsed(now, at.to_utc()))
}

/// Whether it arrived is not known, unless it surely was never sent.
pub fn lost(error: reqwest::Error) -> Answer {
    let error = error.without_url();
    if error.is_builder() || causes(&error).any(|cause| cause.is::<Forbidden>()) {
        return Answer::Unsent(words(&error));
    }
    let why = if error.is_timeout() { "no answer in time".to_owned() } else { words(&error) };
    if error.is_connect() { Answer::Unreached(why) } else { Answer::Lost(why) }
}

/// The innermost cause says it best: `connection refused`.
pub fn words(error: &reqwest::Error) -> String {
    let innermost = causes(error).last().map(ToString::to_string).unwrap_or_default();
    wording::cut(&wording::clean(&innermost), 256)
}

pub fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&(dyn Error + 'static)| (*error).source())
}
