//! Deliveries that wait, in lanes: within one lane of a sink a later one never overtakes an earlier one.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params, types::Value};

use super::{
    StoreError,
    columns::{instant, json, parse, text, time},
    commit::next_seq,
    schema::{DELIVERIES, HANDLES, put},
};
use crate::{
    model::{
        Time,
        notification::{Delivery, Handle},
    },
    sinks::Message,
};

/// What is kept of a service's answer.
const ANSWER_BYTES: usize = 256;

/// How many lanes one question answers; the next question finds the others.
const HEADS: u32 = 256;

/// Names one delivery: a notification's id is the same after a replay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    pub sink: String,
    pub id: String,
}

impl DeliveryKey {
    pub fn of(delivery: &Delivery) -> Self {
        Self { sink: delivery.sink.clone(), id: delivery.notification.notification_id.clone() }
    }
}

/// A delivery in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    pub key: DeliveryKey,
    pub delivery: Delivery,
    /// As it was rendered for the first attempt; every later one sends the same.
    pub message: Option<Message>,
    /// What the sink gave back for the first of its alerts that it knows.
    pub handle: Option<Handle>,
    pub state: State,
    pub attempts: u32,
    pub created: Time,
    pub due: Time,
    /// What the service said last.
    pub answer: Option<String>,
    seq: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Queued,
    /// The sink's settings have to be mended first.
    Held,
    /// Nobody will be told; it blocks its lane no longer.
    Dead,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Dead => "dead",
        }
    }

    fn from_name(name: &str) -> Result<Self, StoreError> {
        let found = [Self::Queued, Self::Held, Self::Dead].into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| StoreError::Damaged(format!("`{name}` is no state of a delivery")))
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Delivered, and forgotten at once; only the handles stay, by episode or digest.
    Accepted {
        handles: BTreeMap<String, Handle>,
    },
    /// One message of it is done with; this is the next.
    Step {
        handles: BTreeMap<String, Handle>,
        message: Message,
    },
    Retry {
        due: Time,
        why: String,
    },
    /// Kept for people, but never sent.
    Dead {
        why: String,
    },
    Held {
        due: Time,
        why: String,
    },
}

/// How much waits for one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub sink: String,
    pub queued: u32,
    pub held: u32,
    pub dead: u32,
    /// When the oldest that is not dead came in.
    pub oldest: Option<Time>,
}

/// A replay finds its delivery there already, and leaves it as it is.
pub(super) fn insert(db: &Connection, delivery: &Delivery, now: Time) -> Result<(), StoreError> {
    let key = DeliveryKey::of(delivery);
    if find(db, &key)?.is_some() {
        return Ok(());
    }
    let queued = Queued {
        key,
        delivery: delivery.clone(),
        message: None,
        handle: None,
        state: State::Queued,
        attempts: 0,
        created: now,
        due: now,
        answer: None,
        seq: next_seq(db, "deliveries")?,
    };
    write(db, &queued)
}

/// The first delivery of every lane of `sink` that is due: nothing earlier of its lane is unsettled.
pub(super) fn heads(db: &Connection, sink: &str, now: Time) -> Result<Vec<Queued>, StoreError> {
    let select = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE due <= ?2 AND seq IN (
            SELECT min(seq) FROM deliveries WHERE sink = ?1 AND state <> 'dead' GROUP BY lane
        ) ORDER BY seq LIMIT {HEADS}"
    );
    let mut select = db.prepare_cached(&select)?;
    let mut rows = select.query(params![sink, now.timestamp_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut queued = read(row)?;
        queued.handle = handle(db, &queued.delivery)?;
        found.push(queued);
    }
    Ok(found)
}

/// When the next head of a lane of `sink` is due.
pub(super) fn next_due(db: &Connection, sink: &str) -> Result<Option<Time>, StoreError> {
    let select = "SELECT min(due) FROM deliveries WHERE seq IN (
        SELECT min(seq) FROM deliveries WHERE sink = ?1 AND state <> 'dead' GROUP BY lane
    )";
    let due: Option<i64> = db.prepare_cached(select)?.query_row([sink], |row| row.get(0))?;
    due.map(time).transpose()
}

/// What the first attempt sends, and so every other. The first rendering stays.
pub(super) fn freeze(db: &Connection, key: &DeliveryKey, message: &Message) -> Result<(), StoreError> {
    let mut queued = waiting(db, key)?;
    if queued.message.is_some() {
        return Ok(());
    }
    queued.message = Some(message.clone());
    write(db, &queued)
}

pub(super) fn settle(
    db: &Connection,
    key: &DeliveryKey,
    settlement: &Settlement,
    now: Time,
) -> Result<(), StoreError> {
    let mut queued = waiting(db, key)?;
    queued.attempts += 1;
    let (state, due, why) = match settlement {
        Settlement::Accepted { handles } => return accept(db, &queued, handles, now),
        Settlement::Step { handles, message } => {
            keep_handles(db, &queued, handles, now)?;
            queued.message = Some(message.clone());
            return write(db, &queued);
        }
        Settlement::Retry { due, why } => (State::Queued, *due, why),
        Settlement::Held { due, why } => (State::Held, *due, why),
        Settlement::Dead { why } => (State::Dead, now, why),
    };
    (queued.state, queued.due, queued.answer) = (state, due, Some(clip(why)));
    write(db, &queued)
}

/// Its body may hold personal data, and goes at once.
fn accept(
    db: &Connection,
    queued: &Queued,
    handles: &BTreeMap<String, Handle>,
    now: Time,
) -> Result<(), StoreError> {
    keep_handles(db, queued, handles, now)?;
    db.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?.execute([queued.seq])?;
    Ok(())
}

fn keep_handles(
    db: &Connection,
    queued: &Queued,
    handles: &BTreeMap<String, Handle>,
    now: Time,
) -> Result<(), StoreError> {
    for (episode, handle) in handles {
        put(db, &HANDLES, vec![text(&queued.key.sink), text(episode), text(&handle.0), instant(now)])?;
    }
    Ok(())
}

pub(super) fn depth(db: &Connection) -> Result<Vec<Depth>, StoreError> {
    let select = "SELECT sink, sum(state = 'queued'), sum(state = 'held'), sum(state = 'dead'),
        min(CASE WHEN state <> 'dead' THEN created END) FROM deliveries GROUP BY sink";
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let oldest: Option<i64> = row.get(4)?;
        let oldest = oldest.map(time).transpose()?;
        let (sink, queued, held, dead) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        found.push(Depth { sink, queued, held, dead, oldest });
    }
    Ok(found)
}

/// Dead letters, newest first.
pub(super) fn dead_letters(db: &Connection) -> Result<Vec<Queued>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM deliveries WHERE state = 'dead' ORDER BY due DESC, seq DESC");
    let mut select = db.prepare(&select)?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn waiting(db: &Connection, key: &DeliveryKey) -> Result<Queued, StoreError> {
    let found = find(db, key)?.filter(|queued| queued.state != State::Dead);
    found.ok_or_else(|| StoreError::NoSuchDelivery { sink: key.sink.clone(), id: key.id.clone() })
}

fn find(db: &Connection, key: &DeliveryKey) -> Result<Option<Queued>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM deliveries WHERE sink = ?1 AND id = ?2");
    let mut select = db.prepare_cached(&select)?;
    let mut rows = select.query(params![key.sink, key.id])?;
    rows.next()?.map(read).transpose()
}

fn handle(db: &Connection, delivery: &Delivery) -> Result<Option<Handle>, StoreError> {
    let mut select = db.prepare_cached("SELECT handle FROM handles WHERE sink = ?1 AND episode = ?2")?;
    let notification = &delivery.notification;
    let digest = notification.digest.iter().map(|digest| &digest.id);
    for episode in digest.chain(notification.alerts.iter().map(|change| &change.episode_id)) {
        let found = select.query_row(params![delivery.sink, episode], |row| row.get(0)).optional()?;
        if let Some(handle) = found {
            return Ok(Some(Handle(handle)));
        }
    }
    Ok(None)
}

const COLUMNS: &str = "seq, sink, id, delivery, message, state, attempts, created, due, answer";

fn read(row: &Row<'_>) -> Result<Queued, StoreError> {
    let message: Option<String> = row.get(4)?;
    Ok(Queued {
        seq: row.get(0)?,
        key: DeliveryKey { sink: row.get(1)?, id: row.get(2)? },
        delivery: parse(&row.get::<_, String>(3)?)?,
        message: message.as_deref().map(parse).transpose()?,
        handle: None,
        state: State::from_name(&row.get::<_, String>(5)?)?,
        attempts: row.get(6)?,
        created: time(row.get(7)?)?,
        due: time(row.get(8)?)?,
        answer: row.get(9)?,
    })
}

fn write(db: &Connection, queued: &Queued) -> Result<(), StoreError> {
    let notification = &queued.delivery.notification;
    let row = vec![
        queued.seq.into(),
        text(&queued.key.sink),
        text(&queued.key.id),
        text(&notification.rule),
        text(&notification.cluster),
        text(&queued.delivery.lane),
        json(&queued.delivery)?,
        queued.message.as_ref().map(json).transpose()?.unwrap_or(Value::Null),
        text(queued.state.name()),
        i64::from(queued.attempts).into(),
        instant(queued.created),
        instant(queued.due),
        queued.answer.clone().map_or(Value::Null, Value::Text),
    ];
    put(db, &DELIVERIES, row)
}

/// One line of at most 256 bytes: a service's answer is foreign text.
fn clip(why: &str) -> String {
    let mut clipped = String::new();
    for letter in why.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
        if clipped.len() + letter.len_utf8() > ANSWER_BYTES {
            break;
        }
        clipped.push(letter);
    }
    clipped
}
