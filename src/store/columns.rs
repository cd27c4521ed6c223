//! How values are spelled in columns: instants as milliseconds, structures as JSON.

use chrono::DateTime;
use rusqlite::types::Value;
use serde::{Serialize, de::DeserializeOwned};

use super::StoreError;
use crate::model::Time;

pub(super) fn instant(at: Time) -> Value {
    Value::Integer(at.timestamp_millis())
}

/// Milliseconds that no clock shows are damage.
pub(super) fn time(millis: i64) -> Result<Time, StoreError> {
    let time = DateTime::from_timestamp_millis(millis);
    time.ok_or_else(|| StoreError::Damaged(format!("{millis} is no time")))
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Value, StoreError> {
    Ok(Value::Text(json_text(value)?))
}

pub(super) fn json_text<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unwritable(error.to_string()))
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Damaged(format!("`{}`: {error}", std::any::type_name::<T>())))
}
