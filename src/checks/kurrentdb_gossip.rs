mod view;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use self::view::{View, differences};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        kurrentdb,
        service::{self, ServiceAuth, ServiceTls, Way},
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Unit,
    amount::Bytes,
    policy::Missing,
    query::{Query, Response},
    secret::Secret,
    span::Span,
};

/// Whether the nodes of a KurrentDB or EventStoreDB cluster agree: the gossip of every node, compared.
///
/// Each look asks `GET /gossip` of all `nodes` at once. The findings are `unreachable` (per node: its query failed), `member_dead` (per
/// member: somebody calls it dead), `views_differ`, `no_leader` and `several_leaders`. Views are compared as sets of endpoint,
/// instance, state, whether it is alive, and epoch; what differs in every answer (times, checkpoints) is not. A finding
/// is a count: how many views or nodes say so, 0 where all is well. An election shows disagreement for some seconds: with the default
/// level, `above 0 for 30s`, and a look every 30 s, two looks in a row have to find it. A cluster of one node cannot disagree.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KurrentdbGossip {
    /// Every node's URL: `https://n1:2113`.
    pub nodes: Vec<Secret>,
    /// What stands in the place of a cluster's name in messages, routes and silences.
    #[serde(default = "kurrentdb::name")]
    pub name: String,
    /// Who we are. Left out: nobody.
    pub auth: Option<ServiceAuth>,
    /// Certificates. Left out: the operating system's trust store.
    pub tls: Option<ServiceTls>,
    /// The deadline of one node's answer.
    #[serde(default = "service::timeout")]
    pub timeout: Span,
}

/// What may be wrong with a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Unreachable,
    MemberDead,
    ViewsDiffer,
    NoLeader,
    SeveralLeaders,
}

impl Wrong {
    const ALL: [Self; 5] =
        [Self::Unreachable, Self::MemberDead, Self::ViewsDiffer, Self::NoLeader, Self::SeveralLeaders];

    const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::MemberDead => "member_dead",
            Self::ViewsDiffer => "views_differ",
            Self::NoLeader => "no_leader",
            Self::SeveralLeaders => "several_leaders",
        }
    }

    fn of(entity: &Entity) -> Option<Self> {
        let name = entity.get("finding")?;
        Self::ALL.into_iter().find(|wrong| wrong.name() == name)
    }
}

type Findings = BTreeMap<Entity, Finding>;

fn reading(count: usize) -> Reading {
    Reading::new(Number::count(count as u64), Unit::Count)
}

impl KurrentdbGossip {
    pub const EXAMPLE: &str = "kurrentdb_gossip: { nodes: [\"https://n1:2113\", \"https://n2:2113\", \"https://n3:2113\"], auth: { basic: { username: ops, password: \"${env:KURRENTDB_PASSWORD}\" } } }";

    fn way(&self) -> Way<'_> {
        let (auth, tls) = (self.auth.as_ref(), self.tls.as_ref());
        Way { auth, tls, timeout: self.timeout, most: Bytes::megabytes(4) }
    }

    fn look(&self, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let (mut findings, mut views) = (Findings::new(), Vec::new());
        for at in 0..self.nodes.len() {
            let node = kurrentdb::node_name(&self.nodes, at);
            let view = kurrentdb::answer(answers, at).and_then(|body| View::read(&node, body));
            let seen = match view {
                Ok(view) => {
                    views.push(view);
                    reading(0)
                }
                Err(reason) if reason.cause == Cause::Fault => return Err(reason),
                Err(reason) => reading(1).fact("reason", reason.text).fact("cause", reason.cause.name()),
            };
            findings.insert(of_node(Wrong::Unreachable, &node), Finding::Value(seen));
        }
        self.judge_views(&views, &mut findings);
        members(&views, &mut findings);
        // whoever none of the views names is gone; without a view nothing is known of anybody
        let others = if views.is_empty() { Others::Untouched } else { Others::Absent };
        Ok(Observation::Seen { findings, others })
    }

    /// What is wrong with the cluster as a whole.
    fn judge_views(&self, views: &[View], findings: &mut Findings) {
        if views.is_empty() {
            let nobody = || Finding::Unknown(Reason::new(Cause::Unreachable, "no node showed its view"));
            for wrong in [Wrong::ViewsDiffer, Wrong::NoLeader, Wrong::SeveralLeaders] {
                findings.insert(of_cluster(wrong), nobody());
            }
            return;
        }
        let leaders: BTreeSet<&str> = views.iter().flat_map(View::leaders).collect();
        let led = reading(usize::from(leaders.is_empty()) * views.len());
        findings.insert(of_cluster(Wrong::NoLeader), Finding::Value(led));
        let mut several = reading(if leaders.len() > 1 { leaders.len() } else { 0 });
        if leaders.len() > 1 {
            let names: Vec<&str> = leaders.into_iter().collect();
            several = several.fact("leaders", names.join(", "));
        }
        findings.insert(of_cluster(Wrong::SeveralLeaders), Finding::Value(several));
        if self.nodes.len() > 1 {
            findings.insert(of_cluster(Wrong::ViewsDiffer), agreement(views));
        }
    }
}

fn agreement(views: &[View]) -> Finding {
    let different: BTreeSet<_> = views.iter().map(|view| &view.members).collect();
    let mut seen = reading(different.len().saturating_sub(1));
    if different.len() > 1 {
        let found = differences(views);
        seen = seen.fact("difference", found.first().cloned().unwrap_or_default());
        seen = seen.fact("differences", found.len());
    }
    Finding::Value(seen)
}

/// Every member that any view names: how many call it dead.
fn members(views: &[View], findings: &mut Findings) {
    let all: BTreeSet<&str> = views.iter().flat_map(View::names).collect();
    for member in all {
        let dead: Vec<&str> =
            views.iter().filter(|view| view.calls_dead(member)).map(|view| view.of.as_str()).collect();
        let mut seen = reading(dead.len());
        if !dead.is_empty() {
            seen = seen.fact("says", dead.join(", "));
        }
        findings.insert(of_node(Wrong::MemberDead, member), Finding::Value(seen));
    }
}

fn of_node(wrong: Wrong, node: &str) -> Entity {
    Entity::new([("finding", wrong.name()), ("node", node)])
}

fn of_cluster(wrong: Wrong) -> Entity {
    Entity::of("finding", wrong.name())
}

impl Check for KurrentdbGossip {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Count)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Critical, "above 0 for 30s")],
            no_data: Some(Missing::KEEP),
            absent: None,
        }
    }

    fn elsewhere(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn groups(&self) -> Vec<String> {
        vec!["finding".to_owned(), "node".to_owned()]
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = kurrentdb::complaints(self.way(), &self.nodes);
        complaints.extend(self.name.trim().is_empty().then(|| "`name` is empty".to_owned()));
        complaints
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        kurrentdb::ask_all(self.way(), &self.nodes, "/gossip")
    }

    fn read(&self, _: &Look, answers: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (self.look(answers).unwrap_or_else(Observation::Indeterminate), memory)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        match Wrong::of(entity).filter(|_| reading.value > Number::Int(0)) {
            Some(wrong) => words::advise(wrong, entity, reading),
            None => Advice::default(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
