//! What people asked not to be told of. Written beside a running daemon, which sees it within a second.

use std::path::Path;

use rusqlite::{Connection, Row};

use super::{
    StoreError,
    columns::{instant, json, parse, text, time},
    place,
    schema::{SILENCES, put},
};
use crate::model::{Time, silence::Silence};

/// Writes silences into the store of a daemon, running or not.
#[derive(Debug)]
pub struct Silences {
    db: Connection,
}

impl Silences {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: place::open_beside(path, true)? })
    }

    /// Replaces an earlier one of the same matchers.
    pub fn put(&self, silence: &Silence) -> Result<(), StoreError> {
        let row = vec![
            text(&silence.id),
            json(&silence.matchers)?,
            instant(silence.until),
            text(&silence.reason),
            text(&silence.who),
            instant(silence.created),
        ];
        put(&self.db, &SILENCES, row)
    }

    /// Returns whether there was one.
    pub fn end(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.db.execute("DELETE FROM silences WHERE id = ?1", [id])? > 0)
    }

    pub fn active(&self, now: Time) -> Result<Vec<Silence>, StoreError> {
        active(&self.db, now)
    }
}

/// Those that hold at `now`, the next to end first.
pub(super) fn active(db: &Connection, now: Time) -> Result<Vec<Silence>, StoreError> {
    let select =
        "SELECT id, matchers, until, reason, who, created FROM silences WHERE until > ?1 ORDER BY until, id";
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query([now.timestamp_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Silence, StoreError> {
    Ok(Silence {
        id: row.get(0)?,
        matchers: parse(&row.get::<_, String>(1)?)?,
        until: time(row.get(2)?)?,
        reason: row.get(3)?,
        who: row.get(4)?,
        created: time(row.get(5)?)?,
    })
}
