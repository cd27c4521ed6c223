mod pinged;
mod signed;
mod words;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use self::{pinged::Recall, signed::Heard};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        documents::{Documents, filtered, time_field},
        undecided,
    },
};
use crate::model::{
    Cause, Entity, Level, Observation, Reading, Reason, Scale, Time,
    filter::Filter,
    policy::Missing,
    query::{Query, Response, Search},
    span::Span,
};

/// Somebody who has to give a sign of life at least every so often: a ping, or a matching document. Silence fires.
///
/// A ping is `GET`, `POST` or `HEAD` of `/v1/heartbeats/NAME` on highwater's own address; it is on disk before it is answered. `/start` behind it
/// says that a run begins, and the next ping that it has ended; `/fail` fires at the next look. Who was never heard has
/// `every` and `grace` from the first look on. A ping that may have been lost while highwater itself was away is not held against anybody:
/// the alert stays as it is until the next one is due.
///
/// With `from`, the newest matching document in an index counts in place of a ping: written by a canary at the other end of a pipeline, its absence proves that the
/// pipeline is broken. A match never fires; where the cluster cannot be asked, nothing is proven. Where there never was such a document,
/// nothing is known until `every` and `grace` from the first look on have passed; where the last one is too old, the first look fires.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The name in the address: letters, digits, `-`, `_` and `.`.
    pub name: Option<String>,
    /// A document in place of a ping.
    pub from: Option<Sign>,
    /// How often there is a sign of life.
    pub every: Span,
    /// How much later it may come.
    #[serde(default = "grace")]
    pub grace: Span,
    /// How long a run may take from its `/start`. Left out: as long as it likes, if only signs of life come in time.
    pub max_run: Option<Span>,
}

/// A document that is a sign of life.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// Index pattern, as Elasticsearch spells it.
    pub index: String,
    /// Which documents count: a query object, or a string in Lucene query-string syntax. Left out: all.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// The date field that tells when it happened.
    #[serde(default = "time_field")]
    pub time_field: String,
}

fn grace() -> Span {
    Span::seconds(60)
}

impl Sign {
    fn documents(&self, window: Span) -> Documents<'_> {
        // the newest date rides along, whatever it is
        let max_lag = Some(window);
        Documents { index: &self.index, time_field: &self.time_field, window, per: &[], max_lag }
    }
}

impl Heartbeat {
    pub const EXAMPLE: &str = "heartbeat: { name: nightly-backup, every: 1d, grace: 1h, max_run: 3h }";

    /// The longest silence that is no alert.
    fn patience(&self) -> Duration {
        self.every.0 + self.grace.0
    }

    fn pinged(
        &self,
        name: &str,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: &Memory,
    ) -> Result<(Observation, Memory), Reason> {
        let pings = match answers.first() {
            Some(Ok(Response::Heartbeat(pings))) => pings,
            Some(Err(reason)) => return Err(reason.clone()),
            _ => return Err(Reason::new(Cause::Fault, "a question was not answered at all")),
        };
        let recall = Recall::of(memory, look.window.end).heard(self, pings, look.window.end);
        let finding = recall.judge(self, pings, look.window.end);
        Ok((Observation::one(Entity::of("heartbeat", name), finding), recall.memory()))
    }

    fn complaint_about_name(&self) -> Option<String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = match (&self.name, &self.from) {
            (None, None) => return Some("it needs a `name` to be pinged at, or `from`".to_owned()),
            (Some(_), Some(_)) => {
                return Some("`name` and `from` both say what the sign of life is; keep one".to_owned());
            }
            (None, Some(_)) => return None,
            (Some(name), None) => name,
        };
        let fine = !name.is_empty() && name.len() <= 128 && name.chars().all(fine) && !name.starts_with('.');
        (!fine).then(|| {
            format!("`{name}` is no name of a heartbeat; ASCII letters, digits, `-`, `_` and `.`, at most 128 of them")
        })
    }
}

fn shown(at: Time) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

impl Check for Heartbeat {
    fn scale(&self) -> Scale {
        Scale::Liveness
    }

    fn defaults(&self) -> Defaults {
        Defaults { levels: vec![(Level::Critical, "down")], no_data: Some(Missing::KEEP), absent: None }
    }

    fn window(&self) -> Option<Duration> {
        self.from.as_ref().map(|_| self.patience())
    }

    fn elsewhere(&self) -> Option<String> {
        self.from.is_none().then(|| "heartbeat".to_owned())
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.complaint_about_name().into_iter().collect();
        if self.every.0.is_zero() {
            complaints.push("`every` is 0; write how often there is a sign of life, like `5m`".to_owned());
        }
        if self.max_run.is_some_and(|longest| longest.0.is_zero()) {
            complaints.push("`max_run` is 0; write how long a run may take, like `1h`".to_owned());
        }
        if let Some(sign) = &self.from {
            complaints
                .extend(self.max_run.map(|_| "`max_run` is for pings, which tell of a start".to_owned()));
            complaints.extend(
                sign.documents(Span(self.patience() + Duration::from_secs(1)))
                    .complaints()
                    .into_iter()
                    .filter(|complaint| !complaint.contains("max_lag")),
            );
        }
        complaints
    }

    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let Some(sign) = &self.from else {
            return vec![Query::heartbeat(self.name.clone().unwrap_or_default())];
        };
        let search = sign.documents(Span(self.patience())).search(look);
        let search = filtered(search, sign.filter.as_ref());
        let ever = Search { window: signed::before(look), ..search.clone() };
        let mut queries = vec![Query::search(search)];
        if !Heard::of(memory, look).ever {
            queries.push(Query::search(ever).optional());
        }
        queries
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        if let Some(sign) = &self.from {
            let mut heard = Heard::of(&memory, look);
            return match heard.judge((self, sign), look, answers) {
                Ok(finding) => (Observation::one(Entity::empty(), finding), heard.memory()),
                Err(reason) => (undecided(reason), heard.memory()),
            };
        }
        let name = self.name.as_deref().unwrap_or_default();
        self.pinged(name, look, answers, &memory).unwrap_or_else(|reason| (undecided(reason), memory))
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        words::advise(entity, reading)
    }
}

#[cfg(test)]
pub(super) mod tests;
