mod table;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use self::table::Table;
use super::{
    Advice, Check, Look, Memory,
    common::{body, documents::time_field},
    metric::Measure,
};
use crate::model::{
    Cause, Entity, Finding, Observation, Others, Reading, Reason, Scale,
    query::{During, Esql as Question, Query, Response},
    span::{self, Span},
};

/// A query in ES|QL: one column of its table is judged, others name whose number it is. Elasticsearch 8.11 and newer.
///
/// The window is added as a filter beside the query. All rows are judged: a table that may have been cut off (1,000 rows by default, 10,000
/// at most) proves nothing, and neither does a partial one. A known entity that no row names has no data; a row whose value is null has
/// none either. A query without groups answers even where there are no documents: `COUNT(*)` is 0 then. Other columns become facts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Esql {
    /// The query, without a window: `FROM logs-* | STATS errors = COUNT(*) BY service`.
    pub query: String,
    /// The column that is judged, of numbers.
    pub value: String,
    /// The columns whose values say whose row it is, each judged by itself.
    #[serde(default)]
    pub per: Vec<String>,
    /// How much time one look is about. It ends exactly at the tick. Left out: the query says for itself what it is about.
    #[serde(default)]
    pub window: Option<Span>,
    /// The date field that the window is about.
    #[serde(default = "time_field")]
    pub time_field: String,
    /// What the number counts, for thresholds and messages: `count`, `percent`, `bytes`, `seconds`. Left out: a plain number.
    #[serde(default)]
    pub unit: Measure,
}

impl Esql {
    pub const EXAMPLE: &str = "esql: { query: \"FROM logs-* | WHERE level == \\\"error\\\" | STATS errors = COUNT(*) BY service.name\", window: 10m, value: errors, per: [service.name] }";

    fn ambiguous(&self, entity: &Entity, rows: usize) -> Reason {
        let text = if self.per.is_empty() {
            format!(
                "{rows} rows, and `per` names no column that tells them apart; name one, or end in `STATS` without `BY`"
            )
        } else {
            format!(
                "two rows are {entity}; group by the columns of `per`: `STATS … BY {}`",
                self.per.join(", ")
            )
        };
        Reason::new(Cause::Invalid, text)
    }

    fn finding(
        &self,
        table: &Table<'_>,
        row: &[serde_json::Value],
        (value, per): (usize, &[usize]),
    ) -> Finding {
        let number = match table::number(&self.value, &row[value]) {
            Ok(Some(number)) => number,
            Ok(None) => return Finding::NoData(format!("`{}` is null", self.value)),
            Err(reason) => return Finding::Unknown(reason),
        };
        let mut reading = Reading::new(number, self.unit.unit());
        for (at, name) in table.names().enumerate().filter(|(at, _)| *at != value && !per.contains(at)) {
            if !row[at].is_null() {
                reading = reading.fact(name, row[at].clone());
            }
        }
        if let Some(window) = self.window {
            reading = reading.fact("window", span::show(window.0));
        }
        Finding::Value(reading)
    }

    /// The index pattern after `FROM`, where it can be told.
    fn index(&self) -> Option<String> {
        let query = self.query.trim_start();
        let (command, rest) = query.split_once(char::is_whitespace)?;
        if !["from", "ts"].contains(&command.to_ascii_lowercase().as_str()) {
            return None;
        }
        let source = rest.split(['|', '[']).next()?;
        let end = source.to_ascii_lowercase().find(" metadata ").unwrap_or(source.len());
        let index: String = source.get(..end)?.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
        let plain = |c: char| c.is_alphanumeric() || "-_.*,:".contains(c);
        (!index.is_empty() && index.chars().all(plain)).then_some(index)
    }
}

fn one(findings: BTreeMap<Entity, Finding>) -> Observation {
    match findings.into_values().next() {
        Some(Finding::NoData(words)) => Observation::NoData(words),
        Some(Finding::Unknown(reason)) => Observation::Indeterminate(reason),
        Some(finding) => Observation::one(Entity::empty(), finding),
        None => Observation::NoData("the query answers without a row".to_owned()),
    }
}

impl Check for Esql {
    fn scale(&self) -> Scale {
        Scale::Amount(self.unit.unit())
    }

    fn window(&self) -> Option<Duration> {
        self.window.map(|window| window.0)
    }

    fn groups(&self) -> Vec<String> {
        self.per.clone()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.query.trim().is_empty() {
            complaints.push("`query` is empty; write one like `FROM logs-* | STATS n = COUNT(*)`".to_owned());
        }
        if self.value.trim().is_empty() || self.per.iter().any(|name| name.trim().is_empty()) {
            complaints.push("`value` and `per` take names of columns".to_owned());
        }
        if self.per.contains(&self.value) {
            complaints.push(format!("`{}` cannot be both the value and whose it is", self.value));
        }
        let twice = self.per.iter().enumerate().find(|(at, name)| self.per[..*at].contains(name));
        complaints.extend(twice.map(|(_, name)| format!("`per` names `{name}` twice")));
        if self.window.is_some_and(|window| window.0.is_zero()) {
            complaints.push("`window` is 0; write how much time one look is about, like `15m`".to_owned());
        }
        complaints
    }

    fn queries(&self, look: &Look, _: &Memory) -> Vec<Query> {
        let during = self.window.map(|_| During { time_field: self.time_field.clone(), window: look.window });
        vec![Query::esql(Question { query: self.query.clone(), index: self.index(), during })]
    }

    fn look(&self, _: &Look, answers: &[Result<Response, Reason>]) -> Result<Observation, Reason> {
        let table = Table::of(body(answers, 0)?)?;
        let value = table.number_column(&self.value)?;
        let per = self.per.iter().map(|name| table.column(name)).collect::<Result<Vec<usize>, Reason>>()?;
        let rows = table.rows()?;
        if rows.is_empty() {
            return Ok(Observation::NoData("the query answers without a row".to_owned()));
        }
        let mut findings = BTreeMap::new();
        for row in &rows {
            let labels = self.per.iter().zip(&per).map(|(name, at)| (name.clone(), table::label(&row[*at])));
            let entity = Entity::new(labels);
            if findings.insert(entity.clone(), self.finding(&table, row, (value, &per))).is_some() {
                return Err(self.ambiguous(&entity, rows.len()));
            }
        }
        if self.per.is_empty() {
            return Ok(one(findings));
        }
        Ok(Observation::Seen { findings, others: Others::NoData })
    }

    fn advise(&self, entity: &Entity, reading: &Reading) -> Advice {
        let whose = if entity.is_empty() { String::new() } else { format!(" of {entity}") };
        let value = reading.unit.show(reading.value);
        let over = reading.facts.text("window").map(|window| format!(" over {window}")).unwrap_or_default();
        let cause = format!("`{}`{whose} is {value}{over}", self.value);
        let next_step = "run the query by hand, without its `STATS`, and look at the rows behind it";
        Advice { cause: Some(cause), next_step: Some(next_step.to_owned()) }
    }
}

#[cfg(test)]
pub(super) mod tests;
