use super::{
    super::common::{documents::NEWEST, numbers::VALUE},
    super::metric::tests as metric,
    super::tests::{failed, look, observe, only_reading, readings, reason, shown},
    *,
};
use crate::model::{
    Cause, Others,
    query::{Metric as Ask, Question, SearchAnswer},
};

/// One group: its six counts before, and the one now.
fn group(before: [u64; 6], now: u64) -> Group {
    let mut counts = BTreeMap::from([(NOW.to_owned(), now)]);
    for (at, count) in before.into_iter().enumerate() {
        counts.insert(bucket_name(u32::try_from(at).unwrap()), count);
    }
    Group { total: before.iter().sum::<u64>() + now, counts, ..Group::default() }
}

/// Groups by user with their counts.
pub fn matching(groups: &[(&str, [u64; 6], u64)]) -> SearchAnswer {
    let group = |&(user, before, now): &(&str, [u64; 6], u64)| {
        let entity = if user.is_empty() { Entity::empty() } else { Entity::of("user.name", user) };
        (entity, group(before, now))
    };
    SearchAnswer { groups: groups.iter().map(group).collect() }
}

/// All documents, whatever the filter; the newest is five seconds old.
pub fn all(before: [u64; 6], now: u64) -> SearchAnswer {
    let newest = (look().window.end - Duration::from_secs(5)).timestamp_millis();
    let metrics = BTreeMap::from([(NEWEST.to_owned(), Some(Number::Int(newest)))]);
    SearchAnswer { groups: [(Entity::empty(), Group { metrics, ..group(before, now) })].into() }
}

fn spike(more: &str) -> Spike {
    let reference = if more.contains(" reference:") { "" } else { ", reference: { before: 1h, buckets: 6 }" };
    let text = format!("{{ index: \"audit-*\", window: 10m, filter: \"outcome:failure\"{reference}{more} }}");
    serde_saphyr::from_str(&text).unwrap()
}

fn seen(check: &Spike, groups: &[(&str, [u64; 6], u64)]) -> Observation {
    let all = all([100; 6], 100);
    observe(check, &[Ok(Response::Search(matching(groups))), Ok(Response::Search(all))])
}

fn factor(more: &str, before: [u64; 6], now: u64) -> f64 {
    only_reading(&seen(&spike(more), &[("", before, now)])).value.as_f64()
}

#[test]
fn the_window_is_divided_by_the_mean_of_the_windows_before_it() {
    assert_eq!(factor("", [10, 20, 30, 10, 20, 30], 60), 3.0);
    assert_eq!(factor("", [10; 6], 2), 0.2);
    assert_eq!(factor("", [10; 6], 0), 0.0, "a group that vanished");
}

#[test]
fn buckets_of_another_length_than_the_window_give_the_same_mean() {
    let check = spike(", reference: { before: 2h, buckets: 6 }");
    let reading = seen(&check, &[("", [20; 6], 30)]);
    assert_eq!(only_reading(&reading).value.as_f64(), 3.0, "20 in 20m are 10 in 10m");
}

#[test]
fn too_small_a_reference_is_no_data_and_a_new_group_has_none() {
    for (before, now) in [([0; 6], 500), ([1, 2, 1, 2, 1, 2], 500), ([0; 6], 0)] {
        let seen = seen(&spike(", per: [user.name]"), &[("kim", before, now)]);
        let Observation::Seen { findings, others } = seen else { panic!() };
        assert!(matches!(findings[&Entity::of("user.name", "kim")], Finding::NoData(_)));
        assert_eq!(others, Others::NoData);
    }
}

#[test]
fn whoever_wants_to_hear_of_new_groups_compares_them_with_one_document() {
    assert_eq!(factor(", min_reference: 0", [0; 6], 500), 500.0);
    assert_eq!(factor(", min_reference: 0", [0; 6], 0), 1.0);
}

#[test]
fn too_small_a_window_is_no_rise_but_may_be_a_fall() {
    assert_eq!(factor(", min_current: 100", [10; 6], 99), 1.0);
    assert_eq!(factor(", min_current: 100", [10; 6], 100), 10.0);
    assert_eq!(factor(", min_current: 100", [10; 6], 1), 0.1);
}

#[test]
fn both_ways_a_fall_reads_as_a_rise() {
    assert_eq!(factor(", both_ways: true", [10; 6], 2), 5.0);
    assert_eq!(factor(", both_ways: true", [10; 6], 0), 10.0);
    assert_eq!(factor(", both_ways: true", [10; 6], 50), 5.0);
    assert_eq!(factor(", both_ways: true", [2; 6], 1), 2.0);
    assert_eq!(factor(", both_ways: true", [3, 0, 3, 0, 3, 3], 0), 2.0);
}

#[test]
fn a_dead_pipeline_is_no_fall_and_its_time_is_left_out_of_the_mean() {
    let check = spike("");
    let answers = |before, now| {
        let matching = matching(&[("", [30, 0, 0, 30, 30, 30], 0)]);
        [Ok(Response::Search(matching)), Ok(Response::Search(all(before, now)))]
    };
    assert!(matches!(observe(&check, &answers([100; 6], 0)), Observation::NoData(_)));
    assert!(matches!(observe(&check, &answers([0; 6], 100)), Observation::NoData(_)));
    let seen = observe(&check, &answers([90, 0, 0, 90, 90, 90], 100));
    assert_eq!(only_reading(&seen).facts.get("reference"), Some(&json!(30.0)));
}

#[test]
fn an_answer_that_failed_lacks_a_part_or_lags_proves_nothing() {
    let check = spike("");
    let partial = || failed(Cause::Partial, "2 of 7 shards failed");
    let (some, any) =
        (Ok(Response::Search(matching(&[("", [10; 6], 99)]))), Ok(Response::Search(all([10; 6], 99))));
    for answers in [[partial(), any.clone()], [some.clone(), partial()]] {
        assert_eq!(reason(&observe(&check, &answers)).cause, Cause::Partial);
    }
    let bare = SearchAnswer { groups: [(Entity::empty(), Group { total: 9, ..Group::default() })].into() };
    assert_eq!(reason(&observe(&check, &[Ok(Response::Search(bare)), any.clone()])).cause, Cause::Malformed);
    assert_eq!(reason(&observe(&spike(", max_lag: 3s"), &[some, any])).cause, Cause::Lagging);
}

#[test]
fn the_parts_touch_and_cover_both_times() {
    let queries = spike(", per: [user.name]").queries(&look(), &Memory::default());
    let Question::Search(search) = &queries[0].question else { unreachable!() };
    let edges = |name: &str| {
        let range = &search.counts[name].query()["range"]["@timestamp"];
        (range["gte"].as_i64().unwrap(), range["lt"].as_i64().unwrap())
    };
    assert_eq!(search.window.start.timestamp_millis(), edges("before 00").0);
    assert_eq!(edges("before 05").1, edges(NOW).0);
    assert_eq!(edges(NOW).1, look().window.end.timestamp_millis());
    for at in 0..5 {
        assert_eq!(edges(&bucket_name(at)).1, edges(&bucket_name(at + 1)).0);
        assert_eq!(edges(&bucket_name(at)).1 - edges(&bucket_name(at)).0, 600_000);
    }
}

/// Numbers of the window and of the six buckets before it; buckets without a document are no part of the time before.
fn measured(check: &Spike, now: Option<f64>, before: [Option<f64>; 6]) -> Observation {
    let numbers = |number| Ok(Response::Search(metric::numbers(&[("", 7, number)])));
    let all = all(before.map(|number| if number == Some(-1.0) { 0 } else { 100 }), 100);
    let answers = [numbers(now), Ok(Response::Search(all))].into_iter().chain(before.map(numbers));
    observe(check, &answers.collect::<Vec<_>>())
}

#[test]
fn a_number_is_divided_by_its_mean_before() {
    let before = [100.0, 200.0, 300.0, 100.0, 200.0, 300.0].map(Some);
    for words in ["avg: took", "max: took", "cardinality: user", "percentile: { field: took, percent: 99 }"] {
        let seen = measured(&spike(&format!(", {words}")), Some(600.0), before);
        assert_eq!(only_reading(&seen).value.as_f64(), 3.0, "{words}");
    }
    let some = [Some(100.0), None, Some(-1.0), Some(100.0), None, Some(-1.0)];
    let average = measured(&spike(", avg: took"), Some(300.0), some);
    assert_eq!(
        only_reading(&average).value.as_f64(),
        3.0,
        "a bucket without the number, or without anything"
    );
    let sum = measured(&spike(", sum: took"), Some(100.0), some);
    assert_eq!(
        only_reading(&sum).value.as_f64(),
        2.0,
        "a sum of nothing is 0, but not while nothing is written"
    );
}

#[test]
fn a_sum_before_is_that_of_a_time_as_long_as_the_window() {
    let long = ", reference: { before: 2h, buckets: 6 }";
    let sum = measured(&spike(&format!(", sum: took{long}")), Some(30.0), [Some(20.0); 6]);
    assert_eq!(only_reading(&sum).value.as_f64(), 3.0, "20 in 20m are 10 in 10m");
    let average = measured(&spike(&format!(", avg: took{long}")), Some(30.0), [Some(20.0); 6]);
    assert_eq!(only_reading(&average).value.as_f64(), 1.5);
}

#[test]
fn a_number_that_is_not_there_or_too_small_has_no_data() {
    let none = |check: &Spike, now, before| {
        let Observation::Seen { findings, .. } = measured(check, now, before) else { panic!() };
        matches!(findings[&Entity::empty()], Finding::NoData(_))
    };
    let average = spike(", avg: took");
    assert!(none(&average, None, [Some(1.0); 6]) && none(&average, Some(1.0), [None; 6]));
    assert!(none(&average, Some(1.0), [Some(0.0); 6]) && none(&average, Some(1.0), [Some(-0.5); 6]));
    assert!(none(&spike(", avg: took, min_reference: 2.5"), Some(9.0), [Some(2.4); 6]));
    let from_nothing = spike(", sum: took, min_reference: 0");
    assert_eq!(only_reading(&measured(&from_nothing, Some(7.0), [None; 6])).value.as_f64(), 7.0);
    let gone = measured(&spike(", sum: took"), None, [Some(9.0); 6]);
    assert_eq!(only_reading(&gone).value.as_f64(), 0.0, "a sum of nothing is a fall");
}

#[test]
fn a_number_below_its_least_is_no_rise_and_may_be_a_fall_both_ways() {
    let least = spike(", avg: took, min_current: 0.5");
    assert_eq!(only_reading(&measured(&least, Some(0.4), [Some(0.1); 6])).value.as_f64(), 1.0);
    assert_eq!(only_reading(&measured(&least, Some(0.5), [Some(0.125); 6])).value.as_f64(), 4.0);
    let both = spike(", avg: took, both_ways: true");
    assert_eq!(only_reading(&measured(&both, Some(0.125), [Some(0.5); 6])).value.as_f64(), 4.0);
}

#[test]
fn a_group_that_is_there_only_now_or_only_before_is_judged() {
    let check = spike(", per: [service], sum: took, reference: { before: 10m, buckets: 1 }");
    let groups = |groups: &[(&str, u64, Option<f64>)]| Ok(Response::Search(metric::numbers(groups)));
    let all = || Ok(Response::Search(all([100; 6], 100)));
    let answers = [groups(&[("new", 3, Some(5.0))]), all(), groups(&[("old", 3, Some(8.0))])];
    let Observation::Seen { findings, .. } = observe(&check, &answers) else { panic!() };
    assert!(matches!(findings[&Entity::of("service", "new")], Finding::NoData(_)));
    let Finding::Value(old) = &findings[&Entity::of("service", "old")] else { panic!() };
    assert_eq!(old.value.as_f64(), 0.0);
    let partial = [groups(&[]), all(), failed(Cause::Partial, "2 of 7 shards failed")];
    assert_eq!(reason(&observe(&check, &partial)).cause, Cause::Partial);
}

#[test]
fn a_number_is_asked_of_each_part_by_itself_under_the_same_filter() {
    let queries = spike(", avg: took").queries(&look(), &Memory::default());
    let searches: Vec<&Search> = queries
        .iter()
        .map(|query| if let Question::Search(search) = &query.question { search } else { unreachable!() })
        .collect();
    assert_eq!(searches.len(), 8);
    assert_eq!((&searches[0].window, searches[7].window.end), (&look().window, look().window.start));
    for at in [0, 2, 3, 4, 5, 6, 7] {
        assert_eq!(searches[at].filter, spike("").filter);
        assert_eq!(searches[at].metrics.get(VALUE), Some(&Ask::Avg("took".into())));
        assert!(at < 3 || searches[at].window.start == searches[at - 1].window.end);
    }
    assert_eq!((&searches[1].filter, searches[1].metrics.len()), (&None, 0));
}

#[test]
fn what_people_read_of_a_number() {
    let check = spike(", percentile: { field: took, percent: 99 }");
    insta::assert_snapshot!(shown(&check, &measured(&check, Some(360.5), [Some(120.0); 6])));
}

#[test]
fn what_people_read() {
    let check = spike(", per: [user.name]");
    insta::assert_snapshot!(shown(&check, &seen(&check, &[("kim", [10; 6], 1_204), ("lee", [300; 6], 1)])));
    assert_eq!(readings(&seen(&check, &[("kim", [10; 6], 1)])).len(), 1);
}

#[test]
fn nonsense_is_complained_about() {
    for nonsense in [
        ", per: [\"a*\"]",
        ", reference: { before: 5m }",
        ", reference: { before: 1h, buckets: 0 }",
        ", reference: { before: 1h, buckets: 49 }",
        ", max_lag: 10m",
        ", avg: took, sum: took",
        ", avg: \"a*\"",
        ", percentile: { field: took, percent: 100 }",
        ", cardinality: user, reference: { before: 1h, buckets: 5 }",
        ", min_current: -1",
        ", min_reference: .nan",
    ] {
        assert_eq!(spike(nonsense).complaints().len(), 1, "{nonsense}");
    }
    assert_eq!(spike(", reference: { before: 30d }").buckets(), 48);
    assert_eq!(spike(", reference: { before: 1h }").buckets(), 6);
}
