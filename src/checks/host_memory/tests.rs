use super::{
    super::{
        common::hosts::tests::{Fleet, Sample, healthy, steadily, web},
        tests::{observe, shown},
    },
    *,
};

fn memory() -> HostMemory {
    serde_saphyr::from_str("{}").unwrap()
}

fn story(samples: &[Vec<Sample>], until: i64) -> Vec<String> {
    let check = memory();
    let mut fleet = Fleet::new(&check, 90.0).sends(&web(), samples);
    fleet.looks(30, until);
    fleet.story()
}

#[test]
fn it_opens_at_once_and_closes_when_consistently_below() {
    let samples = [steadily(0, 300, 0.5), steadily(300, 600, 0.95), steadily(600, 1_800, 0.5)];
    assert_eq!(story(&samples, 1_800), ["5:30 fired web-1", "15:00 resolved web-1 cleared"]);
}

#[test]
fn ninety_percent_is_not_above_ninety_percent() {
    assert_eq!(story(&[steadily(0, 900, 0.9)], 900), [""; 0]);
    assert_eq!(story(&[steadily(0, 900, 0.900_1)], 900), ["0:30 fired web-1"]);
}

#[test]
fn what_people_read() {
    let check = memory();
    insta::assert_snapshot!(shown(&check, &observe(&check, &healthy(None))));
}
