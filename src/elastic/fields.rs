//! Is a field there at all? A count of zero over a field that no index has is no count.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use serde_json::Value;

use super::{Inner, request::path_part};
use crate::model::{
    Cause, Reason, Time,
    query::{Call, Proof},
};

/// A field that was there is not asked for again for so long; one that was not is asked for at each look.
const KEEP: TimeDelta = TimeDelta::seconds(60);
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Fields {
    /// (index pattern, field) → when it was last seen.
    seen: Mutex<HashMap<(String, String), Time>>,
}

/// An error where no index of the pattern has the field. Who may not ask is not blinded by that.
pub(super) async fn demand(door: &Arc<Inner>, tick: Time, index: &str, field: &str) -> Result<(), Reason> {
    let key = (index.to_owned(), field.to_owned());
    if door.fields.was_seen(&key, door.client.now()) {
        return Ok(());
    }
    match door.ask_once(tick, caps(index, field)).await {
        Ok(body) if has(&body, field) => door.fields.note(key, door.client.now()),
        Ok(_) => return Err(missing(index, field)),
        Err(reason) if matches!(reason.cause, Cause::Refused | Cause::Unsupported) => {}
        Err(reason) => return Err(reason),
    }
    Ok(())
}

impl Fields {
    fn was_seen(&self, key: &(String, String), now: Time) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(key).is_some_and(|at| *at <= now && now - *at < KEEP)
    }

    fn note(&self, key: (String, String), now: Time) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(key, now);
    }
}

fn caps(index: &str, field: &str) -> Call {
    Call::get(format!("/{}/_field_caps", path_part(index)), Proof::Whole)
        .with("fields", field)
        .with("ignore_unavailable", "false")
        .with("allow_no_indices", "false")
}

fn has(body: &Value, field: &str) -> bool {
    body.get("fields").and_then(|fields| fields.get(field)).is_some()
}

fn missing(index: &str, field: &str) -> Reason {
    Reason::new(Cause::Missing, format!("field missing: no index of `{index}` has `{field}`"))
}
