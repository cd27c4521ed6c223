use super::{
    super::common::numbers::VALUE,
    super::tests::{failed, look, observe, only_reading, readings, reason, shown},
    *,
};
use crate::model::{
    Cause, Number, Others,
    query::{Question, SearchAnswer},
};

/// Groups by service with their documents and their number.
pub fn numbers(groups: &[(&str, u64, Option<f64>)]) -> SearchAnswer {
    let group = |&(service, total, value): &(&str, u64, Option<f64>)| {
        let entity = if service.is_empty() { Entity::empty() } else { Entity::of("service", service) };
        let metrics = BTreeMap::from([(VALUE.to_owned(), value.and_then(Number::finite))]);
        (entity, Group { total, metrics, ..Group::default() })
    };
    SearchAnswer { groups: groups.iter().map(group).collect() }
}

fn metric(what: &str) -> Metric {
    serde_saphyr::from_str(&format!("{{ index: \"metrics-*\", window: 5m, {what} }}")).unwrap()
}

fn seen(check: &Metric, groups: &[(&str, u64, Option<f64>)]) -> Observation {
    observe(check, &[Ok(Response::Search(numbers(groups)))])
}

#[test]
fn a_number_is_read_with_its_unit() {
    let check = metric("avg: used, unit: bytes");
    let seen = seen(&check, &[("", 12, Some(53_687_091_200.0))]);
    let reading = only_reading(&seen);
    assert_eq!(reading.unit.show(reading.value), "50 GB");
}

#[test]
fn no_documents_and_no_numbers_are_no_data_and_never_zero() {
    let check = metric("avg: took_ms");
    assert!(matches!(seen(&check, &[("", 0, None)]), Observation::NoData(_)));
    assert!(matches!(seen(&check, &[("", 12, None)]), Observation::NoData(_)));
    let grouped = metric("avg: took_ms, per: [service], min_total: 20");
    let seen = seen(&grouped, &[("a", 30, Some(1.0)), ("b", 30, None), ("c", 19, Some(1.0))]);
    assert_eq!(readings(&seen).keys().collect::<Vec<_>>(), ["service=a"]);
    let Observation::Seen { findings, others } = seen else { unreachable!() };
    assert_eq!((findings.len(), others), (3, Others::NoData));
}

#[test]
fn an_answer_without_the_number_that_was_asked_for_proves_nothing() {
    let answer = SearchAnswer { groups: [(Entity::empty(), Group { total: 3, ..Group::default() })].into() };
    let seen = observe(&metric("avg: took_ms"), &[Ok(Response::Search(answer))]);
    assert_eq!(reason(&seen).cause, Cause::Malformed);
    let seen = observe(&metric("avg: took_ms"), &[failed(Cause::Timeout, "slow")]);
    assert_eq!(reason(&seen).cause, Cause::Timeout);
}

#[test]
fn each_kind_of_number_is_asked_for_as_itself() {
    let table = [
        ("avg: f", Ask::Avg("f".into())),
        ("max: f", Ask::Max("f".into())),
        ("min: f", Ask::Min("f".into())),
        ("sum: f", Ask::Sum("f".into())),
        ("cardinality: f", Ask::Cardinality("f".into())),
        ("last: f, time_field: t", Ask::Last { field: "f".into(), by: "t".into() }),
        (
            "percentile: { field: f, percent: 99.9 }",
            Ask::Percentile { field: "f".into(), percent: "99.9".into() },
        ),
    ];
    for (what, ask) in table {
        let check = metric(what);
        assert_eq!(check.complaints(), Vec::<String>::new(), "{what}");
        let queries = check.queries(&look(), &Memory::default());
        let Question::Search(search) = &queries[0].question else { unreachable!() };
        assert_eq!(search.metrics, BTreeMap::from([(VALUE.to_owned(), ask)]));
    }
}

#[test]
fn none_and_several_are_complained_about_and_so_is_nonsense() {
    for what in [
        "per: [a]",
        "avg: f, max: f",
        "avg: \"f*\"",
        "avg: \"\"",
        "percentile: { field: f, percent: 0 }",
        "percentile: { field: f, percent: 100 }",
    ] {
        assert_eq!(metric(what).complaints().len(), 1, "{what}");
    }
}

#[test]
fn what_people_read() {
    let check = metric("percentile: { field: took_ms, percent: 99 }, per: [service]");
    insta::assert_snapshot!(shown(&check, &seen(&check, &[("shop", 3_000, Some(1_204.5))])));
}

fn derived(what: &str, before: &[(&str, u64, Option<f64>)], now: &[(&str, u64, Option<f64>)]) -> Observation {
    let answers = [now, before].map(|groups| Ok(Response::Search(numbers(groups))));
    observe(&metric(&format!("derivative: {{ field: bytes_total{what} }}, per: [service]")), &answers)
}

#[test]
fn a_derivative_is_the_growth_over_the_window_before_per_time() {
    let growth = |what: &str, before: f64, now: f64| {
        let seen = derived(what, &[("a", 9, Some(before))], &[("a", 9, Some(now))]);
        only_reading(&seen).value.as_f64()
    };
    assert_eq!(growth("", 100.0, 600.0), 100.0, "500 in five minutes");
    assert_eq!(growth(", each: 1s", 300.0, 600.0), 1.0);
    assert_eq!(growth("", 600.0, 100.0), -100.0, "a gauge may fall");
}

#[test]
fn a_counter_that_begins_again_never_reads_below_zero() {
    let growth = |before: f64, now: f64| {
        let seen = derived(", counter: true", &[("a", 9, Some(before))], &[("a", 9, Some(now))]);
        only_reading(&seen).value.as_f64()
    };
    assert_eq!((growth(100.0, 600.0), growth(600.0, 100.0), growth(600.0, -1.0)), (100.0, 20.0, 0.0));
}

#[test]
fn huge_whole_numbers_keep_their_difference() {
    let derivative = Derivative { field: "f".into(), each: Span::seconds(300), counter: true };
    let reading = Reading::new(Number::Int(i64::MAX), Unit::Count);
    let finding = derivative.finding(reading, Number::Int(i64::MAX - 3), Span::seconds(300));
    let Finding::Value(reading) = finding else { panic!() };
    assert_eq!(reading.value, Number::Int(3));
}

#[test]
fn a_group_without_a_number_in_either_window_has_no_derivative() {
    let seen = derived(
        "",
        &[("b", 9, None), ("c", 9, Some(1.0))],
        &[("a", 9, Some(1.0)), ("b", 9, Some(1.0)), ("c", 9, None)],
    );
    let Observation::Seen { findings, .. } = &seen else { panic!("{seen:?}") };
    assert!(findings.len() == 3 && findings.values().all(|finding| matches!(finding, Finding::NoData(_))));
    let now = Ok(Response::Search(numbers(&[("", 9, Some(1.0))])));
    let seen =
        observe(&metric("derivative: { field: f }"), &[now, failed(Cause::Partial, "2 of 7 shards failed")]);
    assert_eq!(reason(&seen).cause, Cause::Partial);
}

#[test]
fn a_derivative_asks_for_two_windows_that_touch() {
    let queries = metric("derivative: { field: f, counter: true }").queries(&look(), &Memory::default());
    let windows = [0, 1].map(|at| match &queries[at].question {
        Question::Search(search) => {
            assert_eq!(search.metrics[VALUE], Ask::Max("f".into()));
            search.window
        }
        _ => unreachable!(),
    });
    assert_eq!((windows[0], windows[1].end), (look().window, windows[0].start));
    for nonsense in ["{ field: \"f*\" }", "{ field: f, each: 0s }", "{ field: f }, avg: f"] {
        assert_eq!(metric(&format!("derivative: {nonsense}")).complaints().len(), 1, "{nonsense}");
    }
    let seen = derived(", counter: true", &[("shop", 9, Some(1_000.0))], &[("shop", 9, Some(6_000.0))]);
    insta::assert_snapshot!(shown(&metric("derivative: { field: bytes_total, counter: true }"), &seen));
}
