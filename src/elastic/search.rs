//! An aggregating search from question to exact numbers: pages, retries of single items, and what makes a zero a zero.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::sleep;

use super::{
    Inner,
    client::jittered,
    complete, exclusion,
    fields::{self, Wanted},
    found,
    refusal::{Retry, Setback},
    request::path_part,
    sought,
    sought::Asked,
};
use crate::model::{
    Cause, Entity, Reason, Time,
    query::{Call, Proof, Search, SearchAnswer},
};

const MOST_ATTEMPTS: u32 = 3;
const BACK_OFF: Duration = Duration::from_millis(400);

pub(super) async fn search(
    door: Arc<Inner>,
    tick: Time,
    search: Search,
    first: Asked,
) -> Result<SearchAnswer, Reason> {
    let first = ask(&door, tick, first).await?;
    let total = found::total(&first)?;
    if total == 0 {
        fields::demand(&door, tick, &search.index, Wanted::date(&search.time_field)).await?;
    } else if search.index.contains(',') {
        fields::demand_of_each(&door, tick, &search.index, Wanted::date(&search.time_field)).await?;
    }
    if search.per.is_empty() {
        let group = found::whole(&search, &first)?;
        let answer = SearchAnswer { groups: [(Entity::empty(), group)].into() };
        demand_numbers(&door, tick, &search, &answer).await?;
        return Ok(answer);
    }
    let answer = pages(&door, tick, &search, &first).await?;
    if total > 0 && answer.groups.is_empty() {
        let (index, fields) = (&search.index, search.per.join("` and `"));
        let text = format!("field missing: none of {total} documents of `{index}` has `{fields}`");
        return Err(Reason::new(Cause::Missing, text));
    }
    demand_numbers(&door, tick, &search, &answer).await?;
    Ok(answer)
}

/// Where no document at all has a field's number, the field may be misspelt: that is no quiet.
async fn demand_numbers(
    door: &Arc<Inner>,
    tick: Time,
    search: &Search,
    answer: &SearchAnswer,
) -> Result<(), Reason> {
    if answer.groups.values().all(|group| group.total == 0) {
        return Ok(());
    }
    for (name, metric) in &search.metrics {
        let known = answer.groups.values().any(|group| group.metrics.get(name).is_some_and(Option::is_some));
        if !known {
            fields::demand(door, tick, &search.index, Wanted::any(metric.field())).await?;
        }
    }
    Ok(())
}

async fn pages(
    door: &Arc<Inner>,
    tick: Time,
    search: &Search,
    first: &Value,
) -> Result<SearchAnswer, Reason> {
    let mut answer = SearchAnswer::default();
    let mut page = found::page(search, sought::page_size(search, None), first)?;
    loop {
        answer.groups.extend(page.groups);
        if answer.groups.len() > door.max_groups {
            let text =
                format!("more than {} groups: narrow the filter, or raise `max_groups`", door.max_groups);
            return Err(Reason::new(Cause::Partial, text));
        }
        let Some(after) = page.after else { return Ok(answer) };
        let next = sought::asked(search, Some(&after), door.client.timeout());
        let next = ask(door, tick, next).await?;
        if next.pointer("/_shards/total") != first.pointer("/_shards/total") {
            let text = format!("the indices of `{}` changed while their groups were read", search.index);
            return Err(Reason::new(Cause::Partial, text));
        }
        page = found::page(search, sought::page_size(search, Some(&after)), &next)?;
        if page.after.as_ref() == Some(&after) {
            return Err(complete::malformed("the pages of groups do not come to an end"));
        }
    }
}

/// One search of a batch, proven complete. Where only it was turned away, only it is asked again.
pub(super) async fn ask(door: &Arc<Inner>, tick: Time, asked: Asked) -> Result<Value, Reason> {
    let deadline = sleep(door.client.timeout()).deadline();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let item = door.gather.ask(tick, asked.clone()).await?;
        let setback = match complete::search(&asked.index, &item) {
            Ok(()) => return Ok(item),
            Err(setback) => setback,
        };
        let pause = jittered(BACK_OFF);
        let may_retry = may_retry(&setback) && attempts < MOST_ATTEMPTS && sleep(pause).deadline() < deadline;
        if !may_retry || !door.client.take_retry() {
            return Err(named(door, tick, &asked.index, &item, setback.reason).await);
        }
        sleep(pause).await;
    }
}

fn may_retry(setback: &Setback) -> bool {
    matches!(setback.retry, Retry::Later(_))
}

/// Shards that are simply not there are counted as failed but not listed: the indices they belong to are looked up, so
/// that the reason can name them. Where that is not permitted, the reason stays as it is.
async fn named(door: &Arc<Inner>, tick: Time, index: &str, item: &Value, reason: Reason) -> Reason {
    let shards = item.get("_shards").unwrap_or(&Value::Null);
    // Some versions count them as failed, others leave them out of `successful`.
    let lost =
        shards["failed"].as_u64() > Some(0) || shards["successful"].as_u64() < shards["total"].as_u64();
    let shards_lost = lost || is_shardless(item);
    let unnamed = complete::failed_indices(shards).is_empty();
    if !matches!(reason.cause, Cause::Partial | Cause::Failing) || !shards_lost || !unnamed {
        return reason;
    }
    let red = red_indices(door, tick, index).await.unwrap_or_default();
    if red.is_empty() {
        return reason;
    }
    let text = format!("{} in {}", reason.text, exclusion::name_some(&red));
    Reason { text, accept: exclusion::without(index, &red), ..reason }
}

/// No shard at all could answer.
fn is_shardless(item: &Value) -> bool {
    item["error"]["type"] == "search_phase_execution_exception"
}

async fn red_indices(door: &Arc<Inner>, tick: Time, index: &str) -> Result<Vec<String>, Reason> {
    let call = Call::get(format!("/_cluster/health/{}", path_part(index)), Proof::Whole)
        .with("level", "indices")
        .with("timeout", "1s")
        .with("filter_path", "indices.*.status");
    let body = door.ask_once(tick, call).await?;
    let indices = body.get("indices").and_then(Value::as_object).into_iter().flatten();
    Ok(indices.filter(|(_, health)| health["status"] == "red").map(|(name, _)| name.clone()).collect())
}
