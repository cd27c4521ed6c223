//! One attempt at one delivery, from its rendering to what the store keeps of it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Monotone, Office, door::fits, insist, post::Quiet};
use crate::{
    model::time::elapsed,
    sinks::{Message, Sink, Verdict},
    store::{DeliveryKey, Queued, Settlement},
};

/// One attempt.
pub struct Flight {
    pub office: Arc<Office>,
    pub time: Monotone,
    pub sink: Arc<dyn Sink>,
    pub queued: Queued,
    pub quiet: Quiet,
    /// The service did not take the message itself: this is the last attempt, with a plain one.
    pub plain: bool,
}

/// What became of it.
#[derive(Debug)]
pub struct Landed {
    pub key: DeliveryKey,
    pub lane: (String, String),
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    Accepted,
    /// Tried again by and by.
    Later,
    /// Not taken as it is; a plain message is next.
    Refused,
    Misconfigured {
        why: String,
    },
    Dead {
        why: String,
    },
    /// The service asked to be left alone meanwhile.
    NotBegun,
    /// The store did not let it begin.
    Grounded,
}

impl Flight {
    pub async fn fly(self) -> Landed {
        let (key, lane) = (self.queued.key.clone(), lane(&self.queued));
        let outcome = match self.message().await {
            None => Outcome::Grounded,
            Some(_) if self.quiet.left().is_some() => Outcome::NotBegun,
            Some(message) => self.attempt(&message).await,
        };
        Landed { key, lane, outcome }
    }

    /// What is sent. It is kept before the first attempt, so that every other sends the same bytes.
    async fn message(&self) -> Option<Message> {
        let to = self.sink.destination();
        let delivery = &self.queued.delivery;
        if self.plain {
            return Some(self.sink.render_plain(delivery));
        }
        if let Some(message) = self.queued.message.as_ref().filter(|message| fits(message, &to)) {
            return Some(message.clone());
        }
        let handle = self.queued.handle.as_ref();
        let rendered = catch_unwind(AssertUnwindSafe(|| self.sink.render(delivery, handle)));
        let message = rendered.unwrap_or_else(|_| {
            tracing::error!(sink = self.queued.key.sink, "rendering panicked, sending plain text");
            self.sink.render_plain(delivery)
        });
        let kept = self.office.store.freeze(&self.queued.key, &message).await;
        kept.inspect_err(|error| tracing::error!(%error, "message not kept")).ok()?;
        Some(message)
    }

    async fn attempt(&self, message: &Message) -> Outcome {
        let answer = self.office.door.send(&self.sink.destination(), message).await;
        let verdict = self.sink.classify(&answer);
        let key = &self.queued.key;
        (self.office.count)(&key.sink, verdict.name());
        let (settlement, outcome) = self.judge(verdict);
        let settled =
            insist(self.office.delays.store, || self.office.store.settle(key, settlement.clone())).await;
        self.log(&settlement);
        if let Err(error) = settled {
            tracing::error!(%error, "delivery not settled");
        }
        outcome
    }

    /// What the store keeps of a verdict, and what it means for the sink.
    fn judge(&self, verdict: Verdict) -> (Settlement, Outcome) {
        let now = self.time.now();
        let given_up = elapsed(self.queued.created, now) >= self.office.delays.give_up_after;
        match verdict {
            Verdict::Accepted { handle } => {
                let keys =
                    self.queued.delivery.notification.alerts.iter().map(|change| change.alert_key.clone());
                let handles = keys.filter_map(|key| Some((key, handle.clone()?))).collect();
                (Settlement::Accepted { handles }, Outcome::Accepted)
            }
            Verdict::Never { why } if self.plain => dead(why),
            Verdict::Never { why } => (Settlement::Retry { due: now, why }, Outcome::Refused),
            Verdict::Later { why, .. } | Verdict::Misconfigured { why } if given_up => dead(format!(
                "given up after {}: {why}",
                crate::model::span::show(self.office.delays.give_up_after)
            )),
            Verdict::Later { after, why } => {
                let wait = match after.filter(|after| !after.is_zero()) {
                    Some(after) => {
                        let quiet = after.min(self.office.delays.believed);
                        self.quiet.keep(quiet);
                        quiet
                    }
                    None => self.office.delays.back_off(self.queued.attempts, fastrand::f64()),
                };
                (Settlement::Retry { due: now + wait, why }, Outcome::Later)
            }
            // the sink as a whole is held; when it works again, this is due at once
            Verdict::Misconfigured { why } => {
                (Settlement::Held { due: now, why: why.clone() }, Outcome::Misconfigured { why })
            }
        }
    }

    fn log(&self, settlement: &Settlement) {
        let DeliveryKey { sink, id } = &self.queued.key;
        let attempt = self.queued.attempts + 1;
        match settlement {
            Settlement::Accepted { .. } => tracing::info!(sink, notification_id = id, attempt, "delivered"),
            Settlement::Retry { due, why } => {
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

fn dead(why: String) -> (Settlement, Outcome) {
    (Settlement::Dead { why: why.clone() }, Outcome::Dead { why })
}

/// Within a lane a later delivery never overtakes an earlier one.
pub fn lane(queued: &Queued) -> (String, String) {
    let notification = &queued.delivery.notification;
    (notification.rule.clone(), notification.cluster.clone())
}
