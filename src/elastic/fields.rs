//! Is a field there at all? A count of zero over a field that no index has is no count.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    client::Client,
    request::{Request, path_part},
};
use crate::model::{Cause, Reason, Time};

/// A field that was there is not asked for again for so long; one that was not is asked for at each look.
const KEEP: TimeDelta = TimeDelta::seconds(60);
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Fields {
    /// (index pattern, field) → when it was last seen.
    seen: Mutex<HashMap<(String, String), Time>>,
}

impl Fields {
    /// An error where no index of the pattern has the field. Who may not ask is not blinded by that.
    pub async fn demand(&self, client: &Client, tick: Time, index: &str, field: &str) -> Result<(), Reason> {
        let key = (index.to_owned(), field.to_owned());
        if self.was_seen(&key, client.now()) {
            return Ok(());
        }
        match ask(client, tick, index, field).await {
            Ok(body) if has(&body, field) => self.note(key, client.now()),
            Ok(_) => return Err(missing(index, field)),
            Err(reason) if matches!(reason.cause, Cause::Refused | Cause::Unsupported) => {}
            Err(reason) => return Err(reason),
        }
        Ok(())
    }

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

async fn ask(client: &Client, tick: Time, index: &str, field: &str) -> Result<Value, Reason> {
    let path = format!("/{}/_field_caps", path_part(index));
    let params = [("fields", field), ("ignore_unavailable", "false"), ("allow_no_indices", "false")];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    client.send(tick, &Request::get(&path, &params)?).await
}

fn has(body: &Value, field: &str) -> bool {
    body.get("fields").and_then(|fields| fields.get(field)).is_some()
}

fn missing(index: &str, field: &str) -> Reason {
    Reason::new(Cause::Missing, format!("field missing: no index of `{index}` has `{field}`"))
}
