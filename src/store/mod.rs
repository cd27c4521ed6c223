//! The memory: alerts, what was told, the outbox and the outcomes, in one SQLite file and one transaction per turn.
//!
//! One thread owns the database. Whatever waits in its queue is committed together and synced once.
//! A [`Reader`] and [`Silences`] work beside the daemon, from another process.

mod columns;
mod commit;
mod error;
mod heartbeats;
mod ledger;
mod letters;
mod outbox;
mod place;
mod prune;
mod reader;
mod room;
mod rules;
mod schema;
mod settle;
mod silences;
#[cfg(test)]
mod tests;
mod traces;
pub mod turn;
mod writer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread,
};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

pub use error::StoreError;
pub use ledger::{Account, Condition};
pub use letters::{Deed, Done, Left, Letters};
pub use outbox::{DeliveryKey, Depth, Queued, State};
pub use prune::KEPT;
pub use reader::Reader;
pub use room::Bounds;
pub use rules::{Episode, OpenAlert, Past, Stretch};
pub use settle::Settlement;
pub use silences::Silences;
pub use turn::{Card, Outcome, Run, Stored, Turn};

use crate::{
    clock::Clock,
    config::RuleKey,
    model::{
        Time,
        heartbeat::{Pings, Sign},
        notification::Delivery,
        silence::Silence,
    },
    sinks::{Belated, Message},
};
use place::Place;
use traces::Traces;
use writer::{Job, Kind, Writer};

/// A handle on the store; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    health: Arc<Mutex<StoreHealth>>,
    clock: Clock,
    /// Counts commits that brought deliveries, for those who wait for them.
    arrivals: watch::Sender<u64>,
    bounds: Arc<Bounds>,
    /// What was last seen of writing beside us.
    others: Arc<AtomicI64>,
    traces: Arc<Traces>,
}

/// What a start found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Where the damaged file was moved; the store starts empty.
    pub quarantined: Option<PathBuf>,
    /// How many acknowledged transactions the file no longer holds: it is older than it should be.
    pub missing: i64,
    /// The schema version it was brought forward from.
    pub migrated_from: Option<u32>,
}

impl Opening {
    /// What people must be told, if anything was lost.
    pub fn complaint(&self) -> Option<String> {
        match self {
            Self { quarantined: Some(path), .. } => Some(format!(
                "the store was damaged: moved to `{}`, starting with an empty one",
                path.display()
            )),
            Self { missing: 1.., .. } => Some(format!(
                "the store is older than it should be: its last {} commits are gone",
                self.missing
            )),
            _ => None,
        }
    }
}

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// While the disk fails.
    pub in_memory: Option<InMemory>,
    /// A file that turned out to be damaged while the daemon ran.
    pub quarantined: Option<PathBuf>,
}

impl StoreHealth {
    pub const fn is_ok(&self) -> bool {
        self.in_memory.is_none()
    }
}

/// Nothing is lost while the process lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InMemory {
    pub since: Time,
    pub why: String,
}

impl Store {
    /// Opens the store at `path`, and makes it if there is none. On a full disk it starts in memory, with all that is there.
    pub fn open(path: &Path, clock: Clock) -> Result<(Self, Opening), StoreError> {
        let mut place = Place::take(path)?;
        match place.open(clock.now()) {
            Ok((db, opening)) => {
                let store = Self::start(Writer::new(db, Some(place), clock))?;
                Ok((Self { traces: Arc::new(Traces::beside(path)), ..store }, opening))
            }
            Err(full) if full.is_want_of_room() => {
                let (memory, opening) = place.rescue().map_err(|_| full.clone())?;
                let mut writer = Writer::new(memory, Some(place), clock);
                writer.go_on_in_memory(&full, None);
                Ok((Self::start(writer)?, opening))
            }
            Err(error) => Err(error),
        }
    }

    /// The same, on no disk.
    pub fn in_memory(clock: Clock) -> Result<Self, StoreError> {
        Self::start(Writer::new(place::in_memory()?, None, clock))
    }

    fn start(writer: Writer) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel();
        let (health, clock) = (Arc::clone(&writer.health), writer.clock.clone());
        let thread = thread::Builder::new().name("store".to_owned());
        thread.spawn(move || writer.run(&queue)).map_err(|_| StoreError::Closed)?;
        Ok(Self {
            jobs,
            health,
            clock,
            arrivals: watch::Sender::new(0),
            bounds: Arc::default(),
            others: Arc::default(),
            traces: Arc::default(),
        })
    }

    /// The same, with other bounds on what may wait.
    #[must_use]
    pub fn within(mut self, bounds: Bounds) -> Self {
        self.bounds = Arc::new(bounds);
        self
    }

    /// All that is known of the rules.
    pub async fn load(&self) -> Result<BTreeMap<RuleKey, Stored>, StoreError> {
        self.ask(Kind::Read, rules::load).await
    }

    /// Writes one evaluation. On return it is on disk.
    pub async fn commit(&self, turn: Turn) -> Result<(), StoreError> {
        self.commit_all(vec![turn]).await
    }

    /// All of them, or none.
    pub async fn commit_all(&self, turns: Vec<Turn>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let news = turns.iter().any(|turn| !turn.deliveries.is_empty());
        let bounds = self.bounds.clone();
        let commit =
            move |db: &Connection| turns.iter().try_for_each(|turn| commit::commit(db, turn, now, &bounds));
        self.ask(Kind::Write, commit).await?;
        if news {
            self.arrivals.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Changes whenever there is something new to deliver.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// What may be sent to `sink` now: of every lane only the oldest, and only if it is due.
    pub async fn heads(&self, sink: &str, now: Time) -> Result<Vec<Queued>, StoreError> {
        let sink = sink.to_owned();
        self.ask(Kind::Read, move |db| outbox::heads(db, &sink, now)).await
    }

    /// When something may next be sent to `sink`; with `after`, of what may not be sent by then.
    pub async fn next_due(&self, sink: &str, after: Option<Time>) -> Result<Option<Time>, StoreError> {
        let sink = sink.to_owned();
        self.ask(Kind::Read, move |db| outbox::next_due(db, &sink, after)).await
    }

    /// What waits in a lane becomes one message for people, as far as it can. The answer is what is first in the lane then.
    pub async fn merge(&self, sink: &str, lane: &str) -> Result<Option<Queued>, StoreError> {
        let (sink, lane) = (sink.to_owned(), lane.to_owned());
        let merge = move |db: &Connection| {
            room::merge_lane(db, &sink, &lane, Belated::Merged)?;
            room::first_of(db, &sink, &lane)
        };
        self.ask(Kind::Write, merge).await
    }

    /// Keeps the message before its first attempt, and what it was made from if that has changed. The first one kept stays.
    pub async fn freeze(
        &self,
        key: &DeliveryKey,
        message: &Message,
        from: Option<&Delivery>,
    ) -> Result<(), StoreError> {
        let (key, message, from) = (key.clone(), message.clone(), from.cloned());
        self.ask(Kind::Write, move |db| outbox::freeze(db, &key, &message, from.as_ref())).await
    }

    /// Takes back [`Self::freeze`] of a message that was not sent.
    pub async fn unfreeze(&self, key: &DeliveryKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.ask(Kind::Write, move |db| outbox::unfreeze(db, &key)).await
    }

    /// Notes that another attempt is under way, or that none is after all. The first one is begun by [`Self::freeze`], and every
    /// one is ended by [`Self::settle`].
    pub async fn begin(&self, key: &DeliveryKey, under_way: bool) -> Result<(), StoreError> {
        let key = key.clone();
        self.ask(Kind::Write, move |db| outbox::begin(db, &key, under_way)).await
    }

    /// The same as [`Self::notice_others`], if anybody may have written since it was last asked.
    pub async fn notice_traces(&self, now: Time) -> Result<Option<Vec<Silence>>, StoreError> {
        if self.health().is_ok() && !self.traces.are_new(now) {
            return Ok(None);
        }
        let noticed = self.notice_others(now).await;
        if noticed.is_err() {
            self.traces.forget();
        }
        noticed.map(Some)
    }

    /// What people wrote beside us: it may be due at once. The answer is the silences that hold at `now`.
    pub async fn notice_others(&self, now: Time) -> Result<Vec<Silence>, StoreError> {
        let version = "SELECT data_version FROM pragma_data_version";
        let look = move |db: &Connection| {
            let version: i64 = db.prepare_cached(version)?.query_row([], |row| row.get(0))?;
            Ok((version, silences::active(db, now)?))
        };
        let (version, silences) = self.ask(Kind::Read, look).await?;
        if self.others.swap(version, Ordering::Relaxed) != version {
            self.arrivals.send_modify(|count| *count += 1);
        }
        Ok(silences)
    }

    /// Writes what an attempt came to.
    pub async fn settle(&self, key: &DeliveryKey, settlement: Settlement) -> Result<(), StoreError> {
        let (key, now) = (key.clone(), self.clock.now());
        self.ask(Kind::Write, move |db| settle::settle(db, &key, &settlement, now)).await
    }

    /// Writes what became of counts, which never wait: how many were taken, and why the last one was not.
    pub async fn note_counts(
        &self,
        sink: &str,
        taken: u32,
        failed: Option<String>,
    ) -> Result<(), StoreError> {
        let (sink, now) = (sink.to_owned(), self.clock.now());
        self.ask(Kind::Write, move |db| ledger::note_counts(db, &sink, (taken, failed.as_deref()), now)).await
    }

    /// How much waits, by sink.
    pub async fn depth(&self) -> Result<Vec<Depth>, StoreError> {
        self.ask(Kind::Read, outbox::depth).await
    }

    /// What is left of dead letters, by sink.
    pub async fn letters_left(&self) -> Result<BTreeMap<String, Left>, StoreError> {
        self.ask(Kind::Read, letters::left).await
    }

    /// Whether anything waits for `sink`, or was given up.
    pub async fn has_deliveries(&self, sink: &str) -> Result<bool, StoreError> {
        let sink = sink.to_owned();
        self.ask(Kind::Read, move |db| outbox::has_any(db, &sink)).await
    }

    /// Writes a sign of life. On return it is on disk.
    pub async fn hear(&self, name: &str, sign: Sign) -> Result<(), StoreError> {
        let (name, at) = (name.to_owned(), self.clock.now());
        self.ask(Kind::Write, move |db| heartbeats::note(db, &name, sign, at)).await
    }

    /// The latest signs of one heartbeat.
    pub async fn pings(&self, name: &str) -> Result<Pings, StoreError> {
        let name = name.to_owned();
        self.ask(Kind::Read, move |db| heartbeats::pings(db, &name)).await
    }

    /// How many events of a rule wait, as deliveries and as bytes, for whichever sink has most of them.
    pub async fn events_waiting(&self, key: &RuleKey) -> Result<(u64, u64), StoreError> {
        let key = key.clone();
        self.ask(Kind::Read, move |db| outbox::events_waiting(db, &key)).await
    }

    /// What happened, oldest first.
    pub async fn history(&self, since: Time) -> Result<Vec<Past>, StoreError> {
        self.ask(Kind::Read, move |db| rules::history(db, since)).await
    }

    /// What has ended, oldest first.
    pub async fn episodes(&self, since: Time) -> Result<Vec<Episode>, StoreError> {
        self.ask(Kind::Read, move |db| rules::episodes(db, since)).await
    }

    /// What became of the ticks.
    pub async fn runs(&self, since: Time) -> Result<Vec<Stretch>, StoreError> {
        self.ask(Kind::Read, move |db| rules::runs(db, None, since)).await
    }

    /// Forgets what is older than [`KEPT`].
    pub async fn prune(&self, now: Time) -> Result<(), StoreError> {
        self.ask(Kind::Write, move |db| prune::prune(db, now)).await
    }

    /// Bytes that the content takes.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        self.ask(Kind::Read, move |db| Ok(db.query_row(size, [], |row| row.get::<_, i64>(0))?.unsigned_abs()))
            .await
    }

    pub fn health(&self) -> StoreHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Folds the log into the file.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.ask(Kind::Checkpoint, |_| Ok(())).await
    }

    /// Waits for everything that was asked before, folds the log into the file, and gives the lock back.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.ask(Kind::Close, |_| Ok(())).await
    }

    /// Sends work to the thread. It may run twice, on different databases; the last result counts.
    async fn ask<T: Send + 'static>(
        &self,
        kind: Kind,
        mut work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let found = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&found);
        let work = Box::new(move |db: &Connection| {
            let result = work(db)?;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Ok(())
        });
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { kind, work, answer }).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)??;
        let result = found.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.ok_or(StoreError::Closed)
    }
}
