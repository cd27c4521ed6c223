//! The disks of Elasticsearch's data nodes; some nodes do not answer for a while, some leave. And when they will be full.

use serde_json::{Map, Value, json};

use super::super::{
    luck::{Luck, Spell, is_in},
    oracle::{Promise, Rung, Said},
    truth::{DAY, HOUR, MINUTE, Milli, Place, Truth},
};
use crate::model::{Entity, Level};

const GB: i64 = 1 << 30;
/// In gigabytes, and so is what is used of it.
const TOTAL: i64 = 1000;
const STEP: Milli = 5 * MINUTE;

struct Disk {
    name: String,
    /// How much of each data path is used, step by step.
    paths: Vec<Vec<i64>>,
    /// It is in the cluster, but sends no statistics.
    mute: Vec<Spell>,
    gone: Vec<Spell>,
}

/// What can be told of a node.
pub enum Seen {
    /// Nor of any other.
    Nothing,
    Gone,
    Mute,
    /// In gigabytes, by data path.
    Used(Vec<i64>),
}

pub struct Disks {
    all: Vec<Disk>,
    /// Somebody allows the nodes to be fuller then.
    lenient: Vec<Spell>,
}

impl Disks {
    pub fn of(luck: &mut Luck) -> Self {
        let disks = (1..=4).map(|n| Disk {
            name: format!("es-{n}"),
            paths: (0..1 + n / 4).map(|_| filled(luck)).collect(),
            mute: luck.spells((7200, 28_800), (60, 1200)),
            gone: luck.spells((14_400, 43_200), (1200, 7200)),
        });
        Self { all: disks.collect(), lenient: luck.spells((10_800, 28_800), (1800, 14_400)) }
    }

    fn here(&self, at: Milli) -> impl Iterator<Item = &Disk> {
        self.all.iter().filter(move |disk| !is_in(&disk.gone, at))
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
            let paths = disk.used(at).enumerate().map(|(n, used)| {
                let free = (TOTAL - used) * GB;
                json!({ "path": format!("/data{n}"), "total_in_bytes": TOTAL * GB, "available_in_bytes": free })
            });
            let paths: Vec<Value> = paths.collect();
            (disk.name.clone(), json!({ "name": disk.name, "roles": ["data"], "fs": { "data": paths } }))
        };
        let nodes: Map<String, Value> = answers.map(node).collect();
        json!({ "_nodes": { "total": self.all.len(), "failed": self.all.len() - nodes.len() }, "nodes": nodes })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|disk| disk.name.as_str())
    }

    pub fn seen(&self, node: usize, at: Milli) -> Seen {
        let disk = &self.all[node];
        match (is_in(&disk.gone, at), is_in(&disk.mute, at)) {
            // a cluster without a single data node is nothing that anybody believes
            _ if self.many(at) == 0 => Seen::Nothing,
            (true, _) => Seen::Gone,
            (_, true) => Seen::Mute,
            _ => Seen::Used(disk.used(at).collect()),
        }
    }

    /// Where the mark `high` is, in gigabytes used.
    pub fn mark(&self, at: Milli) -> i64 {
        if is_in(&self.lenient, at) { 920 } else { 900 }
    }

    /// `GET /_cluster/settings`
    pub fn settings(&self, at: Milli) -> Value {
        let high = format!("{}gb", TOTAL - self.mark(at));
        json!({
            "persistent": {}, "transient": { "cluster.routing.allocation.disk.watermark.high": high },
            "defaults": {
                "cluster.routing.allocation.enable": "all", "cluster.max_shards_per_node": "1000",
                "cluster.routing.allocation.disk.watermark.high": "85%",
            },
        })
    }
}

impl Disk {
    fn used(&self, at: Milli) -> impl Iterator<Item = i64> {
        let step = usize::try_from(at / STEP).unwrap();
        self.paths.iter().map(move |used| used[step.min(used.len() - 1)])
    }
}

fn filled(luck: &mut Luck) -> Vec<i64> {
    (0..DAY / STEP).scan(luck.pick(820, 900), |used, _| Some(walk(used, luck))).collect()
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
        .damped((3, 3 * HOUR, 40 * MINUTE))
        .says(move |moment| {
            let said = |node| match truth.disks.seen(node, moment.asked) {
                Seen::Nothing => Said::Nothing,
                Seen::Gone => Said::Gone,
                Seen::Mute => Said::Unknown,
                Seen::Used(used) => Said::Number(used.into_iter().max().unwrap() as f64 / 10.0),
            };
            truth
                .disks
                .names()
                .enumerate()
                .map(|(node, name)| (Entity::of("node", name), said(node)))
                .collect()
        });
    vec![storage]
}
