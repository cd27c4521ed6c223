//! Reads beside a running daemon.

use std::{collections::BTreeMap, path::Path};

use rusqlite::Connection;

use super::{Account, Done, StoreError, Stored, heartbeats, ledger, letters, outbox, place, rules, silences};
use crate::{
    config::RuleKey,
    model::{Time, heartbeat::Pings, silence::Silence},
    store::{Depth, OpenAlert, Past, Queued, Stretch},
};

/// A read-only look into a store, whether its daemon runs or not.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: place::open_beside(path, false)? })
    }

    /// Whether a daemon holds the store at `path`: without one, what is read stands still.
    pub fn is_watched(path: &Path) -> bool {
        place::is_held(path)
    }

    /// What is pending, firing or recovering.
    pub fn alerts(&self) -> Result<Vec<OpenAlert>, StoreError> {
        rules::open_alerts(&self.db)
    }

    /// What happened, oldest first.
    pub fn history(&self, since: Time) -> Result<Vec<Past>, StoreError> {
        rules::history(&self.db, since)
    }

    /// What became of the ticks of all rules, or of one.
    pub fn runs(&self, rule: Option<&str>, since: Time) -> Result<Vec<Stretch>, StoreError> {
        rules::runs(&self.db, rule, since)
    }

    /// All that a start would find.
    pub fn load(&self) -> Result<BTreeMap<RuleKey, Stored>, StoreError> {
        rules::load(&self.db)
    }

    /// The silences that hold at `now`.
    pub fn silences(&self, now: Time) -> Result<Vec<Silence>, StoreError> {
        silences::active(&self.db, now)
    }

    /// The latest signs of one heartbeat.
    pub fn pings(&self, name: &str) -> Result<Pings, StoreError> {
        heartbeats::pings(&self.db, name)
    }

    pub fn depth(&self) -> Result<Vec<Depth>, StoreError> {
        outbox::depth(&self.db)
    }

    /// The first delivery of every lane of `sink`, due or not.
    pub fn heads(&self, sink: &str) -> Result<Vec<Queued>, StoreError> {
        outbox::heads(&self.db, sink, Time::MAX_UTC)
    }

    /// What each sink is like.
    pub fn accounts(&self, now: Time) -> Result<Vec<Account>, StoreError> {
        ledger::accounts(&self.db, now)
    }

    /// What people did with dead letters, newest first.
    pub fn deeds(&self, since: Time) -> Result<Vec<Done>, StoreError> {
        letters::deeds(&self.db, since)
    }

    /// News that wait for their sinks, oldest first.
    pub fn news_waiting(&self) -> Result<Vec<Queued>, StoreError> {
        outbox::news_waiting(&self.db)
    }

    pub fn dead_letters(&self) -> Result<Vec<Queued>, StoreError> {
        outbox::dead_letters(&self.db)
    }
}
