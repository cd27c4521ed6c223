//! How many shards there are, of as many as the data nodes may hold: a node that leaves takes its share of the room with it.

use serde_json::{Value, json};

use super::super::{
    luck::Luck,
    oracle::{Promise, Rung, Said, one},
    truth::{DAY, MINUTE, Milli, Place, Truth},
};
use crate::model::{Entity, Level};

const STEP: Milli = 7 * MINUTE;
const OF_A_NODE: i64 = 1000;
/// Of an index that never changes.
const OTHERS: i64 = 4;

/// Those of one index, each with a replica, step by step.
pub struct Shards(Vec<i64>);

impl Shards {
    pub fn of(luck: &mut Luck) -> Self {
        let walk = |shards: &mut i64, _| {
            *shards = (*shards + luck.pick(-90, 95)).clamp(1000, 1990);
            Some(*shards)
        };
        Self((0..=DAY / STEP).scan(1500, walk).collect())
    }

    fn primaries(&self, at: Milli) -> i64 {
        self.0[usize::try_from(at / STEP).unwrap()]
    }

    /// `GET /_cluster/state/metadata`; what is closed takes no room.
    pub fn metadata(&self, at: Milli) -> Value {
        let index = |state: &str, primaries: i64| {
            let (shards, replicas) = (primaries.to_string(), "1");
            json!({ "state": state, "settings": { "index": { "number_of_shards": shards, "number_of_replicas": replicas } } })
        };
        json!({ "cluster_name": "main", "metadata": { "indices": {
            "http-1": index("open", self.primaries(at)), "audit-1": index("open", OTHERS / 2), "http-0": index("close", 700),
        } } })
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let room = Promise::new("shard-capacity", 2 * MINUTE, Place::Cluster)
        .rung(Rung::new(Level::Warning, |left| left < 500.0).lasting(4 * MINUTE))
        .rung(Rung::new(Level::Critical, |left| left < 100.0).good(|left| left >= 200.0))
        .says(move |moment| {
            let nodes = truth.disks.many(moment.asked);
            let left = nodes * OF_A_NODE - 2 * truth.shards.primaries(moment.asked) - OTHERS;
            let said = if nodes == 0 { Said::Nothing } else { Said::Number(left as f64) };
            one(Entity::new([("cluster", "main"), ("tier", "data")]), said)
        });
    vec![room]
}
