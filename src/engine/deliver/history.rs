//! To a watched cluster, through its own door.

use std::collections::BTreeMap;

use crate::{
    elastic::Elastic,
    model::{Cause, Reason},
    sinks::{Answer, Request},
};

/// One attempt at writing the documents of `request` into `index`.
pub async fn send(
    doors: &BTreeMap<String, Elastic>,
    (cluster, index): (&str, &str),
    request: &Request,
) -> Answer {
    let Some(door) = doors.get(cluster) else {
        return Answer::Unsent(format!("there is no cluster `{cluster}` in the settings"));
    };
    match door.bulk(index, &request.body).await {
        Ok(answer) => Answer::Http { status: 200, retry_after: None, body: answer.to_string() },
        Err(reason) => not_written(cluster, reason),
    }
}

/// What passes is waited for; a message that the cluster does not take is at fault itself; the rest are settings.
fn not_written(cluster: &str, reason: Reason) -> Answer {
    let why = format!("cluster `{cluster}`: {}", reason.text);
    match reason.cause {
        Cause::Missing | Cause::Refused | Cause::Unsupported => Answer::Unsent(why),
        Cause::Invalid => Answer::Http { status: 400, retry_after: None, body: reason.text },
        _ => Answer::Lost(why),
    }
}
