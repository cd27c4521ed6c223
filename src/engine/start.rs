//! From settings to a running daemon, and back to nothing.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Loaded, Settings, secrets::Secrets},
    elastic::ElasticError,
    engine::{
        Engine,
        beat::Beats,
        daemon::{self, Daemon},
        deliver::{Delays, Door, Lanes, Office, SinkFact},
        doors::Doors,
        dry_run,
    },
    http::HttpError,
    model::secret::Secret,
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
    Http(#[from] HttpError),
}

/// Looks a secret up; the error names the reference and never the value.
pub type Reveal = Arc<dyn Fn(&Secret) -> Result<String, String> + Send + Sync>;

/// One look-up for doors and sinks alike, which remembers files until they change.
pub fn reveal() -> Reveal {
    let secrets = Secrets::default();
    Arc::new(move |secret| {
        let revealed = secrets.reveal(secret).map_err(|error| error.to_string())?;
        Ok(revealed.as_str().to_owned())
    })
}

/// What a start is given.
#[derive(Debug)]
pub struct Start {
    pub settings: Arc<Settings>,
    pub loaded: Loaded,
    pub store: Store,
    pub opening: Opening,
    /// An operator's SIGHUP.
    pub hangups: mpsc::Receiver<()>,
    pub stop: CancellationToken,
    /// Prints what it would send, and sends nothing.
    pub dry_run: bool,
}

/// A daemon that is ready to turn.
#[derive(Debug)]
pub struct Started {
    pub engine: Arc<Engine>,
    daemon: Daemon,
    hangups: mpsc::Receiver<()>,
    beats: Beats,
    lanes: Lanes,
    door: Door,
    stop: CancellationToken,
}

impl Started {
    pub async fn new(start: Start) -> Result<Self, StartError> {
        let (clock, reveal) = (Clock::system(), reveal());
        let doors = Doors::open(&start.settings, &clock, &reveal)?.hearing(&start.store, clock.now());
        let door = Door::new(start.settings.delivery.timeout, clock.clone(), reveal)?
            .with_clusters(doors.clusters().clone());
        let door = door.with_certificates(doors.shown_certificates());
        let stored = start.store.load().await?;
        let rules = start.loaded.set.clone();
        let settings = match start.dry_run {
            // nobody would hear it
            true => Arc::new(Settings { canary: None, ..(*start.settings).clone() }),
            false => start.settings,
        };
        let engine = Engine::new(settings, rules, start.store, doors, clock);
        let engine = Arc::new(engine);
        engine.take_up(stored, start.loaded.hash).await?;
        if let Some(words) = start.opening.complaint() {
            engine.note_damaged_store(words).await;
        }
        let (to, facts) = mpsc::channel(256);
        let lanes = open_lanes(&engine, &door, to, start.dry_run);
        let beats = Beats::start().await.map_err(|error| StartError::Scheduler(error.to_string()))?;
        tokio::spawn(daemon::listen(engine.clone(), facts));
        let daemon = Daemon::new(engine.clone(), start.stop.clone());
        Ok(Self { engine, daemon, hangups: start.hangups, beats, lanes, door, stop: start.stop })
    }

    /// Runs until it is told to stop, then lets what is under way arrive for up to `patience`.
    pub async fn run(self, patience: Duration) -> Result<(), StoreError> {
        let beating = tokio::spawn(heartbeat(self.engine.clone(), self.door, self.stop));
        self.daemon.run(self.beats, self.hangups, patience).await;
        self.lanes.stop(patience).await;
        beating.abort();
        self.engine.store.close().await
    }
}

fn open_lanes(engine: &Arc<Engine>, door: &Door, facts: mpsc::Sender<SinkFact>, dry: bool) -> Lanes {
    let (telemetry, counters) = (engine.telemetry.clone(), engine.telemetry.clone());
    let office = Office {
        store: engine.store.clone(),
        clock: engine.clock.clone(),
        door: door.clone(),
        delays: Delays::of(&engine.settings.delivery),
        facts,
        count: Arc::new(move |sink, verdict| telemetry.delivered(sink, verdict)),
        told: if dry {
            Arc::new(|_| {})
        } else {
            let hearing = engine.clone();
            Arc::new(move |delivery| {
                counters.told(&delivery.sink, &delivery.notification);
                hearing.note_song(delivery);
            })
        },
    };
    let sinks = engine.settings.sinks.clone();
    if dry {
        return Lanes::open(office, sinks.into_keys().map(|name| (name, dry_run::sink())));
    }
    Lanes::open(office, sinks)
}

/// A ping after every interval in which all was well.
async fn heartbeat(engine: Arc<Engine>, door: Door, stop: CancellationToken) {
    let Some(heartbeat) = engine.settings.heartbeat.clone() else { return };
    loop {
        tokio::select! {
            () = tokio::time::sleep(heartbeat.every) => {}
            () = stop.cancelled() => return,
        }
        if let Some(why) = engine.heartbeat_held_back(heartbeat.every).await {
            tracing::warn!(why, "heartbeat held back");
            continue;
        }
        if let Err(why) = door.ping(&heartbeat.url).await {
            tracing::warn!(why, "heartbeat not taken");
        }
    }
}
