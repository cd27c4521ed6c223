//! A receiver that is slow, fails now and then, and counts everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::truth::Who;
use crate::support::wire::{Act, Wire, answer};

type Episodes = BTreeMap<Who, Vec<(i64, i64)>>;

/// One request: its key, its bytes, and whether the sender may take it as delivered.
#[derive(Clone, Debug)]
struct Request {
    key: String,
    body: String,
    taken: bool,
}

pub struct Heard {
    wire: Wire,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Heard {
    pub fn listen() -> Heard {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let to = requests.clone();
        let wire = Wire::start(move |seen, n| {
            // so that deaths find deliveries under way
            thread::sleep(Duration::from_millis(n as u64 * 37 % 90));
            let taken = n % 11 != 3 && n % 13 != 5;
            let (key, body) = (seen.header("idempotency-key").to_owned(), seen.body.clone());
            to.lock().unwrap_or_else(PoisonError::into_inner).push(Request { key, body, taken });
            match n {
                _ if taken => Act::Write(answer(200, &[], b"ok")),
                n if n % 11 == 3 => Act::Write(answer(503, &[], b"busy")),
                _ => Act::Cut(Vec::new()),
            }
        });
        Heard { wire, requests }
    }

    pub fn settings(&self, cluster: &str) -> Value {
        json!({
            "clusters": { "main": { "urls": [cluster] } },
            "rules": ["rules"],
            "sinks": { "hook": { "webhook": { "url": format!("{}/hook", self.wire.url()) } } },
            "defaults": { "notify": ["hook"] },
            "server": { "listen": "127.0.0.1:0" },
            "telemetry": { "level": "info", "format": "json" },
        })
    }

    /// Waits until every episode of `truth` was told from its begin to its end.
    pub async fn until_told(&self, truth: &Episodes, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            let missing = self.told().missing(truth);
            if missing.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "never told: {missing:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What was taken, each message once, in the order of its first acceptance.
    pub fn told(&self) -> Told {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut told = Told::default();
        let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for request in &requests {
            let first = *bodies.entry(&request.key).or_insert(&request.body);
            assert_eq!(first, request.body, "two bodies under one Idempotency-Key");
            if !request.taken {
                continue;
            }
            if known.insert(&request.key) {
                told.take(&request.body);
            } else {
                told.duplicates += 1;
            }
        }
        told.requests = requests.len();
        told
    }
}

/// What the receiver knows.
#[derive(Debug, Default)]
pub struct Told {
    episodes: Episodes,
    /// Begin of what is open, by its entity.
    open: BTreeMap<Who, (String, i64)>,
    events: BTreeSet<String>,
    messages: usize,
    requests: usize,
    late: usize,
    pub duplicates: usize,
    last: BTreeMap<usize, i64>,
}

impl Told {
    fn take(&mut self, body: &str) {
        let message: Value = serde_json::from_str(body).expect("a body of JSON");
        self.messages += 1;
        let rule: usize = match message["rule"].as_str().and_then(|rule| rule.strip_prefix("flap-")) {
            Some(n) => n.parse().expect("one of our rules"),
            None => panic!("highwater told something of itself: {}", message["text"]),
        };
        let at = seconds(&message["at"]);
        assert!(
            self.last.insert(rule, at).is_none_or(|last| last < at),
            "flap-{rule} told out of order at {at}"
        );
        for alert in message["alerts"].as_array().expect("alerts") {
            let event = alert["event_id"].as_str().expect("an id").to_owned();
            assert!(self.events.insert(event), "one event under two keys: {alert}");
            self.hear(rule, alert);
        }
    }

    /// Of one alert, fired and resolved alternate; an episode that was missed as a whole is one line.
    fn hear(&mut self, rule: usize, alert: &Value) {
        let service = alert["entity"]["service"].as_str().expect("a service");
        let who = (rule, service[1..].parse().expect("one of our services"));
        let (since, at) = (seconds(&alert["since"]), seconds(&alert["at"]));
        let episode = alert["episode_id"].as_str().expect("an episode").to_owned();
        let is_late = alert["note"].as_str().is_some_and(|note| note.starts_with("told late: fired"));
        match alert["kind"].as_str() {
            Some("fired") => {
                let before = self.open.insert(who, (episode, since));
                assert_eq!(before, None, "{who:?} fired twice");
            }
            Some("resolved") if is_late => {
                self.late += 1;
                self.episodes.entry(who).or_default().push((since, at));
            }
            Some("resolved") => {
                assert_eq!(self.open.remove(&who), Some((episode, since)), "{who:?} ended what was not open");
                self.episodes.entry(who).or_default().push((since, at));
            }
            _ => panic!("neither fired nor resolved: {alert}"),
        }
    }

    fn missing(&self, truth: &Episodes) -> Vec<(Who, i64, i64)> {
        let missing = truth.iter().flat_map(|(who, episodes)| {
            let told = self.episodes.get(who);
            let told = move |episode: &&(i64, i64)| told.is_some_and(|told| told.contains(episode));
            episodes.iter().filter(move |episode| !told(episode)).map(|(from, to)| (*who, *from, *to))
        });
        missing.collect()
    }

    /// All of `truth` was told once, and nothing beyond `later`, which is the truth at a later time.
    pub fn assert_is(&self, truth: &Episodes, later: &Episodes) {
        assert_eq!(self.missing(truth), [], "lost");
        for (who, told) in &self.episodes {
            let once: BTreeSet<_> = told.iter().collect();
            assert_eq!(once.len(), told.len(), "{who:?} told twice");
            let invented: Vec<_> = told.iter().filter(|episode| !later[who].contains(episode)).collect();
            assert!(invented.is_empty(), "invented of {who:?}: {invented:?}");
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let episodes: usize = self.episodes.values().map(Vec::len).sum();
        let (messages, requests, late) = (self.messages, self.requests, self.late);
        write!(to, "{requests} requests, {messages} messages, {episodes} episodes ({late} of them late), ")?;
        write!(to, "{} duplicates, 0 lost, 0 invented", self.duplicates)
    }
}

fn seconds(time: &Value) -> i64 {
    let time = time.as_str().expect("a time");
    chrono::DateTime::parse_from_rfc3339(time).expect("a time").timestamp()
}
