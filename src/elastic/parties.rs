//! Searches that are asked together: the members of a party become one search.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    merged,
    sought::{Asked, Company},
};
use crate::model::{Reason, Time};

/// One search and who waits for its answer.
pub(super) struct Item {
    pub tick: Time,
    pub asked: Asked,
    pub manner: Manner,
    pub reply: oneshot::Sender<Result<Value, Reason>>,
}

/// How a search may travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As a search of its own.
    Alone,
    /// Merged with others; the last time it matched so many documents.
    Merged { documents: u64 },
    /// Merged, but nobody knows yet how many documents it matches: within a short time, or else alone.
    Tried,
}

/// One line of a batch: one search alone, or several of one company.
pub(super) struct Party {
    pub items: Vec<Item>,
}

/// What one request asks.
pub(super) struct Batch {
    pub parties: Vec<Party>,
    pub attempt: u32,
    /// How long the cluster is left alone before.
    pub pause: Option<Duration>,
}

/// Documents that the members of one party may match together: older engines try all members' filters on each.
const MOST_DOCUMENTS: u64 = 300_000;

/// A party that still takes guests.
struct Open {
    at: usize,
    weight: usize,
    documents: u64,
}

/// Merges what can be, up to `most` in weight, in the order in which it came.
pub(super) fn invite(items: VecDeque<Item>, most: usize) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    let mut open: HashMap<(Company, bool), Open> = HashMap::new();
    for item in items {
        let documents = match item.manner {
            Manner::Merged { documents } => documents,
            Manner::Tried => 0,
            Manner::Alone => {
                parties.push(Party { items: vec![item] });
                continue;
            }
        };
        let (weight, key) = (item.asked.weight, (item.asked.company.clone(), item.manner == Manner::Tried));
        match open.get_mut(&key) {
            Some(party) if party.weight + weight <= most && party.documents + documents <= MOST_DOCUMENTS => {
                party.weight += weight;
                party.documents += documents;
                parties[party.at].items.push(item);
            }
            _ => {
                open.insert(key, Open { at: parties.len(), weight, documents });
                parties.push(Party { items: vec![item] });
            }
        }
    }
    parties
}

impl Batch {
    pub fn first(parties: Vec<Party>) -> Self {
        Self { parties, attempt: 1, pause: None }
    }

    pub fn tick(&self) -> Option<Time> {
        self.parties.iter().flat_map(|party| &party.items).map(|item| item.tick).max()
    }

    /// The lines of `_msearch`.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for party in &self.parties {
            let Some(first) = party.items.first() else { continue };
            for line in [&first.asked.company.header, &party.body()] {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }

    /// Halves, as far as it can be.
    pub fn halves(mut self) -> Option<[Batch; 2]> {
        let (one, other) = if self.parties.len() > 1 {
            let rest = self.parties.split_off(self.parties.len() / 2);
            (self.parties, rest)
        } else {
            let [one, other] = self.parties.pop()?.halves()?;
            (vec![one], vec![other])
        };
        Some([Batch::first(one), Batch::first(other)])
    }

    /// The one search that it asks.
    pub fn only(&self) -> Option<&Asked> {
        match self.parties.as_slice() {
            [party] if party.items.len() == 1 => Some(&party.items[0].asked),
            _ => None,
        }
    }

    pub fn refuse(self, reason: &Reason) {
        self.parties.into_iter().for_each(|party| party.refuse(reason));
    }
}

impl Party {
    pub fn is_merged(&self) -> bool {
        self.items.len() > 1
    }

    pub fn is_tried(&self) -> bool {
        self.items.first().is_some_and(|item| item.manner == Manner::Tried)
    }

    pub fn weight(&self) -> usize {
        self.items.iter().map(|item| item.asked.weight).sum()
    }

    fn asked(&self) -> Vec<&Asked> {
        self.items.iter().map(|item| &item.asked).collect()
    }

    fn body(&self) -> String {
        match self.items.as_slice() {
            [item] => item.asked.body(),
            items => {
                let Company { range, timeout, hasty, .. } = &items[0].asked.company;
                merged::body(range, if self.is_tried() { hasty } else { timeout }, &self.asked())
            }
        }
    }

    /// `None` for one search alone.
    pub fn halves(mut self) -> Option<[Party; 2]> {
        let rest = self.items.split_off(self.items.len() / 2);
        (!self.items.is_empty()).then(|| [self, Party { items: rest }])
    }

    /// Each member by itself.
    pub fn apart(self) -> impl Iterator<Item = Party> {
        self.items.into_iter().map(|item| Party { items: vec![item] })
    }

    /// Whether each member has its part of a complete answer.
    pub fn is_answered_by(&self, answer: &Value) -> bool {
        !self.is_merged() || merged::has_all(answer, &self.asked())
    }

    /// Gives each member its part of a complete answer; who was asked alone judges it for itself.
    pub fn share_out(self, answer: Value) {
        let parts = if self.is_merged() { merged::split(answer, &self.asked()) } else { vec![Ok(answer)] };
        for (item, part) in self.items.into_iter().zip(parts) {
            // Who asked may have gone away.
            let _ = item.reply.send(part);
        }
    }

    /// Gives every member the whole answer: one that proves nothing.
    pub fn hand_on(self, answer: &Value) {
        for item in self.items {
            let _ = item.reply.send(Ok(answer.clone()));
        }
    }

    pub fn refuse(self, reason: &Reason) {
        for item in self.items {
            let _ = item.reply.send(Err(reason.clone()));
        }
    }
}
