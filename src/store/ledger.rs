//! What each sink is like: its last answer, when it last took something, and how much it takes.

use rusqlite::{Connection, OptionalExtension, params, types::Value};

use super::{
    Settlement, StoreError,
    columns::{instant, text, time},
    schema::{PACES, SINKS, put},
    settle::clip,
};
use crate::model::Time;

/// How many minutes the rate is of.
const MINUTES: i64 = 60;

/// What the last attempts say of a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Working,
    /// Its last attempt has to be repeated.
    Failing,
    /// It takes nothing until somebody mends its settings.
    Misconfigured,
}

impl Condition {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Failing => "failing",
            Self::Misconfigured => "misconfigured",
        }
    }

    fn from_name(name: &str) -> Result<Self, StoreError> {
        let all = [Self::Working, Self::Failing, Self::Misconfigured];
        let found = all.into_iter().find(|condition| condition.name() == name);
        found.ok_or_else(|| StoreError::Damaged(format!("`{name}` is no condition of a sink")))
    }
}

/// One sink as its attempts left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub sink: String,
    pub condition: Condition,
    /// What it said last, where it did not just take a message.
    pub answer: Option<String>,
    pub answered: Time,
    /// When it last took a message.
    pub taken: Option<Time>,
    /// Messages that it took within the last hour.
    pub per_hour: u32,
}

pub(super) fn note(
    db: &Connection,
    sink: &str,
    settlement: &Settlement,
    now: Time,
) -> Result<(), StoreError> {
    let (condition, answer) = match settlement {
        Settlement::Accepted { .. } => (Condition::Working, None),
        Settlement::Step { .. } | Settlement::Instead { .. } | Settlement::Awaited { .. } => return Ok(()),
        Settlement::Retry { why, .. } | Settlement::Dead { why } => (Condition::Failing, Some(clip(why))),
        Settlement::Held { why, .. } => (Condition::Misconfigured, Some(clip(why))),
    };
    write(db, sink, (condition, answer, i64::from(condition == Condition::Working)), now)
}

/// The same for a sink that counts: its messages are in no outbox.
pub(super) fn note_counts(
    db: &Connection,
    sink: &str,
    (taken, failed): (u32, Option<&str>),
    now: Time,
) -> Result<(), StoreError> {
    let condition = if failed.is_some() { Condition::Failing } else { Condition::Working };
    write(db, sink, (condition, failed.map(clip), i64::from(taken)), now)
}

fn write(
    db: &Connection,
    sink: &str,
    (condition, answer, took): (Condition, Option<String>, i64),
    now: Time,
) -> Result<(), StoreError> {
    let taken = if took > 0 {
        count(db, sink, took, now)?;
        Some(now.timestamp_millis())
    } else {
        let select = "SELECT taken FROM sinks WHERE sink = ?1";
        db.prepare_cached(select)?.query_row([sink], |row| row.get(0)).optional()?.flatten()
    };
    let row = vec![
        text(sink),
        text(condition.name()),
        answer.map_or(Value::Null, Value::Text),
        instant(now),
        taken.map_or(Value::Null, Value::Integer),
    ];
    put(db, &SINKS, row)
}

fn count(db: &Connection, sink: &str, took: i64, now: Time) -> Result<(), StoreError> {
    let minute = now.timestamp() / 60;
    let select = "SELECT taken FROM paces WHERE sink = ?1 AND minute = ?2";
    let known: Option<i64> =
        db.prepare_cached(select)?.query_row(params![sink, minute], |row| row.get(0)).optional()?;
    let Some(known) = known else {
        let old = "DELETE FROM paces WHERE sink = ?1 AND minute < ?2";
        db.prepare_cached(old)?.execute(params![sink, minute - MINUTES])?;
        return put(db, &PACES, vec![text(sink), minute.into(), took.into()]);
    };
    put(db, &PACES, vec![text(sink), minute.into(), (known + took).into()])
}

pub(super) fn accounts(db: &Connection, now: Time) -> Result<Vec<Account>, StoreError> {
    let select = "SELECT sink, state, answer, answered, sinks.taken,
        (SELECT coalesce(sum(paces.taken), 0) FROM paces WHERE paces.sink = sinks.sink AND minute > ?1)
        FROM sinks ORDER BY sink";
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query([now.timestamp() / 60 - MINUTES])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let taken: Option<i64> = row.get(4)?;
        found.push(Account {
            sink: row.get(0)?,
            condition: Condition::from_name(&row.get::<_, String>(1)?)?,
            answer: row.get(2)?,
            answered: time(row.get(3)?)?,
            taken: taken.map(time).transpose()?,
            per_hour: row.get(5)?,
        });
    }
    Ok(found)
}
