//! What is behind a finding, and what to do about it.

use super::Wrong;
use crate::{
    checks::Advice,
    model::{Entity, Reading},
};

pub(super) fn advise(wrong: Wrong, entity: &Entity, reading: &Reading) -> Advice {
    let node = entity.get("node").unwrap_or("a node");
    let fact = |name: &str| reading.facts.text(name).unwrap_or_default();
    let (cause, next_step) = match wrong {
        Wrong::Unreachable => (format!("`{node}` {}", fact("reason")), unreachable(fact("cause"))),
        Wrong::MemberDead => (
            format!("`{node}` is dead to {}", fact("says")),
            "see whether its process runs, and whether the other nodes reach it; a majority has to stay alive",
        ),
        Wrong::ViewsDiffer => (
            format!("the nodes do not see the same cluster: {}", fact("difference")),
            "look at the network between the nodes that differ, at their clocks, and at elections in their logs",
        ),
        Wrong::NoLeader => (
            "no node sees a leader, so that nothing can be written".to_owned(),
            "see whether a majority of the nodes is alive and connected; their logs tell why elections do not end",
        ),
        Wrong::SeveralLeaders => (
            format!("several nodes lead: {}", fact("leaders")),
            "the cluster is parted: keep writers away, mend the network, and let the smaller part rejoin",
        ),
    };
    Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
}

fn unreachable(cause: &str) -> &'static str {
    match cause {
        "refused" => {
            "check the credentials of this rule, and whether the user may read gossip; the node itself is up"
        }
        "timeout" => {
            "the node accepts connections and does not answer: look for a hung process, disk or memory"
        }
        "malformed" => "see what listens at this address: often a proxy, or another service",
        _ => "see whether its process runs; then its address, its certificate, and the network from here",
    }
}
