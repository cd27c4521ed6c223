//! A double of Slack's Web API, as far as a bot that posts and edits uses it: it keeps a channel of messages, and says of
//! trouble what it is told to.
//!
//! ```ignore
//! let slack = Workspace::start();
//! slack.refuse("chat.update", "message_not_found");
//! assert_eq!(slack.messages()[0].edits, 2);
//! ```

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::wire::{self, Act, Seen, Wire};

pub const TOKEN: &str = "xoxb-of-the-double";
const CHANNEL: &str = "C0000ALERTS";

/// One message as the channel has it now.
#[derive(Clone, Debug)]
pub struct Posted {
    pub ts: String,
    /// In the thread of this one.
    pub thread: Option<String>,
    pub broadcast: bool,
    pub text: String,
    pub colour: String,
    pub edits: usize,
    pub body: Value,
}

/// What the next request to a method is answered with, in place of what it asks for.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// 200 with `ok: false` and this word.
    Word(&'static str),
    /// 429 with `Retry-After` in seconds.
    Limit(u64),
    /// It does what it is asked to, and the answer is lost.
    Lost,
}

#[derive(Default)]
struct State {
    messages: Vec<Posted>,
    troubles: VecDeque<(&'static str, Trouble)>,
    calls: Vec<String>,
}

/// The double. It ends with the test process.
#[derive(Clone)]
pub struct Workspace {
    wire: Wire,
    state: Arc<Mutex<State>>,
}

impl Workspace {
    pub fn start() -> Workspace {
        let state: Arc<Mutex<State>> = Arc::default();
        let here = state.clone();
        let wire = Wire::start(move |seen, _| lock(&here).answer(seen));
        Workspace { wire, state }
    }

    /// The API's base.
    pub fn url(&self) -> String {
        format!("{}/api", self.wire.url())
    }

    /// The next request to `method` gets this.
    pub fn next(&self, method: &'static str, trouble: Trouble) {
        lock(&self.state).troubles.push_back((method, trouble));
    }

    pub fn messages(&self) -> Vec<Posted> {
        lock(&self.state).messages.clone()
    }

    /// Somebody deletes it.
    pub fn delete(&self, ts: &str) {
        lock(&self.state).messages.retain(|message| message.ts != ts);
    }

    /// The methods that were called, in order.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.state).calls.clone()
    }
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Act {
        let method = seen.target.rsplit('/').next().unwrap_or_default().to_owned();
        self.calls.push(method.clone());
        if seen.header("authorization") != format!("Bearer {TOKEN}") {
            return refused("invalid_auth");
        }
        let Ok(body) = serde_json::from_str::<Value>(&seen.body) else { return refused("invalid_json") };
        let trouble = self.troubles.front().is_some_and(|(of, _)| *of == method);
        let trouble = trouble.then(|| self.troubles.pop_front()).flatten().map(|(_, trouble)| trouble);
        match trouble {
            Some(Trouble::Word(word)) => refused(word),
            Some(Trouble::Limit(after)) => {
                let body = json!({ "ok": false, "error": "ratelimited" }).to_string();
                let headers = [("content-type", "application/json"), ("retry-after", &after.to_string())];
                Act::Write(wire::answer(429, &headers, body.as_bytes()))
            }
            Some(Trouble::Lost) => {
                self.act(&method, &body);
                Act::Cut(Vec::new())
            }
            None => self.act(&method, &body),
        }
    }

    fn act(&mut self, method: &str, body: &Value) -> Act {
        match method {
            "chat.postMessage" => self.post(body),
            "chat.update" => self.update(body),
            _ => refused("unknown_method"),
        }
    }

    fn post(&mut self, body: &Value) -> Act {
        if !["#alerts", "alerts", CHANNEL].contains(&body["channel"].as_str().unwrap_or_default()) {
            return refused("channel_not_found");
        }
        let thread = body["thread_ts"].as_str().map(ToOwned::to_owned);
        if thread.as_ref().is_some_and(|thread| !self.messages.iter().any(|message| message.ts == *thread)) {
            return refused("thread_not_found");
        }
        let ts = format!("1711.{:06}", self.calls.len());
        let broadcast = body["reply_broadcast"] == true;
        self.messages.push(Posted { thread, broadcast, ..posted(&ts, body, 0) });
        taken(&ts)
    }

    fn update(&mut self, body: &Value) -> Act {
        let ts = body["ts"].as_str().unwrap_or_default();
        let found = self.messages.iter_mut().find(|message| message.ts == ts && body["channel"] == CHANNEL);
        let Some(message) = found else { return refused("message_not_found") };
        *message = Posted { thread: message.thread.clone(), ..posted(ts, body, message.edits + 1) };
        taken(ts)
    }
}

fn posted(ts: &str, body: &Value, edits: usize) -> Posted {
    Posted {
        ts: ts.to_owned(),
        thread: None,
        broadcast: false,
        text: body["text"].as_str().unwrap_or_default().to_owned(),
        colour: body["attachments"][0]["color"].as_str().unwrap_or_default().to_owned(),
        edits,
        body: body.clone(),
    }
}

fn taken(ts: &str) -> Act {
    Act::Write(wire::json(200, &json!({ "ok": true, "channel": CHANNEL, "ts": ts })))
}

fn refused(word: &str) -> Act {
    Act::Write(wire::json(200, &json!({ "ok": false, "error": word })))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
