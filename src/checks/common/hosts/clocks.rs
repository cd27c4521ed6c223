//! Hosts whose clocks are wrong: they look silent, for their samples are dated outside of the window. They are named instead.
//!
//! A clock ahead is seen at once: nothing can be dated later than the look. A clock behind looks like silence until the newest sample of a
//! host, too old, is followed by newer ones that are too old as well; that takes two looks at the last hour, which come every ten minutes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{HOST, Hosts};
use crate::{
    checks::{Look, Memory},
    model::{
        Cause, Entity, Finding, Reason, Time, Window,
        query::{Metric, Query, Response, Search, SearchAnswer},
        span,
        time::{elapsed, floor_to},
    },
};

const NEWEST: &str = "newest";
/// Clocks differ by so much without being wrong.
const TOLERANCE: Duration = Duration::from_secs(60);
/// How far back a clock may be to be named.
const BACK: Duration = Duration::from_secs(3600);
const EVERY: Duration = Duration::from_secs(600);
/// Far enough for any clock, and a date for every engine.
const FOREVER: Duration = Duration::from_secs(20 * 365 * 86_400);
/// Hosts, or their file systems, that are remembered; a fleet in which more clocks are wrong has another problem.
const MOST: usize = 1_000;

/// What the last look back left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Back {
    /// When, in milliseconds.
    at: i64,
    /// Who has no sample in the window, and the newest one.
    stale: Vec<(Entity, i64)>,
    /// Those of them that go on sending, and by how many seconds they are behind.
    behind: Vec<(Entity, u64)>,
}

impl Back {
    fn of(memory: &Memory) -> Self {
        serde_json::from_value(memory.0.clone()).unwrap_or_default()
    }

    fn is_due(&self, look: &Look) -> bool {
        let now = look.window.end.timestamp_millis();
        now < self.at || now - self.at >= i64::try_from(EVERY.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Samples dated after the look, and, when it is time, those of the last hour before the window.
pub fn queries(hosts: &Hosts<'_>, look: &Look, memory: &Memory) -> Vec<Query> {
    let asked = floor_to(look.asked.max(look.window.end), TOLERANCE);
    let ahead = Window { start: asked + TOLERANCE * 2, end: asked + FOREVER };
    let mut queries = vec![newest(hosts, ahead)];
    if Back::of(memory).is_due(look) {
        let before = Window::ending(look.window.start, BACK);
        queries.push(newest(hosts, before));
    }
    queries
}

fn newest(hosts: &Hosts<'_>, window: Window) -> Query {
    let metrics = BTreeMap::from([(NEWEST.to_owned(), Metric::Max(hosts.time_field.to_owned()))]);
    let search = Search {
        index: hosts.index.to_owned(),
        time_field: hosts.time_field.to_owned(),
        window,
        filter: Some(hosts.filter()),
        counts: BTreeMap::new(),
        metrics,
        per: hosts.per(),
    };
    Query::search(search).optional()
}

/// The hosts that have no sample in the window for their clocks are wrong. `here` are those that have one.
pub fn read(
    hosts: &Hosts<'_>,
    look: &Look,
    here: &BTreeSet<&str>,
    (answers, memory): (&[Result<Response, crate::model::Reason>], Memory),
) -> (BTreeMap<Entity, Finding>, Memory) {
    let answer = |at: usize| answers.get(at)?.as_ref().ok()?.found();
    let mut back = Back::of(&memory);
    if let Some(before) = answer(2).filter(|_| back.is_due(look)) {
        back = look_back(look, &back, dated(hosts, before, here));
    }
    back.behind.retain(|(entity, _)| !here.contains(host_of(entity)));
    let mut skewed = BTreeMap::new();
    for (entity, seconds) in &back.behind {
        let (host, late) = (host_of(entity), span::show(Duration::from_secs(*seconds)));
        let text =
            format!("the samples of {host} come dated {late} late: its clock is behind, or they are held up");
        skewed.insert(entity.clone(), unknown(Cause::Lagging, text));
    }
    for (entity, newest) in answer(1).map(|ahead| dated(hosts, ahead, here)).unwrap_or_default() {
        let Some(newest) = Time::from_timestamp_millis(newest) else { continue };
        let (host, ahead) = (host_of(&entity), span::show(elapsed(look.asked, newest)));
        let text = format!("the clock of {host} is ahead: its newest sample is dated {ahead} from now");
        skewed.insert(entity, unknown(Cause::Malformed, text));
    }
    let memory = serde_json::to_value(&back).map(Memory).unwrap_or(memory);
    (skewed, memory)
}

fn unknown(cause: Cause, text: String) -> Finding {
    Finding::Unknown(Reason::new(cause, text))
}

fn host_of(entity: &Entity) -> &str {
    entity.get(HOST).unwrap_or_default()
}

/// The newest date of all that belongs to hosts that are not here, in milliseconds.
fn dated(hosts: &Hosts<'_>, answer: &SearchAnswer, here: &BTreeSet<&str>) -> Vec<(Entity, i64)> {
    let mut dated = Vec::new();
    for (entity, group) in &answer.groups {
        let entity = hosts.named(entity);
        let Some(newest) = group.metrics.get(NEWEST).copied().flatten() else { continue };
        if !entity.is_empty() && !here.contains(host_of(&entity)) {
            dated.push((entity, newest.as_f64() as i64));
        }
        if dated.len() == MOST {
            break;
        }
    }
    dated
}

fn look_back(look: &Look, last: &Back, stale: Vec<(Entity, i64)>) -> Back {
    let before: BTreeMap<&Entity, i64> =
        last.stale.iter().map(|(entity, newest)| (entity, *newest)).collect();
    let mut behind = Vec::new();
    for (entity, newest) in &stale {
        let goes_on = before.get(entity).is_some_and(|before| newest > before);
        let Some(newest) = Time::from_timestamp_millis(*newest).filter(|_| goes_on) else { continue };
        behind.push((entity.clone(), elapsed(newest, look.window.end).as_secs()));
    }
    Back { at: look.window.end.timestamp_millis(), stale, behind }
}
