//! Counts of what sinks took, for the sinks that count: after the delivery, and never in its way.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::mpsc;

use super::{Door, Told};
use crate::{
    model::notification::Delivery,
    sinks::{Answer, Message, Sink},
    store::Store,
};

/// Counts that wait; more are lost, as datagrams may be anyway.
const WAITING: usize = 1024;

/// The counting among `sinks` beside `before`, and the work behind it, which ends when the last clone is gone and all is sent.
pub fn open(
    before: Told,
    (door, store): (Door, Store),
    mut sinks: Vec<(String, Arc<dyn Sink>)>,
) -> (Told, impl Future<Output = ()> + Send) {
    sinks.retain(|(_, sink)| sink.counts());
    let sinks = Arc::new(sinks);
    let (to, mut waiting) = mpsc::channel::<(usize, Message)>(WAITING);
    let counters = sinks.clone();
    let told = move |delivery: &Delivery| {
        before(delivery);
        if !delivery.notification.readings.is_empty() {
            return;
        }
        for (n, (_, counter)) in counters.iter().enumerate() {
            if to.try_send((n, counter.render(delivery, None))).is_err() {
                tracing::debug!("count lost: too many wait");
            }
        }
    };
    let work = async move {
        while let Some(first) = waiting.recv().await {
            let mut round = Round::default();
            let mut next = Some(first);
            while let Some((n, message)) = next.take() {
                let answer = door.send(&sinks[n].1.destination(), &message).await;
                round.note(n, answer);
                next = waiting.try_recv().ok();
            }
            round.write(&store, &sinks).await;
        }
    };
    (Arc::new(told), work)
}

/// What became of the counts that waited together, by sink: how many were taken, and why the last one was not.
#[derive(Default)]
struct Round(BTreeMap<usize, (u32, Option<String>)>);

impl Round {
    fn note(&mut self, n: usize, answer: Answer) {
        let (taken, failed) = self.0.entry(n).or_default();
        match answer {
            Answer::Lost(why) | Answer::Unreached(why) | Answer::Unsent(why) => {
                tracing::debug!(why, "count lost");
                *failed = Some(why);
            }
            _ => (*taken, *failed) = (*taken + 1, None),
        }
    }

    /// So that the list of sinks knows that it works.
    async fn write(self, store: &Store, sinks: &[(String, Arc<dyn Sink>)]) {
        for (n, (taken, failed)) in self.0 {
            if let Err(error) = store.note_counts(&sinks[n].0, taken, failed).await {
                tracing::debug!(%error, "count not noted");
            }
        }
    }
}
