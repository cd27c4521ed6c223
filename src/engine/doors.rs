//! Who answers which question: the doors of the watched clusters, and those of everything else.

use std::collections::BTreeMap;

use crate::{
    checks::Look,
    clock::Clock,
    config::{Settings, settings::Cluster},
    elastic::Elastic,
    engine::start::{Reveal, StartError},
    model::{
        Cause, Reason, Time,
        query::{Query, Response},
    },
};

/// Every door that a look may knock at. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    clusters: BTreeMap<String, Elastic>,
}

impl Doors {
    /// One door per configured cluster. None of them is knocked at yet.
    pub fn open(settings: &Settings, clock: &Clock, reveal: &Reveal) -> Result<Self, StartError> {
        let open = |(name, cluster): (&String, &std::sync::Arc<Cluster>)| {
            let door = Elastic::new(cluster, clock.clone(), reveal);
            let door = door.map_err(|source| StartError::Cluster { cluster: name.clone(), source })?;
            Ok((name.clone(), door))
        };
        let clusters = settings.clusters.iter().map(open).collect::<Result<_, StartError>>()?;
        Ok(Self { clusters })
    }

    pub fn clusters(&self) -> &BTreeMap<String, Elastic> {
        &self.clusters
    }

    /// One answer per query, in their order.
    pub async fn ask(&self, look: &Look, tick: Time, queries: &[Query]) -> Vec<Result<Response, Reason>> {
        let Some(door) = self.clusters.get(&look.cluster) else {
            let reason = Reason::new(Cause::Fault, format!("no cluster `{}` in the settings", look.cluster));
            return vec![Err(reason); queries.len()];
        };
        door.ask(tick, queries).await
    }
}
