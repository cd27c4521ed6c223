//! Reading an answer's body: whole, of bounded size.
//!
//! The client library reads a body at once, without a limit, and unpacks it on the way. So what it would read is bounded
//! from outside: no compression is asked for, an answer that says its length is refused before it is read, one that says
//! neither a length nor that it comes in chunks is compressed or cannot be proven whole, and while chunks arrive the
//! memory of this process is watched.

use std::{future::poll_fn, pin::pin, task::Poll};

use elasticsearch::http::response::Response;

use super::trouble;
use crate::model::{Cause, Reason, number::show_bytes};

/// What may come into memory beyond the cap before a chunked answer is given up: other answers, read at the same time.
const HEADROOM: usize = 32 << 20;
const TOO_LARGE: &str = "the answer is too large";
/// Looks at the memory once in so many wake-ups.
const WATCH_EVERY: u32 = 16;

pub(super) async fn read(response: Response, cap: usize) -> Result<Vec<u8>, Reason> {
    match response.content_length() {
        Some(length) if length > cap as u64 => return Err(too_large(length as f64, cap)),
        Some(_) => {}
        None if is_chunked(&response) => {}
        None => {
            let text = "the answer says no length, or is compressed although we asked for none";
            return Err(Reason::new(Cause::Malformed, text));
        }
    }
    let bytes = watched(response, cap).await?;
    if bytes.len() > cap { Err(too_large(bytes.len() as f64, cap)) } else { Ok(bytes) }
}

fn is_chunked(response: &Response) -> bool {
    let coding = response.headers().get("transfer-encoding").and_then(|value| value.to_str().ok());
    coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

async fn watched(response: Response, cap: usize) -> Result<Vec<u8>, Reason> {
    let before = resident();
    let mut polls = 0_u32;
    let mut body = pin!(response.bytes());
    poll_fn(|context| {
        polls = polls.wrapping_add(1);
        if polls.is_multiple_of(WATCH_EVERY) && resident().saturating_sub(before) > cap + HEADROOM {
            return Poll::Ready(Err(too_large((cap + HEADROOM) as f64, cap)));
        }
        let read = body.as_mut().poll(context);
        read.map(|bytes| bytes.map(|bytes| bytes.to_vec()).map_err(|error| trouble::cut_off(&error)))
    })
    .await
}

fn too_large(size: f64, cap: usize) -> Reason {
    let (size, cap) = (show_bytes(size), show_bytes(cap as f64));
    Reason::new(Cause::Malformed, format!("{TOO_LARGE}: {size} of at most {cap}"))
}

/// Half of what was asked may fit.
pub(super) fn is_too_large(reason: &Reason) -> bool {
    reason.cause == Cause::Malformed && reason.text.starts_with(TOO_LARGE)
}

/// Bytes of memory this process holds; 0 where the system does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kilobytes = line.split_whitespace().next().and_then(|number| number.parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1024
}
