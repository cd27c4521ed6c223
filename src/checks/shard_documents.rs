use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{body, complaint_about_index, count, counted, in_path, inner_timeout, listed, object},
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Unit,
    policy::Missing,
    query::{Call, Proof, Query, Response},
};

/// How many documents each primary shard holds, deleted ones included: Lucene takes 2,147,483,519 of them and no more.
///
/// Nested documents count as documents of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardDocuments {
    /// Index pattern: names, wildcards, exclusions.
    #[serde(default = "every_index")]
    pub index: String,
}

fn every_index() -> String {
    "*".to_owned()
}

/// What one Lucene index takes.
const LUCENE_LIMIT: u64 = 2_147_483_519;

/// How many unseen indices a reason names.
const NAMED: usize = 3;

impl ShardDocuments {
    pub const EXAMPLE: &str = "shard_documents: { index: \"*\" }";

    /// A pattern that matches nothing is a mistake; a cluster without indices is not.
    fn nothing(&self, health: &Value) -> Result<Observation, Reason> {
        let matched = health.pointer("/indices").and_then(Value::as_object).map_or(0, serde_json::Map::len);
        if matched > 0 {
            let text = format!("no shard of {} is allocated", counted(matched as u64, "index"));
            return Ok(Observation::NoData(text));
        }
        if self.index == "*" {
            return Ok(Observation::NoData("the cluster has no open index".to_owned()));
        }
        Err(Reason::new(Cause::Missing, format!("no open index matches `{}`", self.index)))
    }

    fn blindness(&self, known: usize, unseen: &[String]) -> Reason {
        let (seen, names) = (known.saturating_sub(unseen.len()), listed(unseen, NAMED));
        let text = format!("sees {seen} of {}; grant `monitor` on {names}", counted(known as u64, "index"));
        let reason = Reason::new(Cause::Refused, text);
        if unseen.len() > NAMED {
            return reason;
        }
        reason.accepted_by(format!("{},-{}", self.index, unseen.join(",-")))
    }
}

impl Check for ShardDocuments {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Documents)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            levels: vec![(Level::Warning, "above 1_800_000_000"), (Level::Critical, "above 2_000_000_000")],
            no_data: Some(Missing::KEEP),
            absent: None,
        }
    }

    fn groups(&self) -> Vec<String> {
        vec!["index".to_owned(), "shard".to_owned()]
    }

    fn complaints(&self) -> Vec<String> {
        complaint_about_index(&self.index).into_iter().collect()
    }

    /// The health names every index there is: without the privilege `monitor` on one, its statistics are silently left out.
    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let index = in_path(&self.index);
        let stats = Call::get(format!("/{index}/_stats/docs"), Proof::Shards)
            .with("level", "shards")
            .with("expand_wildcards", "open,hidden")
            .with("filter_path", "_shards,indices.*.shards.*.docs,indices.*.shards.*.routing.primary");
        let health = Call::get(format!("/_cluster/health/{index}"), Proof::Whole)
            .with("level", "indices")
            .with("expand_wildcards", "open,hidden")
            .with("timeout", inner_timeout(look.timeout))
            .with("filter_path", "status,timed_out,indices.*.active_shards");
        vec![Query::call(stats), Query::call(health)]
    }

    fn look(&self, _: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let health = body(answers, 1)?;
        let stats = match body(answers, 0) {
            // statistics about no shard at all are refused before they come here
            Err(reason) if reason.cause == Cause::Missing && active(health)?.is_empty() => {
                return self.nothing(health);
            }
            stats => stats?,
        };
        let there = active(health)?;
        // an answer about no started shard leaves even the list out
        if there.is_empty()
            && stats
                .pointer("/indices")
                .is_none_or(|indices| indices.as_object().is_some_and(serde_json::Map::is_empty))
        {
            return self.nothing(health);
        }
        let seen = object(stats, "/indices")?;
        let unseen: Vec<String> = there
            .iter()
            .filter(|name| !is_system(name) && !seen.contains_key(**name))
            .map(|n| (*n).clone())
            .collect();
        if !unseen.is_empty() {
            let known = there.iter().filter(|name| !is_system(name)).count();
            return Err(self.blindness(known, &unseen));
        }
        let mut findings = BTreeMap::new();
        for (index, stats) in seen {
            for (number, copies) in object(stats, "/shards")? {
                if let Some(primary) = primary(copies) {
                    let entity = Entity::new([("index", index.as_str()), ("shard", number.as_str())]);
                    findings.insert(entity, Finding::Value(reading(primary)?));
                }
            }
        }
        Ok(Observation::Seen { findings, others: Others::Absent })
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        advise(entity, reading)
    }
}

/// The indices that have a shard to be counted; the others are red altogether, and other rules tell of that.
fn active(health: &Value) -> Result<Vec<&String>, Reason> {
    super::common::text(health, "/status")?;
    let mut active = Vec::new();
    if health.get("indices").is_some() {
        for (name, index) in object(health, "/indices")? {
            if count(index, "/active_shards")? > 0 {
                active.push(name);
            }
        }
    }
    Ok(active)
}

/// Indices that belong to the engine itself; the backing indices of data streams are the user's.
fn is_system(name: &str) -> bool {
    name.starts_with('.') && !name.starts_with(".ds-")
}

/// The primary copy, where there is one.
fn primary(copies: &Value) -> Option<&Value> {
    let copies = copies.as_array()?;
    copies.iter().find(|copy| copy.pointer("/routing/primary") == Some(&Value::Bool(true)))
}

fn reading(primary: &Value) -> Result<Reading, Reason> {
    let (live, deleted) = (count(primary, "/docs/count")?, count(primary, "/docs/deleted")?);
    let all = live.saturating_add(deleted);
    let reading = Reading::new(Number::count(all), Unit::Documents)
        .of_whole(Number::count(LUCENE_LIMIT))
        .fact("left", LUCENE_LIMIT.saturating_sub(all))
        .fact("documents", live)
        .fact("deleted", deleted)
        .fact("limit", LUCENE_LIMIT);
    Ok(reading)
}

fn advise(entity: &Entity, reading: &Reading) -> Advice {
    let number = |name: &str| Number::count(reading.facts.count(name).unwrap_or(0));
    let index = entity.get("index").unwrap_or("the index");
    let cause = format!(
        "shard {} of `{index}` holds {} documents and {} deleted ones; Lucene refuses every write above {}",
        entity.get("shard").unwrap_or("?"),
        number("documents"),
        number("deleted"),
        number("limit"),
    );
    let more = reading.facts.count("deleted") > reading.facts.count("documents").map(|live| live / 4);
    let merge =
        if more { "; `_forcemerge?only_expunge_deletes=true` gives back the deleted ones" } else { "" };
    let next_step =
        format!("write to a new index (roll over), or split or reindex `{index}` into more shards{merge}");
    Advice { cause: Some(cause), next_step: Some(next_step) }
}

#[cfg(test)]
mod tests;
