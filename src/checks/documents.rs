use std::time::Duration;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        complaint_about_index,
        documents::{is_field, time_field},
        page,
        trail::{Trail, Way},
        undecided,
    },
};
use crate::model::{
    Entity, Event, Facts, Finding, Level, Number, Observation, Reading, Reason, Scale, Time, Unit, event,
    filter::Filter,
    policy::Missing,
    query::{Document, Order, Query, Response},
    span::{self, Span},
    time::elapsed,
};

/// Every matching document as an event, told once to the sinks of the rule: logs, notifications, incidents.
///
/// A place in the stream of documents is remembered together with what was told, so each document is told at least once, in the
/// order of its time (and of `_seq_no` where that is equal), through restarts and outages; a sink that repeats a message after a crash
/// repeats its `event_id`, too. A sink that takes nothing holds the rule back: nothing is fetched that could not be kept, and
/// nothing is lost. `query_delay` is how long a document may take to become visible; one that takes longer is still found within
/// `overlap`, as long as no more than 10,000 documents came after it. A document that has no time, or one before 1970, is not seen.
///
/// What the rule measures is how far it is behind: by default it warns when that is more than 15 minutes, for 15 minutes. Events are
/// not withheld: one that a silence or a maintenance window covers, or that comes outside the hours of its route, is told to nobody.
/// `message` and `title` are filled in with the document as `facts`: `{{ facts.error.message }}`; the alert that the rule is behind has
/// words of its own. Services that call people open an
/// alert for each event, which somebody has to close.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    /// The date field that says when it happened.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// Which documents: a query object, or a string in Lucene query-string syntax. Left out: all.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Documents that carry a growing number come in its order: `{ field: sequence, partition: partitionId }`. Those that lack one of the two
    /// are not seen.
    #[serde(default)]
    pub sequence: Option<Sequence>,
    /// Where the first look begins: `now`, `beginning`, or so long ago, like `1h`.
    #[serde(default)]
    pub from: From,
    /// So long after a document one that is older may still become visible.
    #[serde(default = "minute")]
    pub overlap: Span,
    /// The level at which events are told.
    #[serde(default = "info")]
    pub level: Level,
    /// Fields that become labels of the event, for routes and silences.
    #[serde(default)]
    pub per: Vec<String>,
    /// The fields of a document that are told. Left out: all.
    #[serde(default)]
    pub fields: Vec<String>,
    /// How many documents are fetched at once.
    #[serde(default = "thousand")]
    pub page: usize,
}

/// A number that grows from document to document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// A whole number of up to 64 bits.
    pub field: String,
    /// The field of the partition within which it grows, a whole number, too.
    pub partition: String,
}

/// Where the first look begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Now,
    Beginning,
    Ago(Duration),
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.as_str() {
            "now" => Ok(Self::Now),
            "beginning" => Ok(Self::Beginning),
            other => Span::parse(other)
                .map(|span| Self::Ago(span.0))
                .map_err(|why| de::Error::custom(format!("{why}; or `now`, or `beginning`"))),
        }
    }
}

impl JsonSchema for From {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "From".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "`now`, `beginning`, or a duration like `1h`" })
    }
}

const fn minute() -> Span {
    Span::seconds(60)
}

const fn info() -> Level {
    Level::Info
}

const fn thousand() -> usize {
    1000
}

impl Documents {
    pub const EXAMPLE: &str =
        "documents: { index: \"kurrentdb-logs-*\", filter: \"log.level:(error OR fatal)\", from: 1h }";

    fn order(&self) -> Order {
        match &self.sequence {
            Some(Sequence { field, partition }) => {
                Order::Sequence { field: field.clone(), partition: partition.clone() }
            }
            None => Order::Time,
        }
    }

    /// What the last look left; a rule that had another order before begins anew where it is.
    fn trail(&self, look: &Look, memory: &Memory) -> Trail {
        let known = memory.0.get("trail").filter(|_| memory.0["order"] == self.order_name());
        let known = known.and_then(|trail| serde_json::from_value(trail.clone()).ok());
        known.unwrap_or_else(|| Trail::from(self.begin(look)))
    }

    fn begin(&self, look: &Look) -> Option<Time> {
        match self.from {
            From::Now => Some(look.window.end),
            From::Beginning => None,
            From::Ago(ago) => {
                Some(TimeDelta::from_std(ago).map_or(look.window.end, |ago| look.window.end - ago))
            }
        }
    }

    fn order_name(&self) -> String {
        match &self.sequence {
            Some(Sequence { field, partition }) => format!("{field} of {partition}"),
            None => self.time_field.clone(),
        }
    }

    fn remember(&self, trail: &Trail) -> Memory {
        let trail = serde_json::to_value(trail).unwrap_or_default();
        Memory(serde_json::json!({ "order": self.order_name(), "trail": trail }))
    }

    fn event(&self, document: &Document) -> Event {
        let mut fields = match &document.source {
            Some(Value::Object(fields)) => fields.clone(),
            _ => Map::from_iter([("left_out".to_owned(), "too large to be fetched".into())]),
        };
        let labels = self.per.iter().map(|name| {
            let value = event::field(&fields, name).map(as_label).unwrap_or_default();
            (name.clone(), value)
        });
        let entity = Entity::new(labels.collect::<Vec<_>>());
        fields.insert("_index".to_owned(), document.index.clone().into());
        fields.insert("_id".to_owned(), document.id.clone().into());
        let name = format!("{}\n{}", document.index, document.id);
        let at = Time::from_timestamp_nanos(document.at);
        Event::new(name, at, (self.level, entity), Facts(fields))
    }

    /// How far behind the tick it is.
    fn reading(&self, look: &Look, trail: &Trail, waits: bool) -> Observation {
        let newest = trail.newest.map(Time::from_timestamp_nanos);
        let behind = match newest.or(trail.since).filter(|_| trail.more) {
            Some(newest) => elapsed(newest, look.window.end),
            None => Duration::ZERO,
        };
        let mut reading =
            Reading::new(Number::count(behind.as_secs()), Unit::Seconds).fact("behind", span::show(behind));
        if let Some(newest) = newest {
            reading = reading.fact("newest", newest.to_rfc3339());
        }
        if waits {
            reading = reading.fact("waits", "its sinks take nothing more yet");
        }
        Observation::one(Entity::empty(), Finding::Value(reading))
    }

    fn horizon(&self, look: &Look) -> Time {
        TimeDelta::from_std(self.overlap.0).map_or(look.window.end, |overlap| look.window.end - overlap)
    }
}

/// A field's value as a label: the first, where there are several.
fn as_label(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(values) => values.first().map(as_label).unwrap_or_default(),
        other => other.to_string(),
    }
}

impl Check for Documents {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Seconds)
    }

    fn defaults(&self) -> Defaults {
        let no_data = Some(Missing::KEEP);
        Defaults { levels: vec![(Level::Warning, "above 15m for 15m")], no_data, absent: None }
    }

    fn follows(&self) -> bool {
        true
    }

    fn tells_events(&self) -> bool {
        true
    }

    fn has_more(&self, memory: &Memory) -> bool {
        memory.0["trail"]["more"] == true
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = complaint_about_index(&self.index).into_iter().collect();
        let mut names: Vec<&String> = [&self.time_field].into_iter().chain(&self.per).collect();
        names.extend(self.sequence.iter().flat_map(|sequence| [&sequence.field, &sequence.partition]));
        if names.iter().any(|name| !is_field(name)) {
            complaints
                .push("`time_field`, `per` and `sequence` take names of fields, without `*`".to_owned());
        }
        if !(1..=10_000).contains(&self.page) {
            complaints
                .push(format!("`page` is {}; Elasticsearch gives 1 to 10,000 documents at once", self.page));
        }
        complaints
    }

    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let way = Way {
            index: &self.index,
            time_field: &self.time_field,
            order: self.order(),
            until: look.window.end,
            size: self.page,
        };
        let mut page = self.trail(look, memory).next(way);
        page.filter.clone_from(&self.filter);
        if !self.fields.is_empty() {
            page.source = self.fields.iter().chain(&self.per).cloned().collect();
        }
        vec![Query::page(page)]
    }

    fn events(&self, look: &Look, answers: &[Result<Response, Reason>], memory: &Memory) -> Vec<Event> {
        let Ok(page) = page(answers, 0) else { return Vec::new() };
        let mut trail = self.trail(look, memory);
        trail.take(page, self.horizon(look)).into_iter().map(|document| self.event(document)).collect()
    }

    fn held_back(&self, look: &Look, memory: &Memory) -> Observation {
        self.reading(look, &self.trail(look, memory), true)
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        let mut trail = self.trail(look, &memory);
        let seen = match page(answers, 0) {
            Ok(page) => {
                trail.take(page, self.horizon(look));
                self.reading(look, &trail, false)
            }
            Err(reason) => undecided(reason),
        };
        (seen, self.remember(&trail))
    }

    fn advise(&self, _: &Entity, reading: &Reading) -> Advice {
        let behind = reading.facts.text("behind").unwrap_or("some time");
        let waits = reading.facts.text("waits").is_some();
        let cause = format!("documents of `{}` are told {behind} late", self.index);
        let next_step = if waits {
            "find out why a sink of this rule takes nothing: `highwater sinks`".to_owned()
        } else {
            "narrow `filter`, or tell fewer sinks: more documents come than can be told".to_owned()
        };
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
