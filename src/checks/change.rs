mod known;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use self::known::{Changed, Known, States};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        documents::{Documents, NEWEST, date, filtered, is_field, time_field},
        found, undecided,
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Time, Unit,
    filter::Filter,
    query::{Metric, Query, Response, Search, SearchAnswer},
    span::{self, Span},
};

/// A field whose value is another than it was, for each entity by itself.
///
/// The newest value of each entity is remembered from look to look, over restarts too. The reading is how many other values its newer
/// documents had, so a value that changed and changed back within one look is seen as well; 0 where all is as it was. An alert
/// ends, in green, once the new value has stood for one `window`, or the window holds no document of the entity; its facts are the
/// value `before`, the one `after`, and when that was last seen. A window without any document, whatever the filter, is no data of the
/// whole rule. The values of several fields count together, and so do all values of a list.
///
/// An entity that was never seen has nothing to differ from, unless its window holds several values. Documents that arrive after
/// newer ones of their entity were judged change nothing. Nothing between two looks is missed, however long nobody looked. At most
/// 1 MiB is remembered, some 15,000 entities; beyond that the look is indeterminate and says so.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Index pattern, as Elasticsearch spells it: names, wildcards, exclusions, date math, remote clusters.
    pub index: String,
    /// The date field that the window is about.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// How much time one look is about. It ends exactly at the tick.
    pub window: Span,
    /// Which documents count at all: a query object, or a string in Lucene query-string syntax.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// The field whose value is watched, or several.
    pub fields: Vec<String>,
    /// Fields whose values make the entities, each judged by itself; a document that lacks one of them is of none. Left out: all documents are of one.
    #[serde(default)]
    pub per: Vec<String>,
    /// How long a value is remembered without a document of its entity: what comes later is no change.
    #[serde(default = "month")]
    pub within: Span,
    /// Documents without one of the `fields` are left out. `false`: that it is missing is a value, too.
    #[serde(default = "yes")]
    pub ignore_null: bool,
    /// When the newest document of the window, whatever the filter, is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

/// What a document without the field has.
const NONE: &str = "(none)";

fn month() -> Span {
    Span::seconds(30 * 86_400)
}

fn yes() -> bool {
    true
}

impl Change {
    pub const EXAMPLE: &str =
        "change: { index: \"deployments-*\", window: 10m, fields: [version], per: [service], within: 7d }";

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, per, .. } = self;
        Documents { index, time_field, window: self.window, per, max_lag: self.max_lag }
    }

    fn mark(&self) -> String {
        let more = [&self.fields[..], &[self.ignore_null.to_string()]].concat();
        self.documents().mark(self.filter.as_ref(), &more)
    }

    fn known(&self, memory: &Memory) -> Option<Known> {
        Known::read(memory, &self.mark())
    }

    /// Who had which values since the last look, and when last.
    fn values(&self, look: &Look, until: Option<Time>) -> Search {
        let newest = (NEWEST.to_owned(), Metric::Max(self.time_field.clone()));
        let search = filtered(self.documents().search(look), self.filter.as_ref());
        let window = look.window.reaching_back_to(until, self.within.0);
        let per = self.per.iter().chain(&self.fields).cloned().collect();
        Search { window, metrics: [newest].into(), per, ..search }
    }

    /// Who had documents without one of the fields.
    fn missing(&self, values: &Search) -> Search {
        let lacks = |field: &String| json!({ "bool": { "must_not": { "exists": { "field": field } } } });
        let lacking: Vec<_> = self.fields.iter().map(lacks).collect();
        let filter =
            json!({ "bool": { "should": lacking, "minimum_should_match": 1, "filter": self.filter } });
        let filter = if self.filter.is_some() { filter } else { json!({ "bool": { "should": lacking } }) };
        Search { filter: Some(Filter::new(filter)), per: self.per.clone(), ..values.clone() }
    }

    fn look(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: &Memory,
    ) -> Result<(Observation, Memory), Reason> {
        let all = found(answers, 1)?;
        let any = all.groups.values().any(|group| group.total > 0);
        let known = self.known(memory);
        let states = self.states(answers, known.is_some())?;
        if any {
            self.documents().prove_that_they_are_fresh(look, all)?;
        }
        let mut known = known.unwrap_or_default();
        known.forget(look.window.end, self.within.0);
        let findings = self.findings(look, states, &mut known);
        let remembered = known.write(&self.mark(), look.window.end).ok_or_else(|| self.too_much())?;
        let findings = match (findings.is_empty(), any) {
            (false, _) => findings,
            (true, true) => self.all_as_it_was(&known),
            (true, false) => [(Entity::empty(), Finding::NoData(self.documents().none()))].into(),
        };
        let others = if self.per.is_empty() { Others::Untouched } else { Others::Over };
        Ok((Observation::Seen { findings, others }, remembered))
    }

    /// The values of each entity by when they were last seen.
    fn states(
        &self,
        answers: &[Result<Response, Reason>],
        known: bool,
    ) -> Result<BTreeMap<Entity, States>, Reason> {
        let mut states = BTreeMap::new();
        match found(answers, 0) {
            Ok(values) => self.add(&mut states, values)?,
            // All documents lack the fields, which is a change where they had them once.
            Err(reason) if reason.cause == Cause::Missing && known && !self.ignore_null => {}
            Err(reason) => return Err(reason),
        }
        if !self.ignore_null {
            self.add(&mut states, found(answers, 2)?)?;
        }
        Ok(states)
    }

    fn add(&self, states: &mut BTreeMap<Entity, States>, answer: &SearchAnswer) -> Result<(), Reason> {
        for (labels, group) in answer.groups.iter().filter(|(_, group)| group.total > 0) {
            let value = match self.fields.as_slice() {
                [field] => labels.get(field).unwrap_or(NONE).to_owned(),
                fields => match part(labels, fields) {
                    none if none.is_empty() => NONE.to_owned(),
                    values => values.to_string(),
                },
            };
            let entity = part(labels, &self.per);
            let at = date(group, NEWEST)?;
            states.entry(entity).or_default().entry(at).or_default().insert(known::shortened(value));
        }
        Ok(())
    }

    fn findings(
        &self,
        look: &Look,
        states: BTreeMap<Entity, States>,
        known: &mut Known,
    ) -> BTreeMap<Entity, Finding> {
        let mut findings = BTreeMap::new();
        for (entity, states) in states {
            let had_changed = known.changed(&entity).is_some();
            known.see(&entity, states, look.window.end);
            known.settle(&entity, look.window.end, self.window.0);
            let changed = known.changed(&entity);
            if changed.is_some() || had_changed {
                let reading = self.reading(changed, known.value(&entity));
                findings.insert(entity, Finding::Value(reading));
            }
        }
        findings
    }

    fn reading(&self, changed: Option<&Changed>, value: &str) -> Reading {
        let count = changed.map_or(0, |changed| changed.others);
        let reading = Reading::new(Number::count(count), Unit::Count);
        let reading = match changed {
            None => reading,
            Some(Changed { before, after, when, .. }) => {
                let when = Time::from_timestamp_millis(*when).unwrap_or_default();
                let when = when.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                reading.fact("before", before.as_str()).fact("after", after.as_str()).fact("seen_at", when)
            }
        };
        let reading = reading.fact("field", self.fields.join(", ")).fact("value", value);
        reading.fact("window", span::show(self.window.0))
    }

    /// That nothing changed is said of the whole: it ends an alert about no data.
    fn all_as_it_was(&self, known: &Known) -> BTreeMap<Entity, Finding> {
        let reading = Reading::new(Number::Int(0), Unit::Count)
            .fact("field", self.fields.join(", "))
            .fact("known", known.len())
            .fact("window", span::show(self.window.0));
        BTreeMap::from([(Entity::empty(), Finding::Value(reading))])
    }

    fn too_much(&self) -> Reason {
        let text =
            "more than 1 MiB of entities and values to remember: narrow the filter, or shorten `within`";
        Reason::new(Cause::Partial, text)
    }
}

/// Some labels of an entity.
fn part(labels: &Entity, names: &[String]) -> Entity {
    Entity::new(names.iter().filter_map(|name| Some((name.as_str(), labels.get(name)?))))
}

impl Check for Change {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Count)
    }

    /// One other value is a change. What silence means, only the author knows.
    fn defaults(&self) -> Defaults {
        Defaults { levels: vec![(Level::Warning, "at least 1")], ..Defaults::default() }
    }

    fn window(&self) -> Option<Duration> {
        Some(self.window.0)
    }

    fn reaches_back(&self) -> bool {
        true
    }

    fn groups(&self) -> Vec<String> {
        self.per.clone()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = self.documents().complaints();
        let all: Vec<&String> = self.per.iter().chain(&self.fields).collect();
        let twice = self.fields.iter().any(|name| all.iter().filter(|other| **other == name).count() > 1);
        if self.fields.is_empty() || twice || self.fields.iter().any(|name| !is_field(name)) {
            let text = "`fields` takes one or more names of fields, without `*`, each once and not in `per`";
            complaints.push(text.to_owned());
        }
        if self.within.0 <= self.window.0 {
            complaints
                .push(format!("`within` {} has to be longer than the window, {}", self.within, self.window));
        }
        complaints
    }

    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let values = self.values(look, self.known(memory).and_then(|known| known.until()));
        let missing = (!self.ignore_null).then(|| Query::search(self.missing(&values)));
        let mut queries = vec![Query::search(values), Query::search(self.documents().whole(look))];
        queries.extend(missing);
        queries
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        match self.look(look, answers, &memory) {
            Ok(seen) => seen,
            Err(reason) => (undecided(reason), memory),
        }
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let text = |name: &str| reading.facts.text(name).unwrap_or("another value").to_owned();
        let whose = if entity.is_empty() { String::new() } else { format!(" of {entity}") };
        let field = text("field");
        if reading.facts.text("after").is_none() {
            let cause = format!("`{field}`{whose} is as it was");
            return Advice { cause: Some(cause), next_step: None };
        }
        let (before, after, when) = (text("before"), text("after"), text("seen_at"));
        let cause = if before == after {
            format!("`{field}`{whose} was `{before}`, changed, and was `{after}` again at {when}")
        } else {
            format!("`{field}`{whose} was `{before}`, and `{after}` at {when}")
        };
        let next_step =
            format!("find out who changed it, in the documents of `{}` around that time", self.index);
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
