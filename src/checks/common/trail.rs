//! How far a check has come through documents, so that none is missed and none is taken twice.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    Time,
    query::{Document, Mark, Order, Page, PageAnswer},
};

/// So many documents are known one by one; of more, the oldest are behind the place up to which all are known.
const MOST: usize = 10_000;

/// A place in each partition up to which everything was taken, and what was taken behind it.
///
/// What was taken lately stays behind that place: a document that becomes visible late, or that shares its place with one that
/// was taken, is still found. Nothing but the trail decides what comes next, so a restart goes on where it was committed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// Older documents are of no interest.
    pub since: Option<Time>,
    passed: BTreeMap<i64, Mark>,
    taken: BTreeSet<Taken>,
    /// `taken` names indices by their place here.
    indices: Vec<String>,
    /// The newest that was taken, in nanoseconds since the epoch.
    pub newest: Option<i64>,
    /// There was more than the last page.
    pub more: bool,
}

/// Partition, place, time, index and id of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Taken(i64, Mark, i64, usize, String);

/// Which documents a trail goes through.
#[derive(Clone, Debug)]
pub struct Way<'a> {
    pub index: &'a str,
    pub time_field: &'a str,
    pub order: Order,
    pub until: Time,
    pub size: usize,
}

impl Trail {
    /// At its beginning.
    pub fn from(since: Option<Time>) -> Self {
        Self { since, ..Self::default() }
    }

    /// The next page. Filter and source are still to be said.
    pub fn next(&self, way: Way<'_>) -> Page {
        let mut except: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Taken(_, _, _, index, id) in &self.taken {
            if let Some(index) = self.indices.get(*index) {
                except.entry(index.clone()).or_default().push(id.clone());
            }
        }
        Page {
            index: way.index.to_owned(),
            time_field: way.time_field.to_owned(),
            order: way.order,
            since: self.since,
            until: way.until,
            filter: None,
            after: self.passed.clone(),
            except,
            size: way.size,
            source: Vec::new(),
        }
    }

    /// Takes what is new of a page, in its order; what is older than `horizon` afterwards needs not to be known any more.
    pub fn take<'a>(&mut self, page: &'a PageAnswer, horizon: Time) -> Vec<&'a Document> {
        let mut new = Vec::new();
        for document in &page.documents {
            if self.passed.get(&document.partition).is_some_and(|passed| document.mark <= *passed) {
                continue;
            }
            let taken = self.as_taken(document);
            if self.taken.insert(taken) {
                self.newest = self.newest.max(Some(document.at));
                new.push(document);
            }
        }
        self.more = page.more;
        let horizon = horizon.timestamp_nanos_opt().unwrap_or(i64::MAX);
        self.pass(|taken| taken.2 < horizon);
        let mut surplus = self.taken.len().saturating_sub(MOST);
        self.pass(|_| {
            let is_one_too_many = surplus > 0;
            surplus = surplus.saturating_sub(1);
            is_one_too_many
        });
        self.forget_indices();
        new
    }

    /// Whether this lies before what was passed.
    pub fn has_passed(&self, document: &Document) -> bool {
        let newest = self.of(document.partition).map(|taken| taken.1).max();
        newest.max(self.passed.get(&document.partition).copied()).is_some_and(|newest| document.mark < newest)
            && !self.is_taken(document)
    }

    fn is_taken(&self, document: &Document) -> bool {
        self.of(document.partition).any(|taken| taken.1 == document.mark && taken.2 == document.at)
    }

    fn of(&self, partition: i64) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(move |taken| taken.0 == partition)
    }

    /// Begins a partition anew.
    pub fn forget(&mut self, partition: i64) {
        self.passed.remove(&partition);
        self.taken.retain(|taken| taken.0 != partition);
        self.newest = None;
    }

    fn as_taken(&mut self, document: &Document) -> Taken {
        let known = self.indices.iter().position(|index| *index == document.index);
        let index = known.unwrap_or_else(|| {
            self.indices.push(document.index.clone());
            self.indices.len() - 1
        });
        Taken(document.partition, document.mark, document.at, index, document.id.clone())
    }

    /// Moves the place in every partition up, as long as its first document is `over`. The newest place is never passed: another
    /// document may still come to it.
    fn pass(&mut self, mut over: impl FnMut(&Taken) -> bool) {
        let newest: BTreeMap<i64, Mark> = self.taken.iter().map(|taken| (taken.0, taken.1)).collect();
        let mut stands: BTreeSet<i64> = BTreeSet::new();
        for taken in std::mem::take(&mut self.taken) {
            let is_newest = newest.get(&taken.0) == Some(&taken.1);
            if is_newest || stands.contains(&taken.0) || !over(&taken) {
                stands.insert(taken.0);
                self.taken.insert(taken);
            } else {
                self.passed.insert(taken.0, taken.1);
            }
        }
    }

    fn forget_indices(&mut self) {
        let used: BTreeSet<usize> = self.taken.iter().map(|taken| taken.3).collect();
        if used.len() == self.indices.len() {
            return;
        }
        let places: BTreeMap<usize, usize> = used.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        self.indices = used.iter().filter_map(|index| self.indices.get(*index).cloned()).collect();
        let taken = std::mem::take(&mut self.taken);
        let place = |Taken(partition, mark, at, index, id)| {
            let index = places.get(&index).copied().unwrap_or(index);
            Taken(partition, mark, at, index, id)
        };
        self.taken = taken.into_iter().map(place).collect();
    }
}

#[cfg(test)]
mod tests;
