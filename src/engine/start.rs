//! From settings to a running daemon, and back to nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{RuleSet, Settings, secrets},
    elastic::{Elastic, ElasticError},
    engine::{Engine, beat::Beats, daemon::Daemon, deliver},
    store::{Opening, Store, StoreError},
};

/// Why a daemon does not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cluster `{cluster}`: {source}")]
    Cluster { cluster: String, source: ElasticError },
    #[error("the scheduler does not start: {0}")]
    Scheduler(String),
    #[error(transparent)]
    Http(#[from] crate::http::HttpError),
}

/// One door per configured cluster. None of them is knocked at yet.
pub fn open_doors(settings: &Settings, clock: &Clock) -> Result<BTreeMap<String, Elastic>, StartError> {
    let open = |(name, cluster): (&String, &Arc<crate::config::settings::Cluster>)| {
        let door = Elastic::new(cluster, clock.clone(), &secrets::resolver());
        let door = door.map_err(|source| StartError::Cluster { cluster: name.clone(), source })?;
        Ok((name.clone(), door))
    };
    settings.clusters.iter().map(open).collect()
}

/// A daemon that is ready to turn.
#[derive(Debug)]
pub struct Started {
    pub engine: Arc<Engine>,
    daemon: Daemon,
    beats: Beats,
    lanes: deliver::Lanes,
}

/// What a start is given.
#[derive(Debug)]
pub struct Start {
    pub settings: Arc<Settings>,
    pub rules: RuleSet,
    pub hash: u64,
    pub store: Store,
    pub opening: Opening,
    pub hangups: mpsc::Receiver<()>,
    pub stop: CancellationToken,
}

impl Started {
    pub async fn new(start: Start) -> Result<Self, StartError> {
        let clock = Clock::system();
        let doors = open_doors(&start.settings, &clock)?;
        let stored = start.store.load().await?;
        let engine = Arc::new(Engine::new(start.settings, start.rules, start.store, doors, clock));
        let mut scans = engine.take_up(stored).await?;
        scans.hash = start.hash;
        if let Some(words) = start.opening.complaint() {
            engine.note_damaged_store(words).await;
        }
        let (to, facts) = mpsc::channel(256);
        let lanes = deliver::Lanes::start(&engine, to)?;
        let beats = Beats::start().await.map_err(|error| StartError::Scheduler(error.to_string()))?;
        let daemon = Daemon { engine: engine.clone(), scans, facts, hangups: start.hangups, stop: start.stop };
        Ok(Self { engine, daemon, beats, lanes })
    }

    /// Runs until it is told to stop, then lets what is under way arrive for up to `patience`.
    pub async fn run(self, patience: Duration) -> Result<(), StoreError> {
        self.daemon.run(self.beats).await;
        self.lanes.stop(patience).await;
        self.engine.store.close().await
    }
}
