//! A Kubernetes cluster: nodes that are not ready, say nothing, or have no memory left.

use std::collections::BTreeMap;

use super::super::{
    luck::{Luck, Spell},
    oracle::{Promise, Rung, Said},
    truth::{MINUTE, Milli, Place, Truth},
};
use crate::model::{
    Entity, Level,
    kubernetes::{Condition, Node},
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    NotReady,
    /// Nothing is heard of it: all its conditions are unknown.
    Lost,
    Memory,
}

const NODES: [&str; 3] = ["k-1", "k-2", "k-3"];

pub struct Nodes(BTreeMap<&'static str, Vec<(Spell, Trouble)>>);

impl Nodes {
    pub fn of(luck: &mut Luck) -> Self {
        let kinds = [Trouble::NotReady, Trouble::Lost, Trouble::Memory];
        let mut troubles = || {
            let spells = luck.spells((1800, 12_000), (20, 1500));
            spells.into_iter().map(|spell| (spell, luck.one_of(&kinds))).collect()
        };
        Self(NODES.map(|node| (node, troubles())).into())
    }

    fn trouble(&self, node: &str, at: Milli) -> Option<Trouble> {
        self.0[node].iter().find(|(spell, _)| spell.holds(at)).map(|(_, trouble)| *trouble)
    }

    pub fn objects(&self, at: Milli) -> Vec<Node> {
        NODES.map(|node| self.node(node, at)).into()
    }

    fn node(&self, name: &str, at: Milli) -> Node {
        let trouble = self.trouble(name, at);
        let condition = |kind: &str, is_true: bool| {
            let known = if is_true { "True" } else { "False" };
            let status = if trouble == Some(Trouble::Lost) { "Unknown" } else { known };
            let (kind, status) = (kind.to_owned(), status.to_owned());
            Condition { kind, status, reason: None, message: None, since: None }
        };
        Node {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            // Kubernetes taints a bad node by itself
            taints: trouble.map(|_| "node.kubernetes.io/not-ready".to_owned()).into_iter().collect(),
            unschedulable: false,
            conditions: vec![
                condition("Ready", trouble != Some(Trouble::NotReady)),
                condition("MemoryPressure", trouble == Some(Trouble::Memory)),
                condition("DiskPressure", false),
            ],
        }
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let nodes = Promise::new("kubernetes-nodes", 2 * MINUTE, Place::Kubernetes)
        .rung(Rung::new(Level::Warning, |condition| condition >= 1.0).lasting(2 * MINUTE))
        .rung(Rung::new(Level::Critical, |condition| condition >= 2.0).lasting(MINUTE))
        .says(move |moment| {
            let mut said = BTreeMap::new();
            for node in NODES {
                let of = |condition: &'static str| Entity::new([("node", node), ("condition", condition)]);
                let trouble = truth.nodes.trouble(node, moment.asked);
                let is_down = matches!(trouble, Some(Trouble::NotReady | Trouble::Lost));
                said.insert(of("Ready"), Said::Number(if is_down { 2.0 } else { 0.0 }));
                let memory = match trouble {
                    Some(Trouble::Lost) => Said::Silent,
                    trouble => Said::Number(f64::from(trouble == Some(Trouble::Memory))),
                };
                said.insert(of("MemoryPressure"), memory);
            }
            said
        });
    vec![nodes]
}
