//! What highwater stands on: the disk under its store, certificates that end, clocks that differ.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    engine::{Engine, own::Own},
    model::{
        Time,
        number::show_bytes,
        query::{Call, Proof, Query},
        span,
        time::elapsed,
    },
};

/// Less free space than this is told.
const LEAST_FREE: u64 = 256 << 20;
/// Unless it is more than this part of the disk: a small one of its own is no mistake.
const FREE_ENOUGH: u64 = 20;

/// A certificate that ends sooner than this is told.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);

/// Clocks that differ by more are told.
const SKEW: Duration = Duration::from_secs(30);

const CLOCKS_EVERY: Duration = Duration::from_secs(300);
const CERTIFICATES_EVERY: Duration = Duration::from_secs(6 * 3600);
/// At a start there is other work first.
const PATIENCE: Duration = Duration::from_secs(300);

/// When what is not asked every minute was asked.
#[derive(Debug, Default)]
pub struct Surroundings {
    clocks: Option<Time>,
    certificates: Option<Time>,
}

impl Engine {
    pub(super) async fn mind_surroundings(&self) {
        let Ok(mut last) = self.surroundings.try_lock() else { return };
        let now = self.clock.now();
        self.mind_disk().await;
        let clocks = *last.clocks.get_or_insert(now - CLOCKS_EVERY + PATIENCE);
        if elapsed(clocks, now) >= CLOCKS_EVERY {
            last.clocks = Some(now);
            self.mind_clocks().await;
        }
        let certificates = *last.certificates.get_or_insert(now - CERTIFICATES_EVERY + PATIENCE);
        if elapsed(certificates, now) >= CERTIFICATES_EVERY {
            last.certificates = Some(now);
            self.doors.look_at_certificates(&self.settings).await;
        }
        self.mind_certificates().await;
    }

    async fn mind_disk(&self) {
        let path = self.settings.store.path.clone();
        let Ok(Some((free, total))) = tokio::task::spawn_blocking(move || room_at(&path)).await else {
            return;
        };
        let low = free < LEAST_FREE && free.saturating_mul(FREE_ENOUGH) < total;
        let words = format!("{} of {} are free", show_bytes(free as f64), show_bytes(total as f64));
        self.say_of_itself(Own::Disk, u64::from(low), &words).await;
    }

    /// Certificates that were shown to us lately, by host.
    pub(super) async fn mind_certificates(&self) {
        let now = self.clock.now();
        for (host, end) in self.doors.certificates() {
            let left = elapsed(now, end);
            let when = end.format("%Y-%m-%d %H:%M UTC");
            let words = match left.is_zero() {
                true => format!("the certificate of `{host}` was valid until {when}"),
                false => {
                    format!("the certificate of `{host}` is valid until {when}, for {}", span::show(left))
                }
            };
            let number =
                if left < ENDS_SOON { (ENDS_SOON - left).as_secs().div_ceil(86_400).max(1) } else { 0 };
            self.say_of_itself(Own::Certificate { host }, number, &words).await;
        }
    }

    /// Elasticsearch sends no `Date`: its nodes write the time into their statistics. Whoever does not answer this is not judged.
    pub(super) async fn mind_clocks(&self) {
        for (cluster, door) in self.doors.clusters() {
            let call = Call::get("/_nodes/stats/fs", Proof::Whole)
                .with("filter_path", "nodes.*.name,nodes.*.timestamp");
            let before = self.clock.now();
            let answers = door.ask(before, &[Query::call(call)]).await;
            let after = self.clock.now();
            let Some(Ok(answer)) = answers.first() else { continue };
            let Some(body) = answer.body() else { continue };
            let worst = worst_skew(body, (before, after));
            let Some((node, skew)) = worst else { continue };
            let words = format!("the clock of node `{node}` differs from ours by {}", span::show(skew));
            let number = if skew > SKEW { skew.as_secs() } else { 0 };
            self.say_of_itself(Own::ClockSkew { cluster: cluster.clone() }, number, &words).await;
        }
    }
}

/// The node whose time lies farthest outside of when it was asked.
fn worst_skew(body: &serde_json::Value, (before, after): (Time, Time)) -> Option<(String, Duration)> {
    let nodes = body.get("nodes")?.as_object()?;
    let skews: BTreeMap<Duration, String> = nodes
        .values()
        .filter_map(|node| {
            let at = Time::from_timestamp_millis(node.get("timestamp")?.as_i64()?)?;
            let name = node.get("name").and_then(serde_json::Value::as_str).unwrap_or("?");
            Some((elapsed(at, before).max(elapsed(after, at)), name.to_owned()))
        })
        .collect();
    skews.into_iter().next_back().map(|(skew, name)| (name, skew))
}

/// Bytes that are free for us, and all, on the disk of the nearest folder that is there.
fn room_at(path: &Path) -> Option<(u64, u64)> {
    let folder: PathBuf = path.ancestors().skip(1).find(|folder| folder.is_dir())?.to_owned();
    let disk = rustix::fs::statvfs(&folder).ok()?;
    Some((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
}

#[cfg(test)]
mod tests;
