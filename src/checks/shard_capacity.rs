use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{body, count, counted, object, optional, plain_health, setting, settings, text, texts},
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Unit,
    policy::Missing,
    query::{Call, Proof, Query, Response},
};

/// How many more shards may be created before the cluster's own limit refuses them, for each tier group.
///
/// The limit is `cluster.max_shards_per_node` times the data nodes that are not frozen; frozen nodes have a limit of their own.
/// `5%` means percent of that limit.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardCapacity {}

impl ShardCapacity {
    pub const EXAMPLE: &str = "shard_capacity: {}";
}

impl Check for ShardCapacity {
    fn scale(&self) -> Scale {
        Scale::Room(Unit::Shards)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "below 500 for 15m")],
            no_data: Some(Missing::KEEP),
            absent: None,
        }
    }

    fn groups(&self) -> Vec<String> {
        vec!["cluster".to_owned(), "tier".to_owned()]
    }

    /// The same numbers that the cluster itself adds up before it creates an index: its metadata, not what is allocated.
    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let index = "metadata.indices.*";
        let fields = [
            "state",
            "settings.index.number_of_shards",
            "settings.index.number_of_replicas",
            "settings.index.shard_limit.group",
            "settings.index.store.snapshot.partial",
        ];
        let path: Vec<String> = fields.iter().map(|field| format!("{index}.{field}")).collect();
        let metadata = Call::get("/_cluster/state/metadata", Proof::Whole);
        let metadata = metadata.with("filter_path", format!("cluster_name,{}", path.join(",")));
        let health = Query::call(plain_health(look)).optional();
        vec![Query::call(metadata), super::common::nodes(), settings(), health]
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        observe(look, answers)
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        advise(entity, reading)
    }
}

fn observe(look: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
    let shards = Shards::of(body(answers, 0)?)?;
    let nodes = Nodes::of(body(answers, 1)?, optional(answers, 3))?;
    let settings = body(answers, 2)?;
    let mut findings = BTreeMap::new();
    if nodes.data == 0 {
        return Err(Reason::new(Cause::Missing, "the cluster has no data node, so it has no shard limit"));
    }
    let entity = |tier: &str| Entity::new([("cluster", look.cluster.as_str()), ("tier", tier)]);
    let data = Room::of(settings, "cluster.max_shards_per_node", nodes.data, shards.data)?;
    findings.insert(entity("data"), Finding::Value(data.reading()));
    if nodes.frozen > 0 && (shards.frozen > 0 || nodes.only_frozen > 0) {
        let frozen = "cluster.max_shards_per_node.frozen";
        let frozen = Room::of(settings, frozen, nodes.frozen, shards.frozen)?;
        findings.insert(entity("frozen"), Finding::Value(frozen.reading()));
    }
    Ok(Observation::Seen { findings, others: Others::Absent })
}

/// Shards of open indices, primaries and replicas, whether they are allocated or not.
#[derive(Default)]
struct Shards {
    data: u64,
    frozen: u64,
}

impl Shards {
    fn of(state: &Value) -> Result<Self, Reason> {
        text(state, "/cluster_name")?;
        let mut shards = Self::default();
        // a cluster without any index leaves the whole part out
        let indices = state.pointer("/metadata/indices").map(|_| object(state, "/metadata/indices"));
        for index in indices.transpose()?.into_iter().flat_map(|indices| indices.values()) {
            if text(index, "/state")? != "open" {
                continue;
            }
            let number = |name: &str| whole_number(index, &format!("/settings/index/{name}"));
            let copies = number("number_of_replicas")?.saturating_add(1);
            let count = number("number_of_shards")?.saturating_mul(copies);
            let group = if is_frozen(index) { &mut shards.frozen } else { &mut shards.data };
            *group = group.saturating_add(count);
        }
        Ok(shards)
    }
}

fn is_frozen(index: &Value) -> bool {
    let says = |pointer: &str, word: &str| index.pointer(pointer).is_some_and(|value| value == word);
    says("/settings/index/shard_limit/group", "frozen")
        || says("/settings/index/store/snapshot/partial", "true")
}

/// Index settings come as text.
fn whole_number(index: &Value, pointer: &str) -> Result<u64, Reason> {
    let number = text(index, pointer)?.parse();
    number.map_err(|_| Reason::new(Cause::Malformed, format!("`{pointer}` of an index is no whole number")))
}

/// Nodes as the limit counts them: one that holds both kinds counts for both.
#[derive(Default)]
struct Nodes {
    data: u64,
    frozen: u64,
    only_frozen: u64,
}

impl Nodes {
    /// OpenSearch's list of nodes has no roles; its limit counts data nodes as its health does.
    fn of(state: &Value, health: Option<&Value>) -> Result<Self, Reason> {
        let nodes = object(state, "/nodes")?;
        if nodes.values().any(|node| node.get("roles").is_none()) {
            let lacking = || Reason::new(Cause::Malformed, "the answer has no roles of nodes");
            let data = count(health.ok_or_else(lacking)?, "/number_of_data_nodes")?;
            return Ok(Self { data, ..Self::default() });
        }
        let mut counts = Self::default();
        for node in nodes.values() {
            let roles = texts(node, "/roles");
            let frozen = roles.iter().any(|role| role == "data_frozen");
            let data = roles.iter().any(|role| {
                role == "data" || role.strip_prefix("data_").is_some_and(|tier| tier != "frozen")
            });
            counts.data += u64::from(data);
            counts.frozen += u64::from(frozen);
            counts.only_frozen += u64::from(frozen && !data);
        }
        Ok(counts)
    }
}

struct Room {
    per_node: u64,
    nodes: u64,
    limit: u64,
    shards: u64,
}

impl Room {
    fn of(settings: &Value, name: &str, nodes: u64, shards: u64) -> Result<Self, Reason> {
        let lacking = || Reason::new(Cause::Malformed, format!("the settings have no `{name}`"));
        let per_node: u64 = setting(settings, name).and_then(|text| text.parse().ok()).ok_or_else(lacking)?;
        let limit = per_node.saturating_mul(nodes);
        // OpenSearch may also cap the whole cluster; -1 is no cap
        let cap = setting(settings, "cluster.routing.allocation.total_shards_limit");
        let cap: Option<u64> = cap.and_then(|cap| cap.parse().ok());
        Ok(Self { per_node, nodes, limit: cap.map_or(limit, |cap| cap.min(limit)), shards })
    }

    fn left(&self) -> i64 {
        i64::try_from(i128::from(self.limit) - i128::from(self.shards)).unwrap_or(i64::MAX)
    }

    fn reading(&self) -> Reading {
        Reading::new(Number::Int(self.left()), Unit::Shards)
            .of_whole(Number::count(self.limit))
            .fact("shards", self.shards)
            .fact("limit", self.limit)
            .fact("nodes", self.nodes)
            .fact("per_node", self.per_node)
    }
}

fn advise(entity: &Entity, reading: &Reading) -> Advice {
    let count = |name: &str| reading.facts.count(name).unwrap_or(0);
    let number = |name: &str| Number::count(count(name));
    let left = reading.value.max(Number::Int(0));
    let cause = format!(
        "{} of {} allowed shards exist ({} on each of {}); a request that would create more than {left} is refused whole",
        number("shards"),
        number("limit"),
        number("per_node"),
        counted(
            count("nodes"),
            if entity.get("tier") == Some("frozen") { "frozen node" } else { "data node" }
        ),
    );
    let next_step = "delete or shrink old indices, lower their replicas, or add a data node; \
                     raise `cluster.max_shards_per_node` only for a while";
    Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
}

#[cfg(test)]
mod tests;
