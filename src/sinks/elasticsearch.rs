//! The history in Elasticsearch: every change that was told, as a document.

pub mod history;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Answer, Asked, Belated, Destination, Events, Message, Method, Request, Sink, Verdict, answered, webhook,
};
use crate::model::{
    notification::{Delivery, Handle, Notification},
    wording,
};

/// The history: every change as a document of a data stream, for Kibana; where a rule's `publish` names it, every reading, too.
///
/// `highwater setup` makes the index template and the data stream with its strict mappings; nothing else ever does, and without them
/// nothing is written. A cluster without data streams gets a plain index of the same name and mappings. A document's `_id` is the
/// change's `event_id`, so one that is sent again is there once. Who writes needs `create_doc` and `view_index_metadata` on it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Elasticsearch {
    /// One of `clusters`, with its URLs, its `auth` and its certificates.
    pub cluster: String,
    /// The data stream's name.
    #[serde(default = "history_name")]
    pub data_stream: String,
}

fn history_name() -> String {
    "highwater-history".to_owned()
}

impl Elasticsearch {
    pub const EXAMPLE: &str = "elasticsearch: { cluster: main, data_stream: highwater-history }";

    fn message(&self, notification: &Notification) -> Message {
        Message::Http(Request {
            method: Method::Post,
            path: format!("/{}/_bulk", self.data_stream),
            headers: Vec::new(),
            body: history::lines(notification),
        })
    }
}

impl Sink for Elasticsearch {
    fn destination(&self) -> Destination {
        Destination::History { name: self.cluster.clone(), index: self.data_stream.clone() }
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        self.message(&delivery.notification)
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        self.message(&webhook::plain(&delivery.notification))
    }

    fn events(&self) -> Events {
        Events::Together
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn keeps_numbers(&self) -> bool {
        true
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = super::in_words(status, body);
        match status {
            200 => items(body).unwrap_or_else(|| Verdict::Misconfigured {
                why: format!("{why}; a bulk request is answered otherwise: is this Elasticsearch?"),
            }),
            408 | 429 | 500..=599 => Verdict::Later { after, why },
            400 | 413 | 422 => Verdict::Never { why },
            _ => Verdict::Misconfigured { why },
        }
    }

    fn complaints(&self) -> Vec<String> {
        let name = &self.data_stream;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let fine = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.chars().all(plain)
            && name.len() <= 200;
        let words = format!("`{name}` is no data stream's name; write one like `highwater-history`");
        if fine { Vec::new() } else { vec![words] }
    }
}

/// The worst of what became of the documents; `None` where this is no answer to a bulk request.
fn items(body: &str) -> Option<Verdict> {
    let answer: Value = serde_json::from_str(body).ok()?;
    let mut worst = Verdict::Accepted { handle: None };
    for item in answer.get("items")?.as_array()? {
        let verdict = item_verdict(item.get("create")?)?;
        if rank(&verdict) > rank(&worst) {
            worst = verdict;
        }
    }
    Some(worst)
}

/// 409 says that it is there already.
fn item_verdict(item: &Value) -> Option<Verdict> {
    let status = u16::try_from(item.get("status")?.as_u64()?).ok()?;
    let (kind, reason) = (item["error"]["type"].as_str(), item["error"]["reason"].as_str());
    let said = wording::cut(&wording::clean(reason.or(kind).unwrap_or_default()), 256);
    let why = format!("a document was answered {status}: {said}");
    Some(match (status, kind.unwrap_or_default()) {
        (200 | 201 | 409, _) => Verdict::Accepted { handle: None },
        (408 | 429 | 500..=599, _) => Verdict::Later { after: None::<Duration>, why },
        (400, "strict_dynamic_mapping_exception") => Verdict::Never {
            why: format!(
                "{why}; the mappings are of another version: `highwater setup` brings them up to date"
            ),
        },
        (400, _) => Verdict::Never { why },
        _ => Verdict::Misconfigured { why },
    })
}

/// What is sent again brings no document twice, so who may still be taken is tried before others are given up.
const fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Accepted { .. } | Verdict::Then { .. } | Verdict::Wait { .. } => 0,
        Verdict::Never { .. } => 1,
        Verdict::Later { .. } => 2,
        Verdict::Misconfigured { .. } => 3,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(items: &Value) -> &'static str {
        super::items(&json!({ "errors": true, "items": items }).to_string()).map_or("none", |v| v.name())
    }

    fn item(status: u16, kind: &str) -> Value {
        json!({ "create": { "status": status, "error": { "type": kind, "reason": "so it is" } } })
    }

    #[test]
    fn the_worst_document_decides_and_one_that_is_there_already_is_fine() {
        let (new, there) =
            (json!({ "create": { "status": 201 } }), item(409, "version_conflict_engine_exception"));
        let (busy, strict) =
            (item(429, "es_rejected_execution_exception"), item(400, "strict_dynamic_mapping_exception"));
        assert_eq!(said(&json!([new, there])), "accepted");
        assert_eq!(said(&json!([new, strict])), "never");
        assert_eq!(said(&json!([busy, strict])), "later");
        assert_eq!(said(&json!([item(404, "index_not_found_exception"), busy])), "misconfigured");
        assert_eq!(said(&json!([{ "index": { "status": 201 } }])), "none");
        let Some(Verdict::Never { why }) = super::items(&json!({ "items": [strict] }).to_string()) else {
            panic!("never")
        };
        assert!(why.contains("so it is") && why.contains("`highwater setup`"), "{why}");
    }

    #[test]
    fn a_name_that_is_none_is_told_when_loaded() {
        for name in ["", "Logs", "-a", "a*", "a/b", "a,b", ".hidden"] {
            let sink = Elasticsearch { cluster: "main".to_owned(), data_stream: name.to_owned() };
            assert!(sink.complaints()[0].contains("highwater-history"), "{name}");
        }
    }
}
