use super::{
    super::tests::{failed, look, observe, only_reading, readings, reason, shown},
    *,
};
use crate::model::{
    Number,
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
