//! The only room that talks to Elasticsearch and OpenSearch.
//!
//! Questions and answers are plain data (`model::query`); how they travel is decided here:
//!
//! ```text
//! ask ─ flights (the same question once) ─┬─ call ──────────────────────────────┐
//!                                         └─ search ─ gather (one `_msearch`) ──┴─ client ─ exchange ─ node
//!                                                     └ parties, merged (several searches as one)
//!                      found (numbers) ─ complete (is it all?) ◄──── attempts, slots, deadline ┘
//! ```
//!
//! `complete` is the heart: what is not proven complete is a [`Reason`], never a number.

mod blame;
mod body;
mod budget;
mod client;
mod complete;
mod credentials;
mod dsl;
mod esql;
mod exchange;
mod exclusion;
mod fields;
mod flights;
mod found;
mod gather;
mod merged;
mod node;
mod nodes;
mod pages;
mod parties;
mod refusal;
mod request;
mod search;
mod signature;
mod sought;
mod suspects;
mod trouble;
mod write;

use std::{io, path::PathBuf, sync::Arc};

use thiserror::Error;

pub use credentials::Resolve;

use self::{
    client::Client,
    fields::Fields,
    flights::{Flight, Flights, Key},
    gather::Gather,
    request::Request,
};
use crate::{
    clock::Clock,
    config::settings::Cluster,
    model::{
        Cause, Reason, Time,
        query::{Call, Proof, Query, Question, Response},
    },
};

pub(crate) type Answer = Result<Response, Reason>;

/// One watched cluster. Clones share everything.
#[derive(Clone)]
pub struct Elastic {
    inner: Arc<Inner>,
}

/// Its settings hold secrets: nothing of them is shown.
impl std::fmt::Debug for Elastic {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Elastic")
    }
}

struct Inner {
    client: Arc<Client>,
    gather: Arc<Gather>,
    flights: Flights,
    fields: Fields,
    max_groups: usize,
}

/// Why a cluster's settings cannot be used.
#[derive(Debug, Error)]
pub enum ElasticError {
    #[error("cluster `{0}` has no url; hint: `urls: [https://es.example:9200]`")]
    NoUrl(String),
    #[error("`{0}` is not the url of a cluster; hint: `https://host:9200`, with the password in `auth`")]
    Url(String),
    #[error("the proxy is not a url; hint: `http://proxy.example:3128`")]
    Proxy,
    #[error("{0}")]
    Secret(String),
    #[error("`auth.{0}` is empty or holds characters that no header can carry")]
    Token(&'static str),
    #[error("`tls.client_key` is set without `tls.client_certificate`; hint: set both")]
    KeyAlone,
    #[error("cannot read `{path}`: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("`tls.{what}` cannot be used: {why}; hint: PEM files, the key unencrypted")]
    Tls { what: &'static str, why: String },
}

impl ElasticError {
    fn tls(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Tls { what, why: trouble::deepest(error) }
    }
}

impl Elastic {
    /// Looks up the secrets and reads the certificates, but talks to nobody yet.
    pub fn new(cluster: &Cluster, clock: Clock, resolve: &Resolve) -> Result<Self, ElasticError> {
        let client = Arc::new(Client::new(cluster, clock, resolve)?);
        let gather = Gather::new(client.clone(), cluster.max_batch);
        let (flights, fields) = (Flights::default(), Fields::default());
        let inner = Inner { client, gather, flights, fields, max_groups: cluster.max_groups };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// One answer per query, in their order: complete, or the reason why nothing is known.
    pub async fn ask(&self, tick: Time, queries: &[Query]) -> Vec<Result<Response, Reason>> {
        let flights: Vec<Flight> = queries.iter().map(|query| self.set_off(tick, &query.question)).collect();
        let mut answers = Vec::with_capacity(flights.len());
        for flight in flights {
            answers.push(flight.landed().await);
        }
        answers
    }

    fn set_off(&self, tick: Time, question: &Question) -> Flight {
        let door = self.inner.clone();
        match question {
            Question::Call(call) => door.set_off(tick, call.clone()),
            Question::Search(wanted) => {
                let first = sought::asked(wanted, None, self.inner.client.timeout());
                let key = Key { tick, text: first.key(wanted).into() };
                let wanted = wanted.clone();
                let ask =
                    || async move { search::search(door, tick, wanted, first).await.map(Response::Search) };
                self.inner.flights.join(key, ask)
            }
            Question::Kubernetes(_) | Question::Fetch(_) | Question::Heartbeat(_) => {
                let key = Key { tick, text: "".into() };
                let reason = Reason::new(Cause::Fault, "a question that no cluster of Elasticsearch answers");
                self.inner.flights.join(key, || async move { Err(reason) })
            }
            Question::Dsl(wanted) => {
                let key = Key { tick, text: format!("{wanted:?}").into() };
                let wanted = wanted.clone();
                let ask = || async move { dsl::ask(&door, tick, &wanted).await.map(Response::Body) };
                self.inner.flights.join(key, ask)
            }
            Question::Esql(wanted) => {
                let key = Key { tick, text: format!("{wanted:?}").into() };
                let wanted = wanted.clone();
                let ask = || async move { esql::ask(&door, tick, &wanted).await.map(Response::Body) };
                self.inner.flights.join(key, ask)
            }
            Question::Page(wanted) => {
                let wanted = wanted.clone();
                Flights::alone(async move { pages::page(&door, tick, wanted).await.map(Response::Page) })
            }
        }
    }

    /// The version of the engine, where it may be asked; several during a rolling upgrade. Nothing depends on it.
    pub async fn version(&self) -> Option<String> {
        let call = Call::get("/_nodes", Proof::Whole).with("filter_path", "nodes.*.version");
        let body = self.inner.call(self.inner.client.now(), &call).await.ok()?;
        let nodes = body.get("nodes")?.as_object()?.values();
        let mut versions: Vec<&str> = nodes.filter_map(|node| node.get("version")?.as_str()).collect();
        versions.sort_unstable();
        versions.dedup();
        (!versions.is_empty()).then(|| versions.join(", "))
    }
}

impl Inner {
    fn set_off(self: Arc<Self>, tick: Time, call: Call) -> Flight {
        let key = Key { tick, text: format!("{call:?}").into() };
        let door = self.clone();
        self.flights.join(key, || async move { door.call(tick, &call).await.map(Response::Body) })
    }

    /// What many searches of one instant want to know beside them is asked once.
    async fn ask_once(self: &Arc<Self>, tick: Time, call: Call) -> Result<serde_json::Value, Reason> {
        match self.clone().set_off(tick, call).landed().await? {
            Response::Body(body) => Ok(body),
            _ => Ok(serde_json::Value::Null),
        }
    }

    async fn call(&self, tick: Time, call: &Call) -> Result<serde_json::Value, Reason> {
        let body = self.client.send(tick, &Request::call(call)?).await?;
        complete::call(call, &body)?;
        Ok(body)
    }
}
