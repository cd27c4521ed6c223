//! Questions to a cluster, a service or our own store, and their answers, as plain data. How they travel is the door's business (`elastic/`, `http/`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Entity, Number, Time, Window,
    fetch::{Fetch, Fetched},
    filter::Filter,
    heartbeat::Pings,
    kubernetes::{Listing, Objects},
};

/// A question. An optional one may fail without blinding its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub question: Question,
    pub optional: bool,
}

impl Query {
    pub fn call(call: Call) -> Self {
        Self { question: Question::Call(call), optional: false }
    }

    pub fn search(search: Search) -> Self {
        Self { question: Question::Search(search), optional: false }
    }

    pub fn kubernetes(listing: Listing) -> Self {
        Self { question: Question::Kubernetes(listing), optional: false }
    }

    pub fn dsl(dsl: Dsl) -> Self {
        Self { question: Question::Dsl(dsl), optional: false }
    }

    pub fn esql(esql: Esql) -> Self {
        Self { question: Question::Esql(esql), optional: false }
    }

    pub fn heartbeat(name: String) -> Self {
        Self { question: Question::Heartbeat(name), optional: false }
    }

    pub fn fetch(fetch: Fetch) -> Self {
        Self { question: Question::Fetch(fetch), optional: false }
    }

    pub fn page(page: Page) -> Self {
        Self { question: Question::Page(page), optional: false }
    }

    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    Call(Call),
    Search(Search),
    Kubernetes(Listing),
    Dsl(Dsl),
    Esql(Esql),
    /// A request to a service that is no cluster.
    Fetch(Fetch),
    /// What is known of a heartbeat of this name.
    Heartbeat(String),
    Page(Page),
}

/// A search in the author's own words; the answer comes as the engine wrote it, proven complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Dsl {
    /// Index pattern, as Elasticsearch spells it.
    pub index: String,
    /// The body of a search, an object.
    pub body: Value,
    /// Narrows the search to a window, by a date field.
    pub during: Option<During>,
}

/// A question in ES|QL; the answer is its table, proven complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Esql {
    /// As the author wrote it, without the limit that the door adds.
    pub query: String,
    /// The index pattern that it reads, where it says so.
    pub index: Option<String>,
    /// Narrows what it reads to a window, by a date field.
    pub during: Option<During>,
}

/// A window over a date field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct During {
    pub time_field: String,
    pub window: Window,
}

/// A `GET` of a cluster API that answers JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// Absolute, each part already percent-encoded: `/_cluster/health`.
    pub path: String,
    pub params: Vec<(String, String)>,
    pub proof: Proof,
}

impl Call {
    pub fn get(path: impl Into<String>, proof: Proof) -> Self {
        Self { path: path.into(), params: Vec::new(), proof }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.push((name.to_owned(), value.into()));
        self
    }
}

/// What makes the answer of a cluster API complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// JSON that was read to its end, without `timed_out: true`.
    Whole,
    /// … and `_shards.failed` is 0. Unassigned copies are not failures: `successful < total` on every yellow cluster.
    Shards,
    /// … and `_nodes` is present. `_nodes.failed` is left to the check: those nodes are unknown, the others are judged.
    Nodes,
}

/// An aggregating search: exact counts and metrics over one window, as a whole or per group.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    pub time_field: String,
    pub window: Window,
    /// Which documents count at all.
    pub filter: Option<Filter>,
    /// Named sub-filters to count.
    pub counts: BTreeMap<String, Filter>,
    /// Named metrics.
    pub metrics: BTreeMap<String, Metric>,
    /// Fields whose values make the groups; empty for one whole.
    pub per: Vec<String>,
}

/// A number over the documents of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    Max(String),
    Min(String),
    Avg(String),
    Sum(String),
    /// How many different values; an estimate.
    Cardinality(String),
    /// The value in the newest document, by this date field.
    Last {
        field: String,
        by: String,
    },
    /// `percent` as text, `99.9`; an estimate.
    Percentile {
        field: String,
        percent: String,
    },
}

impl Metric {
    pub fn field(&self) -> &str {
        match self {
            Self::Max(field)
            | Self::Min(field)
            | Self::Avg(field)
            | Self::Sum(field)
            | Self::Cardinality(field) => field,
            Self::Last { field, .. } | Self::Percentile { field, .. } => field,
        }
    }
}

/// Documents themselves, the first of them in an order that a later look can go on in.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    pub time_field: String,
    pub order: Order,
    /// Only what is not older, where that matters.
    pub since: Option<Time>,
    /// Only what is older.
    pub until: Time,
    pub filter: Option<Filter>,
    /// By partition: only what comes after this mark.
    pub after: BTreeMap<i64, Mark>,
    /// Known already, though it comes after: ids, by the index that they are in.
    pub except: BTreeMap<String, Vec<String>>,
    pub size: usize,
    /// The fields of a document that are wanted; empty: all.
    pub source: Vec<String>,
}

/// In which order documents come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// By time, and by `_seq_no` where that is equal: one partition, `0`.
    Time,
    /// By a number that grows, within each partition.
    Sequence { field: String, partition: String },
}

/// A place in an order: nanoseconds since the epoch and `_seq_no`, or a sequence and nothing. Documents in different shards may
/// share one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark(pub i64, pub i64);

/// A complete answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    Body(Value),
    Search(SearchAnswer),
    Kubernetes(Objects),
    Fetched(Fetched),
    Heartbeat(Pings),
    /// A service's certificate was over at this time, so that nothing was asked of it.
    Expired(Time),
    Page(PageAnswer),
}

impl Response {
    pub fn body(&self) -> Option<&Value> {
        match self {
            Self::Body(body) => Some(body),
            _ => None,
        }
    }

    pub fn found(&self) -> Option<&SearchAnswer> {
        match self {
            Self::Search(answer) => Some(answer),
            _ => None,
        }
    }

    pub fn objects(&self) -> Option<&Objects> {
        match self {
            Self::Kubernetes(objects) => Some(objects),
            _ => None,
        }
    }

    /// How many groups or documents are in it.
    pub fn count(&self) -> usize {
        match self {
            Self::Search(answer) => answer.groups.len(),
            Self::Page(answer) => answer.documents.len(),
            _ => 1,
        }
    }

    pub fn page(&self) -> Option<&PageAnswer> {
        match self {
            Self::Page(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Documents in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageAnswer {
    pub documents: Vec<Document>,
    /// There are others behind them.
    pub more: bool,
}

/// One document, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub index: String,
    pub id: String,
    pub partition: i64,
    pub mark: Mark,
    /// Nanoseconds since the epoch.
    pub at: i64,
    /// `None`: it is too large to be fetched.
    pub source: Option<Value>,
}

/// Every group of a search. Without `per`, one group: the empty entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchAnswer {
    pub groups: BTreeMap<Entity, Group>,
}

/// The exact numbers of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Documents that pass the filter.
    pub total: u64,
    pub counts: BTreeMap<String, u64>,
    /// Absent where no document had the field. Dates are milliseconds since the epoch.
    pub metrics: BTreeMap<String, Option<Number>>,
}
