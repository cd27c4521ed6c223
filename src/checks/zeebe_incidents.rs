mod open;
mod record;

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    open::{Group, Incidents, Open},
    record::Kind,
};
use super::{
    Advice, Check, Defaults, Look, Memory,
    common::{
        complaint_about_index, counted,
        documents::is_field,
        found, page,
        trail::{Trail, Way},
        undecided,
    },
};
use crate::model::{
    Cause, Entity, Finding, Level, Number, Observation, Others, Reading, Reason, Scale, Time, Unit, Window,
    filter::Filter,
    policy::Missing,
    query::{Order, Page, Query, Response, Search},
    span::Span,
};

/// How many incidents are open in Zeebe (Camunda 8), by process, element, error type and tenant.
///
/// Read from the records that Zeebe's Elasticsearch exporter writes, each once, in the order of `sequence` within each partition;
/// the first look reads all that are kept. An incident is open from `CREATED` to `RESOLVED`, also where its process instance was
/// cancelled. Resolving that fails writes `RESOLVED` and a new `CREATED` at the same instant, so what is resolved counts as open for
/// `hold` longer, by the time of the record: what was resolved before that is not open, however late it is read. An incident that was
/// migrated is open where it is now. One whose records were all deleted before the first look is not known. Of more than 50,000 open
/// incidents the others are counted, but not known one by one; of more than 2,000 groups the others are one.
///
/// As one-off events, `CREATED` only, incidents are told by `documents`. That the exporter is alive is what a canary proves: a process
/// with a timer that raises an incident, and a `heartbeat` that waits for it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZeebeIncidents {
    /// The exporter's indices of incidents, or their alias.
    pub index: String,
    /// Which records: a query object, or a string in Lucene query-string syntax. Left out: all.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// The number that grows within each partition; for exporters before 8.3, which have none, `position`. Every version writes that one, so it
    /// is also what finds incidents from before an upgrade: a record without the number is not seen.
    #[serde(default = "sequence")]
    pub sequence: String,
    /// So long an incident that was resolved still counts as open, by the time of the record.
    #[serde(default = "five_seconds")]
    pub hold: Span,
}

fn sequence() -> String {
    "sequence".to_owned()
}

const fn five_seconds() -> Span {
    Span::seconds(5)
}

const TIME: &str = "timestamp";
const PARTITION: &str = "partitionId";
const PAGE: usize = 2000;
/// Records become visible in order but where a day's index follows another; so long late ones are looked for.
const OVERLAP: Duration = Duration::from_secs(60);

/// What is remembered from look to look.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    trail: Trail,
    open: Open,
    /// There was no index of incidents.
    missing: bool,
}

impl ZeebeIncidents {
    pub const EXAMPLE: &str = "zeebe_incidents: { index: \"zeebe-record_incident_*\" }";

    fn order(&self) -> Order {
        Order::Sequence { field: self.sequence.clone(), partition: PARTITION.to_owned() }
    }

    fn kept(memory: &Memory) -> Kept {
        serde_json::from_value(memory.0.clone()).unwrap_or_default()
    }

    fn way<'a>(&'a self, look: &Look) -> Way<'a> {
        Way { index: &self.index, time_field: TIME, order: self.order(), until: look.window.end, size: PAGE }
    }

    fn next(&self, look: &Look, trail: &Trail) -> Page {
        let page = trail.next(self.way(look));
        Page { filter: self.filter.clone(), source: source(), ..page }
    }

    /// What is newer than all that was seen: where its number is not, the broker was begun anew.
    fn newer(&self, look: &Look, trail: &Trail) -> Option<Page> {
        let newest = Time::from_timestamp_nanos(trail.newest?) + TimeDelta::seconds(1);
        let page = Trail::from(Some(newest)).next(Way { size: 1, ..self.way(look) });
        Some(Page { filter: self.filter.clone(), source: source(), ..page })
    }

    /// Whether the exporter has written anything else: without an incident it makes no index of incidents. And whether it made one.
    fn anything_else(&self, look: &Look) -> Vec<Search> {
        let everything = self.index.replace("incident", "*");
        let all = |index: &String| Search {
            index: index.clone(),
            time_field: TIME.to_owned(),
            window: Window { start: Time::default(), end: look.window.end },
            filter: self.filter.clone().filter(|_| *index == self.index),
            counts: BTreeMap::new(),
            metrics: BTreeMap::new(),
            per: Vec::new(),
        };
        if everything == self.index { Vec::new() } else { [&everything, &self.index].map(all).into() }
    }

    fn look(&self, look: &Look, answers: &[Result<Response, Reason>], kept: &mut Kept) -> Result<(), Reason> {
        if let (true, Ok(newer)) = (kept.trail.newest.is_some(), page(answers, 1)) {
            for document in &newer.documents {
                if kept.trail.has_passed(document) {
                    kept.trail.forget(document.partition);
                    kept.open.forget_partition(document.partition);
                    let text = "the numbers of the records begin anew: is it another broker?";
                    return Err(Reason::new(Cause::Lagging, text));
                }
            }
        }
        let page = match page(answers, 0) {
            Err(reason) if reason.cause == Cause::Missing && self.is_alive(answers, kept) => return Ok(()),
            Err(reason) => {
                kept.missing = reason.cause == Cause::Missing;
                return Err(self.in_words(reason));
            }
            Ok(page) => page,
        };
        kept.missing = false;
        let now = look.window.end.timestamp_millis();
        let horizon =
            TimeDelta::from_std(OVERLAP).map_or(look.window.end, |overlap| look.window.end - overlap);
        let hold = i64::try_from(self.hold.0.as_millis()).unwrap_or(i64::MAX);
        for document in kept.trail.take(page, horizon) {
            match record::of(document) {
                Kind::Record(record) => kept.open.fold(*record, now, hold),
                Kind::Unreadable => kept.open.unreadable += 1,
                Kind::Other => {}
            }
        }
        if kept.trail.more {
            return Err(Reason::new(Cause::Lagging, "still reading the incidents of before"));
        }
        kept.open.believe(now, hold, 10 * 60 * 1000);
        Ok(())
    }

    /// It writes, and has made no index of incidents. One that is there and lacks the sequence is another matter.
    fn is_alive(&self, answers: &[Result<Response, Reason>], kept: &Kept) -> bool {
        let at = usize::from(kept.trail.newest.is_some()) + 1;
        let groups =
            found(answers, at).map(|found| found.groups.values().map(|group| group.total).sum::<u64>());
        let nowhere = matches!(answers.get(at + 1), Some(Err(reason)) if reason.cause == Cause::Missing);
        nowhere && groups.is_ok_and(|total| total > 0)
    }

    fn in_words(&self, reason: Reason) -> Reason {
        match reason.text.contains(&format!("`{}`", self.sequence)) && self.sequence == sequence() {
            true => {
                Reason { text: format!("{}; before 8.3 it is `sequence: position`", reason.text), ..reason }
            }
            false => reason,
        }
    }

    fn reading(&self, incidents: &Incidents, unreadable: u64) -> Reading {
        let count = incidents.count();
        let examples: Vec<String> = incidents.examples.iter().map(open::Example::words).collect();
        let mut reading = Reading::new(Number::count(count), Unit::Count).fact("open", count);
        if let Some(oldest) = incidents.examples.iter().map(|example| example.since).min() {
            reading =
                reading.fact("since", Time::from_timestamp_millis(oldest).unwrap_or_default().to_rfc3339());
        }
        reading = reading.fact("examples", examples);
        if incidents.more > 0 {
            reading = reading.fact("only_counted", incidents.more);
        }
        if unreadable > 0 {
            reading = reading.fact("records_without_a_key", unreadable);
        }
        reading
    }
}

/// What is read of a record: of its value all, for every version has names of its own.
fn source() -> Vec<String> {
    ["key", "intent", "recordType", "valueType", "value"].map(str::to_owned).to_vec()
}

impl Check for ZeebeIncidents {
    fn scale(&self) -> Scale {
        Scale::Amount(Unit::Count)
    }

    fn defaults(&self) -> Defaults {
        Defaults { levels: vec![(Level::Warning, "at least 1")], no_data: Some(Missing::KEEP), absent: None }
    }

    fn follows(&self) -> bool {
        true
    }

    fn has_more(&self, memory: &Memory) -> bool {
        memory.0["trail"]["more"] == true
    }

    fn groups(&self) -> Vec<String> {
        Group::LABELS.map(str::to_owned).to_vec()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = complaint_about_index(&self.index).into_iter().collect();
        if !is_field(&self.sequence) {
            complaints.push("`sequence` takes the name of a field, without `*`".to_owned());
        }
        complaints
    }

    /// The next records; whether there are newer ones with smaller numbers; and, where no index was found, whether there is any.
    fn queries(&self, look: &Look, memory: &Memory) -> Vec<Query> {
        let kept = Self::kept(memory);
        let mut queries = vec![Query::page(self.next(look, &kept.trail))];
        queries.extend(self.newer(look, &kept.trail).map(|page| Query::page(page).optional()));
        if kept.missing || kept.trail.newest.is_none() {
            queries
                .extend(self.anything_else(look).into_iter().map(|search| Query::search(search).optional()));
        }
        queries
    }

    fn read(
        &self,
        look: &Look,
        answers: &[Result<Response, Reason>],
        memory: Memory,
    ) -> (Observation, Memory) {
        let mut kept = Self::kept(&memory);
        let observation = match self.look(look, answers, &mut kept) {
            Err(reason) => undecided(reason),
            Ok(()) => {
                let unreadable = kept.open.unreadable;
                let finding = |(group, incidents): &(Group, Incidents)| {
                    (group.entity(), Finding::Value(self.reading(incidents, unreadable)))
                };
                let findings = kept.open.groups().map(finding).collect();
                Observation::Seen { findings, others: Others::Zero }
            }
        };
        (observation, Memory(serde_json::to_value(&kept).unwrap_or_default()))
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let label = |name: &str| entity.get(name).unwrap_or("?");
        let open = counted(reading.facts.count("open").unwrap_or(0), "incident");
        let (process, element) = (label("bpmnProcessId"), label("elementId"));
        let cause = format!("{open} of `{process}` at `{element}`: {}", label("errorType"));
        let next_step = match label("errorType") {
            "JOB_NO_RETRIES" => {
                "mend what the worker fails at, give its jobs retries, and resolve the incidents"
            }
            "EXTRACT_VALUE_ERROR" | "CONDITION_ERROR" | "IO_MAPPING_ERROR" => {
                "set the variables that the expression needs, and resolve the incidents in Operate"
            }
            "CALLED_ELEMENT_ERROR" => {
                "deploy the process that is called, and resolve the incidents in Operate"
            }
            _ => "look at the incidents in Operate, mend their cause, and resolve them",
        };
        Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
    }
}

#[cfg(test)]
pub(super) mod tests;
