//! Where the store lives on disk: folder, file, lock, and what happens to a damaged one.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    Opening, StoreError,
    schema::{self, MIGRATIONS},
};
use crate::model::Time;

/// How long a short write of somebody else (a mute) is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a daemon holds the store at `path`.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(lock) = File::open(beside(path, ".lock")) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// A store's files, held by one daemon.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    lock: File,
}

/// Said aloud, because a program that is just being started elsewhere in this process may hold the lock's file for a moment longer.
impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "lock not given back");
        }
    }
}

impl Place {
    /// Makes the folder, and takes the lock for as long as this lives.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|why| failed("find", path, &why))?;
        make_folder(path.parent().unwrap_or(Path::new("/")))?;
        let name = beside(&path, ".lock");
        let lock = private_file(&name).map_err(|why| failed("open", &name, &why))?;
        // somebody who only asks whether a daemon runs holds it for an instant
        for pause in [5, 20, 100, 0] {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, lock }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(pause)),
                Err(TryLockError::Error(why)) => return Err(failed("lock", &name, &why)),
            }
        }
        Err(StoreError::Locked { path })
    }

    /// Opens, proves and brings forward what is there. What is damaged is moved aside and said, and an empty store takes its place.
    pub(super) fn open(&mut self, now: Time) -> Result<(Connection, Opening), StoreError> {
        let acknowledged = self.acknowledged();
        let mut quarantined = None;
        if acknowledged > 0 && fs::metadata(&self.path).is_ok_and(|file| file.len() == 0) {
            quarantined = Some(self.quarantine(now)?);
        }
        let (db, migrated_from) = match self.open_as_it_is() {
            Err(error) if error.is_damage() => {
                quarantined = Some(self.quarantine(now)?);
                self.open_as_it_is()?
            }
            opened => opened?,
        };
        let commits = schema::commits(&db)?;
        let missing = if quarantined.is_some() { 0 } else { (acknowledged - commits).max(0) };
        self.acknowledge(commits);
        Ok((db, Opening { quarantined, missing, migrated_from }))
    }

    /// Reads everything into memory where there is no room even for SQLite's index: alone, it needs none.
    pub(super) fn rescue(&mut self) -> Result<(Connection, Opening), StoreError> {
        let disk = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        disk.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
        schema::prove(&disk)?;
        let memory = in_memory()?;
        schema::copy_all(&disk, &memory)?;
        let missing = (self.acknowledged() - schema::commits(&memory)?).max(0);
        Ok((memory, Opening { missing, ..Opening::default() }))
    }

    fn open_as_it_is(&self) -> Result<(Connection, Option<u32>), StoreError> {
        private_file(&self.path).map_err(|why| failed("open", &self.path, &why))?;
        let db = Connection::open(&self.path)?;
        let migrated_from = self.bring_forward(&db).map_err(schema::as_damage)?;
        Ok((db, migrated_from))
    }

    fn bring_forward(&self, db: &Connection) -> Result<Option<u32>, StoreError> {
        prepare(db)?;
        let migrated_from = schema::migrate(db, &self.path, MIGRATIONS)?;
        schema::prove(db)?;
        Ok(migrated_from)
    }

    /// Moves the file, its log and its index aside.
    fn quarantine(&self, now: Time) -> Result<PathBuf, StoreError> {
        let stamp = format!(".damaged-{}", now.format("%Y%m%dT%H%M%SZ"));
        let mut aside = beside(&self.path, &stamp);
        let mut n = 1;
        while aside.exists() {
            n += 1;
            aside = beside(&self.path, &format!("{stamp}-{n}"));
        }
        for end in ["", "-wal", "-shm"] {
            match fs::rename(beside(&self.path, end), beside(&aside, end)) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("move aside", &self.path, &why));
                }
                _ => {}
            }
        }
        Ok(aside)
    }

    /// The last transaction that was acknowledged, as the lock file knows it: a store that has fewer lost some.
    fn acknowledged(&mut self) -> i64 {
        let mut text = String::new();
        let read = self.lock.seek(SeekFrom::Start(0)).and_then(|_| self.lock.read_to_string(&mut text));
        read.ok().and_then(|_| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Written after the transaction is safe, and never synced: it may lag behind the store, and never run ahead of it.
    pub(super) fn acknowledge(&mut self, commits: i64) {
        let line = format!("{commits:020}\n");
        let written = self.lock.seek(SeekFrom::Start(0)).and_then(|_| self.lock.write_all(line.as_bytes()));
        if let Err(error) = written {
            tracing::debug!(%error, "noting a commit failed");
        }
    }
}

/// A connection beside the daemon's, without the lock.
pub(super) fn open_beside(path: &Path, writes: bool) -> Result<Connection, StoreError> {
    let path = path.to_owned();
    if !path.exists() {
        return Err(StoreError::Missing { path });
    }
    let mode = if writes { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let db = Connection::open_with_flags(&path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(PATIENCE)?;
    let (found, known) = (schema::version(&db)?, MIGRATIONS.len() as u32);
    match found {
        _ if found > known => Err(StoreError::Newer { path, found, known }),
        _ if found < known => Err(StoreError::Older { path, found, known }),
        _ => Ok(db),
    }
}

/// The journal mode first: it is what finds out that a file is no database.
fn prepare(db: &Connection) -> Result<(), StoreError> {
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    keep_statements(db)
}

/// A statement is planned once: without this, SQLite plans some anew whenever they are given other values, at every turn of
/// every rule.
fn keep_statements(db: &Connection) -> Result<(), StoreError> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The same tables, in memory.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let db = Connection::open_in_memory()?;
    schema::migrate(&db, Path::new(":memory:"), MIGRATIONS)?;
    keep_statements(&db)?;
    Ok(db)
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// For this user's eyes only; folders that were there stay as they are.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|why| failed("make", folder, &why))
}

/// SQLite gives its log and index the same rights as the file.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(doing: &'static str, path: &Path, why: &io::Error) -> StoreError {
    StoreError::File { doing, path: path.to_owned(), why: why.to_string() }
}
