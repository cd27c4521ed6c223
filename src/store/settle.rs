//! What becomes of a delivery after an attempt.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{
    DeliveryKey, Queued, State, StoreError,
    columns::{instant, text},
    ledger,
    outbox::{waiting, write},
    schema::{HANDLES, put},
};
use crate::{
    model::{
        Time,
        notification::{Delivery, Handle},
    },
    sinks::Message,
};

/// What is kept of a service's answer.
const ANSWER_BYTES: usize = 256;

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// Delivered, and forgotten at once; only the handles stay, by episode or digest.
    Accepted {
        handles: BTreeMap<String, Handle>,
    },
    /// One message of it is done with; this is the next.
    Step {
        handles: BTreeMap<String, Handle>,
        message: Message,
        /// Whether it is sent at once.
        under_way: bool,
    },
    /// This is sent at once in place of what was kept: marked, plain, or with its age.
    Instead {
        message: Message,
        /// What it was made from, where that has changed.
        from: Option<Box<Delivery>>,
    },
    Retry {
        due: Time,
        why: String,
        /// It surely did not arrive: the next attempt may say something else, with what waits behind it.
        anew: bool,
    },
    /// The service is at work on it; what came of it is asked for then.
    Awaited {
        due: Time,
    },
    /// Kept for people, but never sent.
    Dead {
        why: String,
    },
    Held {
        due: Time,
        why: String,
        anew: bool,
    },
}

pub(super) fn settle(
    db: &Connection,
    key: &DeliveryKey,
    settlement: &Settlement,
    now: Time,
) -> Result<(), StoreError> {
    let mut queued = waiting(db, key)?;
    ledger::note(db, &key.sink, settlement, now)?;
    let (state, due, why) = match settlement {
        Settlement::Accepted { handles } => return accept(db, &queued, handles, now),
        Settlement::Step { handles, message, under_way } => {
            keep_handles(db, &queued, handles, now)?;
            (queued.message, queued.under_way) = (Some(message.clone()), *under_way);
            queued.steps += 1;
            return write(db, &queued);
        }
        Settlement::Instead { message, from } => {
            (queued.message, queued.under_way) = (Some(message.clone()), true);
            if let Some(from) = from {
                queued.delivery = *from.clone();
            }
            return write(db, &queued);
        }
        Settlement::Retry { due, why, .. } => (State::Queued, *due, why.as_str()),
        Settlement::Awaited { due } => (State::Queued, *due, "its result is awaited"),
        Settlement::Held { due, why, .. } => (State::Held, *due, why.as_str()),
        Settlement::Dead { why } => (State::Dead, now, why.as_str()),
    };
    if let Settlement::Retry { anew: true, .. } | Settlement::Held { anew: true, .. } = settlement
        && queued.steps == 0
    {
        queued.message = None;
    }
    queued.attempts += 1;
    (queued.state, queued.due, queued.answer, queued.under_way) = (state, due, Some(clip(why)), false);
    write(db, &queued)
}

/// Its body may hold personal data, and goes at once.
fn accept(
    db: &Connection,
    queued: &Queued,
    handles: &BTreeMap<String, Handle>,
    now: Time,
) -> Result<(), StoreError> {
    keep_handles(db, queued, handles, now)?;
    db.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?.execute([queued.seq])?;
    Ok(())
}

fn keep_handles(
    db: &Connection,
    queued: &Queued,
    handles: &BTreeMap<String, Handle>,
    now: Time,
) -> Result<(), StoreError> {
    for (episode, handle) in handles {
        put(db, &HANDLES, vec![text(&queued.key.sink), text(episode), text(&handle.0), instant(now)])?;
    }
    Ok(())
}

/// One line of at most 256 bytes: a service's answer is foreign text.
pub(super) fn clip(why: &str) -> String {
    let mut clipped = String::new();
    for letter in why.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
        if clipped.len() + letter.len_utf8() > ANSWER_BYTES {
            break;
        }
        clipped.push(letter);
    }
    clipped
}
