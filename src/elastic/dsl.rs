//! A search in the author's own words. It travels with the others; its window, its deadline and an exact total are added here.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Inner, found, gather::Lines, search, sought};
use crate::model::{Reason, Time, query::Dsl};

/// The answer as the engine wrote it, of every shard.
pub(super) async fn ask(door: &Arc<Inner>, tick: Time, wanted: &Dsl) -> Result<Value, Reason> {
    let answer = search::ask_lines(door, tick, &wanted.index, lines(door, wanted)).await?;
    let nothing = found::total(&answer).is_ok_and(|total| total == 0);
    if let Some(during) = wanted.during.as_ref().filter(|_| nothing) {
        door.fields.demand(&door.client, tick, &wanted.index, &during.time_field).await?;
    }
    Ok(answer)
}

fn lines(door: &Inner, wanted: &Dsl) -> Lines {
    let mut body = wanted.body.clone();
    if body.get("size").is_none() {
        body["size"] = json!(0);
    }
    if body.get("track_total_hits").is_none() {
        body["track_total_hits"] = json!(true);
    }
    body["timeout"] = json!(sought::deadline(door.client.timeout()));
    if let Some(during) = &wanted.during {
        let query = body["query"].take();
        let own = if query.is_null() { json!({ "match_all": {} }) } else { query };
        body["query"] = json!({ "bool": { "must": [own], "filter": [sought::range(during)] } });
    }
    Lines { header: sought::header(&wanted.index), body: body.to_string() }
}
