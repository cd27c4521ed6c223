//! A sign of life that is sent only when it is true, and those of others that rules wait for.

use std::time::Duration;

use crate::{
    checks::{Look, Memory},
    engine::Engine,
    model::{Time, Window, query::Question, span, time::elapsed},
};

/// A delivery that waits longer than this keeps the heartbeat back.
pub const OLDEST_UNDELIVERED: Duration = Duration::from_secs(300);

/// The kind of rule that waits for signs of life.
const KIND: &str = "heartbeat";

impl Engine {
    /// Whether a rule that is in force waits for this heartbeat.
    pub fn awaits_heartbeat(&self, name: &str) -> bool {
        let asked = self.clock.now();
        let window = Window::ending(asked, Duration::ZERO);
        let look = Look { cluster: String::new(), window, asked, timeout: Duration::ZERO };
        let rules = self.rules();
        let mut awaited = rules.rules.values().filter(|rule| rule.kind == KIND);
        awaited.any(|rule| {
            let queries = rule.check.queries(&look, &Memory::default());
            queries.iter().any(|query| matches!(&query.question, Question::Heartbeat(known) if known == name))
        })
    }

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
