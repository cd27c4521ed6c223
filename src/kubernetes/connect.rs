//! Connections, one per way in: made at the first look, and again when a kubeconfig changes or credentials are refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use kube::{Client, Config, config::KubeConfigOptions};

use super::{
    kubeconfig,
    shelf::{Askers, Shelves},
    trouble,
};
use crate::model::{
    Cause, Reason,
    kubernetes::{Access, Listing, Node, Objects, Pod, Resource, Workload},
};

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);

/// The door. Clones share the connections.
#[derive(Clone, Default)]
pub struct Kubernetes {
    known: Arc<Mutex<BTreeMap<Access, Known>>>,
}

/// It holds credentials: nothing of them is shown.
impl std::fmt::Debug for Kubernetes {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Kubernetes")
    }
}

#[derive(Clone)]
struct Known {
    connection: Arc<Connection>,
    /// When the kubeconfig was written that it was made from.
    written: Option<SystemTime>,
}

/// One way in, and what was seen by it. What is watched ends with it.
struct Connection {
    askers: Askers,
    pods: Shelves<Pod>,
    nodes: Shelves<Node>,
    workloads: Shelves<Workload>,
}

impl Kubernetes {
    /// All objects, complete, or the reason why nothing is known. `timeout` is that of one request.
    pub async fn list(&self, listing: &Listing, timeout: Duration) -> Result<Objects, Reason> {
        let connection = self.connection(&listing.access, timeout).await?;
        match connection.look(listing, timeout).await {
            // a token may have been renewed since the connection was made
            Err(reason) if reason.status == Some(401) => {
                self.forget(&listing.access, &connection);
                let connection = self.connection(&listing.access, timeout).await?;
                connection.look(listing, timeout).await
            }
            answer => answer,
        }
    }

    /// What is wrong with the files that lead there, told without asking anybody.
    pub fn mistake(access: &Access) -> Option<String> {
        kubeconfig::mistake(access)
    }

    async fn connection(&self, access: &Access, timeout: Duration) -> Result<Arc<Connection>, Reason> {
        let written = written(access);
        let known = self.lock().get(access).filter(|known| known.written == written).cloned();
        if let Some(known) = known {
            return Ok(known.connection);
        }
        let connection = Arc::new(Connection::new(connect(access, timeout).await?));
        let mut known = self.lock();
        // somebody else may have been quicker: what is seen by theirs is shared
        if let Some(quicker) = known.get(access).filter(|known| known.written == written) {
            return Ok(quicker.connection.clone());
        }
        known.insert(access.clone(), Known { connection: connection.clone(), written });
        Ok(connection)
    }

    fn forget(&self, access: &Access, connection: &Arc<Connection>) {
        let mut known = self.lock();
        if known.get(access).is_some_and(|known| Arc::ptr_eq(&known.connection, connection)) {
            known.remove(access);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Access, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn new(askers: Askers) -> Self {
        Self { askers, pods: Shelves::default(), nodes: Shelves::default(), workloads: Shelves::default() }
    }

    async fn look(&self, listing: &Listing, timeout: Duration) -> Result<Objects, Reason> {
        match listing.resource {
            Resource::Pods => self.pods.look(&self.askers, listing, timeout).await.map(Objects::Pods),
            Resource::Nodes => self.nodes.look(&self.askers, listing, timeout).await.map(Objects::Nodes),
            _ => self.workloads.look(&self.askers, listing, timeout).await.map(Objects::Workloads),
        }
    }
}

fn written(access: &Access) -> Option<SystemTime> {
    std::fs::metadata(access.kubeconfig.as_deref()?).ok()?.modified().ok()
}

async fn connect(access: &Access, timeout: Duration) -> Result<Askers, Reason> {
    let mut config = match access.is_in_cluster() {
        true => Config::incluster().map_err(|error| trouble::not_in_a_cluster(&error))?,
        false => by_kubeconfig(access).await?,
    };
    config.connect_timeout = Some(CONNECT.min(timeout));
    config.read_timeout = Some(timeout);
    config.write_timeout = Some(timeout);
    // the next look asks again
    config.default_retry = false;
    if config.accept_invalid_certs {
        tracing::warn!(context = access.name(), "the kubeconfig does not verify the API's certificate");
    }
    // a watch is silent for longer than an answer may take
    let mut patient = config.clone();
    patient.read_timeout = None;
    let client = |config| Client::try_from(config).map_err(|error| trouble::of(&error));
    Ok(Askers { quick: client(config)?, patient: client(patient)? })
}

async fn by_kubeconfig(access: &Access) -> Result<Config, Reason> {
    let unusable = |error| {
        let (name, why) = (kubeconfig::name(access), trouble::kubeconfig(&error));
        let text = format!("the kubeconfig ({name}) cannot be used: {why}");
        Reason::new(Cause::Refused, text)
    };
    let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig::read(access).map_err(unusable)?, &options)
        .await
        .map_err(unusable)
}
