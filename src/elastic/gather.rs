//! Searches of one cluster that are asked at nearly the same time travel together.
//!
//! The first search opens a short window. What comes within it shares a request; a full batch leaves at once, and while
//! all slots of the cluster are taken, batches go on filling.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{body, client::Client, complete::malformed, request::Request};
use crate::model::{Cause, Reason, Time};

/// A batch leaves once nothing has come for so long …
const WINDOW: Duration = Duration::from_millis(5);
/// … or after so many of these.
const MOST_WINDOWS: u32 = 10;
/// Searches that made a batch fail, and are asked alone from then on.
const MOST_SUSPECTS: usize = 10_000;

/// One search: the two lines of `_msearch` that ask it.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub header: String,
    pub body: String,
}

struct Item {
    tick: Time,
    lines: Lines,
    reply: oneshot::Sender<Result<Value, Reason>>,
}

pub(super) struct Gather {
    client: Arc<Client>,
    max_batch: usize,
    waiting: Mutex<Waiting>,
    suspects: Mutex<HashSet<u64>>,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// How many have ever come.
    arrived: u64,
    /// Somebody is watching the window.
    watched: bool,
}

impl Gather {
    pub fn new(client: Arc<Client>, max_batch: usize) -> Arc<Self> {
        let (waiting, suspects) = (Mutex::default(), Mutex::default());
        Arc::new(Self { client, max_batch: max_batch.max(1), waiting, suspects })
    }

    /// The answer to one search, as the batch brought it: whole JSON, not yet proven complete.
    pub async fn ask(self: &Arc<Self>, tick: Time, lines: Lines) -> Result<Value, Reason> {
        let (reply, answer) = oneshot::channel();
        let item = Item { tick, lines, reply };
        if self.is_suspect(&item.lines) {
            tokio::spawn(self.clone().send(VecDeque::from([item])));
        } else {
            self.push(item);
        }
        let lost =
            || Err(Reason::new(Cause::Fault, "a batch of searches failed on our side; the log says more"));
        answer.await.unwrap_or_else(|_| lost())
    }

    fn push(self: &Arc<Self>, item: Item) {
        let mut waiting = self.waiting();
        waiting.items.push_back(item);
        waiting.arrived += 1;
        if waiting.items.len() >= self.max_batch {
            let full = waiting.items.drain(..).collect();
            drop(waiting);
            tokio::spawn(self.clone().send(full));
        } else if !waiting.watched {
            waiting.watched = true;
            drop(waiting);
            tokio::spawn(self.clone().watch());
        }
    }

    async fn watch(self: Arc<Self>) {
        let mut seen = self.waiting().arrived;
        for _ in 0..MOST_WINDOWS {
            tokio::time::sleep(WINDOW).await;
            let arrived = self.waiting().arrived;
            if arrived == seen {
                break;
            }
            seen = arrived;
        }
        self.leave().await;
    }

    /// Waits for a slot and takes all that has come until then.
    async fn leave(self: Arc<Self>) {
        let slot = self.client.slot().await;
        let items = {
            let mut waiting = self.waiting();
            waiting.watched = false;
            std::mem::take(&mut waiting.items)
        };
        match slot {
            Ok(slot) => {
                self.exchange(items).await;
                drop(slot);
            }
            Err(reason) => refuse(items, &reason),
        }
    }

    async fn send(self: Arc<Self>, items: VecDeque<Item>) {
        match self.client.slot().await {
            Ok(_slot) => self.exchange(items).await,
            Err(reason) => refuse(items, &reason),
        }
    }

    /// Asks a batch. One that is refused as a whole may hold a single search that cannot be parsed: it is halved until
    /// that one is found, so that no rule is blind for another's mistake. So is one whose answer is too large.
    async fn exchange(&self, items: VecDeque<Item>) {
        let mut batches = vec![items];
        while let Some(mut batch) = batches.pop() {
            let Some(tick) = batch.iter().map(|item| item.tick).max() else { continue };
            match self.client.send_in_slot(tick, &Request::searches(join(&batch))).await {
                Ok(body) => deal(batch, body),
                Err(reason) if is_worth_halving(&reason) && batch.len() > 1 => {
                    let rest = batch.split_off(batch.len() / 2);
                    batches.extend([rest, batch]);
                }
                Err(reason) => {
                    self.suspect(&batch, &reason);
                    refuse(batch, &reason);
                }
            }
        }
    }

    fn suspect(&self, batch: &VecDeque<Item>, reason: &Reason) {
        let Some(item) = batch.front().filter(|_| is_worth_halving(reason)) else { return };
        let mut suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        if suspects.len() >= MOST_SUSPECTS {
            suspects.clear();
        }
        suspects.insert(mark(&item.lines));
    }

    fn is_suspect(&self, lines: &Lines) -> bool {
        let suspects = self.suspects.lock().unwrap_or_else(PoisonError::into_inner);
        !suspects.is_empty() && suspects.contains(&mark(lines))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One search may be to blame for what became of all.
fn is_worth_halving(reason: &Reason) -> bool {
    reason.cause == Cause::Invalid || body::is_too_large(reason)
}

/// A search, whatever its window: digits are left out.
fn mark(lines: &Lines) -> u64 {
    let mut hasher = DefaultHasher::new();
    lines.header.hash(&mut hasher);
    for byte in lines.body.bytes().filter(|byte| !byte.is_ascii_digit()) {
        byte.hash(&mut hasher);
    }
    hasher.finish()
}

fn join(items: &VecDeque<Item>) -> String {
    let mut text = String::new();
    for item in items {
        for line in [&item.lines.header, &item.lines.body] {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn deal(items: VecDeque<Item>, mut body: Value) {
    let answers = body.get_mut("responses").and_then(Value::as_array_mut).map(std::mem::take);
    let Some(answers) = answers else {
        return refuse(items, &malformed("the answer to a batch of searches lacks `responses`"));
    };
    if answers.len() != items.len() {
        let text = format!("{} answers to a batch of {} searches", answers.len(), items.len());
        return refuse(items, &malformed(text));
    }
    for (item, answer) in items.into_iter().zip(answers) {
        // Who asked may have gone away.
        let _ = item.reply.send(Ok(answer));
    }
}

fn refuse(items: VecDeque<Item>, reason: &Reason) {
    for item in items {
        let _ = item.reply.send(Err(reason.clone()));
    }
}
