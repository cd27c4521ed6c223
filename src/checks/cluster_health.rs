mod missing;
mod words;

#[cfg(test)]
mod tests;

use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{body, counted, inner_timeout, object, optional, text, undecided},
};
use crate::model::{
    Entity, Finding, Level, Number, Observation, Reading, Reason, Scale, Unit,
    policy::Missing,
    query::{Call, Proof, Query, Response},
};

/// The cluster's own colour: green 0, yellow 1, red 2.
///
/// Levels are `yellow` and `red`, each meaning "at least". The message says how many shards are missing, of what kind, in which
/// indices, and why the first of them is not allocated (where the role may ask).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterHealth {
    /// Patterns of indices that are left out: the colour is then the worst of the others.
    pub ignore: Vec<String>,
}

/// How many indices a message names.
const NAMED: usize = 5;

impl ClusterHealth {
    pub const EXAMPLE: &str = "cluster_health: { ignore: [\"scratch-*\"] }";

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Reading, Reason> {
        let health = body(answers, 0)?;
        let whole = colour(text(health, "/status")?)?;
        let indices = indices(health)?;
        let ignored = self.globs();
        let judged: Vec<&Index> = indices.iter().filter(|index| !ignored.is_match(&index.name)).collect();
        let colour = self.colour(whole, &indices, &judged);
        let mut reading = Reading::new(Number::Int(colour), Unit::Health);
        if colour == 0 {
            return Ok(reading);
        }
        let sum = |count: fn(&Index) -> u64| {
            judged.iter().fold(0_u64, |sum, index| sum.saturating_add(count(index)))
        };
        let (total, missing) = (sum(|index| index.shards), sum(Index::missing));
        reading = reading
            .fact("missing", format!("{} of {}", Number::count(missing), counted(total, "shard")))
            .fact("indices", worst(&judged));
        let data_nodes = super::common::count(health, "/number_of_data_nodes").unwrap_or(u64::MAX);
        let kinds = match optional(answers, 1) {
            Some(routing) => missing::kinds(routing, look, &ignored, data_nodes),
            None => counts(health, &judged, data_nodes),
        };
        let homeless = kinds.iter().any(|(kind, _)| *kind == "homeless");
        reading = kinds.into_iter().fold(reading, |reading, (kind, n)| reading.fact(kind, n));
        if homeless {
            reading = reading.fact("data_nodes", data_nodes);
        }
        let explained = optional(answers, 2).and_then(words::explained);
        Ok(match explained.filter(|(index, _)| !ignored.is_match(index)) {
            Some((_, why)) => reading.fact("explained", why),
            None => reading,
        })
    }

    /// The cluster's own colour counts where nothing is left out, and where no index accounts for it (no master, a block).
    fn colour(&self, whole: i64, indices: &[Index], judged: &[&Index]) -> i64 {
        let all = indices.iter().map(|index| index.colour).max().unwrap_or(0);
        let rest = judged.iter().map(|index| index.colour).max().unwrap_or(0);
        if self.ignore.is_empty() || whole > all { whole } else { rest }
    }

    /// Patterns that do not compile were complained about when the rule was read.
    fn globs(&self) -> GlobSet {
        let mut globs = GlobSetBuilder::new();
        for glob in self.ignore.iter().filter_map(|pattern| Glob::new(pattern).ok()) {
            globs.add(glob);
        }
        globs.build().unwrap_or_default()
    }
}

impl Check for ClusterHealth {
    fn scale(&self) -> Scale {
        Scale::Health
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "yellow for 5m"), (Level::Critical, "red for 1m")],
            no_data: Some(Missing::KEEP),
            absent: None,
        }
    }

    fn complaints(&self) -> Vec<String> {
        let wrong = self.ignore.iter().filter_map(|pattern| match Glob::new(pattern) {
            Ok(_) if pattern.trim().is_empty() => Some("`ignore` has an empty pattern".to_owned()),
            Ok(_) => None,
            Err(error) => Some(format!("`{pattern}` is not a pattern: {}", error.kind())),
        });
        wrong.collect()
    }

    /// What is missing, and why, is asked only while something is: on a healthy cluster this is one light request.
    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let health = Call::get("/_cluster/health", Proof::Whole).with("level", "indices");
        let health = Query::call(health.with("timeout", inner_timeout(look.timeout)));
        if memory.0["green"] == true {
            return vec![health];
        }
        let explain =
            Call::get("/_cluster/allocation/explain", Proof::Whole).with("filter_path", words::EXPLAINED);
        vec![health, missing::query().optional(), Query::call(explain).optional()]
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        match self.look(look, answers) {
            Err(reason) => (undecided(reason), memory),
            Ok(reading) => {
                let green = reading.value == Number::Int(0);
                let entity = Entity::of("cluster", &look.cluster);
                let seen = Observation::one(entity, Finding::Value(reading));
                (seen, Memory(json!({ "green": green })))
            }
        }
    }

    fn advise(&self, _: &Entity, reading: &Reading) -> Advice {
        words::advise(reading)
    }
}

/// One index as the cluster's health tells it.
struct Index {
    name: String,
    colour: i64,
    primaries: u64,
    /// Primaries and replicas that there should be.
    shards: u64,
    active: u64,
}

impl Index {
    fn missing(&self) -> u64 {
        self.shards.saturating_sub(self.active)
    }

    /// Copies beyond one for each data node.
    fn homeless(&self, data_nodes: u64) -> u64 {
        self.shards.saturating_sub(self.primaries.saturating_mul(data_nodes.max(1))).min(self.missing())
    }
}

fn indices(health: &Value) -> Result<Vec<Index>, Reason> {
    let mut indices = Vec::new();
    for (name, index) in object(health, "/indices")? {
        let number = |field: &str| super::common::count(index, field);
        let primaries = number("/number_of_shards")?;
        indices.push(Index {
            name: name.clone(),
            colour: colour(text(index, "/status")?)?,
            primaries,
            shards: primaries.saturating_mul(number("/number_of_replicas")?.saturating_add(1)),
            active: number("/active_shards")?,
        });
    }
    Ok(indices)
}

fn colour(status: &str) -> Result<i64, Reason> {
    match status.to_ascii_lowercase().as_str() {
        "green" => Ok(0),
        "yellow" => Ok(1),
        "red" => Ok(2),
        other => {
            let text = format!("the answer has a status `{other}` that is no colour");
            Err(Reason::new(crate::model::Cause::Malformed, text))
        }
    }
}

/// The worst indices by name, red before yellow; how many more there are comes last.
fn worst(indices: &[&Index]) -> Vec<String> {
    let mut bad: Vec<&&Index> = indices.iter().filter(|index| index.colour > 0).collect();
    bad.sort_by(|a, b| (b.colour, &a.name).cmp(&(a.colour, &b.name)));
    let more = bad.len().saturating_sub(NAMED);
    let word = |index: &Index| if index.colour == 2 { "red" } else { "yellow" };
    let mut named: Vec<String> =
        bad.iter().take(NAMED).map(|index| format!("{} ({})", index.name, word(index))).collect();
    if more > 0 {
        named.push(format!("{} more", Number::count(more as u64)));
    }
    named
}

/// What the plain health knows of the missing, where the routing table may not be read.
fn counts(health: &Value, judged: &[&Index], data_nodes: u64) -> Vec<(&'static str, u64)> {
    let count = |field: &str| super::common::count(health, field).unwrap_or(0);
    let delayed = count("/delayed_unassigned_shards");
    let unassigned = count("/unassigned_shards").saturating_sub(delayed);
    let homeless = judged.iter().fold(0_u64, |sum, index| sum.saturating_add(index.homeless(data_nodes)));
    let homeless = homeless.min(unassigned);
    let kinds = [
        ("homeless", homeless),
        ("delayed", delayed),
        ("initializing", count("/initializing_shards")),
        ("unassigned", unassigned - homeless),
    ];
    kinds.into_iter().filter(|(_, n)| *n > 0).collect()
}
