//! The documents of a window: what every check over stored documents shares.

use std::{collections::BTreeMap, time::Duration};

use super::{Look, complaint_about_index};
use crate::model::{
    Cause, Number, Others, Reason, Time,
    filter::Filter,
    identity,
    query::{Group, Metric, Search, SearchAnswer},
    span::{self, Span},
    time::elapsed,
};

/// The newest document's date, inside a search.
pub const NEWEST: &str = "newest";

pub fn time_field() -> String {
    "@timestamp".to_owned()
}

/// Which documents a check is about, before any filter.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    pub index: &'a str,
    pub time_field: &'a str,
    pub window: Span,
    pub per: &'a [String],
    pub max_lag: Option<Span>,
}

impl Documents<'_> {
    /// A search over them: filter and numbers are still to be said. Where a lag matters, the newest date rides along.
    pub fn search(&self, look: &Look) -> Search {
        let newest = self.max_lag.map(|_| (NEWEST.to_owned(), Metric::Max(self.time_field.to_owned())));
        Search {
            index: self.index.to_owned(),
            time_field: self.time_field.to_owned(),
            window: look.window,
            filter: None,
            counts: BTreeMap::new(),
            metrics: newest.into_iter().collect(),
            per: self.per.to_vec(),
        }
    }

    /// The same as one whole, whatever the groups are: whether there was any document at all.
    pub fn whole(&self, look: &Look) -> Search {
        Search { per: Vec::new(), ..self.search(look) }
    }

    /// The same for those that match. Whether the pipeline lags is asked of all documents.
    pub fn matching(&self, look: &Look, filter: Option<&Filter>) -> Search {
        filtered(Documents { max_lag: None, ..*self }.search(look), filter)
    }

    /// What is true of groups that an answer does not name.
    pub fn others(&self) -> Others {
        if self.per.is_empty() { Others::Untouched } else { Others::NoData }
    }

    /// What is remembered belongs to this question only.
    pub fn mark(&self, filter: Option<&Filter>, more: &[String]) -> String {
        let filter = serde_json::to_string(&filter).unwrap_or_default();
        let (per, more) = (self.per.join("\n"), more.join("\n"));
        identity::fingerprint(&[self.index, self.time_field, &filter, &per, &more])
    }

    /// What it means that there is not one document.
    pub fn none(&self) -> String {
        format!("no documents in {} of `{}`", span::show(self.window.0), self.index)
    }

    /// A pipeline that lags must not read as health, nor as less trouble than there is.
    pub fn prove_that_they_are_fresh(&self, look: &Look, answer: &SearchAnswer) -> Result<(), Reason> {
        let Some(most) = self.max_lag else { return Ok(()) };
        let newest = |group: &Group| group.metrics.get(NEWEST).copied().flatten();
        let Some(newest) = answer.groups.values().filter_map(newest).max() else {
            let text = format!("no document has a date in `{}`", self.time_field);
            return Err(Reason::new(Cause::Missing, text));
        };
        let newest = as_date(newest)?;
        let lag = elapsed(newest, look.window.end);
        if lag <= most.0 {
            return Ok(());
        }
        let text = format!("newest document {} old, `max_lag` is {most}", old(lag));
        Err(Reason::new(Cause::Lagging, text))
    }

    /// What is wrong with it beyond its form.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = complaint_about_index(self.index).into_iter().collect();
        complaints.extend(complaint_about_everything(self.index));
        complaints.extend(self.complaint_about_times());
        let mut names = self.per.iter().map(String::as_str).chain([self.time_field]);
        if names.any(|name| !is_field(name)) {
            complaints.push("`time_field` and `per` take names of fields, without `*`".to_owned());
        }
        let twice = self.per.iter().enumerate().find(|(at, name)| self.per[..*at].contains(name));
        complaints.extend(twice.map(|(_, name)| format!("`per` names `{name}` twice")));
        complaints
    }

    fn complaint_about_times(&self) -> Option<String> {
        if self.window.0.is_zero() {
            return Some("`window` is 0; write how much time one look is about, like `15m`".to_owned());
        }
        let lag = self.max_lag.filter(|lag| lag.0.is_zero() || lag.0 >= self.window.0)?;
        Some(format!("`max_lag` {lag} has to lie between 0 and the window, {}", self.window))
    }
}

/// A date that rides along with a group as a metric.
pub fn date(group: &Group, name: &str) -> Result<Time, Reason> {
    let lacking = || Reason::new(Cause::Malformed, format!("a group lacks its `{name}` date"));
    as_date(group.metrics.get(name).copied().flatten().ok_or_else(lacking)?)
}

fn as_date(millis: Number) -> Result<Time, Reason> {
    let wrong = || Reason::new(Cause::Malformed, format!("`{millis}` is no date"));
    Time::from_timestamp_millis(millis.as_f64() as i64).ok_or_else(wrong)
}

/// A field's name: not empty, and no pattern.
pub fn is_field(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains('*')
}

/// `1,204 documents of service=shop`
pub fn documents_of(count: u64, entity: &crate::model::Entity) -> String {
    let documents = super::counted(count, "document");
    if entity.is_empty() { documents } else { format!("{documents} of {entity}") }
}

/// `21 min`, `40 s`, `2h 5m`.
fn old(lag: Duration) -> String {
    match lag.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        _ => span::show(lag),
    }
}

/// A rule reads what it is about, and never the engine's own indices.
fn complaint_about_everything(index: &str) -> Option<String> {
    let parts = index.split(',').map(str::trim).filter(|part| !part.starts_with('-'));
    for part in parts {
        let local = part.rsplit(':').next().unwrap_or(part).trim_start_matches('<');
        if matches!(local, "*" | "_all") {
            return Some(format!("`{part}` means every index there is; write a pattern like `http_logs_*`"));
        }
        if local.starts_with('.') && !local.starts_with(".ds-") {
            return Some(format!("`{part}` is a system index; a rule cannot read it"));
        }
    }
    None
}

/// What to filter by in a search, if anything.
pub fn filtered(search: Search, filter: Option<&Filter>) -> Search {
    Search { filter: filter.cloned(), ..search }
}
