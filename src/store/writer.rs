//! The one thread that touches the database: everything that waits goes into one transaction, synced once.
//!
//! When the disk fails, the same jobs run on a copy in memory; every few seconds the way back is tried.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    InMemory, StoreError, StoreHealth,
    place::{self, Place},
    schema::{self, OF_PEOPLE, TABLES, Table},
};
use crate::{
    clock::Clock,
    model::{Time, time::elapsed},
};

/// The most that one transaction carries.
const GROUP: usize = 512;

/// How often the way back to disk is tried.
const RETRY: Duration = Duration::from_secs(3);

/// What to do with the database. It may run again on another one, if the first fails before it is safe.
pub(super) type Work = Box<dyn FnMut(&Connection) -> Result<(), StoreError> + Send>;

pub(super) struct Job {
    pub kind: Kind,
    pub work: Work,
    /// Told once everything is on disk.
    pub answer: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    /// Ends its group; then the log is folded into the file.
    Checkpoint,
    /// The last one of all.
    Close,
}

impl Kind {
    const fn ends_a_group(self) -> bool {
        matches!(self, Self::Checkpoint | Self::Close)
    }
}

pub(super) struct Writer {
    db: Connection,
    /// `None`: a store that never was on disk.
    place: Option<Place>,
    /// `Some` while the disk fails.
    away: Option<Away>,
    pub clock: Clock,
    pub health: Arc<Mutex<StoreHealth>>,
}

/// In memory until the disk works again.
struct Away {
    tried: Time,
    /// What was done since, where the disk could not even be read; otherwise the memory holds everything.
    journal: Option<Vec<Work>>,
}

impl Writer {
    pub(super) fn new(db: Connection, place: Option<Place>, clock: Clock) -> Self {
        Self { db, place, away: None, clock, health: Arc::default() }
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Some(first) = self.next(jobs) {
            let group = gather(first, jobs);
            let last = group.last().map_or(Kind::Read, |job| job.kind);
            let (answers, group) = self.serve(group);
            match last {
                Kind::Read | Kind::Write => {}
                Kind::Checkpoint => self.checkpoint(),
                Kind::Close => self.close(),
            }
            if last == Kind::Close {
                drop(self);
                return answer(group, answers);
            }
            answer(group, answers);
        }
    }

    /// Waits for a job; `None` when nobody can send one any more.
    fn next(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        loop {
            if self.away.is_none() {
                return jobs.recv().ok();
            }
            self.try_to_return();
            match jobs.recv_timeout(RETRY / 4) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// One transaction for the whole group; on another place if this one fails.
    fn serve(&mut self, mut group: Vec<Job>) -> (Vec<Result<(), StoreError>>, Vec<Job>) {
        let mut served = transact(&self.db, &mut group);
        if let (Err(trouble), Some(_), None) = (&served, &self.place, &self.away) {
            match self.leave(&trouble.clone()) {
                Ok(()) => served = transact(&self.db, &mut group),
                Err(error) => served = Err(error),
            }
        }
        match served {
            Ok(done) => {
                self.note(done.commits);
                (done.answers, self.remember(group))
            }
            Err(error) => (group.iter().map(|_| Err(error.clone())).collect(), group),
        }
    }

    fn note(&mut self, commits: Option<i64>) {
        if let (Some(commits), Some(place), None) = (commits, &mut self.place, &self.away) {
            place.acknowledge(commits);
        }
    }

    /// Keeps what has to be done again on the disk.
    fn remember(&mut self, mut group: Vec<Job>) -> Vec<Job> {
        if let Some(Away { journal: Some(journal), .. }) = &mut self.away {
            let writes = group.iter_mut().filter(|job| job.kind == Kind::Write);
            journal.extend(writes.map(|job| mem::replace(&mut job.work, Box::new(|_| Ok(())))));
        }
        group
    }

    /// Goes on in memory, with everything that can still be read.
    fn leave(&mut self, trouble: &StoreError) -> Result<(), StoreError> {
        let memory = place::in_memory()?;
        let copied = schema::copy_all(&self.db, &memory);
        let journal = match &copied {
            Ok(()) => None,
            Err(_) => Some(Vec::new()),
        };
        self.db = if copied.is_ok() { memory } else { place::in_memory()? };
        self.go_on_in_memory(trouble, journal);
        Ok(())
    }

    pub(super) fn go_on_in_memory(&mut self, trouble: &StoreError, journal: Option<Vec<Work>>) {
        let (since, why) = (self.clock.now(), trouble.to_string());
        tracing::error!(why, readable = journal.is_none(), "store left the disk");
        self.away = Some(Away { tried: since, journal });
        self.tell(|health| health.in_memory = Some(InMemory { since, why }));
    }

    fn try_to_return(&mut self) {
        let now = self.clock.now();
        let Some(away) = &mut self.away else { return };
        if elapsed(away.tried, now) < RETRY && now >= away.tried {
            return;
        }
        away.tried = now;
        match self.go_home(now) {
            Ok(()) => tracing::info!("store returned to disk"),
            Err(error) => tracing::debug!(%error, "store is still in memory"),
        }
    }

    /// Everything in one transaction, on a fresh connection. What people write beside us is on disk only.
    fn go_home(&mut self, now: Time) -> Result<(), StoreError> {
        let (Some(place), Some(away)) = (&mut self.place, &mut self.away) else { return Ok(()) };
        let (disk, opening) = place.open(now)?;
        let turn = schema::begin(&disk)?;
        match &mut away.journal {
            None => {
                let tables: Vec<&Table> = TABLES
                    .into_iter()
                    .filter(|table| !OF_PEOPLE.iter().any(|other| other.name == table.name))
                    .collect();
                schema::copy(&self.db, &turn, &tables)?;
            }
            Some(journal) => journal.iter_mut().try_for_each(|work| work(&turn))?,
        }
        let commits = schema::count_commit(&turn)?;
        turn.commit()?;
        place.acknowledge(commits);
        (self.db, self.away) = (disk, None);
        self.tell(|health| {
            health.in_memory = None;
            health.quarantined = opening.quarantined.clone().or(health.quarantined.take());
        });
        Ok(())
    }

    fn tell(&self, change: impl FnOnce(&mut StoreHealth)) {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is still in memory gets a last chance; the log is folded into the file.
    fn close(&mut self) {
        if self.away.is_some()
            && let Err(error) = self.go_home(self.clock.now())
        {
            tracing::error!(%error, "store closes without having returned to disk");
        }
        self.checkpoint();
    }

    fn checkpoint(&self) {
        let folded = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = folded {
            tracing::warn!(%error, "folding the log into the store failed");
        }
    }
}

/// Everything that waits, up to a job that has to be the last of its transaction.
fn gather(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut group = vec![first];
    while group.len() < GROUP && group.last().is_some_and(|job| !job.kind.ends_a_group()) {
        let Ok(job) = jobs.try_recv() else { break };
        group.push(job);
    }
    group
}

#[derive(Default)]
struct Done {
    answers: Vec<Result<(), StoreError>>,
    commits: Option<i64>,
}

/// Runs the group in one transaction. A job that is refused leaves the others alone; an error here is the place's own.
fn transact(db: &Connection, group: &mut [Job]) -> Result<Done, StoreError> {
    match attempt(db, group, run_all)? {
        Some(done) => Ok(done),
        None => Ok(attempt(db, group, |db, group| run_apart(db, group).map(Some))?.unwrap_or_default()),
    }
}

type Answers = Vec<Result<(), StoreError>>;

/// `None`: one of them was refused, and nothing of them is kept.
fn attempt(
    db: &Connection,
    group: &mut [Job],
    run: impl Fn(&Connection, &mut [Job]) -> Result<Option<Answers>, StoreError>,
) -> Result<Option<Done>, StoreError> {
    let writes = group.iter().any(|job| job.kind == Kind::Write);
    say(db, if writes { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
    let done = run(db, group).and_then(|answers| match answers {
        Some(answers) => commit(db, answers, writes).map(Some),
        None => Ok(None),
    });
    if !matches!(done, Ok(Some(_))) && !db.is_autocommit() {
        // What made it fail is the news; a failing rollback says nothing more.
        drop(say(db, "ROLLBACK"));
    }
    done
}

fn commit(db: &Connection, answers: Answers, writes: bool) -> Result<Done, StoreError> {
    let commits = if writes { Some(schema::count_commit(db)?) } else { None };
    say(db, "COMMIT")?;
    Ok(Done { answers, commits })
}

/// Hardly ever is one refused: what would take back a single one is paid for only then.
fn run_all(db: &Connection, group: &mut [Job]) -> Result<Option<Answers>, StoreError> {
    for job in &mut *group {
        match (job.work)(db) {
            Err(error) if error.is_trouble() => return Err(error),
            Err(_refused) => return Ok(None),
            Ok(()) => {}
        }
    }
    Ok(Some(group.iter().map(|_| Ok(())).collect()))
}

/// Each so that it can be taken back by itself.
fn run_apart(db: &Connection, group: &mut [Job]) -> Result<Answers, StoreError> {
    let mut answers = Vec::with_capacity(group.len());
    for job in group {
        say(db, "SAVEPOINT job")?;
        let answer = (job.work)(db);
        match &answer {
            Err(error) if error.is_trouble() => return Err(error.clone()),
            Err(_refused) => say(db, "ROLLBACK TO job")?,
            Ok(()) => {}
        }
        say(db, "RELEASE job")?;
        answers.push(answer);
    }
    Ok(answers)
}

fn say(db: &Connection, words: &str) -> Result<(), StoreError> {
    db.prepare_cached(words)?.execute([])?;
    Ok(())
}

/// Whoever stopped waiting needs no answer.
fn answer(group: Vec<Job>, answers: Vec<Result<(), StoreError>>) {
    for (job, answer) in group.into_iter().zip(answers) {
        drop(job.answer.send(answer));
    }
}
