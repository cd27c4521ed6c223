//! A Slack that takes messages and edits, answers late and fails now and then, and has no key by which it would know a repeat.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use highwater::model::{Entity, Kind, Time, identity};
use serde_json::{Value, json};

use super::truth::Who;
use crate::support::wire::{Act, Seen, Wire, answer, json as reply};

/// What marks a message that Slack may have had before.
const MARK: &str = "May be a repeat";

pub struct Bot {
    wire: Wire,
    heard: Arc<Mutex<Channel>>,
}

#[derive(Clone, Debug, Default)]
struct Channel {
    events: BTreeSet<String>,
    /// Episodes that came and went and are only counted, by alert and message.
    counted: BTreeMap<(String, String), usize>,
    /// Messages and replies that were posted, by their notification and step.
    posted: BTreeSet<(String, String)>,
    marked: usize,
    /// Posted twice, and nothing says so.
    unmarked: Vec<String>,
    /// What was said of each alert, in its order.
    said: BTreeMap<String, Vec<String>>,
}

impl Bot {
    pub fn listen() -> Bot {
        let heard: Arc<Mutex<Channel>> = Arc::default();
        let to = heard.clone();
        let wire = Wire::start(move |seen, n| {
            std::thread::sleep(Duration::from_millis(n as u64 * 31 % 60));
            if n % 17 == 4 {
                return Act::Write(answer(503, &[], b"busy"));
            }
            to.lock().unwrap_or_else(PoisonError::into_inner).hear(seen);
            let taken = json!({ "ok": true, "channel": "C1", "ts": format!("{n}.0001") });
            // it was heard, and whoever asked does not know
            if n % 19 == 7 { Act::Cut(Vec::new()) } else { Act::Write(reply(200, &taken)) }
        });
        Bot { wire, heard }
    }

    pub fn settings(&self) -> Value {
        json!({ "slack": { "token": "${env:BOT_TOKEN}", "channel": "C1", "api_url": format!("{}/api", self.wire.url()) } })
    }

    /// Waits until every episode of `truth` was told, or counted.
    pub async fn until_told(&self, truth: &BTreeMap<Who, Vec<(i64, i64)>>, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            let missing = self.now().missing(truth);
            if missing.is_empty() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "neither told nor counted: {missing:?}\nof the first was said:\n{}",
                self.now().said_of(missing[0].0).join("\n")
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn assert_repeats_are_marked(&self) {
        assert_eq!(self.now().unmarked, [""; 0], "twice, and nothing says so");
    }

    fn now(&self) -> Channel {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Display for Bot {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channel = self.now();
        let counted: usize = channel.counted.values().sum();
        let (posted, marked) = (channel.posted.len(), channel.marked);
        write!(to, "{posted} posts, {counted} episodes counted in them, {marked} repeats, all marked, 0 lost")
    }
}

impl Channel {
    fn hear(&mut self, seen: &Seen) {
        let body: Value = serde_json::from_str(&seen.body).expect("a body of JSON");
        let payload = &body["metadata"]["event_payload"];
        let part = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        self.events.insert(part("event_id"));
        let all = body.to_string();
        let line = format!("{} {} {}", part("event_id"), seen.target, body["text"]);
        self.said.entry(part("alert_key")).or_default().push(line);
        if let Some(times) = all.split("came and went ").nth(1) {
            let times = times.split(' ').next().unwrap_or_default();
            let times = if times == "once" { 1 } else { times.parse().expect("a number") };
            self.counted.insert((part("alert_key"), part("notification_id")), times);
        }
        if seen.target.ends_with("chat.postMessage")
            && !self.posted.insert((part("notification_id"), part("step")))
        {
            match all.contains(MARK) {
                true => self.marked += 1,
                false => self.unmarked.push(all),
            }
        }
    }

    /// Alerts with more episodes untold than are counted.
    fn missing(&self, truth: &BTreeMap<Who, Vec<(i64, i64)>>) -> Vec<(Who, usize, usize)> {
        let mut missing = Vec::new();
        for (who, episodes) in truth {
            let key = alert_of(*who);
            let untold = episodes.iter().filter(|(from, _)| !self.knows(&key, *from)).count();
            let counted = self.counted.iter().filter(|((alert, _), _)| *alert == key).map(|(_, n)| n).sum();
            if untold > counted {
                missing.push((*who, untold, counted));
            }
        }
        missing
    }

    fn said_of(&self, who: Who) -> Vec<String> {
        self.said.get(&alert_of(who)).cloned().unwrap_or_default()
    }

    fn knows(&self, alert: &str, since: i64) -> bool {
        let episode = identity::episode_id(alert, Time::from_timestamp(since, 0).expect("a time"));
        let told = |kind| (0..4).any(|n| self.events.contains(&identity::event_id(&episode, kind, n)));
        told(Kind::Fired) || told(Kind::Resolved)
    }
}

fn alert_of(who: Who) -> String {
    let entity = Entity::of("service", format!("s{}", who.1));
    identity::alert_key(&format!("flap-{}", who.0), "main", &entity)
}
