mod known;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use self::known::Known;
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        documents::{Documents, NEWEST, date, documents_of, filtered, is_field, time_field},
        found, undecided,
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Time, Unit, Window,
    filter::Filter,
    query::{Metric, Query, Response, Search, SearchAnswer},
    span::{self, Span},
};

/// A value that a field, or a combination of values that several fields, never had before.
///
/// The first look learns what there was in the `history` before its window; from then on, what was seen is remembered, over restarts
/// too, and a value that no document had for as long as `history` is new again. Where the history holds no value at all, the first
/// look only learns: there is nothing to be new against.
///
/// Each new value is an alert of its own, whose reading is the number of its documents in the window. It ends, in green, once the
/// window holds none of them or the value has been known for `known_after`; until it is forgotten it is not told again. Several
/// fields are one combination: for each of them by itself, write a rule for each. A window without any document, whatever the filter,
/// is no data of the whole rule.
///
/// Nothing between two looks is missed, however long nobody looked: the next one asks from where the last one ended. At most 60,000
/// values are remembered; beyond that the look is indeterminate and says so, and none is forgotten before its time. A window in
/// which documents came but none of them has the fields proves nothing either: filter for those that have them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTerm {
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
    /// The field whose values are watched, or several, whose combinations are.
    pub fields: Vec<String>,
    /// How far back the first look learns, and how long a value without documents stays known.
    #[serde(default = "month")]
    pub history: Span,
    /// How long a value counts as new. Left out: as long as the window.
    #[serde(default)]
    pub known_after: Option<Span>,
    /// When the newest document of the window, whatever the filter, is older than this, the pipeline lags and the look proves nothing.
    #[serde(default)]
    pub max_lag: Option<Span>,
}

/// The oldest document's date, inside the search.
const FIRST: &str = "first";
/// The history is learnt in parts, each with a deadline of its own.
const MOST_PARTS: u32 = 10;
const DAY: Duration = Duration::from_secs(86_400);

fn month() -> Span {
    Span(DAY * 30)
}

impl NewTerm {
    pub const EXAMPLE: &str = "new_term: { index: \"audit-*\", window: 10m, filter: { term: { \"event.action\": login } }, fields: [user.name, source.country], history: 30d }";

    fn documents(&self) -> Documents<'_> {
        let Self { index, time_field, fields, .. } = self;
        Documents { index, time_field, window: self.window, per: fields, max_lag: self.max_lag }
    }

    fn mark(&self) -> String {
        self.documents().mark(self.filter.as_ref(), &[])
    }

    fn known(&self, memory: &Memory) -> Option<Known> {
        Known::read(memory, &self.mark())
    }

    /// The values of some time, and when each was seen.
    fn terms(&self, look: &Look, window: Window) -> Search {
        let field = &self.time_field;
        let first = (FIRST.to_owned(), Metric::Min(field.clone()));
        let newest = (NEWEST.to_owned(), Metric::Max(field.clone()));
        let search = filtered(self.documents().search(look), self.filter.as_ref());
        Search { window, metrics: [first, newest].into(), ..search }
    }

    /// The history before the window, in parts.
    fn history(&self, look: &Look) -> Vec<Window> {
        let Window { start: begin, end } = look.window;
        let start = end - self.history.0;
        let length = self.history.0.saturating_sub(self.window.0);
        let parts =
            u32::try_from(length.as_secs() / DAY.as_secs()).unwrap_or(MOST_PARTS).clamp(1, MOST_PARTS);
        let edge = |at: u32| if at == parts { begin } else { start + length * at / parts };
        (0..parts).map(|at| Window { start: edge(at), end: edge(at + 1) }).collect()
    }

    fn look(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: &Memory,
    ) -> Result<(Observation, Memory), Reason> {
        let (terms, all) = (found(answers, 0)?, found(answers, 1)?);
        let any = all.groups.values().any(|group| group.total > 0);
        if any {
            self.documents().prove_that_they_are_fresh(look, all)?;
        }
        let mut known = match self.known(memory) {
            Some(known) => known,
            None => self.learn(look, answers)?,
        };
        known.forget(look.window.end, self.history.0);
        let findings = self.findings(look, terms, &mut known)?;
        let remembered = known.write(&self.mark(), look.window.end).ok_or_else(|| self.too_many())?;
        if !any && findings.is_empty() {
            let nothing = Finding::NoData(self.documents().none());
            let findings = BTreeMap::from([(Entity::empty(), nothing)]);
            return Ok((Observation::Seen { findings, others: Others::Over }, remembered));
        }
        let findings = if findings.is_empty() { self.nothing_new(&known) } else { findings };
        Ok((Observation::Seen { findings, others: Others::Over }, remembered))
    }

    fn learn(&self, look: &Look, answers: &[Result<Response, Reason>]) -> Result<Known, Reason> {
        let mut known = Known::default();
        for at in 0..self.history(look).len() {
            let part = match found(answers, at + 2) {
                // Documents of that time do not have the fields: they may be younger than it.
                Err(reason) if reason.cause == Cause::Missing => continue,
                part => part?,
            };
            for (entity, group) in &part.groups {
                known.see(entity, date(group, NEWEST)?);
            }
        }
        known.learns = known.is_empty();
        Ok(known)
    }

    fn findings(
        &self,
        look: &Look,
        terms: &SearchAnswer,
        known: &mut Known,
    ) -> Result<BTreeMap<Entity, Finding>, Reason> {
        let known_after = self.known_after.unwrap_or(self.window).0;
        let mut findings = BTreeMap::new();
        known.keep_new_only(terms.groups.keys());
        for (entity, group) in &terms.groups {
            let (first, newest) = (date(group, FIRST)?, date(group, NEWEST)?);
            if known.is_new(entity, look.window.end, known_after) {
                findings.insert(entity.clone(), Finding::Value(self.reading(group.total, first)));
            }
            known.see(entity, newest);
        }
        known.learns = false;
        Ok(findings)
    }

    fn reading(&self, documents: u64, first: Time) -> Reading {
        Reading::new(Number::count(documents), Unit::Documents)
            .fact("documents", documents)
            .fact("first_seen", first.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
            .fact("window", span::show(self.window.0))
            .fact("history", span::show(self.history.0))
    }

    /// That everything is known is said of the whole: it ends an alert about no data.
    fn nothing_new(&self, known: &Known) -> BTreeMap<Entity, Finding> {
        let reading = Reading::new(Number::Int(0), Unit::Documents)
            .fact("documents", 0)
            .fact("known", known.len())
            .fact("window", span::show(self.window.0))
            .fact("history", span::show(self.history.0));
        BTreeMap::from([(Entity::empty(), Finding::Value(reading))])
    }

    fn too_many(&self) -> Reason {
        let (most, fields) = (Number::count(known::MOST as u64), self.fields.join("` and `"));
        let text = format!(
            "more than {most} different values of `{fields}` in {}: narrow the filter, or shorten `history`",
            self.history
        );
        Reason::new(Cause::Partial, text)
    }
}

impl Check for NewTerm {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Documents)
    }

    /// One document is enough to be new. What silence means, only the author knows.
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
        self.fields.clone()
    }

    fn complaints(&self) -> Vec<String> {
        let documents = Documents { per: &[], ..self.documents() };
        let mut complaints = documents.complaints();
        let twice = self.fields.iter().enumerate().any(|(at, name)| self.fields[..at].contains(name));
        if self.fields.is_empty() || twice || self.fields.iter().any(|name| !is_field(name)) {
            complaints.push("`fields` takes one or more different names of fields, without `*`".to_owned());
        }
        if self.history.0 <= self.window.0 {
            complaints.push(format!(
                "`history` {} has to be longer than the window, {}",
                self.history, self.window
            ));
        }
        if self.known_after.is_some_and(|span| span.0.is_zero()) {
            complaints.push("`known_after` is 0: nothing would ever be new".to_owned());
        }
        complaints
    }

    /// What came since the last look, and whether there was anything at all; the first look asks for the history, too.
    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let known = self.known(memory);
        let until = known.as_ref().and_then(Known::until);
        let window = look.window.reaching_back_to(until, self.history.0);
        let mut queries =
            vec![Query::search(self.terms(look, window)), Query::search(self.documents().whole(look))];
        if known.is_none() {
            queries.extend(self.history(look).into_iter().map(|part| Query::search(self.terms(look, part))));
        }
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
        let text = |name: &str| reading.facts.text(name).unwrap_or("its time").to_owned();
        let (window, history) = (text("window"), text("history"));
        let count = reading.facts.count("documents").unwrap_or(0);
        if count == 0 {
            let cause = format!("nothing in {window} is new in {history}");
            return Advice { cause: Some(cause), next_step: None };
        }
        let documents = documents_of(count, entity);
        let cause = format!(
            "{documents} in {window}, the first at {}, and none in {history} before",
            text("first_seen")
        );
        let next_step =
            format!("look at these documents in `{}`: is it expected, and who brought it?", self.index);
        Advice { cause: Some(cause), next_step: Some(next_step) }
    }
}

#[cfg(test)]
pub(super) mod tests;
