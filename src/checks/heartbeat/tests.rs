use serde_json::json;

use super::{
    super::tests::{failed, look, observe, only_reading, reason, shown as told},
    *,
};
use crate::{
    checks::common::documents::NEWEST,
    model::{
        Finding, Number, Window,
        heartbeat::Pings,
        query::{Group, SearchAnswer},
    },
};

const CHECK: &str = "{ name: job, every: 5m, grace: 1m }";

fn check(text: &str) -> Heartbeat {
    serde_saphyr::from_str(text).unwrap()
}

fn at(clock: &str) -> Time {
    format!("2026-11-21T{clock}Z").parse().unwrap()
}

pub fn pings(alive: Option<&str>) -> Result<Response, Reason> {
    Ok(Response::Heartbeat(Pings { alive: alive.map(at), ..Pings::default() }))
}

/// A day of looks at one heartbeat, each with what it remembers.
struct Day {
    check: Heartbeat,
    memory: Memory,
    listening: Time,
}

impl Day {
    fn of(text: &str) -> Self {
        Self { check: check(text), memory: Memory::default(), listening: at("09:00:00") }
    }

    fn look(&mut self, clock: &str, pings: Pings) -> String {
        let pings = Pings { listening: Some(self.listening), ..pings };
        let look = Look { window: Window::ending(at(clock), Duration::ZERO), ..look() };
        let (seen, memory) = self.check.read(&look, &[Ok(Response::Heartbeat(pings))], self.memory.clone());
        self.memory = memory;
        let Observation::Seen { findings, .. } = seen else { panic!("{seen:?}") };
        match &findings[&Entity::of("heartbeat", "job")] {
            Finding::Value(reading) => reading.facts.text("state").unwrap().to_owned(),
            Finding::NoData(_) => "nobody knows".to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn alive(&mut self, clock: &str, alive: &str) -> String {
        self.look(clock, Pings { alive: Some(at(alive)), ..Pings::default() })
    }
}

#[test]
fn silence_fires_after_the_interval_and_its_grace_and_a_sign_ends_it() {
    let mut day = Day::of(CHECK);
    assert_eq!(day.alive("10:00:00", "10:00:00"), "alive");
    assert_eq!(day.alive("10:06:00", "10:00:00"), "alive");
    assert_eq!(day.alive("10:06:01", "10:00:00"), "silent");
    assert_eq!(day.alive("10:07:00", "10:06:30"), "alive");
}

#[test]
fn who_was_never_heard_is_waited_for_from_the_first_look_and_not_for_ever() {
    let mut day = Day::of(CHECK);
    assert_eq!(day.look("10:00:00", Pings::default()), "alive");
    assert_eq!(day.look("10:05:59", Pings::default()), "alive");
    assert_eq!(day.look("10:06:01", Pings::default()), "silent");
}

#[test]
fn a_sign_from_before_the_rule_does_not_make_it_fire_at_once() {
    let mut day = Day::of(CHECK);
    assert_eq!(day.alive("10:00:00", "09:01:00"), "alive");
    assert_eq!(day.alive("10:06:01", "09:01:00"), "silent");
}

#[test]
fn a_failure_fires_at_once_and_lasts_until_a_good_sign() {
    let mut day = Day::of(CHECK);
    let failed = Pings { alive: Some(at("10:00:00")), failed: Some(at("10:01:00")), ..Pings::default() };
    assert_eq!(day.look("10:01:00", failed.clone()), "failed");
    assert_eq!(day.look("10:03:00", Pings { started: Some(at("10:02:00")), ..failed }), "failed");
    assert_eq!(day.alive("10:04:00", "10:03:30"), "alive");
}

#[test]
fn a_start_without_an_end_fires_after_the_longest_run_and_is_no_sign_of_life() {
    let run =
        |alive: &str| Pings { alive: Some(at(alive)), started: Some(at("10:00:00")), ..Pings::default() };
    let mut day = Day::of("{ name: job, every: 1h, max_run: 10m }");
    assert_eq!(day.look("10:10:00", run("09:59:00")), "alive");
    assert_eq!(day.look("10:10:01", run("09:59:00")), "runs_too_long");
    let mut day = Day::of(CHECK);
    assert_eq!(day.look("10:00:00", run("09:59:00")), "alive");
    assert_eq!(day.look("10:06:01", run("09:59:00")), "silent");
}

#[test]
fn what_may_have_been_lost_while_nobody_listened_is_held_against_nobody() {
    let mut day = Day::of(CHECK);
    assert_eq!(day.alive("10:00:00", "10:00:00"), "alive");
    // away from 10:00 to 10:30, so that several were due
    day.listening = at("10:30:00");
    assert_eq!(day.alive("10:30:30", "10:00:00"), "nobody knows");
    assert_eq!(day.alive("10:35:59", "10:00:00"), "nobody knows");
    assert_eq!(day.alive("10:36:01", "10:00:00"), "silent");
}

#[test]
fn a_short_absence_in_which_nothing_was_due_postpones_nothing() {
    let mut day = Day::of(CHECK);
    assert_eq!(day.alive("10:00:00", "10:00:00"), "alive");
    assert_eq!(day.alive("10:01:00", "10:00:00"), "alive");
    day.listening = at("10:02:00");
    assert_eq!(day.alive("10:02:30", "10:00:00"), "alive");
    assert_eq!(day.alive("10:06:01", "10:00:00"), "silent");
}

#[test]
fn who_dies_after_an_absence_is_missed_in_time() {
    let mut day = Day::of(CHECK);
    day.alive("10:00:00", "10:00:00");
    day.listening = at("10:30:00");
    assert_eq!(day.alive("10:31:00", "10:30:10"), "alive");
    assert_eq!(day.alive("10:36:11", "10:30:10"), "silent");
}

#[test]
fn a_memory_that_is_not_ours_starts_anew() {
    let mut day = Day::of(CHECK);
    day.memory = Memory(json!({ "since": "yesterday" }));
    assert_eq!(day.look("10:00:00", Pings::default()), "alive");
}

fn from() -> Heartbeat {
    check(
        "{ from: { index: \"zeebe-record_incident_*\", filter: \"canary\", time_field: timestamp }, every: 1m }",
    )
}

fn matched(total: u64) -> Result<Response, Reason> {
    let newest =
        (total > 0).then(|| Number::Int((look().window.end - Duration::from_secs(9)).timestamp_millis()));
    let group = Group { total, metrics: [(NEWEST.to_owned(), newest)].into(), ..Group::default() };
    Ok(Response::Search(SearchAnswer { groups: [(Entity::empty(), group)].into() }))
}

#[test]
fn a_matching_document_never_fires_and_silence_does() {
    assert_eq!(only_reading(&observe(&from(), &[matched(3)])).value, Number::Int(0));
    assert_eq!(only_reading(&observe(&from(), &[matched(0), matched(3)])).value, Number::Int(1));
    let nobody = observe(&from(), &[Ok(Response::Search(SearchAnswer::default())), matched(3)]);
    assert_eq!(only_reading(&nobody).value, Number::Int(1));
    assert_eq!((from().window(), from().elsewhere()), (Some(Duration::from_secs(120)), None));
}

#[test]
fn of_whom_there_never_was_a_document_nothing_is_known_until_it_was_waited_for_from_the_first_look() {
    let check = from();
    let mut memory = Memory::default();
    let mut value = |seconds: u64, answers: &[u64]| {
        let end = look().window.end + Duration::from_secs(seconds);
        let look = Look { window: Window::ending(end, Duration::from_secs(120)), ..look() };
        let asked = check.queries(&look, &memory).len();
        assert_eq!(asked, answers.len(), "whether there ever was one is asked until there was");
        let answers: Vec<_> = answers.iter().map(|total| matched(*total)).collect();
        let (seen, after) = check.read(&look, &answers, memory.clone());
        memory = after;
        let Observation::Seen { findings, .. } = seen else { panic!("{seen:?}") };
        match &findings[&Entity::empty()] {
            Finding::Value(reading) => Some(reading.value == Number::Int(0)),
            Finding::NoData(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(value(0, &[0, 0]), None);
    assert_eq!(value(119, &[0, 0]), None);
    assert_eq!(value(120, &[0, 0]), Some(false));
    assert_eq!(value(150, &[1, 0]), Some(true));
    assert_eq!(value(300, &[0]), Some(false), "who was heard has had its time");
}

#[test]
fn a_cluster_that_cannot_be_asked_proves_no_silence() {
    let unknown = observe(&from(), &[matched(0), failed(Cause::Timeout, "why")]);
    assert_eq!(reason(&unknown).cause, Cause::Timeout);
    for cause in [Cause::Unreachable, Cause::Partial, Cause::Missing, Cause::Timeout] {
        assert_eq!(reason(&observe(&from(), &[failed(cause, "why")])).cause, cause);
    }
}

#[test]
fn what_cannot_work_is_complained_about() {
    let complaints = |text: &str| check(text).complaints().join("; ");
    for (text, words) in [
        ("{ every: 5m }", "needs a `name`"),
        ("{ name: a, from: { index: x }, every: 5m }", "keep one"),
        ("{ name: a/b, every: 5m }", "is no name of a heartbeat"),
        ("{ name: \"..\", every: 5m }", "is no name of a heartbeat"),
        ("{ name: a, every: 0s }", "`every` is 0"),
        ("{ name: a, every: 5m, max_run: 0s }", "`max_run` is 0"),
        ("{ from: { index: x }, every: 5m, max_run: 1m }", "`max_run` is for pings"),
        ("{ from: { index: \"*\" }, every: 5m }", "means every index"),
    ] {
        assert!(complaints(text).contains(words), "{text}: {}", complaints(text));
    }
    assert_eq!(complaints("{ from: { index: x }, every: 5m }"), "");
}

#[test]
fn what_people_read() {
    let check = check("{ name: job, every: 5m, grace: 0s, max_run: 10m }");
    let mut text = String::new();
    let now = look().window.end;
    let before = |minutes: u64| Some(now - Duration::from_secs(minutes * 60));
    for pings in [
        Pings { alive: before(1), took: Some(Duration::from_secs(90)), ..Pings::default() },
        Pings { alive: before(9), failed: before(2), ..Pings::default() },
        Pings { alive: before(2), started: before(12), ..Pings::default() },
    ] {
        text += &told(&check, &observe(&check, &[Ok(Response::Heartbeat(pings))]));
    }
    let since = json!({ "since": "2026-11-21T11:00:00Z", "looked": "2026-11-21T12:00:00Z", "spared": null });
    let silent = check.read(&look(), &[pings(Some("12:00:00"))], Memory(since)).0;
    text += &told(&check, &silent);
    let heard = Memory(json!({ "since": "2026-11-21T11:00:00Z", "ever": true }));
    text += &told(&from(), &from().read(&look(), &[matched(0)], heard).0);
    insta::assert_snapshot!(text);
}
