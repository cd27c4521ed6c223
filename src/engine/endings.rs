//! A silence that ends soon and still withholds something: told once, to those who will hear of it then.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    engine::{Engine, own::Own},
    model::{Time, silence::Silence, time::elapsed, wording},
};

/// How long before its end. A silence that is hardly longer is not announced: whoever made it remembers.
const NOTICE: Duration = Duration::from_secs(15 * 60);

/// What waits for the end of one silence.
#[derive(Debug, Default)]
struct Waiting {
    alerts: usize,
    sinks: BTreeSet<String>,
}

impl Engine {
    pub(super) async fn announce_endings(&self) {
        let (now, silences) = (self.clock.now(), self.silences.load_full());
        let soon: Vec<&Silence> = silences.iter().filter(|silence| is_soon(silence, now)).collect();
        let announced = self.own.lock().await.announced_endings();
        if soon.is_empty() && announced.is_empty() {
            return;
        }
        let mut waiting = self.waiting_for_silences().await;
        let mut still = BTreeSet::new();
        for silence in soon {
            let Some(Waiting { alerts, sinks }) = waiting.remove(&silence.id) else { continue };
            let sinks = sinks.into_iter().collect();
            let number = u64::try_from(alerts).unwrap_or(u64::MAX);
            still.insert(silence.id.clone());
            let own = Own::SilenceEnding { id: silence.id.clone(), sinks };
            self.say_of_itself(own, number, &self.ending_words(silence, alerts, now)).await;
        }
        for id in announced.into_iter().filter(|id| !still.contains(id)) {
            self.say_of_itself(Own::SilenceEnding { id, sinks: Vec::new() }, 0, "").await;
        }
    }

    fn ending_words(&self, silence: &Silence, alerts: usize, now: Time) -> String {
        let until = wording::when(silence.until, now, self.settings.timezone);
        let waits = if alerts == 1 { "1 alert waits" } else { &format!("{alerts} alerts wait") };
        format!("the silence of {} ({}) ends at {until}; {waits} for it", silence.who, silence.reason)
    }

    /// By silence: of how many alerts something waits for its end, and for whom.
    async fn waiting_for_silences(&self) -> BTreeMap<String, Waiting> {
        let mut found: BTreeMap<String, Waiting> = BTreeMap::new();
        for watch in self.watches() {
            let watch = watch.lock().await;
            for sinks in watch.told.values() {
                let mut counted = BTreeSet::new();
                for (sink, told) in sinks {
                    let id = told.withheld.as_ref().and_then(|withheld| withheld.by.silence.as_ref());
                    let Some(id) = id else { continue };
                    let waiting = found.entry(id.clone()).or_default();
                    waiting.alerts += usize::from(counted.insert(id));
                    waiting.sinks.insert(sink.clone());
                }
            }
        }
        found
    }
}

fn is_soon(silence: &Silence, now: Time) -> bool {
    silence.holds(now)
        && elapsed(now, silence.until) <= NOTICE
        && elapsed(silence.created, silence.until) >= NOTICE * 2
}
