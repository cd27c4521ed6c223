use super::{
    super::{
        common::hosts::tests::{Fleet, Sample, healthy, steadily, web},
        tests::{observe, only_reading, shown},
    },
    *,
};
use crate::model::{Finding, Number};

fn load(more: &str) -> HostLoad {
    serde_saphyr::from_str(&format!("{{ {more} }}")).unwrap()
}

/// Four logical cores of two threads each: two physical ones, so 2.0 per core is a load of 4.
fn host(samples: &[Vec<Sample>], check: &HostLoad, until: i64) -> Vec<String> {
    let mut fleet = Fleet::new(check, 2.0).sends(&web(), samples);
    fleet.looks(30, until);
    fleet.story()
}

#[test]
fn it_opens_at_the_first_sample_above_and_closes_when_all_were_below_for_five_minutes() {
    let check = load("threads_per_core: 2");
    let samples = [steadily(0, 600, 1.0), vec![(600, 4.1)], steadily(610, 1_800, 1.0)];
    assert_eq!(host(&samples, &check, 1_500), ["10:30 fired web-1", "15:30 resolved web-1 cleared"]);
}

#[test]
fn a_load_of_exactly_two_per_core_is_not_above() {
    let check = load("threads_per_core: 2");
    assert_eq!(host(&[steadily(0, 900, 4.0)], &check, 900), [""; 0]);
}

#[test]
fn a_single_dip_closes_nothing_and_a_single_peak_starts_the_count_again() {
    let check = load("");
    let samples = [
        steadily(0, 600, 8.1),
        vec![(600, 0.1)],
        steadily(610, 900, 8.1),
        steadily(900, 1_100, 0.1),
        vec![(1_100, 8.1)],
        steadily(1_110, 2_100, 0.1),
    ];
    assert_eq!(host(&samples, &check, 2_100), ["0:30 fired web-1", "23:30 resolved web-1 cleared"]);
}

#[test]
fn a_peak_between_two_looks_is_seen() {
    let check = load("");
    let samples = [steadily(0, 605, 1.0), vec![(611, 9.0)], steadily(620, 1_200, 1.0)];
    assert_eq!(host(&samples, &check, 900), ["10:30 fired web-1"]);
}

#[test]
fn too_few_samples_open_but_prove_no_recovery() {
    let check = load("");
    // the peak leaves the window at 15:00, while only four samples of each five minutes say that all is well
    let few: Vec<Sample> = (620..1_500).step_by(80).map(|second| (second, 1.0)).collect();
    let samples = [steadily(0, 600, 1.0), vec![(600, 9.0)], few, steadily(1_500, 2_400, 1.0)];
    assert_eq!(host(&samples, &check, 2_400), ["10:30 fired web-1", "25:30 resolved web-1 cleared"]);
}

#[test]
fn enough_samples_of_the_last_minute_do_not_speak_for_five() {
    let check = load("");
    let samples = [steadily(0, 600, 1.0), vec![(600, 9.0)], steadily(910, 2_400, 1.0)];
    assert_eq!(host(&samples, &check, 2_400), ["10:30 fired web-1", "20:00 resolved web-1 cleared"]);
}

#[test]
fn cores_that_changed_within_the_window_are_judged_by_the_most_of_them() {
    let check = load("threads_per_core: 2");
    let mut answers = healthy(None);
    let Ok(Response::Search(found)) = &mut answers[0] else { unreachable!() };
    let group = found.groups.values_mut().next().unwrap();
    group.metrics.insert("cores_most".to_owned(), Some(Number::Int(8)));
    let seen = observe(&check, &answers);
    let reading = only_reading(&seen);
    assert_eq!(reading.value, Number::Float(0.025));
    assert_eq!(reading.limit.as_ref().unwrap().why, "the number of cores went between 4 and 8");
    group_of(&mut answers).insert("cores_most".to_owned(), None);
    let Observation::Seen { findings, .. } = observe(&check, &answers) else { unreachable!() };
    assert!(
        matches!(&findings[&Entity::of("host", "web-1")], Finding::Unknown(reason) if reason.text.contains("how many cores"))
    );
}

fn group_of(
    answers: &mut [Result<Response, Reason>],
) -> &mut std::collections::BTreeMap<String, Option<Number>> {
    let Ok(Response::Search(found)) = &mut answers[0] else { unreachable!() };
    &mut found.groups.values_mut().next().unwrap().metrics
}

#[test]
fn nonsense_is_complained_about() {
    for nonsense in [
        "minutes: 2",
        "threads_per_core: 0",
        "min_samples: 0",
        "window: 0s",
        "field: \"system.*\"",
        "index: \"*\"",
    ] {
        assert_eq!(load(nonsense).complaints().len(), 1, "{nonsense}");
    }
    assert_eq!(load("").complaints(), Vec::<String>::new());
}

#[test]
fn what_people_read() {
    let check = load("threads_per_core: 2");
    insta::assert_snapshot!(shown(&check, &observe(&check, &healthy(None))));
}
