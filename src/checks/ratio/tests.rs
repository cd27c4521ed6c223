use serde_json::json;

use super::{
    super::common::documents::NEWEST,
    super::tests::{failed, look, observe, only_reading, readings, reason, shown},
    *,
};
use crate::model::query::{Metric, SearchAnswer};

/// What a search finds: groups by service with (total, matching); the newest document is five seconds old.
pub fn traffic(groups: &[(&str, u64, u64)]) -> SearchAnswer {
    let newest = look().window.end - Duration::from_secs(5);
    let group = |&(service, total, matching): &(&str, u64, u64)| {
        let entity = if service.is_empty() { Entity::empty() } else { Entity::of("service", service) };
        let counts = BTreeMap::from([(MATCHING.to_owned(), matching)]);
        let newest = (total > 0).then(|| Number::Int(newest.timestamp_millis()));
        let metrics = BTreeMap::from([(NEWEST.to_owned(), newest)]);
        (entity, Group { total, counts, metrics })
    };
    SearchAnswer { groups: groups.iter().map(group).collect() }
}

fn ratio(more: &str) -> Ratio {
    let text = format!("{{ index: \"http_logs_*\", window: 15m, numerator: \"responseCode:>=500\"{more} }}");
    serde_saphyr::from_str(&text).unwrap()
}

fn seen(check: &Ratio, groups: &[(&str, u64, u64)]) -> Observation {
    observe(check, &[Ok(Response::Search(traffic(groups)))])
}

#[test]
fn a_ratio_over_more_than_ten_thousand_documents_is_exact() {
    let seen = seen(&ratio(""), &[("", 1_000_003, 300_001)]);
    let reading = only_reading(&seen);
    assert_eq!(reading.value, Number::Float(100.0 * 300_001.0 / 1_000_003.0));
    assert_eq!(
        (reading.facts.count("matching"), reading.facts.count("total")),
        (Some(300_001), Some(1_000_003))
    );
}

#[test]
fn exactly_ten_percent_is_ten() {
    for total in [10, 30, 70, 110, 999_990, 12_345_678_910] {
        assert_eq!(
            only_reading(&seen(&ratio(""), &[("", total, total / 10)])).value,
            Number::Int(10),
            "{total}"
        );
    }
}

#[test]
fn zero_traffic_is_no_data_and_never_health() {
    for groups in [&[("", 0, 0)][..], &[]] {
        assert!(matches!(seen(&ratio(""), groups), Observation::NoData(_)), "{groups:?}");
    }
    assert!(matches!(seen(&ratio(", per: [service]"), &[]), Observation::NoData(_)));
}

#[test]
fn a_group_below_min_total_has_no_data_and_the_others_are_judged() {
    let check = ratio(", per: [service], min_total: 50");
    let seen = seen(&check, &[("a", 49, 49), ("b", 50, 5)]);
    assert_eq!(readings(&seen).keys().collect::<Vec<_>>(), ["service=b"]);
    let Observation::Seen { findings, others } = &seen else { unreachable!() };
    let few = Finding::NoData("49 documents, fewer than `min_total` 50".to_owned());
    assert_eq!(findings[&Entity::of("service", "a")], few);
    assert_eq!(*others, Others::NoData);
}

#[test]
fn a_whole_below_min_total_is_no_data() {
    let seen = seen(&ratio(", min_total: 50"), &[("", 1, 1)]);
    assert_eq!(seen, Observation::NoData("1 document, fewer than `min_total` 50".to_owned()));
}

#[test]
fn a_pipeline_that_lags_proves_nothing() {
    let check = ratio(", max_lag: 5m");
    let mut answer = traffic(&[("", 100, 0)]);
    let mut aged = |age: u64| {
        let newest = look().window.end - Duration::from_secs(age);
        let metrics = &mut answer.groups.get_mut(&Entity::empty()).unwrap().metrics;
        metrics.insert(NEWEST.to_owned(), Some(Number::Int(newest.timestamp_millis())));
        observe(&check, &[Ok(Response::Search(answer.clone()))])
    };
    assert_eq!(only_reading(&aged(300)).value, Number::Int(0));
    let late = aged(21 * 60);
    assert_eq!(reason(&late).cause, Cause::Lagging);
    assert_eq!(reason(&late).text, "newest document 21 min old, `max_lag` is 5m");
}

#[test]
fn one_quiet_group_is_no_lag() {
    let check = ratio(", per: [service], max_lag: 5m");
    let mut answer = traffic(&[("busy", 100, 0), ("quiet", 1, 0)]);
    let quiet = answer.groups.get_mut(&Entity::of("service", "quiet")).unwrap();
    let old = look().window.start.timestamp_millis();
    quiet.metrics.insert(NEWEST.to_owned(), Some(Number::Int(old)));
    assert_eq!(readings(&observe(&check, &[Ok(Response::Search(answer))])).len(), 2);
}

#[test]
fn dates_that_are_missing_or_none_prove_nothing() {
    let check = ratio(", max_lag: 5m");
    for (newest, cause) in [(None, Cause::Missing), (Some(Number::Float(1e300)), Cause::Malformed)] {
        let mut answer = traffic(&[("", 100, 0)]);
        answer.groups.get_mut(&Entity::empty()).unwrap().metrics.insert(NEWEST.to_owned(), newest);
        assert_eq!(reason(&observe(&check, &[Ok(Response::Search(answer))])).cause, cause);
    }
}

#[test]
fn counts_that_cannot_be_prove_nothing() {
    let more_than_all = seen(&ratio(""), &[("", 10, 11)]);
    assert_eq!(reason(&more_than_all).cause, Cause::Malformed);
    let mut answer = traffic(&[("", 10, 1)]);
    answer.groups.get_mut(&Entity::empty()).unwrap().counts.clear();
    let nameless = observe(&ratio(""), &[Ok(Response::Search(answer))]);
    assert_eq!(reason(&nameless).text, "the answer has no count `matching`");
}

#[test]
fn it_asks_one_search_about_exactly_its_window() {
    let check = ratio(", filter: { term: { env: prod } }, per: [service], max_lag: 5m");
    let queries = check.queries(&look(), &Memory::default());
    let [Query { question: crate::model::query::Question::Search(search), optional: false }] = &queries[..]
    else {
        panic!("{queries:?}")
    };
    assert_eq!((search.window, search.per.as_slice()), (look().window, &["service".to_owned()][..]));
    assert_eq!(*search.filter.as_ref().unwrap().query(), json!({ "term": { "env": "prod" } }));
    assert_eq!(search.metrics["newest"], Metric::Max("@timestamp".to_owned()));
    assert!(ratio("").queries(&look(), &Memory::default()) != queries);
}

#[test]
fn nonsense_is_complained_about_in_words() {
    let complaints = |index: &str, more: &str| {
        let text = format!("{{ index: \"{index}\", window: 15m, numerator: \"a:1\"{more} }}");
        serde_saphyr::from_str::<Ratio>(&text).unwrap().complaints().join("; ")
    };
    assert!(complaints("", "").contains("`index` is empty"));
    assert!(complaints("*", "").contains("every index"));
    assert!(complaints("eu:*", "").contains("every index"));
    assert!(complaints("logs-*,.security", "").contains("system index"));
    assert!(complaints("logs", ", max_lag: 15m").contains("`max_lag` 15m"));
    assert!(complaints("logs", ", per: [a, a]").contains("twice"));
    assert!(complaints("logs", ", per: [\"a*\"]").contains("names of fields"));
    assert!(complaints("logs", ", time_field: \"\"").contains("names of fields"));
    let zero = serde_saphyr::from_str::<Ratio>("{ index: logs, window: 0s, numerator: \"a:1\" }").unwrap();
    assert!(zero.complaints()[0].contains("`window` is 0"));
    for fine in ["http_logs_*", "<http_logs_*-{now/d}>", ".ds-logs-*", "eu:logs-*,-eu:logs-old"] {
        assert_eq!(complaints(fine, ", max_lag: 5m"), "", "{fine}");
    }
}

#[test]
fn a_script_is_refused() {
    let text = "{ index: logs, window: 15m, numerator: { script: { script: \"1 == 1\" } } }";
    assert!(serde_saphyr::from_str::<Ratio>(text).unwrap_err().to_string().contains("script"));
}

#[test]
fn what_people_read() {
    let check = ratio(", per: [service], min_total: 50");
    insta::assert_snapshot!(shown(&check, &seen(&check, &[("pay", 1370, 412), ("web", 12, 0)])));
    let partial = observe(&check, &[failed(Cause::Partial, "2 of 7 shards failed")]);
    assert_eq!(reason(&partial).cause, Cause::Partial);
}
