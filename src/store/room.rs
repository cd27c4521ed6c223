//! How little may wait: what is superseded goes, what waits together is merged, and no sink's share grows without a bound.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::{
    Queued, StoreError,
    outbox::{self, COLUMNS, Sort},
};
use crate::{
    config::Settings,
    model::{
        merge,
        notification::{Change, Delivery},
    },
    sinks::Belated,
};

/// How much may wait for one sink.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub rows: usize,
    pub bytes: u64,
    /// Sinks that take what waited as one message.
    pub for_people: BTreeSet<String>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { rows: 10_000, bytes: 64 << 20, for_people: BTreeSet::new() }
    }
}

impl Bounds {
    pub fn of(settings: &Settings) -> Self {
        let merged = settings.sinks.iter().filter(|(_, sink)| sink.belated() == Belated::Merged);
        Self {
            rows: settings.delivery.max_queued,
            bytes: settings.delivery.max_queued_bytes,
            for_people: merged.map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// What is superseded by `delivery` goes, and what is left of `delivery` beside what waits already.
pub(super) fn make(db: &Connection, delivery: Delivery) -> Result<Option<Delivery>, StoreError> {
    let (sink, lane, sort) = (delivery.sink.clone(), delivery.lane.clone(), Sort::of(&delivery));
    if sort == Sort::Readings {
        return Ok(Some(delivery));
    }
    let concerned = match sort {
        Sort::Event => return Ok(Some(delivery)),
        Sort::Update => "",
        Sort::Reminder | Sort::News | Sort::Readings => "AND sort <> 'news'",
    };
    let mut left = Some(delivery);
    for old in lane_of(db, &sink, &lane, concerned)? {
        let Some(new) = left.take() else { break };
        left = match (Sort::of(&old.delivery), sort) {
            (Sort::Update, Sort::Update) if !old.is_begun() => {
                forget(db, &old)?;
                Some(merge::updates(&old.delivery, new))
            }
            (Sort::Update, Sort::Update) => Some(new),
            // it would say what is said before it
            (_, Sort::Update) => merge::without(&new, |change| speaks_of(&old.delivery, change)),
            (older, _) => {
                supersede(db, old, older, &new)?;
                Some(new)
            }
        };
    }
    Ok(left)
}

fn speaks_of(delivery: &Delivery, change: &Change) -> bool {
    delivery.notification.alerts.iter().any(|other| other.alert_key == change.alert_key)
}

/// An older update or reminder does not keep news waiting: not even if it failed before.
fn supersede(db: &Connection, old: Queued, sort: Sort, new: &Delivery) -> Result<(), StoreError> {
    let stands = match sort {
        Sort::News | Sort::Readings | Sort::Event => true,
        Sort::Reminder => old.is_begun(),
        Sort::Update => old.is_begun() && old.attempts == 0,
    };
    if stands {
        return Ok(());
    }
    forget(db, &old)?;
    let left = merge::without(&old.delivery, |change| speaks_of(new, change));
    match left.filter(|_| !old.is_begun()) {
        Some(left) => put_in_place(db, &old, left),
        None => Ok(()),
    }
}

/// Everything of a lane that is not begun becomes as few messages as its sink takes.
pub(super) fn merge_lane(db: &Connection, sink: &str, lane: &str, how: Belated) -> Result<(), StoreError> {
    let waiting = lane_of(db, sink, lane, "AND message IS NULL AND sort NOT IN ('readings', 'event')")?;
    let deliveries: Vec<Delivery> = waiting.iter().map(|queued| queued.delivery.clone()).collect();
    let merged = match how {
        Belated::Merged => merge::for_people(&deliveries),
        Belated::Each => merge::for_services(&deliveries),
    };
    if waiting.len() < 2 || merged == deliveries {
        return Ok(());
    }
    waiting.iter().try_for_each(|queued| forget(db, queued))?;
    // what is merged has waited for as long as any of it
    let since = waiting.iter().map(|queued| queued.since).min();
    for (mut place, delivery) in waiting.into_iter().zip(merged) {
        place.since = since.unwrap_or(place.since);
        put_in_place(db, &place, delivery)?;
    }
    Ok(())
}

/// What is first in a lane, whether it is due or not.
pub(super) fn first_of(db: &Connection, sink: &str, lane: &str) -> Result<Option<Queued>, StoreError> {
    let mut first = lane_of(db, sink, lane, "")?.into_iter().next();
    if let Some(queued) = &mut first {
        queued.handle = outbox::handle(db, &queued.delivery)?;
    }
    Ok(first)
}

fn put_in_place(db: &Connection, place: &Queued, delivery: Delivery) -> Result<(), StoreError> {
    let new = Queued::new(delivery, place.created, place.seq);
    let (state, since, due) = (place.state, place.since, place.due);
    let (attempts, answer) = (place.attempts, place.answer.clone());
    outbox::write(db, &Queued { state, since, due, attempts, answer, ..new })
}

/// The oldest first.
fn lane_of(db: &Connection, sink: &str, lane: &str, also: &str) -> Result<Vec<Queued>, StoreError> {
    let select = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE sink = ?1 AND lane = ?2 AND state <> 'dead' {also} ORDER BY seq"
    );
    let mut select = db.prepare_cached(&select)?;
    let mut rows = select.query(params![sink, lane])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(outbox::read(row)?);
    }
    Ok(found)
}

fn forget(db: &Connection, queued: &Queued) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?.execute([queued.seq])?;
    Ok(())
}

/// Keeps a sink's share within its bounds; events have a bound of their own, where they come from. First updates and reminders
/// go, then readings, then lanes are merged. The newest trigger and resolve of an alert stay, whatever the bounds say.
pub(super) fn keep_within(db: &Connection, sink: &str, bounds: &Bounds) -> Result<(), StoreError> {
    forget_old_letters(db, sink, bounds)?;
    if is_within(db, sink, bounds)? {
        return Ok(());
    }
    let soft = "DELETE FROM deliveries
        WHERE sink = ?1 AND state <> 'dead' AND message IS NULL AND sort IN ('update', 'reminder')";
    let dropped = db.prepare_cached(soft)?.execute([sink])?;
    if dropped > 0 {
        tracing::warn!(sink, dropped, "outbox full, updates and reminders dropped");
    }
    drop_old_readings(db, sink, bounds)?;
    if is_within(db, sink, bounds)? {
        return Ok(());
    }
    let (how, most) =
        if bounds.for_people.contains(sink) { (Belated::Merged, 2) } else { (Belated::Each, 3) };
    let lanes = long_lanes(db, sink, most)?;
    for lane in &lanes {
        merge_lane(db, sink, lane, how)?;
    }
    if !lanes.is_empty() {
        tracing::warn!(sink, lanes = lanes.len(), "outbox full, deliveries merged");
    }
    Ok(())
}

/// Numbers that nobody took make room for alerts: the older half of them, then the older half of what is left.
fn drop_old_readings(db: &Connection, sink: &str, bounds: &Bounds) -> Result<(), StoreError> {
    let waiting = "sink = ?1 AND state <> 'dead' AND message IS NULL AND sort = 'readings'";
    let count = format!("SELECT count(*) FROM deliveries WHERE {waiting}");
    let forget = format!(
        "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE {waiting} ORDER BY seq LIMIT ?2)"
    );
    let mut dropped = 0;
    while !is_within(db, sink, bounds)? {
        let left: i64 = db.prepare_cached(&count)?.query_row([sink], |row| row.get(0))?;
        if left == 0 {
            break;
        }
        dropped += db.prepare_cached(&forget)?.execute(params![sink, (left + 1) / 2])?;
    }
    if dropped > 0 {
        tracing::warn!(sink, dropped, "outbox full, readings dropped");
    }
    Ok(())
}

/// Dead letters were told when they died: of very many only the newest are kept.
fn forget_old_letters(db: &Connection, sink: &str, bounds: &Bounds) -> Result<(), StoreError> {
    let old = "DELETE FROM deliveries WHERE seq IN (
        SELECT seq FROM deliveries WHERE sink = ?1 AND state = 'dead' ORDER BY due DESC, seq DESC LIMIT -1 OFFSET ?2
    )";
    let most = i64::try_from(bounds.rows).unwrap_or(i64::MAX);
    db.prepare_cached(old)?.execute(params![sink, most])?;
    Ok(())
}

fn is_within(db: &Connection, sink: &str, bounds: &Bounds) -> Result<bool, StoreError> {
    let select = "SELECT count(*), coalesce(sum(bytes), 0) FROM deliveries WHERE sink = ?1 AND state <> 'dead' AND sort <> 'event'";
    let (rows, bytes): (i64, i64) =
        db.prepare_cached(select)?.query_row([sink], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(usize::try_from(rows).is_ok_and(|rows| rows <= bounds.rows) && bytes.unsigned_abs() <= bounds.bytes)
}

/// Lanes that hold more than merging leaves of one.
fn long_lanes(db: &Connection, sink: &str, most: u32) -> Result<Vec<String>, StoreError> {
    let select = "SELECT lane FROM deliveries
        WHERE sink = ?1 AND state <> 'dead' AND message IS NULL AND sort NOT IN ('readings', 'event')
        GROUP BY lane HAVING count(*) > ?2";
    let mut select = db.prepare_cached(select)?;
    let lanes = select.query_map(params![sink, most], |row| row.get(0))?;
    Ok(lanes.collect::<Result<_, _>>()?)
}
