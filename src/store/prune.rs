//! What is forgotten with time.

use chrono::TimeDelta;
use rusqlite::{Connection, params};

use super::StoreError;
use crate::model::Time;

/// How long outcomes, history, dead letters and ended silences are kept.
pub const KEPT: TimeDelta = TimeDelta::days(30);

pub(super) fn prune(db: &Connection, now: Time) -> Result<(), StoreError> {
    let before = (now - KEPT).timestamp_millis();
    let old = [
        "DELETE FROM runs WHERE last < ?1",
        "DELETE FROM history WHERE at < ?1",
        "DELETE FROM deliveries WHERE state = 'dead' AND due < ?1",
        "DELETE FROM silences WHERE until < ?1",
        "DELETE FROM deeds WHERE at < ?1",
        "DELETE FROM paces WHERE minute * 60000 < ?1",
        // a handle is needed as long as its episode is open, however old
        "DELETE FROM handles WHERE written < ?1 AND NOT EXISTS (
            SELECT 1 FROM told WHERE told.sink = handles.sink
            AND handles.episode IN (told.told ->> 'episode_id', told.told ->> '$.digest.id')
        )",
    ];
    for delete in old {
        db.execute(delete, params![before])?;
    }
    Ok(())
}
