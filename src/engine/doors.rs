//! Who answers which question: the doors of the watched clusters, and those of everything else.

use std::{collections::BTreeMap, fmt, time::Duration};

use futures::future::{join, join_all};

use crate::{
    checks::Look,
    clock::Clock,
    config::{Settings, settings::Cluster},
    elastic::Elastic,
    engine::start::{Reveal, StartError},
    http::Http,
    kubernetes::Kubernetes,
    model::{
        Cause, Reason, Time,
        fetch::Fetch,
        query::{Query, Question, Response},
    },
};

/// Every door that a look may knock at. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    clusters: BTreeMap<String, Elastic>,
    kubernetes: Kubernetes,
    services: Option<Services>,
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
        let http = Http::new(LONGEST, clock.clone())?;
        let services = Some(Services { http, reveal: reveal.clone() });
        Ok(Self { clusters, kubernetes: Kubernetes::default(), services })
    }

    pub fn clusters(&self) -> &BTreeMap<String, Elastic> {
        &self.clusters
    }

    /// One answer per query, in their order.
    pub async fn ask(&self, look: &Look, tick: Time, queries: &[Query]) -> Vec<Result<Response, Reason>> {
        let (elsewhere, here): (Vec<_>, Vec<_>) = queries
            .iter()
            .enumerate()
            .partition(|(_, query)| matches!(query.question, Question::Kubernetes(_) | Question::Fetch(_)));
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
}
