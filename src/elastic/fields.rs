//! Is a field there at all? A count of zero over a field that no index has is no count.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use serde_json::Value;

use super::{Inner, exclusion, request::path_part};
use crate::model::{
    Cause, Reason, Time,
    query::{Call, Proof},
};

/// A field that was there is not asked for again for so long; one that was not is asked for at each look.
const KEEP: TimeDelta = TimeDelta::seconds(60);
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Fields {
    /// When a field of an index pattern was last seen.
    seen: Mutex<HashMap<(String, Wanted), Time>>,
}

/// A field, and what it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    Any(String),
    /// A window over anything else holds no documents, and says nothing.
    Date(String),
}

impl Wanted {
    pub fn any(field: &str) -> Self {
        Self::Any(field.to_owned())
    }

    pub fn date(field: &str) -> Self {
        Self::Date(field.to_owned())
    }

    fn name(&self) -> &str {
        match self {
            Self::Any(name) | Self::Date(name) => name,
        }
    }

    /// Whether it is there, by its types.
    fn judge(&self, index: &str, types: &[&str]) -> Result<(), Reason> {
        let name = self.name();
        if types.is_empty() {
            let text = format!("field missing: no index of `{index}` has `{name}`");
            return Err(Reason::new(Cause::Missing, text));
        }
        let is_date = types.iter().any(|kind| ["date", "date_nanos"].contains(kind));
        if is_date || matches!(self, Self::Any(_)) {
            return Ok(());
        }
        let text =
            format!("`{name}` is no date in `{index}`, but of type {}; map it as `date`", types.join(", "));
        Err(Reason::new(Cause::Invalid, text))
    }
}

/// An error where no index of the pattern has the field as it has to be. Who may not ask is not blinded by that.
pub(super) async fn demand(door: &Arc<Inner>, tick: Time, index: &str, field: Wanted) -> Result<(), Reason> {
    let key = (index.to_owned(), field);
    if door.fields.was_seen(&key, door.client.now()) {
        return Ok(());
    }
    match door.ask_once(tick, caps(index, key.1.name())).await {
        Ok(body) => {
            key.1.judge(index, &types(&body, key.1.name()))?;
            door.fields.note(key, door.client.now());
        }
        Err(reason) if matches!(reason.cause, Cause::Refused | Cause::Unsupported) => {}
        Err(reason) => return Err(reason),
    }
    Ok(())
}

/// The same of each part of a pattern: what one of them lacks would be hidden by the documents of another.
pub(super) async fn demand_of_each(
    door: &Arc<Inner>,
    tick: Time,
    index: &str,
    field: Wanted,
) -> Result<(), Reason> {
    let parts: Vec<&str> = index.split(',').filter(|part| !exclusion::is_exclusion(part)).collect();
    if parts.len() > 1 {
        for part in parts {
            demand(door, tick, part, field.clone()).await?;
        }
    }
    Ok(())
}

impl Fields {
    fn was_seen(&self, key: &(String, Wanted), now: Time) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(key).is_some_and(|at| *at <= now && now - *at < KEEP)
    }

    fn note(&self, key: (String, Wanted), now: Time) {
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

/// The types that a field has in the indices of a pattern; none where none has it.
fn types<'a>(body: &'a Value, field: &str) -> Vec<&'a str> {
    let types = body.get("fields").and_then(|fields| fields.get(field)).and_then(Value::as_object);
    types.into_iter().flatten().map(|(kind, _)| kind.as_str()).filter(|kind| *kind != "unmapped").collect()
}
