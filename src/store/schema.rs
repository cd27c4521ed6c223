//! The tables, how they came to be, and how a row is written and proven.
//!
//! Every row carries a sum over its columns: SQLite proves its own structure, the sum proves what is in it, so that a
//! flipped bit is damage and never another threshold. All writing goes through [`put`], which knows; only a stretch of ticks
//! is lengthened in place, with its new sum.

use std::{path::Path, sync::OnceLock};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params_from_iter, types::Value};

use super::StoreError;

/// What a version adds. A step that was shipped is never changed: append the next one.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql")];

pub(super) struct Table {
    pub name: &'static str,
    /// All but `sum`, in order.
    pub columns: &'static [&'static str],
    insert: OnceLock<String>,
}

impl Table {
    const fn new(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, columns, insert: OnceLock::new() }
    }

    /// Spelled once: it is asked for at every turn of every rule.
    fn insert(&self) -> &str {
        self.insert.get_or_init(|| {
            let (name, columns) = (self.name, self.columns.join(","));
            let marks = vec!["?"; self.columns.len() + 1].join(",");
            format!("INSERT OR REPLACE INTO {name} ({columns},sum) VALUES ({marks})")
        })
    }
}

/// One row: how many transactions were committed here, ever.
pub(super) static COMMITS: Table = Table::new("store", &["id", "version", "commits"]);
pub(super) static RULES: Table =
    Table::new("rules", &["rule", "cluster", "card", "watermark", "owed", "blind", "memory"]);
pub(super) static ALERTS: Table = Table::new("alerts", &["rule", "cluster", "entity", "alert"]);
pub(super) static TOLD: Table = Table::new("told", &["rule", "cluster", "entity", "sink", "told"]);
pub(super) static HANDLES: Table = Table::new("handles", &["sink", "episode", "handle", "written"]);
pub(super) static DELIVERIES: Table = Table::new(
    "deliveries",
    &[
        "seq",
        "sink",
        "id",
        "rule",
        "cluster",
        "lane",
        "delivery",
        "message",
        "sort",
        "bytes",
        "state",
        "attempts",
        "steps",
        "under_way",
        "created",
        "since",
        "due",
        "answer",
    ],
);
pub(super) static SINKS: Table = Table::new("sinks", &["sink", "state", "answer", "answered", "taken"]);
pub(super) static PACES: Table = Table::new("paces", &["sink", "minute", "taken"]);
pub(super) static DEEDS: Table = Table::new(
    "deeds",
    &["seq", "at", "who", "deed", "sink", "id", "rule", "cluster", "what", "answer", "reason"],
);
pub(super) static RUNS: Table =
    Table::new("runs", &["seq", "rule", "cluster", "first", "last", "n", "outcome", "reason"]);
pub(super) static HISTORY: Table =
    Table::new("history", &["seq", "rule", "cluster", "at", "transition", "untold"]);
pub(super) static SILENCES: Table =
    Table::new("silences", &["id", "matchers", "until", "reason", "who", "created"]);
pub(super) static HEARTBEATS: Table =
    Table::new("heartbeats", &["name", "alive", "started", "failed", "took"]);

pub(super) static TABLES: [&Table; 13] = [
    &COMMITS,
    &RULES,
    &ALERTS,
    &TOLD,
    &HANDLES,
    &DELIVERIES,
    &SINKS,
    &PACES,
    &DEEDS,
    &RUNS,
    &HISTORY,
    &SILENCES,
    &HEARTBEATS,
];

/// Written beside the daemon, and only on disk.
pub(super) static OF_PEOPLE: [&Table; 2] = [&DEEDS, &SILENCES];

/// Writes one row, over the one of the same key.
pub(super) fn put(db: &Connection, table: &Table, mut row: Vec<Value>) -> Result<(), StoreError> {
    row.push(Value::Integer(sum(&row)));
    db.prepare_cached(table.insert())?.execute(params_from_iter(row))?;
    Ok(())
}

/// FNV-1a: each step is a bijection, so any single changed byte changes the sum.
pub(super) fn sum(row: &[Value]) -> i64 {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |kind: u8, bytes: &[u8]| {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in [kind].iter().chain(&length).chain(bytes) {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for value in row {
        match value {
            Value::Null => take(0, &[]),
            Value::Integer(value) => take(1, &value.to_le_bytes()),
            Value::Real(value) => take(2, &value.to_le_bytes()),
            Value::Text(text) => take(3, text.as_bytes()),
            Value::Blob(bytes) => take(4, bytes),
        }
    }
    i64::from_le_bytes(sum.to_le_bytes())
}

/// A transaction that writes. It waits for its turn before it reads: SQLite refuses at once, and waits for nobody, when somebody
/// wrote between the first look and the first word.
pub(super) fn begin(db: &Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(Transaction::new_unchecked(db, TransactionBehavior::Immediate)?)
}

/// Brings an open database to the newest schema, in one transaction. Returns the older version it had, if it had one.
pub(super) fn migrate(db: &Connection, path: &Path, steps: &[&str]) -> Result<Option<u32>, StoreError> {
    let found = version(db)?;
    let known = steps.len() as u32;
    let tables: u32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        check_it_is_ours(db, path, found)?;
    } else if found > 0 {
        return Err(StoreError::Damaged("its tables are gone".to_owned()));
    }
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(None);
    }
    let turn = begin(db)?;
    for step in &steps[found as usize..] {
        turn.execute_batch(step)?;
    }
    turn.pragma_update(None, "user_version", known)?;
    put(&turn, &COMMITS, vec![1.into(), known.into(), commits(&turn)?.into()])?;
    turn.commit()?;
    Ok((found > 0).then_some(found))
}

/// The version is written twice: one flipped bit must not look like a newer highwater, nor another's file like a damaged one of ours.
fn check_it_is_ours(db: &Connection, path: &Path, found: u32) -> Result<(), StoreError> {
    let ours = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('store', 'rules', 'deliveries')";
    let ours: u32 = db.query_row(ours, [], |row| row.get(0))?;
    if ours == 0 {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let written: u32 = db.query_row("SELECT version FROM store WHERE id = 1", [], |row| row.get(0))?;
    if written != found {
        return Err(StoreError::Damaged(format!(
            "its version reads {found} in one place and {written} in another"
        )));
    }
    Ok(())
}

/// What an open file answers to plain questions can only be wrong if it is not what was written.
pub(super) fn as_damage(error: StoreError) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let StoreError::Sqlite(cause) = &error else { return error };
    let strange = cause.sqlite_error_code().is_none_or(|code| {
        let strange =
            [Code::Unknown, Code::ConstraintViolation, Code::TypeMismatch, Code::TooBig, Code::ReadOnly];
        strange.contains(&code)
    });
    if strange { StoreError::Damaged(error.to_string()) } else { error }
}

pub(super) fn version(db: &Connection) -> Result<u32, StoreError> {
    Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Proves structure and content; what it finds is damage.
pub(super) fn prove(db: &Connection) -> Result<(), StoreError> {
    let said: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(StoreError::Damaged(said.lines().last().unwrap_or_default().to_owned()));
    }
    for table in TABLES {
        each(db, table, |row, written| match sum(&row) == written {
            true => Ok(()),
            false => Err(StoreError::Damaged(format!("a row of `{}` is not what was written", table.name))),
        })?;
    }
    Ok(())
}

/// Makes `to` hold what `from` holds, in the transaction that is open there.
pub(super) fn copy(from: &Connection, to: &Connection, tables: &[&Table]) -> Result<(), StoreError> {
    for table in tables {
        to.execute(&format!("DELETE FROM {}", table.name), [])?;
        each(from, table, |row, _| put(to, table, row))?;
    }
    Ok(())
}

/// The same for every table, in a transaction of its own.
pub(super) fn copy_all(from: &Connection, to: &Connection) -> Result<(), StoreError> {
    let turn = begin(to)?;
    copy(from, &turn, &TABLES)?;
    Ok(turn.commit()?)
}

fn each(
    db: &Connection,
    table: &Table,
    mut take: impl FnMut(Vec<Value>, i64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let width = table.columns.len();
    let mut select = db.prepare(&format!("SELECT {},sum FROM {}", table.columns.join(","), table.name))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        take(values(row, width)?, row.get(width)?)?;
    }
    Ok(())
}

fn values(row: &Row<'_>, width: usize) -> Result<Vec<Value>, rusqlite::Error> {
    (0..width).map(|column| row.get(column)).collect()
}

pub(super) fn commits(db: &Connection) -> Result<i64, StoreError> {
    let found = db.prepare_cached("SELECT commits FROM store WHERE id = 1")?.query_row([], |row| row.get(0));
    match found {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(0),
        found => Ok(found?),
    }
}

/// Counts the transaction that is open.
pub(super) fn count_commit(db: &Connection) -> Result<i64, StoreError> {
    let known: (u32, i64) = db
        .prepare_cached("SELECT version, commits FROM store WHERE id = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (version, commits) = (known.0, known.1 + 1);
    put(db, &COMMITS, vec![1.into(), version.into(), commits.into()])?;
    Ok(commits)
}
