//! Deliveries that wait, in lanes: within one lane of a sink a later one never overtakes an earlier one.

use rusqlite::{Connection, OptionalExtension, Params, Row, params, types::Value};

use super::{
    StoreError,
    columns::{instant, json_text, parse, text, time},
    commit::next_seq,
    room,
    schema::{DELIVERIES, put},
};
use crate::{
    config::RuleKey,
    model::{
        Kind, Time,
        notification::{Delivery, Handle},
    },
    sinks::Message,
};

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
    /// As it was rendered for the first attempt that may have arrived; every later one sends the same.
    pub message: Option<Message>,
    /// How many of its messages are done with.
    pub steps: u32,
    /// What the sink gave back for the first of its alerts that it knows.
    pub handle: Option<Handle>,
    pub state: State,
    /// How many have come to something.
    pub attempts: u32,
    /// An attempt was begun of which nobody knows what it came to. Surely known of the first one, and where [`begin`] was asked.
    pub under_way: bool,
    pub created: Time,
    /// Since when it waits: since it came in, or since somebody had it sent again.
    pub since: Time,
    pub due: Time,
    /// What the service said last.
    pub answer: Option<String>,
    /// How many of its lane wait behind it.
    pub behind: u32,
    pub(super) seq: i64,
}

impl Queued {
    pub(super) fn new(delivery: Delivery, now: Time, seq: i64) -> Self {
        Self {
            key: DeliveryKey::of(&delivery),
            delivery,
            message: None,
            steps: 0,
            handle: None,
            state: State::Queued,
            attempts: 0,
            under_way: false,
            created: now,
            since: now,
            due: now,
            answer: None,
            behind: 0,
            seq,
        }
    }

    /// What every attempt sends is fixed: it is neither merged nor replaced.
    pub(super) const fn is_begun(&self) -> bool {
        self.message.is_some()
    }
}

/// What a delivery brings: only news may keep something else waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Update,
    Reminder,
    News,
    /// Numbers for a sink that keeps them, in lanes of their own.
    Readings,
    /// Events, each of which is told by itself: nothing is superseded by them, and nothing supersedes or merges them.
    Event,
}

impl Sort {
    pub(super) fn of(delivery: &Delivery) -> Self {
        if !delivery.notification.readings.is_empty() {
            return Self::Readings;
        }
        let of = |kind| match kind {
            Kind::Updated => Self::Update,
            Kind::Reminded => Self::Reminder,
            Kind::Happened => Self::Event,
            _ => Self::News,
        };
        delivery.notification.alerts.iter().map(|change| of(change.kind)).max().unwrap_or(Self::News)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Reminder => "reminder",
            Self::News => "news",
            Self::Readings => "readings",
            Self::Event => "event",
        }
    }
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

/// How much waits for one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub sink: String,
    pub queued: u32,
    pub held: u32,
    pub dead: u32,
    /// Since when the one waits that waits longest.
    pub oldest: Option<Time>,
}

/// A replay finds its delivery there already, and leaves it as it is.
pub(super) fn insert(db: &Connection, delivery: &Delivery, now: Time) -> Result<(), StoreError> {
    if find(db, &DeliveryKey::of(delivery))?.is_some() {
        return Ok(());
    }
    let Some(delivery) = room::make(db, delivery.clone())? else { return Ok(()) };
    write(db, &Queued::new(delivery, now, next_seq(db, "deliveries")?))
}

/// The first delivery of every lane of `sink` that is due: nothing earlier of its lane is unsettled.
pub(super) fn heads(db: &Connection, sink: &str, now: Time) -> Result<Vec<Queued>, StoreError> {
    // of `min`, SQLite takes the other columns from the row that holds it
    let select = format!(
        "SELECT {COLUMNS}, behind FROM deliveries JOIN (
            SELECT min(seq) AS head, due AS head_due, count(*) - 1 AS behind
            FROM deliveries WHERE sink = ?1 AND state <> 'dead' GROUP BY lane
        ) ON seq = head WHERE head_due <= ?2 ORDER BY head LIMIT {HEADS}"
    );
    let mut select = db.prepare_cached(&select)?;
    let mut rows = select.query(params![sink, now.timestamp_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut queued = read(row)?;
        queued.behind = row.get("behind")?;
        queued.handle = handle(db, &queued.delivery)?;
        found.push(queued);
    }
    Ok(found)
}

/// When the next head of a lane of `sink` is due; with `after`, of those that are due later.
pub(super) fn next_due(db: &Connection, sink: &str, after: Option<Time>) -> Result<Option<Time>, StoreError> {
    let select = "SELECT min(due) FROM (
        SELECT min(seq), due FROM deliveries WHERE sink = ?1 AND state <> 'dead' GROUP BY lane
    ) WHERE due > ?2";
    let after = after.map_or(i64::MIN, |after| after.timestamp_millis());
    let due: Option<i64> = db.prepare_cached(select)?.query_row(params![sink, after], |row| row.get(0))?;
    due.map(time).transpose()
}

/// What the first attempt sends, and so every other, and what it was made from. The first rendering stays.
pub(super) fn freeze(
    db: &Connection,
    key: &DeliveryKey,
    message: &Message,
    delivery: Option<&Delivery>,
) -> Result<(), StoreError> {
    let mut queued = waiting(db, key)?;
    if queued.message.is_some() {
        return Ok(());
    }
    (queued.message, queued.under_way) = (Some(message.clone()), true);
    if let Some(delivery) = delivery {
        queued.delivery = delivery.clone();
    }
    write(db, &queued)
}

/// What was made ready and not sent after all may be made anew.
pub(super) fn unfreeze(db: &Connection, key: &DeliveryKey) -> Result<(), StoreError> {
    let queued = Queued { message: None, under_way: false, ..waiting(db, key)? };
    write(db, &queued)
}

/// Whether an attempt is under way, for what would be a repeat if nobody lived to see its end.
pub(super) fn begin(db: &Connection, key: &DeliveryKey, under_way: bool) -> Result<(), StoreError> {
    let queued = Queued { under_way, ..waiting(db, key)? };
    write(db, &queued)
}

pub(super) fn depth(db: &Connection) -> Result<Vec<Depth>, StoreError> {
    let select = "SELECT sink, sum(state = 'queued'), sum(state = 'held'), sum(state = 'dead'),
        min(CASE WHEN state <> 'dead' THEN since END) FROM deliveries GROUP BY sink";
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

pub(super) fn has_any(db: &Connection, sink: &str) -> Result<bool, StoreError> {
    let select = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE sink = ?1)";
    Ok(db.prepare_cached(select)?.query_row([sink], |row| row.get(0))?)
}

/// How many events of a rule wait, as deliveries and as bytes, for whichever sink has most of them.
pub(super) fn events_waiting(db: &Connection, key: &RuleKey) -> Result<(u64, u64), StoreError> {
    let select = "SELECT coalesce(max(n), 0), coalesce(max(size), 0) FROM (
        SELECT count(*) AS n, sum(bytes) AS size FROM deliveries
        WHERE rule = ?1 AND cluster = ?2 AND sort = 'event' AND state <> 'dead' GROUP BY sink
    )";
    let found = db.prepare_cached(select)?.query_row(params![key.rule, key.cluster], |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(found)
}

/// Dead letters, newest first.
pub(super) fn dead_letters(db: &Connection) -> Result<Vec<Queued>, StoreError> {
    select_where(db, "state = 'dead' ORDER BY due DESC, seq DESC", [])
}

/// News that are neither taken nor given up, oldest first.
pub(super) fn news_waiting(db: &Connection) -> Result<Vec<Queued>, StoreError> {
    select_where(db, "sort = 'news' AND state <> 'dead' ORDER BY seq", [])
}

/// What waits for a sink and what was given up, oldest first.
pub(super) fn all_for(db: &Connection, sink: &str) -> Result<Vec<Queued>, StoreError> {
    select_where(db, "sink = ?1 ORDER BY seq", [sink])
}

fn select_where(db: &Connection, which: &str, values: impl Params) -> Result<Vec<Queued>, StoreError> {
    let mut select = db.prepare(&format!("SELECT {COLUMNS} FROM deliveries WHERE {which}"))?;
    let mut rows = select.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn waiting(db: &Connection, key: &DeliveryKey) -> Result<Queued, StoreError> {
    let found = find(db, key)?.filter(|queued| queued.state != State::Dead);
    found.ok_or_else(|| StoreError::NoSuchDelivery { sink: key.sink.clone(), id: key.id.clone() })
}

pub(super) fn find(db: &Connection, key: &DeliveryKey) -> Result<Option<Queued>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM deliveries WHERE sink = ?1 AND id = ?2");
    let mut select = db.prepare_cached(&select)?;
    let mut rows = select.query(params![key.sink, key.id])?;
    rows.next()?.map(read).transpose()
}

pub(super) fn handle(db: &Connection, delivery: &Delivery) -> Result<Option<Handle>, StoreError> {
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

pub(super) const COLUMNS: &str =
    "seq, sink, id, delivery, message, state, attempts, under_way, created, since, due, answer, steps";

pub(super) fn read(row: &Row<'_>) -> Result<Queued, StoreError> {
    let message: Option<String> = row.get(4)?;
    Ok(Queued {
        seq: row.get(0)?,
        key: DeliveryKey { sink: row.get(1)?, id: row.get(2)? },
        delivery: parse(&row.get::<_, String>(3)?)?,
        message: message.as_deref().map(parse).transpose()?,
        handle: None,
        state: State::from_name(&row.get::<_, String>(5)?)?,
        attempts: row.get(6)?,
        under_way: row.get(7)?,
        created: time(row.get(8)?)?,
        since: time(row.get(9)?)?,
        due: time(row.get(10)?)?,
        answer: row.get(11)?,
        steps: row.get(12)?,
        behind: 0,
    })
}

pub(super) fn write(db: &Connection, queued: &Queued) -> Result<(), StoreError> {
    let notification = &queued.delivery.notification;
    let delivery = json_text(&queued.delivery)?;
    let message = queued.message.as_ref().map(json_text).transpose()?;
    let bytes = delivery.len() + message.as_ref().map_or(0, String::len);
    let row = vec![
        queued.seq.into(),
        text(&queued.key.sink),
        text(&queued.key.id),
        text(&notification.rule),
        text(&notification.cluster),
        text(&queued.delivery.lane),
        text(&delivery),
        message.map_or(Value::Null, Value::Text),
        text(Sort::of(&queued.delivery).name()),
        i64::try_from(bytes).unwrap_or(i64::MAX).into(),
        text(queued.state.name()),
        i64::from(queued.attempts).into(),
        i64::from(queued.steps).into(),
        i64::from(queued.under_way).into(),
        instant(queued.created),
        instant(queued.since),
        instant(queued.due),
        queued.answer.clone().map_or(Value::Null, Value::Text),
    ];
    put(db, &DELIVERIES, row)
}
