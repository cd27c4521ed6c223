//! Indices that are written to for ever: how near their shards come to what Lucene takes. Copies move, are lost, and some are not ours
//! to see for a while.

use serde_json::{Map, Value, json};

use super::super::{
    luck::{Luck, Spell, is_in},
    oracle::{Moment, Promise, Rung, Said},
    truth::{DAY, MINUTE, Milli, Place, Truth},
};
use crate::model::{Cause, Entity, Level, Reason, query::Response};

const STEP: Milli = 5 * MINUTE;
const MILLION: i64 = 1_000_000;

struct Shard {
    index: &'static str,
    number: &'static str,
    /// Those of its primary, deleted ones too, in millions and step by step.
    documents: Vec<i64>,
    /// No copy of it is anywhere.
    lost: Vec<Spell>,
    /// Its primary moves to another node.
    moving: Vec<Spell>,
}

pub struct Ledger {
    shards: Vec<Shard>,
    /// We may not see the second index.
    forbidden: Vec<Spell>,
}

const FORBIDDEN: &str = "ledger-2";

impl Ledger {
    pub fn of(luck: &mut Luck) -> Self {
        let shards = [("ledger-1", "0"), ("ledger-1", "1"), (FORBIDDEN, "0")].map(|(index, number)| Shard {
            index,
            number,
            documents: (0..=DAY / STEP).scan(1700, |now, _| Some(written(now, luck))).collect(),
            lost: luck.spells((10_800, 36_000), (60, 1800)),
            moving: luck.spells((3600, 10_800), (300, 3600)),
        });
        Self { shards: shards.into(), forbidden: luck.spells((10_800, 28_800), (60, 1200)) }
    }

    fn hides(&self, index: &str, at: Milli) -> bool {
        index == FORBIDDEN && is_in(&self.forbidden, at)
    }

    /// `GET /ledger-*/_stats/docs?level=shards`; what must not be seen is left out without a word.
    pub fn stats(&self, at: Milli) -> Result<Response, Reason> {
        let mut indices = Map::new();
        let here = self.shards.iter().filter(|shard| !is_in(&shard.lost, at) && !self.hides(shard.index, at));
        for shard in here {
            let index = indices.entry(shard.index).or_insert_with(|| json!({ "shards": {} }));
            index["shards"][shard.number] = shard.copies(at);
        }
        if indices.is_empty() {
            return Err(Reason::new(Cause::Missing, "no index matches: the answer is about 0 shards"));
        }
        let shards = json!({ "total": 6, "successful": 6, "failed": 0 });
        Ok(Response::Body(json!({ "_shards": shards, "indices": indices })))
    }

    /// `GET /_cluster/health/ledger-*?level=indices`
    pub fn health(&self, at: Milli) -> Value {
        let mut indices = Map::new();
        for shard in &self.shards {
            let active = if is_in(&shard.lost, at) { 0 } else { 2 };
            let index = indices.entry(shard.index).or_insert_with(|| json!({ "active_shards": 0 }));
            index["active_shards"] = json!(index["active_shards"].as_i64().unwrap() + active);
        }
        json!({ "status": "yellow", "timed_out": false, "indices": indices })
    }

    fn said(&self, shard: &Shard, moment: Moment<'_>) -> Said {
        let at = moment.asked;
        let is_lost = |shard: &&Shard| is_in(&shard.lost, at);
        let unseen = self.shards.iter().any(|other| !is_lost(&other) && self.hides(other.index, at));
        match is_lost(&shard) {
            _ if self.shards.iter().all(|shard| is_lost(&shard)) => Said::Silent,
            // who may not see everything can tell of nothing
            _ if unseen => Said::Nothing,
            true => Said::Gone,
            false => Said::Number((shard.documents(at) * MILLION) as f64),
        }
    }
}

impl Shard {
    fn documents(&self, at: Milli) -> i64 {
        self.documents[usize::try_from(at / STEP).unwrap()]
    }

    /// Its replica merges more often, and then less; either may come first.
    fn copies(&self, at: Milli) -> Value {
        let all = self.documents(at);
        let moves = is_in(&self.moving, at);
        let copy = |primary: bool, deleted: i64| {
            let state = if primary && moves { "RELOCATING" } else { "STARTED" };
            let node = if primary { "es-1" } else { "es-2" };
            let to = (state == "RELOCATING").then_some("es-3");
            let live = all * 9 / 10;
            let deleted = if primary { all - live } else { deleted };
            json!({
                "routing": { "state": state, "primary": primary, "node": node, "relocating_node": to },
                "docs": { "count": live * MILLION, "deleted": deleted * MILLION },
            })
        };
        let replica = copy(false, if at / (20 * MINUTE) % 2 == 0 { 0 } else { all / 3 });
        match at / MINUTE % 2 {
            0 => json!([replica, copy(true, 0)]),
            _ => json!([copy(true, 0), replica]),
        }
    }
}

/// More and more, until a large merge.
fn written(now: &mut i64, luck: &mut Luck) -> i64 {
    *now = if luck.chance(8) { luck.pick(1500, 1850) } else { (*now + luck.pick(-30, 60)).min(2140) };
    *now
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let documents = Promise::new("shard-documents", 2 * MINUTE, Place::Cluster)
        .rung(Rung::new(Level::Warning, |documents| documents > 1.8e9))
        .rung(Rung::new(Level::Critical, |documents| documents > 2.0e9).lasting(4 * MINUTE))
        .says(move |moment| {
            let of = |shard: &Shard| Entity::new([("index", shard.index), ("shard", shard.number)]);
            truth.ledger.shards.iter().map(|shard| (of(shard), truth.ledger.said(shard, moment))).collect()
        });
    vec![documents]
}
