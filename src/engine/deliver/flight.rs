//! One attempt at one delivery, from its rendering to what the store keeps of it.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    Age, Monotone, Office, age,
    door::{ENDLESS, MOST_STEPS, fits},
    gates::Gates,
    insist,
};
use crate::{
    model::{
        notification::{Delivery, Handle},
        span,
        time::elapsed,
    },
    sinks::{Answer, Asked, Message, Sink, Verdict},
    store::{DeliveryKey, Queued, Settlement, StoreError},
};

/// One attempt.
pub struct Flight {
    pub office: Arc<Office>,
    pub time: Monotone,
    pub age: Age,
    pub sink: Arc<dyn Sink>,
    pub queued: Queued,
    pub gates: Gates,
    pub plain: Plain,
}

/// Whether what is sent now may have been sent before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Print {
    /// Made for this attempt: where it surely does not arrive, nothing is fixed.
    Fresh,
    /// Nobody knows of an earlier attempt that it did not arrive.
    Fixed,
}

/// Whether the service refused the message itself, and gets a plain one before the delivery is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    No,
    Due,
    /// It has taken the refused one's place in the store, where the service's answers lead on from it.
    Begun,
}

/// What became of it.
#[derive(Debug)]
pub struct Landed {
    pub key: DeliveryKey,
    pub lane: String,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    Accepted,
    /// Tried again by and by.
    Later,
    /// The service is at work on it.
    Waiting,
    /// Not taken as it is; a plain message is next.
    Refused,
    Misconfigured {
        why: String,
    },
    Dead {
        why: String,
    },
    /// The service asked to be left alone meanwhile, or what is next has to keep its pace.
    NotBegun,
    /// The store did not let it begin.
    Grounded,
    /// It was merged with others, or is superseded: the store knows what is in its place.
    Gone,
}

impl Flight {
    pub async fn fly(mut self) -> Landed {
        let (key, lane) = (self.queued.key.clone(), self.queued.delivery.lane.clone());
        let print = if self.queued.message.is_none() { Print::Fresh } else { Print::Fixed };
        let outcome = match self.message().await {
            Err(outcome) => outcome,
            Ok(message) if self.gates.quiet(self.method_of(&message)).is_some() => {
                self.put_off(&message, print).await
            }
            Ok(message) => self.attempt(message, print).await,
        };
        Landed { key, lane, outcome }
    }

    /// What is sent. It is kept before the attempt, so that every other sends the same bytes if this one may have arrived.
    async fn message(&mut self) -> Result<Message, Outcome> {
        let to = self.sink.destination();
        match self.queued.message.as_ref().filter(|message| fits(message, &to)) {
            Some(refused) if self.plain == Plain::Due => {
                let plain = self.sink.render_instead(&self.queued.delivery, refused);
                self.instead(&plain, None).await;
                return Ok(plain);
            }
            Some(message) => {
                let message = message.clone();
                return self.again(message).await;
            }
            None => {}
        }
        let noted = self.note_its_age();
        if self.plain != Plain::No {
            return Ok(self.sink.render_plain(&self.queued.delivery));
        }
        let message = self.render();
        let from = noted.then_some(&self.queued.delivery);
        let kept = self.office.store.freeze(&self.queued.key, &message, from).await;
        kept.map(|()| message).map_err(not_kept)
    }

    /// The same bytes, but for their age, and unless an earlier run may have sent them and not lived to see the answer.
    async fn again(&mut self, message: Message) -> Result<Message, Outcome> {
        if self.plain == Plain::No
            && self.queued.steps == 0
            && !age::is_noted(&self.queued.delivery)
            && self.note_its_age()
        {
            let aged = self.render();
            let aged = self.sink.repeat(&aged, None).unwrap_or(aged);
            self.instead(&aged, Some(&self.queued.delivery)).await;
            return Ok(aged);
        }
        match self.sink.repeat(&message, None) {
            Some(repeat) if self.queued.under_way => {
                self.instead(&repeat, None).await;
                Ok(repeat)
            }
            // so that the next run knows, if this one ends meanwhile
            Some(_) => {
                let begun = self.office.store.begin(&self.queued.key, true).await;
                begun.map(|()| message).map_err(not_kept)
            }
            None => Ok(message),
        }
    }

    /// The service asked to be left alone after this one was made ready: it was not sent.
    async fn put_off(&self, message: &Message, print: Print) -> Outcome {
        let (store, key) = (&self.office.store, &self.queued.key);
        let put_off = match print {
            Print::Fresh => store.unfreeze(key).await,
            Print::Fixed if self.sink.repeat(message, None).is_some() => store.begin(key, false).await,
            Print::Fixed => Ok(()),
        };
        if let Err(error) = put_off {
            tracing::debug!(%error, "a message that was not sent may be marked as a repeat");
        }
        Outcome::NotBegun
    }

    fn render(&self) -> Message {
        let (delivery, handle) = (&self.queued.delivery, self.queued.handle.as_ref());
        let rendered = catch_unwind(AssertUnwindSafe(|| self.sink.render(delivery, handle)));
        rendered.unwrap_or_else(|_| {
            tracing::error!(sink = self.queued.key.sink, "rendering panicked, sending plain text");
            self.sink.render_plain(delivery)
        })
    }

    /// A message that waited for long says so first, so that nobody takes it for news.
    fn note_its_age(&mut self) -> bool {
        let age = elapsed(self.queued.created, self.time.now());
        if age < self.office.delays.stale_after {
            return false;
        }
        age::note(&mut self.queued.delivery, age);
        true
    }

    /// One message after the other, as far as the service asks for more.
    async fn attempt(&self, first: Message, print: Print) -> Outcome {
        let mut message = first;
        let mut handle = self.queued.handle.clone();
        for _ in 0..MOST_STEPS {
            let answer = self.office.door.send(&self.sink.destination(), &message).await;
            let asked = Asked { delivery: &self.queued.delivery, message: &message, handle: handle.as_ref() };
            let verdict = self.sink.classify(&asked, &answer);
            let (given, next) = match verdict {
                Verdict::Then { handle, message } => (handle, *message),
                Verdict::Wait { message: ref next, .. } => {
                    self.step(None, next, true).await;
                    return self.settle(verdict, &message, false).await;
                }
                last => {
                    let anew = print == Print::Fresh && self.sink.is_refusal(&answer);
                    self.mark_repeat(&last, &message, &answer).await;
                    return self.settle(last, &message, anew).await;
                }
            };
            handle = given.clone().or(handle);
            let goes_on = self.may_follow(&message, &next);
            self.step(given, &next, goes_on).await;
            if !goes_on {
                return Outcome::NotBegun;
            }
            message = next;
        }
        self.settle(Verdict::Never { why: ENDLESS.to_owned() }, &message, false).await
    }

    /// A step by another method of the service's waits for its turn there.
    fn may_follow(&self, before: &Message, next: &Message) -> bool {
        match self.method_of(next) {
            same if same == self.method_of(before) => self.gates.quiet(same).is_none(),
            other => self.gates.pass(other),
        }
    }

    fn method_of(&self, message: &Message) -> &'static str {
        self.sink.method(None, Some(message))
    }

    /// From here the delivery goes on, whatever happens to this process.
    async fn step(&self, given: Option<Handle>, next: &Message, under_way: bool) {
        let (handles, message) = (self.handles(given), next.clone());
        self.keep(&Settlement::Step { handles, message, under_way }).await;
    }

    /// What is sent at once in place of what was kept.
    async fn instead(&self, message: &Message, from: Option<&Delivery>) {
        let from = from.cloned().map(Box::new);
        self.keep(&Settlement::Instead { message: message.clone(), from }).await;
    }

    /// Every other attempt sends the same bytes, but what may be a repeat says so.
    async fn mark_repeat(&self, verdict: &Verdict, message: &Message, answer: &Answer) {
        let Verdict::Later { .. } = verdict else { return };
        if let Some(repeat) = self.sink.repeat(message, Some(answer)) {
            self.instead(&repeat, None).await;
        }
    }

    /// `anew`: it surely did not arrive, and nothing before it did.
    async fn settle(&self, verdict: Verdict, message: &Message, anew: bool) -> Outcome {
        (self.office.count)(&self.queued.key.sink, verdict.name());
        let (settlement, outcome) = self.judge(verdict, message, anew);
        self.keep(&settlement).await;
        if !matches!(outcome, Outcome::Waiting) {
            self.log(&settlement);
        }
        // a sink that counts is itself told of no alert
        if matches!(outcome, Outcome::Accepted) && !self.sink.counts() {
            (self.office.told)(&self.queued.delivery);
        }
        outcome
    }

    async fn keep(&self, settlement: &Settlement) {
        let write = || self.office.store.settle(&self.queued.key, settlement.clone());
        match insist(self.office.delays.store, write).await {
            Ok(()) => {}
            // news came meanwhile, and the update that was under way is kept no more
            Err(error @ StoreError::NoSuchDelivery { .. }) => tracing::debug!(%error, "delivery superseded"),
            Err(error) => tracing::error!(%error, "delivery not settled"),
        }
    }

    /// What the service gave back, for each alert that it is about.
    fn handles(&self, given: Option<Handle>) -> BTreeMap<String, Handle> {
        let Some(handle) = given else { return BTreeMap::new() };
        let notification = &self.queued.delivery.notification;
        if let Some(digest) = &notification.digest {
            return [(digest.id.clone(), handle)].into();
        }
        notification.alerts.iter().map(|change| (change.episode_id.clone(), handle.clone())).collect()
    }

    /// What the store keeps of a verdict on `message`, and what it means for the sink.
    fn judge(&self, verdict: Verdict, message: &Message, anew: bool) -> (Settlement, Outcome) {
        let now = self.time.now();
        let given_up = self.age.is_spent(&self.office.delays);
        match verdict {
            Verdict::Accepted { handle } => {
                (Settlement::Accepted { handles: self.handles(handle) }, Outcome::Accepted)
            }
            // never the last word of an attempt
            Verdict::Then { .. } => {
                (Settlement::Retry { due: now, why: ENDLESS.to_owned(), anew: false }, Outcome::Later)
            }
            Verdict::Never { why } if self.plain != Plain::No => dead(why),
            Verdict::Never { why } => (Settlement::Retry { due: now, why, anew: false }, Outcome::Refused),
            Verdict::Wait { .. } if given_up => dead("the service never said what came of it".to_owned()),
            Verdict::Wait { after, .. } => (Settlement::Awaited { due: now + after }, Outcome::Waiting),
            Verdict::Later { why, .. } | Verdict::Misconfigured { why } if given_up => {
                dead(format!("given up after {}: {why}", span::show(self.office.delays.give_up_after)))
            }
            Verdict::Later { after, why } => {
                let wait = match after.filter(|after| !after.is_zero()) {
                    Some(after) => {
                        let quiet = after.min(self.office.delays.believed);
                        self.gates.keep_quiet(self.method_of(message), quiet);
                        quiet
                    }
                    None => self.office.delays.back_off(self.queued.attempts, fastrand::f64()),
                };
                (Settlement::Retry { due: now + wait, why, anew }, Outcome::Later)
            }
            // the sink as a whole is held; when it works again, this is due at once
            Verdict::Misconfigured { why } => {
                (Settlement::Held { due: now, why: why.clone(), anew }, Outcome::Misconfigured { why })
            }
        }
    }

    fn log(&self, settlement: &Settlement) {
        let DeliveryKey { sink, id } = &self.queued.key;
        let attempt = self.queued.attempts + 1;
        match settlement {
            Settlement::Accepted { .. } => tracing::info!(sink, notification_id = id, attempt, "delivered"),
            Settlement::Step { .. } | Settlement::Instead { .. } | Settlement::Awaited { .. } => {}
            Settlement::Retry { due, why, .. } => {
                tracing::warn!(sink, notification_id = id, attempt, %due, why, "delivery postponed");
            }
            Settlement::Held { why, .. } => {
                tracing::warn!(sink, notification_id = id, attempt, why, "delivery held");
            }
            Settlement::Dead { why } => {
                tracing::error!(sink, notification_id = id, attempt, why, "delivery dead");
            }
        }
    }
}

fn not_kept(error: StoreError) -> Outcome {
    if matches!(error, StoreError::NoSuchDelivery { .. }) {
        return Outcome::Gone;
    }
    tracing::error!(%error, "message not kept");
    Outcome::Grounded
}

fn dead(why: String) -> (Settlement, Outcome) {
    (Settlement::Dead { why: why.clone() }, Outcome::Dead { why })
}
