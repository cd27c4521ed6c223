//! The disks of Elasticsearch's data nodes; some nodes do not answer for a while, some leave.

use serde_json::{Map, Value, json};

use super::super::{
    luck::{Luck, Spell, is_in},
    oracle::{Promise, Rung, Said},
    truth::{DAY, HOUR, MINUTE, Milli, Place, Truth},
};
use crate::model::{Entity, Level};

const TOTAL: i64 = 1000;
const STEP: Milli = 5 * MINUTE;

struct Disk {
    name: String,
    /// How much is used, step by step.
    used: Vec<i64>,
    /// It is in the cluster, but sends no statistics.
    mute: Vec<Spell>,
    gone: Vec<Spell>,
}

pub struct Disks(Vec<Disk>);

impl Disks {
    pub fn of(luck: &mut Luck) -> Self {
        let disks = (1..=4).map(|n| Disk {
            name: format!("es-{n}"),
            used: (0..DAY / STEP).scan(luck.pick(820, 900), |used, _| Some(walk(used, luck))).collect(),
            mute: luck.spells((7200, 28_800), (60, 1200)),
            gone: luck.spells((14_400, 43_200), (1200, 7200)),
        });
        Self(disks.collect())
    }

    fn here(&self, at: Milli) -> impl Iterator<Item = &Disk> {
        self.0.iter().filter(move |disk| !is_in(&disk.gone, at))
    }

    pub fn many(&self, at: Milli) -> i64 {
        self.here(at).count() as i64
    }

    /// `GET /_cluster/state/nodes`
    pub fn members(&self, at: Milli) -> Value {
        let node = |disk: &Disk| (disk.name.clone(), json!({ "name": disk.name, "roles": ["data"] }));
        json!({ "nodes": self.here(at).map(node).collect::<Map<_, _>>() })
    }

    /// `GET /_nodes/stats/fs`
    pub fn stats(&self, at: Milli) -> Value {
        let answers = self.here(at).filter(|disk| !is_in(&disk.mute, at));
        let node = |disk: &Disk| {
            let path = json!({ "path": "/data", "total_in_bytes": TOTAL, "available_in_bytes": TOTAL - disk.used(at) });
            (disk.name.clone(), json!({ "name": disk.name, "roles": ["data"], "fs": { "data": [path] } }))
        };
        let nodes: Map<String, Value> = answers.map(node).collect();
        json!({ "_nodes": { "total": self.0.len(), "failed": self.0.len() - nodes.len() }, "nodes": nodes })
    }
}

/// `GET /_cluster/settings`
pub fn settings() -> Value {
    json!({ "persistent": {}, "transient": {}, "defaults": { "cluster.routing.allocation.enable": "all", "cluster.max_shards_per_node": "1000" } })
}

impl Disk {
    fn used(&self, at: Milli) -> i64 {
        self.used[usize::try_from(at / STEP).unwrap().min(self.used.len() - 1)]
    }
}

/// Up and down, mostly where it matters.
fn walk(used: &mut i64, luck: &mut Luck) -> i64 {
    *used = (*used + luck.pick(-12, 13)).clamp(800, 950);
    *used
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let storage = Promise::new("storage", 2 * MINUTE, Place::Cluster)
        .rung(Rung::new(Level::Info, |percent| percent >= 85.0))
        .rung(Rung::new(Level::Warning, |percent| percent >= 88.0))
        .rung(Rung::new(Level::Critical, |percent| percent >= 90.0))
        .gone_for(HOUR)
        .repeats(30 * MINUTE)
        .says(move |moment| {
            let said = |disk: &Disk| match (is_in(&disk.gone, moment.asked), is_in(&disk.mute, moment.asked))
            {
                (true, _) => Said::Gone,
                (_, true) => Said::Unknown,
                _ => Said::Number(disk.used(moment.asked) as f64 / 10.0),
            };
            truth.disks.0.iter().map(|disk| (Entity::of("node", disk.name.as_str()), said(disk))).collect()
        });
    vec![storage]
}
