//! Streams of samples, as hosts send them, shown to a check look by look; and what is told of them.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    checks::{Check, tests::look as any_look},
    model::{
        Condition, LevelPolicy, Policy, RuleState, Tick, Transition, Window,
        condition::{Bound, Op},
        policy::BlindPolicy,
        query::{Question, SearchAnswer},
        step,
    },
};

/// One sample: seconds after the start, and its number.
pub type Sample = (i64, f64);

/// A sample every ten seconds.
pub fn steadily(from: i64, to: i64, value: f64) -> Vec<Sample> {
    (from..to).step_by(10).map(|second| (second, value)).collect()
}

/// Complete answers: one host of four logical cores, five minutes of a tenth, a clock ahead and nobody behind.
pub fn healthy(mount: Option<&str>) -> Vec<Result<Response, Reason>> {
    let look = any_look();
    let mut entity = vec![("host.name", "web-1")];
    entity.extend(mount.map(|mount| ("system.filesystem.mount_point", mount)));
    let start = look.window.end - Duration::from_secs(900);
    let samples: Vec<Sample> = steadily(0, 900, 0.1);
    let groups = [(Entity::new(entity), group(&samples, start, 4.0))].into();
    let newest = (look.window.end + Duration::from_secs(7_200)).timestamp_millis();
    let metrics = BTreeMap::from([("newest".to_owned(), Some(Number::Int(newest)))]);
    let ahead = Group { total: 3, metrics, ..Group::default() };
    let ahead = SearchAnswer { groups: [(Entity::of("host.name", "web-9"), ahead)].into() };
    [SearchAnswer { groups }, ahead, SearchAnswer::default()]
        .map(|answer| Ok(Response::Search(answer)))
        .into()
}

fn group(samples: &[Sample], start: Time, cores: f64) -> Group {
    let values = || samples.iter().map(|(_, value)| *value);
    let number = |value: f64| Number::finite(value);
    let oldest = samples.iter().map(|(second, _)| *second).min();
    let newest = samples.iter().map(|(second, _)| *second).max();
    let dated = |second: Option<i64>| {
        second.map(|second| {
            Number::Int((start + Duration::from_secs(second.unsigned_abs())).timestamp_millis())
        })
    };
    let metrics = [
        (WORST, number(values().fold(f64::NEG_INFINITY, f64::max))),
        (BEST, number(values().fold(f64::INFINITY, f64::min))),
        (MEAN, number(values().sum::<f64>() / samples.len() as f64)),
        (OLDEST, dated(oldest)),
        ("newest", dated(newest)),
        (MOST_CORES, number(cores)),
        (LEAST_CORES, number(cores)),
    ];
    Group {
        total: samples.len() as u64,
        counts: [(SAMPLES.to_owned(), samples.len() as u64)].into(),
        metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

/// Hosts that send, and one rule about them that looks every 30 seconds.
pub struct Fleet<'a> {
    check: &'a dyn Check,
    /// As they are dated.
    samples: BTreeMap<Entity, Vec<Sample>>,
    /// By how many seconds a clock is ahead, where it is wrong.
    skew: BTreeMap<Entity, i64>,
    memory: Memory,
    state: RuleState,
    told: Vec<Transition>,
    policy: Policy,
}

impl<'a> Fleet<'a> {
    /// `above` as the rule's one level.
    pub fn new(check: &'a dyn Check, above: f64) -> Self {
        let bound = || Bound::Value(Number::finite(above).unwrap());
        let level = LevelPolicy {
            level: Level::Warning,
            when: Condition::new(Op::Above, bound()),
            clear: Condition::new(Op::AtMost, bound()),
            fire_after: Duration::ZERO,
            recover_after: Duration::ZERO,
        };
        let defaults = check.defaults();
        let policy = Policy {
            levels: vec![level],
            no_data: defaults.no_data.unwrap(),
            absent: defaults.absent.unwrap(),
            blind: BlindPolicy::default(),
            grouped: true,
            unit: check.scale().unit(),
        };
        Self {
            check,
            policy,
            samples: BTreeMap::new(),
            skew: BTreeMap::new(),
            memory: Memory::default(),
            state: RuleState::default(),
            told: Vec::new(),
        }
    }

    pub fn forgetting(mut self, after: Duration) -> Self {
        self.policy.absent.forget = Some(after);
        self
    }

    pub fn sends(mut self, entity: &Entity, samples: &[Vec<Sample>]) -> Self {
        self.samples.entry(entity.clone()).or_default().extend(samples.iter().flatten());
        self
    }

    pub fn skewed(mut self, entity: &Entity, seconds: i64) -> Self {
        self.skew.insert(entity.clone(), seconds);
        self
    }

    fn look(&self, second: i64) -> Look {
        let end = start() + Duration::from_secs(second.unsigned_abs());
        let window = Window::ending(end, self.check.window().unwrap());
        Look { window, asked: end + Duration::from_secs(30), ..any_look() }
    }

    /// What an engine would answer to a search: the documents of its window, of everybody, as far as they have been written.
    fn answer(&self, search: &Search, asked: Time) -> SearchAnswer {
        let mut groups = BTreeMap::new();
        for (entity, samples) in &self.samples {
            let skew = self.skew.get(entity).copied().unwrap_or(0);
            let within = |second: i64| {
                let at = start() + chrono::TimeDelta::seconds(second);
                at - chrono::TimeDelta::seconds(skew) <= asked
                    && search.window.start <= at
                    && at < search.window.end
            };
            let within: Vec<Sample> = samples.iter().copied().filter(|(second, _)| within(*second)).collect();
            if within.is_empty() {
                continue;
            }
            let labels = search.per.iter().filter_map(|field| Some((field.clone(), entity.get(field)?)));
            groups.insert(Entity::new(labels), group(&within, start(), 4.0));
        }
        SearchAnswer { groups }
    }

    pub fn observe(&mut self, second: i64) -> Observation {
        let look = self.look(second);
        let queries = self.check.queries(&look, &self.memory);
        let answers: Vec<Result<Response, Reason>> = queries
            .iter()
            .map(|query| match &query.question {
                Question::Search(search) => Ok(Response::Search(self.answer(search, look.asked))),
                other => panic!("{other:?}"),
            })
            .collect();
        let (seen, memory) = self.check.read(&look, &answers, std::mem::take(&mut self.memory));
        self.memory = memory;
        seen
    }

    /// Looks every 30 seconds from `from` to `to`, and steps the state machine.
    pub fn looks(&mut self, from: i64, to: i64) -> &mut Self {
        for second in (from..=to).step_by(30) {
            let seen = self.observe(second);
            let tick = Tick::new(self.look(second).window.end, Duration::from_secs(120));
            let stepped = step(&self.policy, std::mem::take(&mut self.state), &seen, false, tick);
            self.state = stepped.state;
            self.told.extend(stepped.transitions);
        }
        self
    }

    /// `6:30 fired web-1`
    pub fn story(&self) -> Vec<String> {
        let line = |told: &Transition| {
            let seconds = (told.at - start()).num_seconds();
            let ending = told.ending.map(|ending| format!(" {}", ending.name())).unwrap_or_default();
            format!(
                "{}:{:02} {} {}{ending}",
                seconds / 60,
                seconds % 60,
                told.kind.name(),
                whose(&told.entity)
            )
        };
        self.told.iter().map(line).collect()
    }
}

fn start() -> Time {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub fn web() -> Entity {
    Entity::of("host.name", "web-1")
}

fn memory() -> crate::checks::HostMemory {
    serde_saphyr::from_str("{}").unwrap()
}

fn unknown(seen: &Observation, host: &str) -> String {
    let Observation::Seen { findings, .. } = seen else { panic!("{seen:?}") };
    match &findings[&Entity::of(HOST, host)] {
        Finding::Unknown(reason) => reason.text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_whose_samples_stop_is_a_finding_of_its_own_and_ends_when_they_are_back() {
    let check = memory();
    let other = Entity::of("host.name", "web-2");
    let mut fleet = Fleet::new(&check, 90.0)
        .sends(&web(), &[steadily(0, 600, 0.5), steadily(1_500, 2_400, 0.5)])
        .sends(&other, &[steadily(0, 2_400, 0.5)]);
    fleet.looks(300, 2_400);
    assert_eq!(fleet.story(), ["15:00 fired web-1", "30:00 resolved web-1 cleared"]);
    let words = check.advise_of_silence(&Entity::of(HOST, "web-1"));
    assert_eq!(words.cause.unwrap(), "no sample of web-1 in `metricbeat-*` for 5m");
}

#[test]
fn a_host_that_never_comes_back_is_forgotten_after_a_week() {
    let check = memory();
    let other = Entity::of("host.name", "web-2");
    let mut fleet = Fleet::new(&check, 90.0)
        .sends(&web(), &[steadily(0, 600, 0.5)])
        .sends(&other, &[steadily(0, 900, 0.5)]);
    fleet.looks(300, 900);
    let week = 7 * 86_400;
    let mut fleet = fleet.sends(&other, &[steadily(week, week + 900, 0.5)]);
    fleet.looks(week + 600, week + 600).looks(week + 900, week + 900);
    assert_eq!(fleet.story(), ["15:00 fired web-1", "10095:00 resolved web-1 vanished"]);
}

#[test]
fn where_nobody_sends_any_more_the_pipeline_gets_a_while_before_all_are_told() {
    let check = memory();
    let mut fleet =
        Fleet::new(&check, 90.0).sends(&web(), &[steadily(0, 600, 0.5), steadily(1_000, 2_000, 0.5)]);
    fleet.looks(300, 1_000);
    assert_eq!(fleet.story(), [""; 0]);
    assert!(matches!(fleet.observe(900), Observation::NoData(_)));
    let mut gone = Fleet::new(&check, 90.0).sends(&web(), &[steadily(0, 600, 0.5)]);
    gone.looks(300, 1_500);
    assert_eq!(gone.story(), ["20:00 fired web-1"]);
}

#[test]
fn a_clock_ahead_is_named_and_is_neither_silence_nor_health() {
    let check = memory();
    let mut fleet = Fleet::new(&check, 90.0)
        .sends(&web(), &[steadily(7_200, 8_100, 0.99)])
        .skewed(&web(), 7_200)
        .sends(&Entity::of("host.name", "web-2"), &[steadily(0, 900, 0.5)]);
    let words = unknown(&fleet.observe(300), "web-1");
    assert!(words.starts_with("the clock of web-1 is ahead: its newest sample is dated 2h"), "{words}");
    fleet.looks(300, 900);
    assert_eq!(fleet.story(), [""; 0]);
}

#[test]
fn samples_between_a_late_look_and_now_are_no_clock_that_is_wrong() {
    let check = memory();
    let fleet = Fleet::new(&check, 90.0).sends(&web(), &[steadily(300, 2_400, 0.5)]);
    let asked = start() + Duration::from_secs(2_400);
    let ahead = |look: &Look| {
        let queries = check.queries(look, &Memory::default());
        let Question::Search(ahead) = &queries[1].question else { unreachable!() };
        fleet.answer(ahead, asked).groups.len()
    };
    // the tick of 5:00, asked at 40:00 after an outage of ours; and the same by a clock that says 5:30
    assert_eq!(ahead(&Look { asked, ..fleet.look(300) }), 0);
    assert_eq!(ahead(&fleet.look(300)), 1);
}

#[test]
fn a_clock_behind_is_told_from_silence_once_it_goes_on() {
    let check = memory();
    let (silent, well) = (Entity::of("host.name", "web-2"), Entity::of("host.name", "web-3"));
    let mut fleet = Fleet::new(&check, 90.0)
        .sends(&web(), &[steadily(0, 6_000, 0.5)])
        .skewed(&web(), -720)
        .sends(&silent, &[steadily(0, 100, 0.5)])
        .sends(&well, &[steadily(0, 6_000, 0.5)]);
    for second in (900..=2_100).step_by(30) {
        let seen = fleet.observe(second);
        let Observation::Seen { findings, .. } = &seen else { panic!("{seen:?}") };
        let named = findings.contains_key(&Entity::of(HOST, "web-1"));
        assert_eq!(named, second >= 1_500, "{second}: {seen:?}");
        assert!(!findings.contains_key(&Entity::of(HOST, "web-2")), "{second}");
        if named {
            assert!(unknown(&seen, "web-1").starts_with("the samples of web-1 come dated 11m"), "{seen:?}");
        }
    }
}

#[test]
fn documents_of_other_sets_of_containers_and_of_ignored_types_are_not_asked_for() {
    let check: crate::checks::HostDisk =
        serde_saphyr::from_str("{ filter: \"host.name:db-*\", container_fields: [container.id] }").unwrap();
    let queries = check.queries(&any_look(), &Memory::default());
    let Question::Search(search) = &queries[0].question else { unreachable!() };
    let filter = &search.filter.as_ref().unwrap().query()["bool"];
    assert_eq!(filter["filter"][0], json!({ "term": { "event.dataset": "system.filesystem" } }));
    assert_eq!(filter["filter"][1]["query_string"]["query"], "host.name:db-*");
    assert_eq!(filter["must_not"][0], json!({ "exists": { "field": "container.id" } }));
    assert_eq!(filter["must_not"][1]["terms"]["system.filesystem.type"][0], "squashfs");
    assert_eq!(search.per, ["host.name", "system.filesystem.mount_point"]);
}

#[test]
fn what_cannot_be_read_of_one_host_is_unknown_and_blinds_no_other() {
    let check = memory();
    let look = any_look();
    let answer = |host: &str, group: Group| {
        let groups = [(Entity::of("host.name", host), group)];
        let observed = check.read(
            &look,
            &[Ok(Response::Search(SearchAnswer { groups: groups.into() }))],
            Memory::default(),
        );
        unknown(&observed.0, host)
    };
    assert_eq!(
        answer("web-1", Group { total: 12, ..Group::default() }),
        "none of 12 documents has a number in `system.memory.actual.used.pct`"
    );
}

#[test]
fn what_is_remembered_survives_whatever_the_store_holds() {
    let check = memory();
    for odd in [json!(null), json!("x"), json!({ "at": "soon" }), json!({ "stale": [1] })] {
        let (seen, _) = check.read(&any_look(), &healthy(None), Memory(odd.clone()));
        assert!(matches!(seen, Observation::Seen { .. }), "{odd}");
        assert_eq!(check.queries(&any_look(), &Memory(odd)).len(), 3);
    }
}
