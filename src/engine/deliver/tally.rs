//! Counts of what sinks took, for the sinks that count: after the delivery, and never in its way.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Door, Told};
use crate::{
    model::notification::Delivery,
    sinks::{Answer, Destination, Message, Sink},
};

/// Counts that wait; more are lost, as datagrams may be anyway.
const WAITING: usize = 1024;

/// The counting among `sinks` beside `before`, and the work behind it, which ends when the last clone is gone and all is sent.
pub fn open(
    before: Told,
    door: Door,
    mut sinks: Vec<Arc<dyn Sink>>,
) -> (Told, impl Future<Output = ()> + Send) {
    sinks.retain(|sink| sink.counts());
    let (to, mut waiting) = mpsc::channel::<(Destination, Message)>(WAITING);
    let told = move |delivery: &Delivery| {
        before(delivery);
        if !delivery.notification.readings.is_empty() {
            return;
        }
        for counter in &sinks {
            if to.try_send((counter.destination(), counter.render(delivery, None))).is_err() {
                tracing::debug!("count lost: too many wait");
            }
        }
    };
    let work = async move {
        while let Some((destination, message)) = waiting.recv().await {
            if let Answer::Lost(why) | Answer::Unreached(why) | Answer::Unsent(why) =
                door.send(&destination, &message).await
            {
                tracing::debug!(why, "count lost");
            }
        }
    };
    (Arc::new(told), work)
}
