//! What holds for every kind of check, asked of all of them.

mod filters;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::{common::hosts, *};
use crate::model::{
    Cause, Finding,
    fetch::{Body, Fetched},
    query::{Proof, Question},
};

/// The answers of a real cluster: three nodes, one index that no node takes, one with too many replicas, one closed.
pub fn fixture(name: &str) -> Value {
    let path = format!("{}/src/checks/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn ok(body: Value) -> Result<Response, Reason> {
    Ok(Response::Body(body))
}

pub fn failed(cause: Cause, text: &str) -> Result<Response, Reason> {
    Err(Reason::new(cause, text))
}

/// A look a few minutes after the fixtures were taken.
pub fn look() -> Look {
    let end = "2026-11-21T12:30:00Z".parse().unwrap();
    let timeout = Duration::from_secs(10);
    let (window, asked) = (Window::ending(end, Duration::from_secs(900)), end + Duration::from_secs(30));
    Look { cluster: "main".to_owned(), window, asked, timeout }
}

pub fn observe(check: &dyn Check, answers: &[Result<Response, Reason>]) -> Observation {
    check.read(&look(), answers, Memory::default()).0
}

/// The readings of an observation that saw something.
pub fn readings(observation: &Observation) -> BTreeMap<String, &Reading> {
    let Observation::Seen { findings, .. } = observation else { panic!("{observation:?}") };
    let mut readings = BTreeMap::new();
    for (entity, finding) in findings {
        if let Finding::Value(reading) = finding {
            readings.insert(entity.to_string(), reading);
        }
    }
    readings
}

pub fn only_reading(observation: &Observation) -> &Reading {
    let readings = readings(observation);
    assert_eq!(readings.len(), 1);
    readings.into_values().next().unwrap()
}

/// Why an observation proves nothing.
pub fn reason(observation: &Observation) -> &Reason {
    match observation {
        Observation::Indeterminate(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// All that people get to see of an observation.
pub fn shown(check: &dyn Check, observation: &Observation) -> String {
    let Observation::Seen { findings, others } = observation else { return format!("{observation:?}\n") };
    let mut text = format!("others: {others:?}\n");
    for (entity, finding) in findings {
        let Finding::Value(reading) = finding else {
            writeln!(text, "\n{entity}: {finding:?}").unwrap();
            continue;
        };
        writeln!(text, "\n{entity}: {} ({})", reading.unit.show(reading.value), reading.value.as_f64())
            .unwrap();
        for (name, mark) in &reading.marks {
            writeln!(text, "  mark {name}: {}", reading.unit.show(*mark)).unwrap();
        }
        for (name, fact) in &reading.facts.0 {
            writeln!(text, "  {name}: {fact}").unwrap();
        }
        let advice = check.advise(entity, reading);
        writeln!(text, "  cause: {}", advice.cause.unwrap_or_default()).unwrap();
        writeln!(text, "  next: {}", advice.next_step.unwrap_or_default()).unwrap();
    }
    text
}

fn check(text: &str) -> Arc<dyn Check> {
    serde_saphyr::from_str::<Kind>(text).unwrap().into_check()
}

type Complete = Vec<(&'static str, Arc<dyn Check>, Vec<Result<Response, Reason>>)>;

/// Every kind with complete answers to all that it asks.
fn complete() -> Complete {
    let file = |name| ok(fixture(name));
    Kind::ALL
        .iter()
        .map(|(name, example)| {
            let answers = match *name {
                "count" => vec![
                    Ok(Response::Search(count::tests::matching(&[("kim", 3)]))),
                    Ok(Response::Search(count::tests::all(3000))),
                ],
                "host_disk" => hosts::tests::healthy(Some("/data")),
                "host_load" | "host_memory" => hosts::tests::healthy(None),
                "metric" => {
                    vec![Ok(Response::Search(metric::tests::numbers(&[("shop", 3000, Some(212.5))])))]
                }
                "change" => {
                    let all = count::tests::all(3000);
                    let values = change::tests::versions(&[("shop", "1.0", 300), ("shop", "1.1", 60)]);
                    vec![Ok(Response::Search(values)), Ok(Response::Search(all))]
                }
                "new_term" => {
                    let users = new_term::tests::users;
                    let now = [users(&[("kim", 3), ("lee", 2)]), users(&[("", 3000)])];
                    let history = std::iter::repeat_n(users(&[("lee", 9)]), 10);
                    now.into_iter().chain(history).map(|found| Ok(Response::Search(found))).collect()
                }
                "kubernetes_nodes" => vec![kubernetes_nodes::tests::all()],
                "kubernetes_pods" => kubernetes_pods::tests::all(),
                "documents" => vec![Ok(Response::Page(documents::tests::page(3)))],
                "zeebe_incidents" => {
                    let records = zeebe_incidents::tests::page(&[(1, "CREATED", 5)]);
                    let written = || Ok(Response::Search(count::tests::all(3000)));
                    vec![Ok(Response::Page(records)), written(), written()]
                }
                "cluster_health" => vec![file("health_indices"), file("routing"), file("explain")],
                "elasticsearch_unreachable" => vec![file("health")],
                "heartbeat" => vec![heartbeat::tests::pings(Some("12:29:00"))],
                "http" => vec![http::tests::answer(200, json!({ "queue": { "depth": 3 } }))],
                "kurrentdb_gossip" => kurrentdb_gossip::tests::agreed(),
                "kurrentdb_stats" => vec![
                    http::tests::answer(200, kurrentdb_stats::tests::stats()),
                    http::tests::answer(200, kurrentdb_stats::tests::flat()),
                ],
                "ratio" => vec![Ok(Response::Search(ratio::tests::traffic(&[("shop", 3000, 900)])))],
                "shard_capacity" => vec![file("metadata"), file("nodes"), file("settings"), file("health")],
                "shard_documents" => vec![file("stats_docs"), file("health_names")],
                "spike" => vec![
                    Ok(Response::Search(spike::tests::matching(&[("kim", [10; 6], 40)]))),
                    Ok(Response::Search(spike::tests::all([100; 6], 100))),
                ],
                "search" => vec![ok(search::tests::users())],
                "esql" => vec![ok(esql::tests::errors())],
                "storage" => vec![file("stats"), file("nodes"), file("settings"), file("health")],
                "storage_forecast" => storage_forecast::tests::full(),
                other => panic!("no answers are at hand for `{other}`"),
            };
            (*name, check(example), answers)
        })
        .collect()
}

/// Kinds to which a missing answer says something, be it of one of many that were asked.
const SEES_SILENCE: [&str; 3] = ["elasticsearch_unreachable", "kurrentdb_gossip", "kurrentdb_stats"];

#[test]
fn every_file_has_a_row_and_every_row_a_file() {
    let rows: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(crate::kinds::files_of("checks"), rows);
}

#[test]
fn every_example_parses_under_its_own_name_and_means_something() {
    for (name, text) in Kind::ALL {
        let kind: Kind = serde_saphyr::from_str(text).unwrap();
        assert_eq!(kind.name(), *name);
        assert_eq!(kind.into_check().complaints(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_unknown_key_and_an_unknown_kind_are_refused() {
    for (name, example) in Kind::ALL {
        let body = example.split_once(": {").unwrap().1;
        let comma = if body == "}" { "" } else { ", " };
        let text = format!("{name}: {{ nonsense: 1{comma}{body}");
        let error = serde_saphyr::from_str::<Kind>(&text).unwrap_err().to_string();
        assert!(error.contains("nonsense"), "{text}: {error}");
    }
    assert!(serde_saphyr::from_str::<BTreeMap<String, Kind>>("a: { phase_of_the_moon: {} }").is_err());
}

#[test]
fn complete_answers_are_judged() {
    for (name, check, answers) in complete() {
        assert_eq!(check.queries(&look(), &Memory::default()).len(), answers.len(), "{name}");
        assert!(!readings(&observe(&*check, &answers)).is_empty(), "{name}");
    }
}

#[test]
fn a_required_answer_that_is_missing_makes_the_look_indeterminate_and_says_why() {
    for (name, check, answers) in complete().into_iter().filter(|(name, ..)| !SEES_SILENCE.contains(name)) {
        for (at, query) in check.queries(&look(), &Memory::default()).iter().enumerate() {
            let mut answers = answers.clone();
            answers[at] = failed(Cause::Partial, "2 of 7 shards failed");
            let seen = observe(&*check, &answers);
            if query.optional {
                assert!(!readings(&seen).is_empty(), "{name}: optional question {at} blinded it");
            } else {
                assert_eq!(reason(&seen).text, "2 of 7 shards failed", "{name}: question {at}");
            }
        }
    }
}

#[test]
fn an_optional_answer_changes_no_value() {
    let values = |seen: &Observation| -> Vec<(String, crate::model::Number)> {
        readings(seen).into_iter().map(|(entity, reading)| (entity, reading.value)).collect()
    };
    for (name, check, answers) in complete() {
        let whole = values(&observe(&*check, &answers));
        for (at, query) in check.queries(&look(), &Memory::default()).iter().enumerate() {
            let mut answers = answers.clone();
            answers[at] = failed(Cause::Refused, "answers, but refuses us (403)");
            if query.optional {
                assert_eq!(values(&observe(&*check, &answers)), whole, "{name}: question {at}");
            }
        }
    }
}

#[test]
fn a_feature_that_the_cluster_does_not_have_is_not_applicable() {
    for (name, check, mut answers) in complete() {
        answers[0] = failed(Cause::Unsupported, "no such API (410)");
        let seen = observe(&*check, &answers);
        let is_not = matches!(seen, Observation::NotApplicable(_));
        assert_eq!(is_not, !SEES_SILENCE.contains(&name), "{name}: {seen:?}");
    }
}

#[test]
fn fewer_answers_than_questions_are_a_fault_and_no_panic() {
    for (name, check, _) in complete() {
        assert_eq!(reason(&observe(&*check, &[])).cause, Cause::Fault, "{name}");
    }
}

#[test]
fn what_waits_inside_the_cluster_waits_shorter_than_we_do() {
    for (name, check, _) in complete() {
        for query in check.queries(&look(), &Memory::default()) {
            let Question::Call(call) = query.question else { continue };
            let timeout =
                call.params.iter().find(|(name, _)| name == "timeout").map(|(_, value)| value.as_str());
            if call.proof == Proof::Nodes || call.path.starts_with("/_cluster/health") {
                assert_eq!(timeout, Some("8000ms"), "{name}: {}", call.path);
            }
        }
    }
}

#[test]
fn no_check_invents_a_default_for_silence_over_stored_documents() {
    for (name, check, _) in complete() {
        // those about hosts know everybody whom silence is about
        let knows = name.starts_with("host_");
        assert_eq!(check.defaults().no_data.is_none(), check.window().is_some() && !knows, "{name}");
    }
}

/// One thing that may be wrong with a JSON answer.
#[derive(Clone, Debug)]
struct Damage {
    steps: Vec<usize>,
    with: Option<Value>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let values = prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!(-1))),
        Just(Some(json!(u64::MAX))),
        Just(Some(json!(i64::MIN))),
        Just(Some(json!(1.5e300))),
        Just(Some(json!("nonsense"))),
        Just(Some(json!("-1"))),
        Just(Some(json!("18446744073709551615"))),
        Just(Some(json!("é".repeat(40)))),
        Just(Some(json!([]))),
        Just(Some(json!({}))),
        Just(Some(json!([{ "a": [1] }, null]))),
        Just(Some(json!(true))),
    ];
    (vec(0..1000_usize, 1..9), values).prop_map(|(steps, with)| Damage { steps, with })
}

/// Walks into the answer as far as the steps lead, and replaces or removes what is there.
fn apply(value: &mut Value, damage: &Damage) {
    let mut at = value;
    let (last, path) = damage.steps.split_last().unwrap();
    for step in path {
        if !matches!(at, Value::Object(map) if !map.is_empty())
            && !matches!(at, Value::Array(items) if !items.is_empty())
        {
            break;
        }
        at = match at {
            Value::Object(map) => {
                let n = step % map.len();
                map.values_mut().nth(n).unwrap()
            }
            Value::Array(items) => {
                let n = step % items.len();
                &mut items[n]
            }
            _ => unreachable!(),
        };
    }
    match (at, &damage.with) {
        (Value::Object(map), None) if !map.is_empty() => {
            let key = map.keys().nth(last % map.len()).unwrap().clone();
            map.remove(&key);
        }
        (Value::Array(items), None) if !items.is_empty() => {
            items.remove(last % items.len());
        }
        (at, with) => *at = with.clone().unwrap_or_default(),
    }
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(3_000)) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_damaged_answer_makes_a_check_panic(wounds in vec((0..4_usize, damage()), 1..4)) {
        for (name, check, mut answers) in complete_cached() {
            for (at, wound) in &wounds {
                let at = at % answers.len();
                match &mut answers[at] {
                    Ok(Response::Body(body)) => apply(body, wound),
                    Ok(Response::Fetched(Fetched { body: Body::Json(body), .. })) => apply(body, wound),
                    _ => {}
                }
            }
            let (seen, memory) = check.read(&look(), &answers, Memory::default());
            shown(&*check, &seen);
            check.queries(&look(), &memory);
            if let Observation::Indeterminate(reason) = &seen {
                prop_assert!(!reason.text.is_empty() && reason.cause != Cause::Fault, "{name}: {reason:?}");
            }
        }
    }
}

/// Read once: thousands of cases start from them.
fn complete_cached() -> Complete {
    thread_local! { static ALL: Complete = complete(); }
    ALL.with(Clone::clone)
}
