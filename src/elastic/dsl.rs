//! A search in the author's own words. It travels with the others; its window, its deadline and an exact total are added here.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Inner,
    fields::{self, Wanted},
    found, search, sought,
};
use crate::model::{Reason, Time, query::Dsl};

/// The answer as the engine wrote it, of every shard.
pub(super) async fn ask(door: &Arc<Inner>, tick: Time, wanted: &Dsl) -> Result<Value, Reason> {
    let timeout = door.client.timeout();
    let body = body(door, wanted).to_string();
    let asked = sought::in_its_own_words(&wanted.index, body, &wanted.body, timeout);
    let answer = search::ask(door, tick, asked).await?;
    let nothing = found::total(&answer).is_ok_and(|total| total == 0);
    if let Some(during) = wanted.during.as_ref().filter(|_| nothing) {
        fields::demand(door, tick, &wanted.index, Wanted::date(&during.time_field)).await?;
    }
    Ok(answer)
}

fn body(door: &Inner, wanted: &Dsl) -> Value {
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
    body
}
