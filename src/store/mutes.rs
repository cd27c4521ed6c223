//! What people asked not to be told of. Written beside a running daemon, which sees it within a second.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{
    StoreError,
    columns::{instant, json, json_text, parse, text, time},
    place,
    schema::{MUTES, put},
};
use crate::model::{Entity, Time};

/// One rule, or one of its entities, is told nothing until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    pub rule: String,
    /// `None`: every entity of the rule.
    pub entity: Option<Entity>,
    pub until: Time,
    pub reason: String,
    pub who: String,
    pub created: Time,
}

impl Mute {
    /// Whether it withholds news of `entity` of `rule` at `now`.
    pub fn covers(&self, rule: &str, entity: &Entity, now: Time) -> bool {
        self.rule == rule && now < self.until && self.entity.as_ref().is_none_or(|muted| muted == entity)
    }
}

/// Writes mutes into the store of a daemon, running or not.
#[derive(Debug)]
pub struct Mutes {
    db: Connection,
}

impl Mutes {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: place::open_beside(path, true)? })
    }

    /// Replaces an earlier mute of the same rule and entity.
    pub fn mute(&self, mute: &Mute) -> Result<(), StoreError> {
        let row = vec![
            text(&mute.rule),
            json(&mute.entity)?,
            instant(mute.until),
            text(&mute.reason),
            text(&mute.who),
            instant(mute.created),
        ];
        put(&self.db, &MUTES, row)
    }

    /// Returns whether there was one. Without an entity it ends every mute of the rule.
    pub fn unmute(&self, rule: &str, entity: Option<&Entity>) -> Result<bool, StoreError> {
        let ended = match entity {
            None => self.db.execute("DELETE FROM mutes WHERE rule = ?1", [rule])?,
            Some(entity) => {
                let entity = json_text(&Some(entity))?;
                self.db.execute("DELETE FROM mutes WHERE rule = ?1 AND entity = ?2", params![rule, entity])?
            }
        };
        Ok(ended > 0)
    }

    pub fn active(&self, now: Time) -> Result<Vec<Mute>, StoreError> {
        active(&self.db, now)
    }
}

pub(super) fn active(db: &Connection, now: Time) -> Result<Vec<Mute>, StoreError> {
    let select =
        "SELECT rule, entity, until, reason, who, created FROM mutes WHERE until > ?1 ORDER BY rule, entity";
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query([now.timestamp_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Mute {
            rule: row.get(0)?,
            entity: parse(&row.get::<_, String>(1)?)?,
            until: time(row.get(2)?)?,
            reason: row.get(3)?,
            who: row.get(4)?,
            created: time(row.get(5)?)?,
        });
    }
    Ok(found)
}
