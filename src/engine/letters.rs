//! Messages that were given up, and those for sinks that are gone: an alert for as long as one is left.

use std::collections::BTreeMap;

use crate::{
    engine::{Engine, own::Own, upkeep::waiting},
    model::time::elapsed,
    store::{Left, Queued, Settlement, StoreError},
};

impl Engine {
    /// A message was given up just now.
    pub(super) async fn note_dead(&self, sink: String, why: &str) {
        let _one = self.letters.lock().await;
        let left = self.letters_left().await.and_then(|mut left| left.remove(&sink));
        // somebody may have put it away before anybody heard of it
        let number = left.map_or(0, |left| left.count()).max(1);
        self.say_of_itself(Own::DeadLetter { sink }, u64::from(number), why).await;
    }

    /// Every second: people see at once that the last one is dealt with.
    pub(super) async fn end_dead_letters(&self) {
        let (letters, gone) = {
            let own = self.own.lock().await;
            (own.dead_letters(), own.gone_sinks())
        };
        if letters.is_empty() && gone.is_empty() {
            return;
        }
        let _one = self.letters.lock().await;
        let Some(left) = self.letters_left().await else { return };
        for sink in letters.into_iter().filter(|sink| !left.contains_key(sink)) {
            self.say_of_itself(Own::DeadLetter { sink }, 0, "").await;
        }
        for sink in gone.into_iter().filter(|sink| !left.contains_key(sink)) {
            if matches!(self.store.has_deliveries(&sink).await, Ok(false)) {
                self.say_of_itself(Own::SinkGone { sink }, 0, "").await;
            }
        }
    }

    /// Once a minute, and so soon after a start: whatever is left is told, whoever was told before.
    pub(super) async fn mind_dead_letters(&self) {
        let _one = self.letters.lock().await;
        let left = self.letters_left().await.unwrap_or_default();
        for (sink, left) in left.into_iter().filter(|(sink, _)| self.settings.sinks.contains_key(sink)) {
            let (number, why) = (u64::from(left.count()), in_words(&left));
            self.say_of_itself(Own::DeadLetter { sink }, number, &why).await;
        }
    }

    async fn letters_left(&self) -> Option<BTreeMap<String, Left>> {
        match self.store.letters_left().await {
            Ok(left) => Some(left),
            Err(error) => {
                tracing::error!(%error, "dead letters not read");
                None
            }
        }
    }

    /// What was said of a sink that this start did not find in the settings is over.
    pub(super) async fn close_gone_sinks(&self) -> Result<(), StoreError> {
        let mut own = self.own.lock().await;
        let closed = self.telling_of_itself(|place| own.close_gone(place));
        for (turn, after) in closed {
            self.store.commit(turn).await?;
            own.keep(after);
        }
        drop(own);
        self.mind_gone_sinks().await;
        Ok(())
    }

    /// Messages for sinks that are not in the settings any more: told while they wait, given up like any others, and told until
    /// somebody put them away.
    pub(super) async fn mind_gone_sinks(&self) {
        let _one = self.letters.lock().await;
        let Ok(depths) = self.store.depth().await else { return };
        let gone = depths.iter().filter(|depth| !self.settings.sinks.contains_key(&depth.sink));
        let mut still = Vec::new();
        for depth in gone {
            let (waiting, dead, sink) = (waiting(depth), depth.dead, depth.sink.clone());
            let why = format!(
                "it is not in the settings any more; {waiting} of its messages wait, and {dead} were given up"
            );
            still.push(sink.clone());
            self.say_of_itself(Own::SinkGone { sink }, u64::from(waiting + dead), &why).await;
            self.give_up_old(&depth.sink).await;
        }
        let told_of = self.own.lock().await.gone_sinks();
        for sink in told_of.into_iter().filter(|sink| !still.contains(sink)) {
            self.say_of_itself(Own::SinkGone { sink }, 0, "").await;
        }
    }

    async fn give_up_old(&self, sink: &str) {
        let now = self.clock.now();
        let Ok(heads) = self.store.heads(sink, now).await else { return };
        let old = |queued: &Queued| elapsed(queued.since, now) >= self.settings.delivery.give_up_after;
        for queued in heads.iter().filter(|queued| old(queued)) {
            let why = "its sink is not in the settings any more".to_owned();
            if let Err(error) = self.store.settle(&queued.key, Settlement::Dead { why }).await {
                tracing::error!(%error, sink, "delivery not given up");
            }
        }
    }
}

/// `answered 400; 1 of them waits to be sent again`
fn in_words(left: &Left) -> String {
    let why = left.answer.clone().unwrap_or_default();
    let again = match left.again {
        0 => return why,
        1 => "1 waits to be sent again".to_owned(),
        many => format!("{many} wait to be sent again"),
    };
    if why.is_empty() { again } else { format!("{why}; {again}") }
}
