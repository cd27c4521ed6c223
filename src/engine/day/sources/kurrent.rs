//! A KurrentDB cluster of three: elections, a node that is down, a partition; and its load.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::super::{
    luck::{Luck, Spell, is_in},
    oracle::{Promise, Rung, Said},
    truth::{MINUTE, Milli, Place, Truth},
};
use crate::model::{
    Cause, Entity, Level, Reason,
    fetch::{Body, Fetched},
    query::Response,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// Nobody leads, and all say so.
    Election,
    /// This one is stopped.
    Down(usize),
    /// The last one is alone, and believes that it leads.
    Partition,
}

const NODES: [&str; 3] = ["n1:2113", "n2:2113", "n3:2113"];

pub struct Kurrent {
    troubles: Vec<(Spell, Trouble)>,
    busy: [Vec<Spell>; 3],
}

impl Kurrent {
    pub fn of(luck: &mut Luck) -> Self {
        let kinds = [Trouble::Election, Trouble::Down(0), Trouble::Down(2), Trouble::Partition];
        let spells = luck.spells((1200, 7200), (5, 1500));
        let troubles = spells.into_iter().map(|spell| (spell, luck.one_of(&kinds))).collect();
        Self { troubles, busy: NODES.map(|_| luck.spells((2400, 14_400), (20, 1800))) }
    }

    fn trouble(&self, at: Milli) -> Option<Trouble> {
        self.troubles.iter().find(|(spell, _)| spell.holds(at)).map(|(_, trouble)| *trouble)
    }

    fn load(&self, node: usize, at: Milli) -> i64 {
        if is_in(&self.busy[node], at) { 11 } else { 3 }
    }

    pub fn answer(&self, node: &str, path: &str, at: Milli) -> Result<Response, Reason> {
        let me = NODES.iter().position(|known| *known == node).unwrap();
        if self.trouble(at) == Some(Trouble::Down(me)) {
            return Err(Reason::new(Cause::Unreachable, "connection refused"));
        }
        let said = match path {
            "gossip" => {
                let members = [0, 1, 2].map(|other| self.member(me, other, at));
                json!({ "members": members, "serverAddress": node })
            }
            "stats" => json!({ "sys": { "loadavg": { "1m": self.load(me, at) } } }),
            other => panic!("nobody here answers `{other}`"),
        };
        let (body, latency) = (Body::Json(said), Duration::from_millis(3));
        Ok(Response::Fetched(Fetched { status: 200, body, latency, not_after: None }))
    }

    /// What one node says of another. What differs in every answer anyway is the time.
    fn member(&self, me: usize, other: usize, at: Milli) -> Value {
        let trouble = self.trouble(at);
        let leader = match trouble {
            Some(Trouble::Election) => None,
            Some(Trouble::Down(0)) => Some(1),
            Some(Trouble::Partition) if me == 2 => Some(2),
            _ => Some(0),
        };
        let alive = match trouble {
            Some(Trouble::Down(node)) => other != node,
            Some(Trouble::Partition) => (me == 2) == (other == 2),
            _ => true,
        };
        let state = match leader {
            None => "Unknown",
            Some(leader) if leader == other => "Leader",
            Some(_) => "Follower",
        };
        json!({
            "instanceId": format!("00000000-0000-0000-0000-00000000000{other}"), "isAlive": alive, "state": state,
            "httpEndPointIp": NODES[other].trim_end_matches(":2113"), "httpEndPointPort": 2113,
            "epochNumber": 7, "epochId": "e", "timeStamp": at + i64::try_from(me).unwrap(),
        })
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let gossip = Promise::new("kurrentdb-consensus", 2 * MINUTE, Place::Nowhere)
        .rung(Rung::new(Level::Critical, |views| views > 0.0).lasting(2 * MINUTE))
        .says(move |moment| {
            let trouble = truth.kurrent.trouble(moment.asked);
            let is = |held: bool| Said::Number(f64::from(held));
            let (election, partition) = (Some(Trouble::Election), Some(Trouble::Partition));
            let of = |finding: &str| Entity::of("finding", finding);
            let mut said = BTreeMap::from([
                (of("no_leader"), is(trouble == election)),
                (of("views_differ"), is(trouble == partition)),
                (of("several_leaders"), is(trouble == partition)),
            ]);
            for (at, node) in NODES.into_iter().enumerate() {
                let down = trouble == Some(Trouble::Down(at));
                let of = |finding: &'static str| Entity::new([("finding", finding), ("node", node)]);
                said.insert(of("unreachable"), is(down));
                said.insert(of("member_dead"), is(down || trouble == partition));
            }
            said
        });
    let load = Promise::new("kurrentdb-load", 2 * MINUTE, Place::Nowhere)
        .repeats(3 * MINUTE)
        .rung(Rung::new(Level::Warning, |load| load > 2.0).easing(5 * MINUTE))
        .says(move |moment| {
            let said = |node: usize| match truth.kurrent.trouble(moment.asked) == Some(Trouble::Down(node)) {
                true => Said::Unknown,
                false => Said::Number(truth.kurrent.load(node, moment.asked) as f64 / 4.0),
            };
            [0, 1, 2].map(|node| (Entity::of("node", NODES[node]), said(node))).into()
        });
    vec![gossip, load]
}
