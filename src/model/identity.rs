//! Names that a replay or another replica would give again: pure functions of rule, cluster, entity and tick.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{Entity, Kind, Time};

/// Constant for one (rule, cluster, entity); 43 characters.
pub fn alert_key(rule: &str, cluster: &str, entity: &Entity) -> String {
    hash(&["alert", rule, cluster, &entity.canonical()])
}

/// One per episode: the alert and the tick of its first breach, to the nanosecond (see [`super::Tick::breach`]).
pub fn episode_id(alert_key: &str, since: Time) -> String {
    let (seconds, nanos) = (since.timestamp().to_string(), since.timestamp_subsec_nanos().to_string());
    hash(&["episode", alert_key, &seconds, &nanos])
}

/// One per told change.
pub fn event_id(episode_id: &str, kind: Kind, n: u32) -> String {
    hash(&["event", episode_id, kind.name(), &n.to_string()])
}

/// One per reading of one tick.
pub fn reading_id(alert_key: &str, at: Time) -> String {
    hash(&["reading", alert_key, &at.timestamp_millis().to_string()])
}

/// One per message about many events.
pub fn digest_of_events(notification_id: &str) -> String {
    hash(&["digest of events", notification_id])
}

/// One per event of a rule, which is no alert.
pub fn happened_id(rule: &str, cluster: &str, name: &str) -> String {
    hash(&["happened", rule, cluster, name])
}

/// One per flood of alerts of one rule at one sink.
pub fn digest_id(sink: &str, rule: &str, cluster: &str, at: Time) -> String {
    hash(&["digest", sink, rule, cluster, &at.timestamp_millis().to_string()])
}

/// One per notification for one sink: the `Idempotency-Key`.
pub fn notification_id<'a>(sink: &str, event_ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut parts: Vec<&str> = event_ids.into_iter().collect();
    parts.sort_unstable();
    hash(&["notification", sink, &parts.join(",")])
}

/// A rule's (kind, clusters, groups): a difference closes its alerts.
pub fn fingerprint(parts: &[&str]) -> String {
    hash(parts)
}

/// A number that is the same for the same parts, for spreading work.
pub fn spread(parts: &[&str]) -> u64 {
    let digest = digest(parts);
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

fn hash(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(digest(parts))
}

/// Each part carries its length, so that no two lists of parts are one text.
fn digest(parts: &[&str]) -> impl AsRef<[u8]> + IntoIterator<Item = u8> + std::ops::Deref<Target = [u8]> {
    let mut hash = Sha256::new();
    hash.update(b"v1");
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_vec()
}
