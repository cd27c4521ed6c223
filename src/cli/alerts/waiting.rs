//! Deliveries that wait, or were given up: what people would have been told by now.

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::{
    cli::{paint::Tone, words},
    model::{Time, wording},
    store::{Depth, Reader, StoreError},
};

/// What one sink has not taken.
pub struct Waiting {
    depth: Depth,
    /// What the service said last to the oldest that was tried.
    answer: Option<String>,
}

pub fn read(store: &Reader) -> Result<Vec<Waiting>, StoreError> {
    let mut all = Vec::new();
    for depth in store.depth()? {
        let heads = store.heads(&depth.sink)?;
        let answer = heads.into_iter().find_map(|head| head.answer);
        all.push(Waiting { depth, answer });
    }
    Ok(all)
}

impl Waiting {
    /// `2 messages wait for sink hook since 10:02 CET: answered 503`
    pub fn in_words(&self, now: Time, zone: Tz) -> String {
        let Depth { sink, queued, held, dead, oldest } = &self.depth;
        let waiting = queued + held;
        let mut parts = Vec::new();
        if waiting > 0 {
            let wait = if waiting == 1 { "waits" } else { "wait" };
            let since = oldest.map(|oldest| format!(" since {}", wording::when(oldest, now, zone)));
            let why = self.answer.as_ref().map(|why| format!(": {}", wording::clean(why)));
            parts.push(format!(
                "{} {wait} for sink {sink}{}{}",
                words::count(waiting as usize, "message"),
                since.unwrap_or_default(),
                why.unwrap_or_default(),
            ));
        }
        if *dead > 0 {
            let were = if *dead == 1 { "was" } else { "were" };
            parts
                .push(format!("{} for sink {sink} {were} given up", words::count(*dead as usize, "message")));
        }
        let tone = if *held > 0 || *dead > 0 { Tone::Critical } else { Tone::Waiting };
        tone.paint(&parts.join("; "))
    }

    pub fn as_json(&self) -> Value {
        let Depth { sink, queued, held, dead, oldest } = &self.depth;
        json!({
            "sink": sink, "queued": queued, "held": held, "dead": dead, "oldest": oldest, "answer": self.answer,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use anstream::adapter::strip_str;

    use super::*;
    use crate::{
        checks::Memory,
        clock::Clock,
        config::RuleKey,
        model::{
            Kind, Level,
            blind::Blind,
            notification::Delivery,
            samples::{at, change, notification},
            time::Course,
        },
        store::{Card, DeliveryKey, Settlement, Store, Turn},
    };

    pub fn turn(deliveries: Vec<Delivery>) -> Turn {
        Turn {
            key: RuleKey::new("elasticsearch-storage", "main"),
            card: Card::default(),
            runs: Vec::new(),
            watermark: None,
            owed: Vec::new(),
            blind: Blind::default(),
            course: Course::default(),
            memory: Memory::default(),
            alerts: Vec::new(),
            told: Vec::new(),
            deliveries,
            history: Vec::new(),
            untold: std::collections::BTreeMap::new(),
            forget_rule: false,
        }
    }

    #[tokio::test]
    async fn what_waits_for_a_sink_is_said_with_what_the_service_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("highwater.db");
        let (store, _) = Store::open(&path, Clock::standing_at(at(9, 16))).unwrap();
        let fired = notification(vec![change(Kind::Fired, Level::Critical)]);
        let delivery = Delivery::of_rule("hook", fired, chrono_tz::UTC);
        let key = DeliveryKey::of(&delivery);
        store.commit(turn(vec![delivery])).await.unwrap();
        let why = "answered 503".to_owned();
        store.settle(&key, Settlement::Retry { due: at(9, 20), why, anew: false }).await.unwrap();
        let said = || {
            let waiting = read(&Reader::open(&path).unwrap()).unwrap();
            assert_eq!(waiting[0].as_json()["sink"], "hook");
            strip_str(&waiting[0].in_words(at(9, 30), chrono_tz::UTC)).to_string()
        };
        assert_eq!(said(), "1 message waits for sink hook since 09:16 UTC: answered 503");
        store.settle(&key, Settlement::Dead { why: "410 gone".to_owned() }).await.unwrap();
        assert_eq!(said(), "1 message for sink hook was given up");
    }
}
