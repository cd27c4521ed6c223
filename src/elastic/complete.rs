//! Is an answer complete? Anything that is not proven complete is a reason, never a number.

use serde_json::Value;

use super::{
    exclusion,
    refusal::{Setback, item_refusal, refusal},
    trouble::clean,
};
use crate::model::{
    Cause, Reason,
    query::{Call, Proof},
};

/// The answer of a cluster API.
pub(super) fn call(call: &Call, body: &Value) -> Result<(), Reason> {
    if !body.is_object() && !body.is_array() {
        return Err(malformed("the answer is no JSON object"));
    }
    if let Some(status) = error_status(body) {
        return Err(refusal(status, body, None).reason);
    }
    if body.get("timed_out").is_some_and(|timed_out| timed_out != &Value::Bool(false)) {
        return Err(Reason::new(Cause::Timeout, "the cluster gave up in time: `timed_out` is true"));
    }
    match call.proof {
        Proof::Whole => Ok(()),
        Proof::Shards => no_failed_shards(body),
        Proof::Nodes => nodes(body),
    }
}

/// An error that travels under `200`.
fn error_status(body: &Value) -> Option<u16> {
    body.get("error").filter(|error| error.is_object() || error.is_string())?;
    Some(
        body.get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(500),
    )
}

fn nodes(body: &Value) -> Result<(), Reason> {
    let nodes = part(body, "_nodes")?;
    let (total, successful, failed) =
        (number(nodes, "total")?, number(nodes, "successful")?, number(nodes, "failed")?);
    if total == 0 {
        return Err(Reason::new(Cause::Missing, "no node was asked: nothing matches the selection"));
    }
    if successful.checked_add(failed) != Some(total) {
        return Err(malformed(format!(
            "{successful} of {total} nodes answered, {failed} failed: some are not accounted for"
        )));
    }
    Ok(())
}

fn no_failed_shards(body: &Value) -> Result<(), Reason> {
    let shards = part(body, "_shards")?;
    if number(shards, "total")? == 0 {
        return Err(Reason::new(Cause::Missing, "no index matches: the answer is about 0 shards"));
    }
    let failed = number(shards, "failed")?;
    if failed > 0 || has_failures(shards) {
        return Err(Reason::new(Cause::Partial, failed_words(shards, failed)?));
    }
    Ok(())
}

/// One answer of a batch of searches; `index` is the pattern that was asked.
pub(super) fn search(index: &str, item: &Value) -> Result<(), Setback> {
    if !item.is_object() {
        return Err(malformed("a search of the batch has no answer").into());
    }
    if let Some(status) = item_status(item) {
        return Err(refused(index, status, item));
    }
    took_its_time(item)?;
    shards(index, item)?;
    clusters(index, item)?;
    Ok(())
}

/// The status of a search that failed as a whole.
fn item_status(item: &Value) -> Option<u16> {
    let said = item.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    error_status(item).or_else(|| said.filter(|status| *status != 200))
}

fn refused(index: &str, status: u16, item: &Value) -> Setback {
    let mut setback = item_refusal(status, item);
    let missing = item["error"]["index"].as_str().filter(|_| setback.reason.cause == Cause::Missing);
    if let Some(missing) = missing {
        let all = missing == index || missing == "_all";
        let text = format!("no index matches `{}`", clean(if all { index } else { missing }));
        setback.reason = Reason::new(Cause::Missing, text);
        setback.reason.accept = exclusion::without(index, &[missing.to_owned()]);
    }
    setback
}

fn took_its_time(item: &Value) -> Result<(), Reason> {
    match item.get("timed_out") {
        Some(Value::Bool(false)) => {}
        // Shards that timed out are counted as successful.
        Some(Value::Bool(true)) => {
            return Err(Reason::new(
                Cause::Timeout,
                "the search timed out on the cluster: its numbers are partial",
            ));
        }
        _ => return Err(malformed("the answer does not say whether it timed out")),
    }
    match item.get("terminated_early") {
        None | Some(Value::Bool(false) | Value::Null) => {}
        Some(_) => {
            return Err(Reason::new(Cause::Partial, "the search was ended early: its numbers are partial"));
        }
    }
    for flag in ["is_partial", "is_running"] {
        if item.get(flag).is_some_and(|flag| flag != &Value::Bool(false)) {
            return Err(Reason::new(Cause::Partial, format!("the answer is partial: `{flag}` is true")));
        }
    }
    Ok(())
}

fn shards(index: &str, item: &Value) -> Result<(), Reason> {
    let shards = part(item, "_shards")?;
    let (total, successful, failed) =
        (number(shards, "total")?, number(shards, "successful")?, number(shards, "failed")?);
    if total == 0 {
        return Err(Reason::new(Cause::Missing, format!("no index matches `{index}`")));
    }
    if failed == 0 && successful == total && !has_failures(shards) {
        return Ok(());
    }
    let missing = failed.max(total.saturating_sub(successful));
    let failing = failed_indices(shards);
    let reason = Reason::new(Cause::Partial, failed_words(shards, missing)?);
    Err(Reason { accept: exclusion::without(index, &failing), ..reason })
}

fn has_failures(shards: &Value) -> bool {
    shards
        .get("failures")
        .is_some_and(|failures| failures.as_array().is_none_or(|failures| !failures.is_empty()))
}

/// `2 of 7 shards failed in `http_logs_api-2023.01.01` (too_many_buckets_exception)`.
fn failed_words(shards: &Value, failed: u64) -> Result<String, Reason> {
    let total = number(shards, "total")?;
    let mut text = format!("{failed} of {total} shards failed");
    let indices = failed_indices(shards);
    if !indices.is_empty() {
        text.push_str(&format!(" in {}", exclusion::name_some(&indices)));
    }
    let kinds = failure_kinds(shards);
    if !kinds.is_empty() {
        text.push_str(&format!(" ({})", kinds.join(", ")));
    }
    Ok(text)
}

fn failures(shards: &Value) -> impl Iterator<Item = &Value> {
    shards.get("failures").and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn failed_indices(shards: &Value) -> Vec<String> {
    let mut indices: Vec<String> =
        failures(shards).filter_map(|failure| failure.get("index")?.as_str()).map(clean).collect();
    indices.sort();
    indices.dedup();
    indices
}

fn failure_kinds(shards: &Value) -> Vec<String> {
    let mut kinds: Vec<String> = failures(shards)
        .filter_map(|failure| failure.get("reason")?.get("type")?.as_str())
        .map(clean)
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds.truncate(3);
    kinds
}

/// Remote clusters: by default an unreachable one is silently left out.
pub(super) fn clusters(index: &str, item: &Value) -> Result<(), Reason> {
    let Some(clusters) = item.get("_clusters") else { return Ok(()) };
    let count = |key: &str| clusters.get(key).and_then(Value::as_u64).unwrap_or(0);
    let details = clusters.get("details").and_then(Value::as_object);
    let bad: Vec<String> = details
        .into_iter()
        .flatten()
        .filter(|(_, detail)| detail.get("status").and_then(Value::as_str) != Some("successful"))
        .map(|(name, _)| clean(name))
        .collect();
    let lost = count("skipped") + count("partial") + count("failed") + count("running");
    let unproven = count("successful") < count("total");
    if lost == 0 && bad.is_empty() && !unproven {
        return Ok(());
    }
    let lost = lost.max(bad.len() as u64).max(count("total").saturating_sub(count("successful")));
    let mut text = format!("{lost} of {} clusters did not answer completely", count("total"));
    if !bad.is_empty() {
        text.push_str(&format!(": {}", exclusion::name_some(&bad)));
    }
    let accept = exclusion::without_clusters(index, &bad);
    Err(Reason { accept, ..Reason::new(Cause::Partial, text) })
}

pub(super) fn part<'a>(body: &'a Value, key: &str) -> Result<&'a Value, Reason> {
    body.get(key)
        .filter(|part| part.is_object())
        .ok_or_else(|| malformed(format!("the answer lacks `{key}`")))
}

pub(super) fn number(part: &Value, key: &str) -> Result<u64, Reason> {
    part.get(key)
        .and_then(Value::as_u64)
        .ok_or_else(|| malformed(format!("the answer lacks the number `{key}`")))
}

pub(super) fn malformed(text: impl Into<String>) -> Reason {
    Reason::new(Cause::Malformed, text)
}
