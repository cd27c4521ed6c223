//! A sign of life that is sent only when it is true.

use std::time::Duration;

use crate::{
    engine::Engine,
    model::{Time, time::elapsed},
};

/// A delivery that waits longer than this keeps the heartbeat back.
pub const OLDEST_UNDELIVERED: Duration = Duration::from_secs(300);

impl Engine {
    /// Why no sign of life may be sent for the interval that ends at `now`; `None` if it may.
    pub fn heartbeat_held_back(&self, every: Duration, oldest_undelivered: Option<Duration>, now: Time) -> Option<String> {
        let pulse = self.pulse();
        let recent = |at: Option<Time>| at.is_some_and(|at| elapsed(at, now) <= every);
        if !recent(pulse.ticked) {
            return Some("the scheduler did not tick".to_owned());
        }
        if !recent(pulse.complete) {
            return Some("no look was complete".to_owned());
        }
        let oldest = oldest_undelivered.filter(|age| *age > OLDEST_UNDELIVERED)?;
        Some(format!("a message is undelivered for {}", crate::model::span::show(oldest)))
    }
}
