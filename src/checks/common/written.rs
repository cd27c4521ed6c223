//! Documents that were written, and a search over them: an engine for tests, small enough to believe.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    checks::{Check, Look, Memory},
    model::{
        Entity, Number, Observation, Time, Window,
        query::{Group, Metric, Question, Response, Search, SearchAnswer},
    },
};

/// One document: when, and its fields. A field that is left out is missing.
#[derive(Clone, Debug)]
pub struct Document {
    pub at: Time,
    pub fields: BTreeMap<&'static str, String>,
}

impl Document {
    pub fn at(seconds: i64, fields: &[(&'static str, &str)]) -> Self {
        let fields = fields.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        Self { at: second(seconds), fields }
    }
}

/// A time so many seconds after some midnight.
pub fn second(seconds: i64) -> Time {
    "2026-11-20T00:00:00Z".parse::<Time>().unwrap() + chrono::TimeDelta::seconds(seconds)
}

pub fn look_at(seconds: i64, window: Duration) -> Look {
    let timeout = Duration::from_secs(10);
    let (window, asked) = (Window::ending(second(seconds), window), second(seconds));
    Look { cluster: "main".to_owned(), window, asked, timeout }
}

/// One look over what was written; what it remembers went through a store.
pub fn looked(check: &dyn Check, look: &Look, memory: Memory, written: &[Document]) -> (Observation, Memory) {
    let memory: Memory = serde_json::from_str(&serde_json::to_string(&memory).unwrap()).unwrap();
    let queries = check.queries(look, &memory);
    let answer = |question: &Question| match question {
        Question::Search(search) => Ok(Response::Search(answer(search, written))),
        other => panic!("{other:?}"),
    };
    let answers: Vec<_> = queries.iter().map(|query| answer(&query.question)).collect();
    check.read(look, &answers, memory)
}

fn answer(search: &Search, written: &[Document]) -> SearchAnswer {
    let mut groups: BTreeMap<Entity, Group> = BTreeMap::new();
    if search.per.is_empty() {
        groups.insert(Entity::empty(), none(search));
    }
    for document in written.iter().filter(|document| is_sought(search, document)) {
        let value = |name: &String| Some((name.clone(), document.fields.get(name.as_str())?.clone()));
        let Some(labels) = search.per.iter().map(value).collect::<Option<Vec<_>>>() else { continue };
        let group = groups.entry(Entity::new(labels)).or_insert_with(|| none(search));
        group.total += 1;
        for (name, metric) in &search.metrics {
            let at = Number::Int(document.at.timestamp_millis());
            let known = group.metrics.get(name).copied().flatten();
            let value = match metric {
                Metric::Max(_) => known.map_or(at, |known| known.max(at)),
                Metric::Min(_) => known.map_or(at, |known| known.min(at)),
                other => panic!("{other:?}"),
            };
            group.metrics.insert(name.clone(), Some(value));
        }
    }
    SearchAnswer { groups }
}

fn none(search: &Search) -> Group {
    let metrics = search.metrics.keys().map(|name| (name.clone(), None)).collect();
    Group { metrics, ..Group::default() }
}

/// The only filter that it knows is that a field is missing.
fn is_sought(search: &Search, document: &Document) -> bool {
    let Window { start, end } = search.window;
    let lacks = search.filter.as_ref().is_none_or(|filter| {
        let fields = filter.query()["bool"]["should"].as_array().unwrap();
        let lacking = |field: &serde_json::Value| {
            let name = field["bool"]["must_not"]["exists"]["field"].as_str().unwrap();
            !document.fields.contains_key(name)
        };
        fields.iter().any(lacking)
    });
    (start..end).contains(&document.at) && lacks
}
