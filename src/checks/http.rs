mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        service::{self, ServiceAuth, ServiceTls, Way, complaint_about_secret, complaint_about_url, fetched},
        undecided,
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Reading, Reason, Scale, Time, Unit, amount,
    amount::Bytes,
    fetch::{self, Fetched, host_of},
    policy::Missing,
    query::{Query, Response},
    secret::{Part, Secret},
    span::Span,
    wording,
};

/// Any HTTP service: whether it is up, how fast it answers, what its certificate says, or a number in the JSON that it answers.
///
/// `up` is the only one that fires because nobody answers: it reads `down` when the service cannot be reached, answers
/// another status than it should, or says something else than `equals`. All others say nothing when there is no answer, and a rule
/// that sees nothing for too long says so itself. JSON that lacks what `pointer` names, or holds no number there, proves nothing;
/// `null` there is no data. Redirects are not followed. Where a rule has no levels, `up` is critical after 1 minute, and a certificate
/// warns 14 days before its end and is critical 3 days before; for the others you say what is much.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `https://` or `http://`, with path and query. Only its host is ever shown; parts may be references.
    pub url: Secret,
    /// What is measured. Left out: `value` where there is a `pointer` without `equals`, else `up`.
    pub measure: Option<Measure>,
    /// Where in the JSON: a JSON pointer like `/queue/depth`. There has to be a number, a number as text, `true` (1) or `false` (0).
    pub pointer: Option<String>,
    /// What has to stand at `pointer` for the service to be up, as text: `UP`, `green`, `"true"`.
    pub equals: Option<String>,
    /// What the number at `pointer` counts.
    #[serde(default)]
    pub unit: HttpUnit,
    /// Statuses that are right. Left out: 200 to 299.
    #[serde(default)]
    pub status: Vec<u16>,
    /// How it is asked.
    #[serde(default)]
    pub method: HttpMethod,
    /// More headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// What a `POST` sends, with its `Content-Type` among the `headers`.
    pub body: Option<Secret>,
    /// Who we are. Left out: nobody.
    pub auth: Option<ServiceAuth>,
    /// Certificates. Left out: the operating system's trust store.
    pub tls: Option<ServiceTls>,
    /// The deadline of one question, answer included.
    #[serde(default = "service::timeout")]
    pub timeout: Span,
    /// A longer answer proves nothing.
    #[serde(default = "max_body")]
    pub max_body: Bytes,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Whether it answers as it should; the level is `down`.
    Up,
    /// The number at `pointer`.
    Value,
    /// How long the whole answer takes, as a duration: `above 800ms`.
    Latency,
    /// The status, as a number: `at least 500`.
    Status,
    /// For how many more days its certificate is valid; below zero once it is over.
    CertificateDays,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpUnit {
    /// A plain number.
    #[default]
    Count,
    /// Percent: `above 90%`.
    Percent,
    /// Bytes: `above 50GB`.
    Bytes,
    /// Seconds: `above 15m`.
    Seconds,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// The usual.
    #[default]
    Get,
    /// For APIs that are asked with a body.
    Post,
}

fn max_body() -> Bytes {
    Bytes::megabytes(16)
}

impl Http {
    pub const EXAMPLE: &str = "http: { url: \"https://shop.example/stats\", pointer: /queue/depth, auth: { bearer: \"${env:SHOP_TOKEN}\" } }";

    fn measured(&self) -> Measure {
        let value = self.pointer.is_some() && self.equals.is_none();
        self.measure.unwrap_or(if value { Measure::Value } else { Measure::Up })
    }

    fn way(&self) -> Way<'_> {
        let (auth, tls) = (self.auth.as_ref(), self.tls.as_ref());
        Way { auth, tls, timeout: self.timeout, most: self.max_body }
    }

    fn host(&self) -> String {
        host_of(&self.url).unwrap_or_else(|| "http".to_owned())
    }

    fn unit(&self) -> Unit {
        match self.unit {
            HttpUnit::Count => Unit::Count,
            HttpUnit::Percent => Unit::Percent,
            HttpUnit::Bytes => Unit::Bytes,
            HttpUnit::Seconds => Unit::Seconds,
        }
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Finding, Reason> {
        match self.measured() {
            Measure::Up => self.up(answers).map(Finding::Value),
            Measure::Value => self.value(fetched(answers, 0)?),
            Measure::Latency => Ok(Finding::Value(latency(self.proven(fetched(answers, 0)?)?))),
            Measure::Status => {
                let status = fetched(answers, 0)?.status;
                Ok(Finding::Value(Reading::new(Number::Int(status.into()), Unit::Count)))
            }
            Measure::CertificateDays => certificate_days(look.window.end, answers).map(Finding::Value),
        }
    }

    /// An answer with a status that is right.
    fn proven<'f>(&self, fetched: &'f Fetched) -> Result<&'f Fetched, Reason> {
        let status = fetched.status;
        let right = if self.status.is_empty() {
            (200..=299).contains(&status)
        } else {
            self.status.contains(&status)
        };
        if right {
            return Ok(fetched);
        }
        let why = fetched.proof_of_status().err();
        let why = why.unwrap_or_else(|| Reason::new(Cause::Invalid, format!("answers {status}")));
        Err(why.with_status(status))
    }

    fn up(&self, answers: &[Result<Response, Reason>]) -> Result<Reading, Reason> {
        let down = |reason: Reason| {
            let reading = Reading::new(Number::Int(1), Unit::Liveness);
            reading.fact("reason", reason.text).fact("cause", reason.cause.name())
        };
        let proven = match fetched(answers, 0).and_then(|fetched| self.proven(fetched)) {
            // whose fault it is that it was not asked at all is known
            Err(reason) if reason.cause == Cause::Fault || is_ours(&reason) => return Err(reason),
            Err(reason) => return Ok(down(reason)),
            Ok(proven) => proven,
        };
        if let Some(expected) = &self.equals {
            let found = text_of(self.at_pointer(proven)?)?;
            if found != *expected {
                let shown = wording::cut(&wording::clean(&found), 64);
                let words = format!("says `{shown}` where `{expected}` should stand");
                return Ok(down(Reason::new(Cause::Failing, words)));
            }
        }
        let millis = u64::try_from(proven.latency.as_millis()).unwrap_or(u64::MAX);
        let reading = Reading::new(Number::Int(0), Unit::Liveness);
        Ok(reading.fact("status", proven.status).fact("latency_ms", millis))
    }

    fn value(&self, fetched: &Fetched) -> Result<Finding, Reason> {
        let found = self.at_pointer(self.proven(fetched)?)?;
        let name = self.pointer.as_deref().unwrap_or_default();
        if found.is_null() {
            return Ok(Finding::NoData(format!("`{name}` is null")));
        }
        let Some(number) = number_of(found) else {
            let words = format!("`{name}` is {}, and no number", kind_of(found));
            return Err(Reason::new(Cause::Malformed, words));
        };
        Ok(Finding::Value(Reading::new(number, self.unit()).fact("pointer", name)))
    }

    fn at_pointer<'f>(&self, fetched: &'f Fetched) -> Result<&'f Value, Reason> {
        let name = self.pointer.as_deref().unwrap_or_default();
        let found = fetched.parsed()?.pointer(name);
        found.ok_or_else(|| Reason::new(Cause::Malformed, format!("the answer has nothing at `{name}`")))
    }

    fn complaints_about_measure(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut add = |wrong: bool, words: &str| complaints.extend(wrong.then(|| words.to_owned()));
        let (measure, has_pointer) = (self.measured(), self.pointer.is_some());
        add(
            self.pointer.as_deref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')),
            "`pointer` is a JSON pointer; write one like `/queue/depth`",
        );
        add(measure == Measure::Value && !has_pointer, "`measure: value` needs a `pointer`");
        add(self.equals.is_some() && !has_pointer, "`equals` needs a `pointer`");
        add(
            self.equals.is_some() && measure != Measure::Up,
            "`equals` says when a service is up; leave `measure` out",
        );
        add(
            has_pointer && self.equals.is_none() && measure != Measure::Value,
            "`pointer` is for `measure: value`, or to be compared with `equals`",
        );
        let first = self.url.parts.first();
        let plain = matches!(first, Some(Part::Literal(start)) if start.starts_with("http://"));
        add(
            measure == Measure::CertificateDays && plain,
            "`certificate_days` needs a URL that starts with `https://`",
        );
        add(measure != Measure::Value && self.unit != HttpUnit::Count, "`unit` is for `measure: value`");
        add(
            self.body.is_some() && self.method == HttpMethod::Get,
            "`body` is sent by a `POST` alone; write `method: POST`",
        );
        complaints
    }
}

/// A question that could not be asked as it was written: a missing secret, a forbidden address.
fn is_ours(reason: &Reason) -> bool {
    reason.cause == Cause::Invalid && reason.status.is_none()
}

fn latency(fetched: &Fetched) -> Reading {
    let seconds = Number::finite(fetched.latency.as_secs_f64()).unwrap_or(Number::Int(0));
    Reading::new(seconds, Unit::Seconds).fact("status", fetched.status)
}

fn certificate_days(now: Time, answers: &[Result<Response, Reason>]) -> Result<Reading, Reason> {
    let over = match answers.first() {
        Some(Ok(Response::Expired(over))) => *over,
        _ => fetched(answers, 0)?.not_after.ok_or_else(|| {
            Reason::new(Cause::Malformed, "it showed no certificate whose end could be read")
        })?,
    };
    let days = (over - now).num_minutes() as f64 / 1440.0;
    let days = Number::finite((days * 10.0).floor() / 10.0).unwrap_or(Number::Int(0));
    Ok(Reading::new(days, Unit::Count).fact("not_after", over.format("%Y-%m-%d %H:%M UTC").to_string()))
}

/// Numbers, numbers as text (also `80%`), and yes or no.
pub fn number_of(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(flag) => Some(Number::Int((*flag).into())),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(Number::Int(whole)),
            None => Number::finite(number.as_f64()?),
        },
        Value::String(text) => amount::number(text.trim().trim_end_matches('%').trim_end()).ok(),
        _ => None,
    }
}

fn text_of(value: &Value) -> Result<String, Reason> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Null => Ok(value.to_string()),
        _ => Err(Reason::new(Cause::Malformed, format!("what `equals` is about is {}", kind_of(value)))),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number too large to be one",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl Check for Http {
    fn scale(&self) -> Scale {
        match (self.measured(), self.unit) {
            (Measure::Up, _) => Scale::Liveness,
            (Measure::Value, HttpUnit::Percent) => Scale::Percent,
            (Measure::Value, _) => Scale::Amount(self.unit()),
            (Measure::Latency, _) => Scale::Amount(Unit::Seconds),
            (Measure::Status | Measure::CertificateDays, _) => Scale::Amount(Unit::Count),
        }
    }

    /// What is much, or slow, only the author knows.
    fn defaults(&self) -> Defaults {
        let levels = match self.measured() {
            Measure::Up => vec![(Level::Critical, "down for 1m")],
            Measure::CertificateDays => vec![(Level::Warning, "below 14"), (Level::Critical, "below 3")],
            Measure::Value | Measure::Latency | Measure::Status => Vec::new(),
        };
        Defaults { levels, no_data: Some(Missing::KEEP), absent: None }
    }

    fn elsewhere(&self) -> Option<String> {
        Some(self.host())
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = complaint_about_url("url", &self.url).into_iter().collect();
        complaints.extend(self.complaints_about_measure());
        let secret = ["authorization", "cookie", "key", "password", "secret", "token"];
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            if secret.iter().any(|word| lower.contains(word)) {
                complaints.extend(complaint_about_secret(name, value));
            }
            if self.auth.is_some() && lower == "authorization" {
                complaints.push(format!("header `{name}` and `auth` say the same twice; keep one"));
            }
        }
        complaints.extend(self.way().complaints());
        complaints
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        let mut fetch = self.way().get(self.url.clone());
        for (name, value) in &self.headers {
            fetch.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            fetch.headers.push((name.clone(), value.clone()));
        }
        if self.method == HttpMethod::Post {
            fetch.method = fetch::Method::Post;
        }
        fetch.body = self.body.clone();
        vec![Query::fetch(fetch)]
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        let seen = self.look(look, answers).map(|finding| Observation::one(Entity::empty(), finding));
        (seen.unwrap_or_else(undecided), memory)
    }

    fn advise(&self, _: &Entity, reading: &Reading) -> Advice {
        words::advise(&self.host(), self.measured(), reading)
    }
}

#[cfg(test)]
pub(super) mod tests;
