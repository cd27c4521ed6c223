//! The clock tick and the housekeeping jobs, driven by tokio-cron-scheduler.
//!
//! A job's body only sends; a beat that finds the channel full is not missed, because the next one does its work. Should the
//! scheduler stall, [`Beats::next`] goes on by itself and says so.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// What a job asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Once a second: plan the next seconds.
    Tick,
    /// Twice a minute: look for changed rule files.
    Scan,
    /// Once a minute: look at highwater itself.
    Inspect,
    /// Once an hour: forget what is too old.
    Prune,
    /// The scheduler has not ticked for too long.
    Stalled,
}

/// The years are said because a pattern is read anew at each of its ticks: without them it is a table of five thousand.
const JOBS: [(&str, Beat); 4] = [
    ("* * * * * * 2000-2199", Beat::Tick),
    ("*/30 * * * * * 2000-2199", Beat::Scan),
    ("20 * * * * * 2000-2199", Beat::Inspect),
    ("40 7 * * * * 2000-2199", Beat::Prune),
];

const STALLED_AFTER: Duration = Duration::from_secs(3);

/// Beats as they come.
pub struct Beats {
    scheduler: JobScheduler,
    coming: mpsc::Receiver<Beat>,
}

impl std::fmt::Debug for Beats {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Beats")
    }
}

impl Beats {
    pub async fn start() -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new_with_channel_size(1024).await?;
        let (to, coming) = mpsc::channel(16);
        for (cron, beat) in JOBS {
            let to = to.clone();
            let job = Job::new(cron, move |_, _| {
                // full means that the reader is behind; the beat after this one does the same work
                let _full = to.try_send(beat);
            })?;
            scheduler.add(job).await?;
        }
        scheduler.start().await?;
        Ok(Self { scheduler, coming })
    }

    /// The next beat; `Stalled` if the scheduler leaves us waiting.
    pub async fn next(&mut self) -> Beat {
        match tokio::time::timeout(STALLED_AFTER, self.coming.recv()).await {
            Ok(Some(beat)) => beat,
            Ok(None) | Err(_) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Beat::Stalled
            }
        }
    }

    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(%error, "scheduler did not stop cleanly");
        }
    }
}
