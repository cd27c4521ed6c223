use std::collections::{BTreeMap, BTreeSet};

use super::Spike;
use crate::{
    checks::common::{
        found,
        numbers::{asking, value},
    },
    model::{
        Entity, Finding, Number, Reason, Window,
        query::{Group, Metric as Ask, Query, Response, Search},
    },
};

/// The window's documents and all documents are asked for first, then each part of the reference time.
const FIRST_PART: usize = 2;

/// A number of the window, against its mean over the parts of the reference time.
#[derive(Debug)]
pub struct Measured<'a> {
    pub spike: &'a Spike,
    /// `average of took_ms`
    pub words: String,
    pub ask: Ask,
}

impl Measured<'_> {
    pub fn queries(&self, matching: Search, all: Query, parts: Vec<Window>) -> Vec<Query> {
        let now = asking(matching, self.ask.clone());
        let parts = parts.into_iter().map(|window| Query::search(Search { window, ..now.clone() }));
        let parts: Vec<Query> = parts.collect();
        [Query::search(now), all].into_iter().chain(parts).collect()
    }

    /// Of every group that is there now, or was in a part in which there was anything at all.
    pub fn findings(
        &self,
        answers: &[Result<Response, Reason>],
        filled: &[u32],
    ) -> Result<BTreeMap<Entity, Finding>, Reason> {
        let now = &found(answers, 0)?.groups;
        let mut before = Vec::new();
        for at in 0..self.spike.buckets() {
            let part = found(answers, FIRST_PART + at as usize)?;
            if filled.contains(&at) {
                before.push(&part.groups);
            }
        }
        let groups: BTreeSet<&Entity> =
            now.keys().chain(before.iter().flat_map(|part| part.keys())).collect();
        let mut findings = BTreeMap::new();
        for entity in groups {
            let before = before.iter().map(|part| part.get(entity));
            findings.insert(entity.clone(), self.finding(now.get(entity), before)?);
        }
        Ok(findings)
    }

    fn finding<'g>(
        &self,
        now: Option<&Group>,
        before: impl Iterator<Item = Option<&'g Group>>,
    ) -> Result<Finding, Reason> {
        let (mut sum, mut parts) = (0.0, 0.0);
        for part in before {
            if let Some(value) = self.value(part)? {
                (sum, parts) = (sum + value, parts + 1.0);
            }
        }
        let (words, spike) = (&self.words, self.spike);
        let Some(current) = self.value(now)? else {
            return Ok(Finding::NoData(format!("no document of the window has a number for the {words}")));
        };
        let whole = if matches!(self.ask, Ask::Sum(_)) { spike.windows_in_a_bucket() } else { 1.0 };
        let reference = Number::finite(sum / parts * whole).map(Number::as_f64);
        let before = spike.reference.before;
        let Some(reference) = reference else {
            return Ok(Finding::NoData(format!("no {words} in the {before} before")));
        };
        let enough = spike.min_reference.map_or(reference > 0.0, |least| reference >= least);
        if !enough {
            let (reference, least) = (Number::Float(reference), spike.min_reference.unwrap_or(0.0));
            let text = format!(
                "the {words} in the {before} before is {reference}, too small beside `min_reference` {least}"
            );
            return Ok(Finding::NoData(text));
        }
        let documents = now.map_or(0, |group| group.total);
        let reading = spike.factored(current, reference).fact("metric", words.clone());
        let reading = reading.fact("current", current).fact("reference", reference);
        Ok(Finding::Value(spike.dated(reading.fact("documents", documents))))
    }

    /// What adds up is 0 where there is nothing; anything else is not known there.
    fn value(&self, group: Option<&Group>) -> Result<Option<f64>, Reason> {
        let value = group.map(value).transpose()?.flatten().map(Number::as_f64);
        let nothing = matches!(self.ask, Ask::Sum(_) | Ask::Cardinality(_)).then_some(0.0);
        Ok(value.or(nothing))
    }
}
