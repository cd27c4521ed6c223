//! Searches of one cluster that are asked at nearly the same time travel together, and those of one company as one.
//!
//! The first search opens a short window. What comes within it shares a request; a full batch leaves at once, and while
//! all slots of the cluster are taken, batches go on filling. What spoils the answer of others is found by asking in
//! halves, and asked apart from then on.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::oneshot, time::sleep};

use super::{
    blame, body,
    client::{Client, jittered},
    complete,
    complete::malformed,
    parties::{Batch, Item, Manner, Party, invite},
    refusal::Retry,
    request::Request,
    sought::{Asked, Company, MOST_WEIGHT},
    suspects::{SPARSE, Suspects, Suspicion},
};
use crate::model::{Cause, Reason, Time};

/// A batch leaves once nothing has come for so long …
const WINDOW: Duration = Duration::from_millis(5);
/// … or after so many of these.
const MOST_WINDOWS: u32 = 10;
/// A merged search that the cluster has no room for is asked so often.
const MOST_ATTEMPTS: u32 = 3;
const BACK_OFF: Duration = Duration::from_millis(400);

pub(super) struct Gather {
    client: Arc<Client>,
    max_batch: usize,
    waiting: Mutex<Waiting>,
    suspects: Suspects,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// How much of each company waits, and how many lines all of them will be.
    companies: HashMap<Company, usize>,
    lines: usize,
    /// How many have ever come.
    arrived: u64,
    /// Somebody is watching the window.
    watched: bool,
}

impl Waiting {
    fn push(&mut self, item: Item) {
        self.arrived += 1;
        self.lines += if item.manner == Manner::Alone { 1 } else { self.further_line(&item.asked) };
        self.items.push_back(item);
    }

    fn further_line(&mut self, asked: &Asked) -> usize {
        let Some(held) = self.companies.get_mut(&asked.company) else {
            self.companies.insert(asked.company.clone(), asked.weight);
            return 1;
        };
        let before = held.div_ceil(MOST_WEIGHT);
        *held += asked.weight;
        held.div_ceil(MOST_WEIGHT) - before
    }

    fn take(&mut self) -> VecDeque<Item> {
        self.companies.clear();
        self.lines = 0;
        std::mem::take(&mut self.items)
    }
}

/// What to do with a party's answer.
enum Verdict {
    Whole,
    /// One of its members may be to blame, or all of them together.
    Halve,
    Again(Option<Duration>),
    /// They are more than was hoped: each is asked alone.
    Apart,
    /// What is wrong with it is for each member to judge.
    AsItIs,
}

impl Gather {
    pub fn new(client: Arc<Client>, max_batch: usize) -> Arc<Self> {
        let (waiting, suspects) = (Mutex::default(), Suspects::default());
        Arc::new(Self { client, max_batch: max_batch.max(1), waiting, suspects })
    }

    /// The answer to one search, as it would have been told alone: whole JSON, not yet proven complete.
    pub async fn ask(self: &Arc<Self>, tick: Time, asked: Asked) -> Result<Value, Reason> {
        let (reply, answer) = oneshot::channel();
        let (mark, suspicion) = (asked.mark, self.suspects.of(asked.mark, self.client.now()));
        let manner = match self.suspects.total(mark) {
            _ if suspicion.is_some() || !asked.can_be_merged() => Manner::Alone,
            Some(documents) if documents <= SPARSE => Manner::Merged { documents },
            Some(_) => Manner::Alone,
            None => Manner::Tried,
        };
        let item = Item { tick, asked, manner, reply };
        if suspicion == Some(Suspicion::Breaks) {
            tokio::spawn(self.clone().send(VecDeque::from([item])));
        } else {
            self.push(item);
        }
        let lost =
            || Err(Reason::new(Cause::Fault, "a batch of searches failed on our side; the log says more"));
        let answer = answer.await.unwrap_or_else(|_| lost());
        let total = answer.as_ref().ok().and_then(|item| item.pointer("/hits/total/value")?.as_u64());
        if let Some(total) = total {
            self.suspects.note_total(mark, total);
        }
        answer
    }

    fn push(self: &Arc<Self>, item: Item) {
        let mut waiting = self.waiting();
        waiting.push(item);
        if waiting.lines >= self.max_batch {
            let full = waiting.take();
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
            sleep(WINDOW).await;
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
            waiting.take()
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

    /// Asks, until each search has its answer or a reason.
    async fn exchange(&self, items: VecDeque<Item>) {
        let most = self.suspects.most_weight(self.client.now());
        let mut batches = vec![Batch::first(invite(items, most))];
        while let Some(batch) = batches.pop() {
            let Some(tick) = batch.tick() else { continue };
            if let Some(pause) = batch.pause {
                sleep(pause).await;
            }
            match self.client.send_in_slot(tick, &Request::searches(batch.lines())).await {
                Ok(body) => batches.extend(self.deal(batch, body)),
                Err(reason) => batches.extend(self.turned_away(batch, &reason)),
            }
        }
    }

    /// A batch that is refused as a whole may hold a single search that cannot be parsed: it is halved until that one is
    /// found, so that no rule is blind for another's mistake. So is one whose answer is too large.
    fn turned_away(&self, batch: Batch, reason: &Reason) -> Vec<Batch> {
        let now = self.client.now();
        if reason.cause == Cause::Timeout {
            self.ease(&batch.parties);
        }
        if !is_worth_halving(reason) {
            batch.refuse(reason);
            return Vec::new();
        }
        if let Some(asked) = batch.only() {
            self.suspects.note(asked.mark, Suspicion::Breaks, now);
            batch.refuse(reason);
            return Vec::new();
        }
        batch.halves().into_iter().flatten().collect()
    }

    /// Hands the answers out; what has to be asked again comes back.
    fn deal(&self, batch: Batch, mut body: Value) -> Vec<Batch> {
        let answers = body.get_mut("responses").and_then(Value::as_array_mut).map(std::mem::take);
        let Some(answers) = answers else {
            batch.refuse(&malformed("the answer to a batch of searches lacks `responses`"));
            return Vec::new();
        };
        if answers.len() != batch.parties.len() {
            let (got, sent) = (answers.len(), batch.parties.len());
            batch.refuse(&malformed(format!("{got} answers to a batch of {sent} searches")));
            return Vec::new();
        }
        let (mut parts, mut again, mut pause) = (Vec::new(), Vec::new(), Duration::ZERO);
        for (party, answer) in batch.parties.into_iter().zip(answers) {
            match self.judge(&party, &answer, batch.attempt) {
                Verdict::Whole => party.share_out(answer),
                Verdict::AsItIs => party.hand_on(&answer),
                Verdict::Halve => parts.extend(party.halves().into_iter().flatten()),
                Verdict::Apart => parts.extend(self.apart(party)),
                Verdict::Again(after) => {
                    pause = pause.max(after.unwrap_or_default()).max(jittered(BACK_OFF));
                    again.push(party);
                }
            }
        }
        let again = Batch { parties: again, attempt: batch.attempt + 1, pause: Some(pause) };
        // The last one is asked first: nobody waits for a pause that is not theirs.
        let mut batches = vec![again];
        while !parts.is_empty() {
            let rest = parts.split_off(parts.len().min(self.max_batch));
            batches.push(Batch::first(std::mem::replace(&mut parts, rest)));
        }
        batches
    }

    /// Those of whom nothing is learnt now are not tried again either.
    fn apart(&self, party: Party) -> impl Iterator<Item = Party> + use<> {
        for item in &party.items {
            self.suspects.note_total(item.asked.mark, u64::MAX);
        }
        party.apart()
    }

    fn judge(&self, party: &Party, answer: &Value, attempt: u32) -> Verdict {
        let Some(asked) = party.items.first().map(|item| &item.asked) else { return Verdict::Whole };
        let Err(setback) = complete::search(&asked.index, answer) else {
            return if party.is_answered_by(answer) { Verdict::Whole } else { self.misunderstood(party) };
        };
        let spoils = blame::is_the_question(answer);
        if !party.is_merged() {
            if spoils {
                self.suspects.note(asked.mark, Suspicion::Spoils, self.client.now());
            }
            return Verdict::Whole;
        }
        if setback.reason.cause == Cause::Timeout && party.is_tried() {
            return Verdict::Apart;
        }
        if blame::is_too_much(answer) || setback.reason.cause == Cause::Timeout {
            self.ease(std::slice::from_ref(party));
        }
        match setback.retry {
            _ if spoils => Verdict::Halve,
            Retry::Later(after) if attempt < MOST_ATTEMPTS && self.client.take_retry() => {
                Verdict::Again(after)
            }
            _ => Verdict::AsItIs,
        }
    }

    /// Who answers without the parts that were asked for does not understand merged searches.
    fn misunderstood(&self, party: &Party) -> Verdict {
        for item in &party.items {
            self.suspects.note(item.asked.mark, Suspicion::Spoils, self.client.now());
        }
        Verdict::Apart
    }

    fn ease(&self, parties: &[Party]) {
        if let Some(most) = parties.iter().filter(|party| party.is_merged()).map(Party::weight).max() {
            self.suspects.ease(most, self.client.now());
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One search may be to blame for what became of all.
fn is_worth_halving(reason: &Reason) -> bool {
    reason.cause == Cause::Invalid || body::is_too_large(reason)
}

fn refuse(items: VecDeque<Item>, reason: &Reason) {
    for item in items {
        let _ = item.reply.send(Err(reason.clone()));
    }
}
