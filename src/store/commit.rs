//! Writes one turn.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params, types::Value};

use super::{
    Bounds, Run, StoreError, Turn,
    columns::{instant, json, text},
    outbox, room,
    rules::Sight,
    schema::{ALERTS, HISTORY, RULES, RUNS, TOLD, put, sum},
};
use crate::{
    checks::Memory,
    config::RuleKey,
    model::{
        Alert, Entity, Time, Transition,
        notification::{Told, Untold},
    },
};

/// All of one turn, in the transaction that is open.
pub(super) fn commit(db: &Connection, turn: &Turn, now: Time, bounds: &Bounds) -> Result<(), StoreError> {
    let key = &turn.key;
    refuse_to_go_back(db, turn)?;
    put_rule(db, turn, turn.watermark)?;
    for run in &turn.runs {
        put_run(db, key, run)?;
    }
    for (entity, alert) in &turn.alerts {
        put_alert(db, key, entity, alert.as_ref())?;
    }
    for (entity, sink, told) in &turn.told {
        put_told(db, key, entity, sink, told.as_ref())?;
    }
    for delivery in &turn.deliveries {
        outbox::insert(db, delivery, now)?;
    }
    let sinks: BTreeSet<&str> = turn.deliveries.iter().map(|delivery| delivery.sink.as_str()).collect();
    for sink in sinks {
        room::keep_within(db, sink, bounds)?;
    }
    for transition in &turn.history {
        put_transition(db, key, transition, turn.untold.get(&transition.entity))?;
    }
    if turn.forget_rule { forget_rule(db, turn) } else { Ok(()) }
}

/// No tick is judged twice: not after a restart, and not by a slow evaluation that was overtaken.
fn refuse_to_go_back(db: &Connection, turn: &Turn) -> Result<(), StoreError> {
    let mut select = db.prepare_cached("SELECT watermark FROM rules WHERE rule = ?1 AND cluster = ?2")?;
    let stored: Option<Option<i64>> =
        select.query_row(params![turn.key.rule, turn.key.cluster], |row| row.get(0)).optional()?;
    let stored = stored.flatten().map(super::columns::time).transpose()?;
    let given = turn.watermark;
    if given.map(|at| at.timestamp_millis()) < stored.map(|at| at.timestamp_millis()) {
        return Err(StoreError::WatermarkBack { key: turn.key.clone(), stored, given });
    }
    Ok(())
}

fn put_rule(db: &Connection, turn: &Turn, watermark: Option<Time>) -> Result<(), StoreError> {
    let owed: Vec<i64> = turn.owed.iter().map(Time::timestamp_millis).collect();
    let row = vec![
        text(&turn.key.rule),
        text(&turn.key.cluster),
        json(&turn.card)?,
        watermark.map_or(Value::Null, instant),
        json(&owed)?,
        json(&Sight::of(&turn.blind, turn.course))?,
        json(&turn.memory)?,
    ];
    put(db, &RULES, row)
}

fn put_alert(
    db: &Connection,
    key: &RuleKey,
    entity: &Entity,
    alert: Option<&Alert>,
) -> Result<(), StoreError> {
    let Some(alert) = alert else { return forget(db, "alerts", key, entity, None) };
    put(db, &ALERTS, vec![text(&key.rule), text(&key.cluster), json(entity)?, json(alert)?])
}

/// A tick that went as the one before it is counted in that one's row.
fn put_run(db: &Connection, key: &RuleKey, run: &Run) -> Result<(), StoreError> {
    let newest = "SELECT seq, first, last, n, outcome, reason FROM runs
        WHERE rule = ?1 AND cluster = ?2 ORDER BY seq DESC LIMIT 1";
    let newest: Option<(i64, i64, i64, i64, String, Option<String>)> = db
        .prepare_cached(newest)?
        .query_row(params![key.rule, key.cluster], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()?;
    let (begin, tick) = (run.first.timestamp_millis(), run.tick.timestamp_millis());
    let goes_on = newest.filter(|(.., last, _, outcome, reason)| {
        begin > *last && outcome == run.outcome.name() && *reason == run.reason
    });
    let row = |seq: i64, first: i64, n: i64| {
        let reason = run.reason.clone().map_or(Value::Null, Value::Text);
        let (rule, cluster, outcome) = (text(&key.rule), text(&key.cluster), text(run.outcome.name()));
        vec![seq.into(), rule, cluster, first.into(), tick.into(), n.into(), outcome, reason]
    };
    match goes_on {
        Some((seq, first, _, n, ..)) => {
            let n = n + i64::from(run.n);
            lengthen(db, (seq, tick, n), &row(seq, first, n))
        }
        None => put(db, &RUNS, row(next_seq(db, "runs")?, begin, i64::from(run.n))),
    }
}

/// In place, as `row` is then: nothing of what its index holds changes.
fn lengthen(db: &Connection, (seq, last, n): (i64, i64, i64), row: &[Value]) -> Result<(), StoreError> {
    let update = "UPDATE runs SET last = ?2, n = ?3, sum = ?4 WHERE seq = ?1";
    db.prepare_cached(update)?.execute(params![seq, last, n, sum(row)])?;
    Ok(())
}

fn put_told(
    db: &Connection,
    key: &RuleKey,
    entity: &Entity,
    sink: &str,
    told: Option<&Told>,
) -> Result<(), StoreError> {
    let Some(told) = told else { return forget(db, "told", key, entity, Some(sink)) };
    let row = vec![text(&key.rule), text(&key.cluster), json(entity)?, text(sink), json(told)?];
    put(db, &TOLD, row)
}

fn put_transition(
    db: &Connection,
    key: &RuleKey,
    transition: &Transition,
    untold: Option<&Vec<Untold>>,
) -> Result<(), StoreError> {
    let row = vec![
        next_seq(db, "history")?.into(),
        text(&key.rule),
        text(&key.cluster),
        instant(transition.at),
        json(transition)?,
        untold.map_or(Ok(Value::Null), json)?,
    ];
    put(db, &HISTORY, row)
}

fn forget(
    db: &Connection,
    table: &str,
    key: &RuleKey,
    entity: &Entity,
    sink: Option<&str>,
) -> Result<(), StoreError> {
    let entity = super::columns::json_text(entity)?;
    let sql = format!("DELETE FROM {table} WHERE rule = ?1 AND cluster = ?2 AND entity = ?3");
    match sink {
        None => db.prepare_cached(&sql)?.execute(params![key.rule, key.cluster, entity])?,
        Some(sink) => {
            let sql = format!("{sql} AND sink = ?4");
            db.prepare_cached(&sql)?.execute(params![key.rule, key.cluster, entity, sink])?
        }
    };
    Ok(())
}

/// Deliveries carry all they need, and stay until they are settled; history and outcomes stay for their time.
/// So does what a check remembers of a disabled rule; the ticks of the meantime are not owed.
fn forget_rule(db: &Connection, turn: &Turn) -> Result<(), StoreError> {
    let key = &turn.key;
    for table in ["rules", "alerts", "told"] {
        let sql = format!("DELETE FROM {table} WHERE rule = ?1 AND cluster = ?2");
        db.prepare_cached(&sql)?.execute(params![key.rule, key.cluster])?;
    }
    if turn.memory == Memory::default() { Ok(()) } else { put_rule(db, turn, None) }
}

/// The next place in a table's order.
pub(super) fn next_seq(db: &Connection, table: &str) -> Result<i64, StoreError> {
    let sql = format!("SELECT coalesce(max(seq), 0) + 1 FROM {table}");
    Ok(db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?)
}
