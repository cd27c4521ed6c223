//! A receiver on loopback for what `webhook` and `slack` sinks send: it writes down every request in order, and
//! answers as it is told to.
//!
//! ```ignore
//! let receiver = Receiver::start();
//! let home = Home::of(&engine, &receiver, RULES);
//! let daemon = home.start().await;
//! receiver.wait_for_story("cluster-health", &["fired warning", "resolved warning cleared"], SOON).await;
//! receiver.answer(Reply::Status(503));
//! ```

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::wire::{Act, Seen, Wire, answer};

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200 and `ok`, as Slack says it.
    Ok,
    /// This status, an empty body.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    Overloaded { after: u64 },
    /// 200, but a page of some proxy.
    Html,
    /// The connection ends without an answer.
    Cut,
    /// The request is read, and no answer ever comes.
    Nothing,
    /// 200 after a while.
    Slow(Duration),
}

impl Reply {
    const fn takes(&self) -> bool {
        matches!(self, Reply::Ok | Reply::Slow(_) | Reply::Html)
    }

    fn act(&self) -> Act {
        match self {
            Reply::Ok => Act::Write(answer(200, &[("content-type", "text/plain")], b"ok")),
            Reply::Status(status) => Act::Write(answer(*status, &[], b"")),
            Reply::Overloaded { after } => {
                Act::Write(answer(429, &[("retry-after", &after.to_string())], b"rate_limited"))
            }
            Reply::Html => Act::Write(answer(200, &[("content-type", "text/html")], b"<html>Welcome</html>")),
            Reply::Cut => Act::Cut(Vec::new()),
            Reply::Nothing => Act::Hang,
            Reply::Slow(pause) => {
                thread::sleep(*pause);
                Reply::Ok.act()
            }
        }
    }
}

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub at: Instant,
    /// Path and query.
    pub path: String,
    pub seen: Seen,
    /// The body, or a string where it is not JSON.
    pub body: Value,
    pub reply: Reply,
}

impl Arrival {
    pub fn key(&self) -> &str {
        self.seen.header("idempotency-key")
    }

    /// Whether the sender may take it as delivered.
    pub fn taken(&self) -> bool {
        self.reply.takes()
    }

    /// Every alert of the body as `fired warning`, `raised critical`, `resolved warning cleared`.
    pub fn events(&self) -> Vec<Event> {
        let alerts = self.body["alerts"].as_array().cloned().unwrap_or_default();
        alerts.into_iter().map(|alert| Event { at: self.at, rule: self.rule().to_owned(), alert }).collect()
    }

    pub fn rule(&self) -> &str {
        self.body["rule"].as_str().unwrap_or_default()
    }
}

/// One alert's change inside of an arrival.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Instant,
    pub rule: String,
    pub alert: Value,
}

impl Event {
    pub fn words(&self) -> String {
        let part = |name: &str| self.alert[name].as_str().unwrap_or_default().to_owned();
        [part("kind"), part("level"), part("reason")].join(" ").trim_end().to_owned()
    }

    pub fn value(&self) -> f64 {
        self.alert["value"].as_f64().unwrap_or(f64::NAN)
    }

    pub fn entity(&self, label: &str) -> &str {
        self.alert["entity"][label].as_str().unwrap_or_default()
    }
}

/// The receiver. It ends with the test process.
#[derive(Clone)]
pub struct Receiver {
    wire: Wire,
    arrived: Arc<Mutex<Vec<Arrival>>>,
    reply: Arc<Mutex<Reply>>,
}

impl Receiver {
    pub fn start() -> Receiver {
        let (arrived, reply): (Arc<Mutex<Vec<Arrival>>>, _) =
            (Arc::default(), Arc::new(Mutex::new(Reply::Ok)));
        let (to, current) = (arrived.clone(), reply.clone());
        let wire = Wire::start(move |seen, _| {
            let reply = lock(&current).clone();
            let body = serde_json::from_str(&seen.body).unwrap_or_else(|_| Value::from(seen.body.clone()));
            let (at, path, seen) = (Instant::now(), seen.target.clone(), seen.clone());
            lock(&to).push(Arrival { at, path, seen, body, reply: reply.clone() });
            reply.act()
        });
        Receiver { wire, arrived, reply }
    }

    /// `http://127.0.0.1:PORT/PATH`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.wire.url())
    }

    /// From now on.
    pub fn answer(&self, reply: Reply) {
        *lock(&self.reply) = reply;
    }

    /// Everything so far, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.arrived).clone()
    }

    /// What a rule was heard to say, of those requests that were taken.
    pub fn events(&self, rule: &str) -> Vec<Event> {
        let taken = self.arrivals().into_iter().filter(Arrival::taken);
        taken.flat_map(|arrival| arrival.events()).filter(|event| event.rule == rule).collect()
    }

    pub fn story(&self, rule: &str) -> Vec<String> {
        self.events(rule).iter().map(Event::words).collect()
    }

    /// Everything that was told, each as `rule: fired warning`.
    pub fn whole_story(&self) -> Vec<String> {
        let taken = self.arrivals().into_iter().filter(Arrival::taken);
        let events = taken.flat_map(|arrival| arrival.events());
        events.map(|event| format!("{}: {}", event.rule, event.words())).collect()
    }

    /// Looks again and again until `enough`; fails after `patience` with all that arrived.
    pub async fn wait_for(
        &self,
        what: &str,
        patience: Duration,
        enough: impl Fn(&[Arrival]) -> bool,
    ) -> Vec<Arrival> {
        let deadline = Instant::now() + patience;
        loop {
            let arrivals = self.arrivals();
            if enough(&arrivals) {
                return arrivals;
            }
            assert!(
                Instant::now() < deadline,
                "waited {patience:?} in vain for {what}; told so far: {:#?}",
                self.whole_story()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the rule has told exactly this, and gives the events; more or other news fail at once.
    pub async fn wait_for_story(&self, rule: &str, story: &[&str], patience: Duration) -> Vec<Event> {
        self.wait_for(&format!("`{rule}` to tell {story:?}"), patience, |_| {
            let told = self.story(rule);
            let known = told.len().min(story.len());
            assert!(
                told.len() <= story.len() && told == story[..known],
                "`{rule}` told {told:?}, not {story:?}"
            );
            told.len() == story.len()
        })
        .await;
        self.events(rule)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
