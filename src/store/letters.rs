//! Dead letters in the hands of people: sent after all, or put away, with a record of who did it and why.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, types::Value};

use super::{
    DeliveryKey, Queued, State, StoreError,
    columns::{instant, text, time},
    commit::next_seq,
    outbox, place,
    schema::{DEEDS, begin, put},
};
use crate::model::{Time, notification::Delivery, wording};

/// What somebody does with a dead letter, or with all that is left for a sink that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It waits again, and is rendered anew.
    Retried,
    /// Nobody will be told of it.
    Dropped,
}

impl Deed {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Dropped => "dropped",
        }
    }

    fn from_name(name: &str) -> Result<Self, StoreError> {
        let found = [Self::Retried, Self::Dropped].into_iter().find(|deed| deed.name() == name);
        found.ok_or_else(|| {
            StoreError::Damaged(format!("`{name}` is nothing that is done with a dead letter"))
        })
    }
}

/// Who did what, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub at: Time,
    pub who: String,
    pub deed: Deed,
    pub key: DeliveryKey,
    pub rule: String,
    pub cluster: String,
    /// The message's title.
    pub what: String,
    /// What the sink said last: why it was a dead letter.
    pub answer: Option<String>,
    pub reason: String,
}

/// What is left of a sink's dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    pub dead: u32,
    /// Somebody had them sent again, and they still wait.
    pub again: u32,
    /// Why the newest one was given up.
    pub answer: Option<String>,
}

impl Left {
    pub const fn count(&self) -> u32 {
        self.dead + self.again
    }
}

/// Writes into the store of a daemon, running or not.
#[derive(Debug)]
pub struct Letters {
    db: Connection,
}

impl Letters {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: place::open_beside(path, true)? })
    }

    /// Dead letters, newest first; of one sink, or of all.
    pub fn dead(&self, sink: Option<&str>) -> Result<Vec<Queued>, StoreError> {
        let mut dead = outbox::dead_letters(&self.db)?;
        dead.retain(|queued| sink.is_none_or(|sink| queued.key.sink == sink));
        Ok(dead)
    }

    /// Everything that is left for a sink that is not in the settings any more, each with its record: nobody sends what still waits.
    pub fn clear(
        &self,
        sink: &str,
        (who, reason): (&str, &str),
        now: Time,
    ) -> Result<Vec<Queued>, StoreError> {
        let turn = begin(&self.db)?;
        let left = outbox::all_for(&turn, sink)?;
        for letter in &left {
            put_away(&turn, letter, (who, reason), now)?;
        }
        turn.commit()?;
        Ok(left)
    }

    /// Whether its sink still believes one of its alerts open. A trigger that comes after the end would stay open for ever.
    pub fn is_open(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let select = "SELECT count(*) FROM told WHERE sink = ?1 AND told ->> 'episode_id' = ?2";
        let mut select = self.db.prepare_cached(select)?;
        for change in &delivery.notification.alerts {
            let told: u32 = select.query_row((&delivery.sink, &change.episode_id), |row| row.get(0))?;
            if told > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All of them, or none, each with its record.
    pub fn handle(
        &self,
        letters: &[Queued],
        deed: Deed,
        (who, reason): (&str, &str),
        now: Time,
    ) -> Result<(), StoreError> {
        let turn = begin(&self.db)?;
        for letter in letters {
            let found = outbox::find(&turn, &letter.key)?.filter(|queued| queued.state == State::Dead);
            let Some(found) = found else {
                let DeliveryKey { sink, id } = letter.key.clone();
                return Err(StoreError::NoSuchLetter { sink, id });
            };
            match deed {
                Deed::Retried => {
                    record(&turn, &found, deed, (who, reason), now)?;
                    outbox::write(&turn, &again(found, now))?;
                }
                Deed::Dropped => put_away(&turn, &found, (who, reason), now)?,
            }
        }
        Ok(turn.commit()?)
    }
}

/// It takes up its place in its lane, and has not waited yet.
fn again(letter: Queued, now: Time) -> Queued {
    Queued { since: now, due: now, ..Queued::new(letter.delivery, letter.created, letter.seq) }
}

fn put_away(
    db: &Connection,
    letter: &Queued,
    (who, reason): (&str, &str),
    now: Time,
) -> Result<(), StoreError> {
    record(db, letter, Deed::Dropped, (who, reason), now)?;
    db.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?.execute([letter.seq])?;
    Ok(())
}

fn record(
    db: &Connection,
    letter: &Queued,
    deed: Deed,
    (who, reason): (&str, &str),
    now: Time,
) -> Result<(), StoreError> {
    let notification = &letter.delivery.notification;
    let row = vec![
        next_seq(db, "deeds")?.into(),
        instant(now),
        text(who),
        text(deed.name()),
        text(&letter.key.sink),
        text(&letter.key.id),
        text(&notification.rule),
        text(&notification.cluster),
        text(&wording::title(notification)),
        letter.answer.clone().map_or(Value::Null, Value::Text),
        text(reason),
    ];
    put(db, &DEEDS, row)
}

/// By sink. One that was sent again is left until its sink took it: it may well be given up again.
pub(super) fn left(db: &Connection) -> Result<BTreeMap<String, Left>, StoreError> {
    let mut found: BTreeMap<String, Left> = BTreeMap::new();
    // of `max`, SQLite takes the other columns from the row that holds it
    let dead = "SELECT sink, count(*), answer, max(due) FROM deliveries WHERE state = 'dead' GROUP BY sink";
    let mut dead = db.prepare_cached(dead)?;
    let mut rows = dead.query([])?;
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, Left { dead: row.get(1)?, again: 0, answer: row.get(2)? });
    }
    let again = "SELECT waiting.sink, count(DISTINCT waiting.id) FROM deeds
        JOIN deliveries AS waiting ON waiting.sink = deeds.sink AND waiting.id = deeds.id
        WHERE deeds.deed = ?1 AND waiting.state <> 'dead' GROUP BY waiting.sink";
    let mut again = db.prepare_cached(again)?;
    let mut rows = again.query([Deed::Retried.name()])?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().again = row.get(1)?;
    }
    Ok(found)
}

/// What was done, newest first.
pub(super) fn deeds(db: &Connection, since: Time) -> Result<Vec<Done>, StoreError> {
    let select = "SELECT at, who, deed, sink, id, rule, cluster, what, answer, reason FROM deeds
        WHERE at >= ?1 ORDER BY seq DESC";
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query([since.timestamp_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Done {
            at: time(row.get(0)?)?,
            who: row.get(1)?,
            deed: Deed::from_name(&row.get::<_, String>(2)?)?,
            key: DeliveryKey { sink: row.get(3)?, id: row.get(4)? },
            rule: row.get(5)?,
            cluster: row.get(6)?,
            what: row.get(7)?,
            answer: row.get(8)?,
            reason: row.get(9)?,
        });
    }
    Ok(found)
}
