use super::{
    super::{
        common::hosts::tests::{Fleet, Sample, healthy, steadily},
        tests::{observe, shown},
    },
    *,
};

fn disk() -> HostDisk {
    serde_saphyr::from_str("{}").unwrap()
}

fn mount(path: &str) -> Entity {
    Entity::new([("host.name", "db-1"), ("system.filesystem.mount_point", path)])
}

fn story(samples: &[Vec<Sample>], until: i64) -> Vec<String> {
    let check = disk();
    let mut fleet = Fleet::new(&check, 80.0).sends(&mount("/data"), samples);
    fleet.looks(30, until);
    fleet.story()
}

#[test]
fn it_opens_when_all_samples_of_five_minutes_were_above_and_closes_at_the_first_that_is_not() {
    let samples =
        [steadily(0, 600, 0.5), steadily(600, 1_200, 0.85), vec![(1_200, 0.8)], steadily(1_210, 1_300, 0.85)];
    assert_eq!(
        story(&samples, 1_290),
        ["15:00 fired `/data` on db-1", "20:30 resolved `/data` on db-1 cleared"]
    );
}

#[test]
fn a_single_dip_starts_the_count_again() {
    let samples = [steadily(0, 200, 0.85), vec![(200, 0.79)], steadily(210, 900, 0.85)];
    assert_eq!(story(&samples, 900), ["8:30 fired `/data` on db-1"]);
}

#[test]
fn a_single_peak_opens_nothing() {
    let samples = [steadily(0, 600, 0.5), vec![(600, 0.99)], steadily(610, 1_800, 0.5)];
    assert_eq!(story(&samples, 1_800), [""; 0]);
}

#[test]
fn samples_that_do_not_cover_five_minutes_open_nothing_but_do_close() {
    assert_eq!(story(&[steadily(0, 200, 0.95)], 210), [""; 0]);
    assert_eq!(story(&[steadily(0, 330, 0.95)], 330), ["5:00 fired `/data` on db-1"]);
    let few: Vec<Sample> = (0..1_200).step_by(100).map(|second| (second, 0.95)).collect();
    assert_eq!(story(std::slice::from_ref(&few), 1_200), [""; 0]);
    let closing = [steadily(0, 600, 0.95), vec![(880, 0.5)]];
    assert_eq!(
        story(&closing, 900),
        ["5:00 fired `/data` on db-1", "15:00 resolved `/data` on db-1 cleared"]
    );
}

#[test]
fn one_file_system_says_nothing_of_another() {
    let check = disk();
    let mut fleet = Fleet::new(&check, 80.0)
        .sends(&mount("/data"), &[steadily(0, 900, 0.85)])
        .sends(&mount("/"), &[steadily(0, 900, 0.1)]);
    fleet.looks(30, 900);
    assert_eq!(fleet.story(), ["5:00 fired `/data` on db-1"]);
}

#[test]
fn a_file_system_that_was_unmounted_is_told_once_and_forgotten_after_a_while() {
    let check = disk();
    let forget = check.defaults().absent.unwrap().forget;
    assert_eq!(forget, Some(Duration::from_secs(7 * 86_400)));
    let mut fleet = Fleet::new(&check, 80.0)
        .forgetting(Duration::from_secs(1_200))
        .sends(&mount("/data"), &[steadily(0, 900, 0.1)])
        .sends(&mount("/"), &[steadily(0, 3_600, 0.1)]);
    fleet.looks(30, 3_600);
    assert_eq!(fleet.story(), ["20:00 fired `/data` on db-1", "40:00 resolved `/data` on db-1 vanished"]);
    let advice = check.advise_of_silence(&Entity::new([("host", "db-1"), ("mount", "/data")]));
    assert!(advice.next_step.unwrap().contains("`/data` is still mounted"));
}

#[test]
fn a_file_system_of_a_host_whose_clock_went_wrong_is_not_told_as_gone() {
    let check = disk();
    let well = |at: i64| steadily(at, at + 900, 0.1);
    let other = Entity::new([("host.name", "db-2"), ("system.filesystem.mount_point", "/")]);
    // from 15:00 on the clock is two hours ahead
    let mut fleet = Fleet::new(&check, 80.0).sends(&mount("/data"), &[well(0)]).sends(&other, &[well(0)]);
    fleet.looks(30, 900);
    let mut fleet = fleet
        .sends(&mount("/data"), &[well(8_100)])
        .skewed(&mount("/data"), 7_200)
        .sends(&other, &[well(900)]);
    fleet.looks(930, 1_800);
    assert_eq!(fleet.story(), [""; 0]);
}

#[test]
fn what_people_read() {
    let check = disk();
    insta::assert_snapshot!(shown(&check, &observe(&check, &healthy(Some("/data")))));
}
