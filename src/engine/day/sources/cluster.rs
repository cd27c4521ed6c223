//! Elasticsearch itself: its colour, and whether it answers at all.

use serde_json::{Value, json};

use super::super::{
    luck::{Luck, Spell},
    oracle::{Promise, Rung, Said, one},
    truth::{MINUTE, Milli, Place, Truth, Weather},
};
use crate::model::{Entity, Level};

/// Spells in which it is not green, and what it is then; the colour may change within one.
pub struct Cluster {
    colours: Vec<(Spell, i64)>,
}

impl Cluster {
    pub fn of(luck: &mut Luck) -> Self {
        let mut colours = Vec::new();
        for Spell { from, to } in luck.spells((600, 7200), (20, 1800)) {
            let turns = [from + (to - from) / 3, from + (to - from) * 2 / 3];
            let kinds = luck.one_of(&[[1, 1, 1], [1, 2, 1], [2, 2, 1], [1, 2, 2], [2, 1, 2]]);
            let edges = [from, turns[0], turns[1], to];
            colours.extend((0..3).map(|at| (Spell { from: edges[at], to: edges[at + 1] }, kinds[at])));
        }
        Self { colours }
    }

    fn colour(&self, at: Milli) -> i64 {
        self.colours.iter().find(|(spell, _)| spell.holds(at)).map_or(0, |(_, colour)| *colour)
    }

    /// `GET /_cluster/health`; one index has all the trouble.
    pub fn health(&self, at: Milli) -> Value {
        let colour = self.colour(at);
        let name = ["green", "yellow", "red"][usize::try_from(colour).unwrap()];
        let active = 4 - 2 * colour;
        json!({
            "cluster_name": "main", "status": name, "timed_out": false, "number_of_nodes": 3,
            "number_of_data_nodes": 3, "active_shards": active + 10, "relocating_shards": 0,
            "initializing_shards": 0, "unassigned_shards": 4 - active, "delayed_unassigned_shards": 0,
            "indices": {
                "http-1": { "status": name, "number_of_shards": 2, "number_of_replicas": 1, "active_shards": active },
                "audit-1": { "status": "green", "number_of_shards": 5, "number_of_replicas": 1, "active_shards": 10 },
            },
        })
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let main = || Entity::of("cluster", "main");
    let health = Promise::new("cluster-health", MINUTE, Place::Cluster)
        .rung(Rung::new(Level::Warning, |colour| colour >= 1.0).lasting(5 * MINUTE))
        .rung(Rung::new(Level::Critical, |colour| colour >= 2.0).lasting(MINUTE))
        .says(move |moment| one(main(), Said::Number(truth.cluster.colour(moment.asked) as f64)));
    // this one sees best when nothing else can be seen
    let unreachable = Promise::new("elasticsearch-unreachable", MINUTE, Place::Nowhere)
        .rung(Rung::new(Level::Critical, |away| away >= 1.0).lasting(MINUTE))
        .says(move |moment| {
            let away = truth.weather(Place::Cluster, moment.asked) == Weather::Away;
            one(main(), Said::Number(f64::from(away)))
        });
    vec![unreachable, health]
}
