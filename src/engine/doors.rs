//! Who answers which question: the doors of the watched clusters, and those of everything else.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::future::{join, join_all};

use crate::{
    checks::Look,
    clock::Clock,
    config::{
        Settings,
        settings::{self, Cluster},
    },
    elastic::Elastic,
    engine::start::{Reveal, StartError},
    http::{Http, Shown},
    kubernetes::Kubernetes,
    model::{
        Cause, Reason, Time,
        fetch::{self, Fetch},
        heartbeat::Pings,
        query::{Query, Question, Response},
        secret::Secret,
    },
    store::{Reader, Store, StoreError},
};

/// Every door that a look may knock at. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    clusters: BTreeMap<String, Elastic>,
    kubernetes: Kubernetes,
    services: Option<Services>,
    heartbeats: Option<Heartbeats>,
    shown: Shown,
}

/// Who remembers signs of life.
#[derive(Clone, Debug)]
enum Heartbeats {
    /// Our own store, into which they are written since this time.
    Heard(Store, Time),
    /// The store of a daemon beside us.
    Beside(PathBuf),
}

/// The way to services that are no cluster, and the secrets that open them.
#[derive(Clone)]
struct Services {
    http: Http,
    reveal: Reveal,
}

impl fmt::Debug for Services {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Services")
    }
}

/// The longest that a question to a service may take: each has its own deadline below it.
const LONGEST: Duration = Duration::from_secs(300);

impl Doors {
    /// One door per configured cluster, and one for all services. None of them is knocked at yet.
    pub fn open(settings: &Settings, clock: &Clock, reveal: &Reveal) -> Result<Self, StartError> {
        let open = |(name, cluster): (&String, &std::sync::Arc<Cluster>)| {
            let door = Elastic::new(cluster, clock.clone(), reveal);
            let door = door.map_err(|source| StartError::Cluster { cluster: name.clone(), source })?;
            Ok((name.clone(), door))
        };
        let clusters = settings.clusters.iter().map(open).collect::<Result<_, StartError>>()?;
        let shown = Shown::default();
        let http = Http::new(LONGEST, clock.clone())?.noting(shown.clone());
        let services = Some(Services { http, reveal: reveal.clone() });
        Ok(Self { clusters, kubernetes: Kubernetes::default(), services, heartbeats: None, shown })
    }

    /// The same, with the store into which signs of life are written from now on.
    #[must_use]
    pub fn hearing(mut self, store: &Store, now: Time) -> Self {
        self.heartbeats = Some(Heartbeats::Heard(store.clone(), now));
        self
    }

    /// The same, with the store of a daemon, running or not.
    #[must_use]
    pub fn hearing_beside(mut self, path: &Path) -> Self {
        self.heartbeats = Some(Heartbeats::Beside(path.to_owned()));
        self
    }

    /// The certificates that were shown to us, by host.
    pub fn certificates(&self) -> BTreeMap<String, Time> {
        self.shown.all()
    }

    /// Where they are noted.
    pub fn shown_certificates(&self) -> Shown {
        self.shown.clone()
    }

    /// The library for Elasticsearch shows no certificate: its servers are asked once more, by nobody in particular. What they answer
    /// does not matter.
    pub async fn look_at_certificates(&self, settings: &Settings) {
        let Some(services) = &self.services else { return };
        // who goes through a proxy is not reached without it
        let direct = settings.clusters.values().filter(|cluster| cluster.proxy.is_none());
        for cluster in direct {
            for url in cluster.urls.iter().filter(|url| url.starts_with("https://")) {
                let fetch = greeting(url, &cluster.tls);
                if let Err(why) = services.http.fetch(&fetch, &*services.reveal).await {
                    tracing::debug!(cluster = cluster.name, %why, "certificate not seen");
                }
            }
        }
    }

    pub fn clusters(&self) -> &BTreeMap<String, Elastic> {
        &self.clusters
    }

    /// One answer per query, in their order.
    pub async fn ask(&self, look: &Look, tick: Time, queries: &[Query]) -> Vec<Result<Response, Reason>> {
        let (elsewhere, here): (Vec<_>, Vec<_>) = queries.iter().enumerate().partition(|(_, query)| {
            matches!(query.question, Question::Kubernetes(_) | Question::Fetch(_) | Question::Heartbeat(_))
        });
        let asked: Vec<Query> = here.iter().map(|(_, query)| (*query).clone()).collect();
        let others = join_all(elsewhere.iter().map(|(_, query)| self.elsewhere(look, query)));
        let (answers, others) = join(self.cluster(look, tick, &asked), others).await;
        let places = here.iter().chain(&elsewhere).map(|(at, _)| *at);
        let mut ordered: Vec<(usize, Result<Response, Reason>)> =
            places.zip(answers.into_iter().chain(others)).collect();
        ordered.sort_by_key(|(at, _)| *at);
        ordered.into_iter().map(|(_, answer)| answer).collect()
    }

    /// What no cluster of Elasticsearch is asked.
    async fn elsewhere(&self, look: &Look, query: &Query) -> Result<Response, Reason> {
        match &query.question {
            Question::Kubernetes(listing) => {
                self.kubernetes.list(listing, look.timeout).await.map(Response::Kubernetes)
            }
            Question::Fetch(fetch) => self.service(fetch).await,
            Question::Heartbeat(name) => self.heartbeat(name).await.map(Response::Heartbeat),
            _ => Err(Reason::new(Cause::Fault, "a question without a door")),
        }
    }

    async fn cluster(&self, look: &Look, tick: Time, queries: &[Query]) -> Vec<Result<Response, Reason>> {
        if queries.is_empty() {
            return Vec::new();
        }
        let Some(door) = self.clusters.get(&look.cluster) else {
            let reason = Reason::new(Cause::Fault, format!("no cluster `{}` in the settings", look.cluster));
            return vec![Err(reason); queries.len()];
        };
        door.ask(tick, queries).await
    }

    async fn service(&self, fetch: &Fetch) -> Result<Response, Reason> {
        let Some(services) = &self.services else {
            return Err(Reason::new(Cause::Fault, "there is no door for this question"));
        };
        services.http.fetch(fetch, &*services.reveal).await
    }

    async fn heartbeat(&self, name: &str) -> Result<Pings, Reason> {
        let pings = match &self.heartbeats {
            None => return Err(Reason::new(Cause::Unsupported, "nobody listens to heartbeats here")),
            Some(Heartbeats::Heard(store, since)) => {
                let heard = store.pings(name).await;
                heard.map(|pings| Pings { listening: Some(*since), ..pings })
            }
            Some(Heartbeats::Beside(path)) => {
                let (path, name) = (path.clone(), name.to_owned());
                let read = move || Reader::open(&path)?.pings(&name);
                tokio::task::spawn_blocking(read).await.unwrap_or(Err(StoreError::Closed))
            }
        };
        pings.map_err(|error| match error {
            StoreError::Missing { .. } => Reason::new(
                Cause::Unsupported,
                "heartbeats are heard by `highwater run`, which never ran here",
            ),
            error => Reason::new(Cause::Failing, format!("the store does not say: {error}")),
        })
    }
}

/// A `GET` that says nothing of us.
fn greeting(url: &str, tls: &settings::Tls) -> Fetch {
    Fetch {
        method: fetch::Method::Get,
        url: Secret::literal(url),
        headers: Vec::new(),
        basic: None,
        tls: fetch::Tls {
            ca: tls.ca.clone(),
            certificate: tls.client_certificate.clone(),
            key: tls.client_key.clone(),
            insecure: tls.insecure_skip_verify,
        },
        body: None,
        timeout: Duration::from_secs(10),
        most: 1 << 20,
    }
}
