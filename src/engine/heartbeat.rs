//! A sign of life that is sent only when it is true.

use std::time::Duration;

use crate::{
    engine::Engine,
    model::{Time, span, time::elapsed},
};

/// A delivery that waits longer than this keeps the heartbeat back.
pub const OLDEST_UNDELIVERED: Duration = Duration::from_secs(300);

impl Engine {
    /// Why no sign of life may be sent for the interval that ends now; `None` if it may.
    pub async fn heartbeat_held_back(&self, every: Duration) -> Option<String> {
        let now = self.clock.now();
        let oldest = match self.store.depth().await {
            Ok(depths) => depths
                .into_iter()
                .filter(|depth| self.settings.sinks.contains_key(&depth.sink))
                .filter_map(|depth| depth.oldest)
                .min(),
            Err(error) => return Some(format!("the outbox cannot be read: {error}")),
        };
        let pulse = self.pulse();
        // a beat may fall on either side of the interval's end
        let recent =
            |at: Option<Time>| at.is_some_and(|at| elapsed(at, now) <= every + Duration::from_secs(2));
        if !recent(pulse.ticked) {
            return Some("the scheduler did not tick".to_owned());
        }
        if !recent(pulse.complete) {
            return Some("no look was complete".to_owned());
        }
        let waits = elapsed(oldest?, now);
        (waits > OLDEST_UNDELIVERED).then(|| format!("a message is undelivered for {}", span::show(waits)))
    }
}
