//! ES|QL: one request, one table. A table that may have been cut off is no answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Inner, complete,
    complete::malformed,
    fields::{self, Wanted},
    request::Request,
    sought,
};
use crate::model::{
    Cause, Reason, Time,
    query::{Call, Esql, Proof},
};

/// The most rows that a cluster gives, unless it is set otherwise.
const MOST_ROWS: u64 = 10_000;
/// What asks for the fate of each cluster; without it one that was skipped is not told of.
const FATES: &str = "include_ccs_metadata";

pub(super) async fn ask(door: &Arc<Inner>, tick: Time, wanted: &Esql) -> Result<Value, Reason> {
    if let (Some(index), Some(during)) = (&wanted.index, &wanted.during) {
        fields::demand(door, tick, index, Wanted::date(&during.time_field)).await?;
    }
    let answer = table(door, tick, wanted).await?;
    complete(wanted, &answer)?;
    let rows = rows(&answer)?;
    if rows > 1 && rows >= most_rows(door, tick).await {
        let text = format!(
            "{rows} rows are all that this cluster gives: there may be more; aggregate, or narrow the query"
        );
        return Err(Reason::new(Cause::Partial, text));
    }
    Ok(answer)
}

/// Across clusters the answer has to say of each what became of it. Versions that cannot say it skip none: before 8.16 a query fails
/// where one of its clusters does.
async fn table(door: &Arc<Inner>, tick: Time, wanted: &Esql) -> Result<Value, Reason> {
    let mut body = body(wanted);
    if is_across_clusters(wanted) {
        body[FATES] = true.into();
    }
    let request = Request::post("/_query", body.to_string())?;
    match door.client.send(tick, &request).await.map_err(in_words) {
        Err(reason) if reason.cause == Cause::Invalid && reason.text.contains(FATES) => {}
        answer => return answer,
    }
    body.as_object_mut().and_then(|body| body.remove(FATES));
    let request = Request::post("/_query", body.to_string())?;
    door.client.send(tick, &request).await.map_err(in_words)
}

/// Where its indices are not known, a colon may stand for anything; asking for the fates is right then, too.
fn is_across_clusters(wanted: &Esql) -> bool {
    wanted.index.as_ref().unwrap_or(&wanted.query).contains(':')
}

/// Without a limit of its own a query would silently get one of 1,000 rows. A new line ends a comment.
fn body(wanted: &Esql) -> Value {
    let mut body = json!({ "query": format!("{}\n| LIMIT {MOST_ROWS}", wanted.query.trim_end()) });
    if let Some(during) = &wanted.during {
        body["filter"] = sought::range(during);
    }
    body
}

/// A cluster without ES|QL says that there is no such path, each in its own words.
fn in_words(reason: Reason) -> Reason {
    if reason.cause != Cause::Unsupported {
        return reason;
    }
    let text = "this cluster has no ES|QL; it comes with Elasticsearch 8.11";
    Reason { text: format!("{text} ({})", reason.text), ..reason }
}

fn complete(wanted: &Esql, answer: &Value) -> Result<(), Reason> {
    for flag in ["is_partial", "is_running"] {
        if answer.get(flag).is_some_and(|flag| flag != &Value::Bool(false)) {
            return Err(Reason::new(Cause::Partial, format!("the table is partial: `{flag}` is true")));
        }
    }
    complete::clusters(wanted.index.as_deref().unwrap_or("*"), answer)
}

fn rows(answer: &Value) -> Result<u64, Reason> {
    let rows = answer.get("values").and_then(Value::as_array);
    rows.map(|rows| rows.len() as u64)
        .ok_or_else(|| malformed("the answer has no table: `values` is missing"))
}

/// What the cluster is set to. Who may not ask goes by the usual number.
async fn most_rows(door: &Arc<Inner>, tick: Time) -> u64 {
    let call = Call::get("/_cluster/settings", Proof::Whole).with("include_defaults", "true");
    let call = call.with("filter_path", "*.esql.query.result_truncation_max_size");
    let Ok(settings) = door.ask_once(tick, call).await else { return MOST_ROWS };
    let set = |section: &str| {
        let set = settings.pointer(&format!("/{section}/esql/query/result_truncation_max_size"))?;
        set.as_u64().or_else(|| set.as_str()?.parse().ok())
    };
    let set = ["transient", "persistent", "defaults"].into_iter().find_map(set);
    set.unwrap_or(MOST_ROWS).min(MOST_ROWS)
}
