//! Signs of life that others sent.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, types::Value};

use super::{
    StoreError,
    columns::{instant, text, time},
    schema::{HEARTBEATS, put},
};
use crate::model::{
    Time,
    heartbeat::{Pings, Sign},
};

/// What is known of one heartbeat; nothing of one that was never heard.
pub(super) fn pings(db: &Connection, name: &str) -> Result<Pings, StoreError> {
    let select = "SELECT alive, started, failed, took FROM heartbeats WHERE name = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found = db.prepare_cached(select)?.query_row([name], row).optional()?;
    let Some((alive, started, failed, took)) = found else { return Ok(Pings::default()) };
    let at = |millis: Option<i64>| millis.map(time).transpose();
    let took: Option<i64> = took;
    Ok(Pings {
        alive: at(alive)?,
        started: at(started)?,
        failed: at(failed)?,
        took: took.map(|millis| Duration::from_millis(millis.unsigned_abs())),
        listening: None,
    })
}

pub(super) fn note(db: &Connection, name: &str, sign: Sign, at: Time) -> Result<(), StoreError> {
    let Pings { alive, started, failed, took, .. } = pings(db, name)?.after(sign, at);
    let or_null = |at: Option<Time>| at.map_or(Value::Null, instant);
    let took = took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    let took = took.map_or(Value::Null, Value::Integer);
    put(db, &HEARTBEATS, vec![text(name), or_null(alive), or_null(started), or_null(failed), took])
}
