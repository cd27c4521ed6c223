use serde_json::json;

use super::*;
use crate::engine::world::{World, at, percent, rule};

#[test]
fn a_clock_is_wrong_by_what_lies_outside_of_the_time_in_which_it_was_asked() {
    let asked = (at("10:00"), at("10:01"));
    let node = |time: &str| json!({ "name": time, "timestamp": at(time).timestamp_millis() });
    let worst = |times: &[&str]| {
        let nodes: serde_json::Map<_, _> =
            times.iter().map(|time| ((*time).to_owned(), node(time))).collect();
        worst_skew(&json!({ "nodes": nodes }), asked)
    };
    assert_eq!(worst(&["10:00", "10:01"]).unwrap().1, Duration::ZERO);
    assert_eq!(worst(&["10:00", "09:55"]), Some(("09:55".to_owned(), Duration::from_secs(300))));
    assert_eq!(worst(&["09:55", "10:11"]), Some(("10:11".to_owned(), Duration::from_secs(600))));
    assert_eq!(worst(&[]), None);
    assert_eq!(worst_skew(&json!({ "nodes": { "a": { "timestamp": "now" } } }), asked), None);
}

#[test]
fn the_room_of_a_store_that_is_not_there_yet_is_that_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (free, total) = room_at(&folder.path().join("var/deeper/highwater.db")).unwrap();
    assert!(free <= total && total > 0, "{free} of {total}");
    assert_eq!(room_at(Path::new("unused")), None);
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_once_and_its_renewal_too() {
    let mut world = World::new(rule(false), at("10:00"), |_| percent(1.0)).await;
    let shown = |days: i64| at("10:00") + chrono::TimeDelta::days(days);
    let seen = world.engine.doors.shown_certificates();
    seen.note("hooks.example:443", shown(15));
    world.engine.mind_certificates().await;
    seen.note("hooks.example:443", shown(13));
    world.engine.mind_certificates().await;
    world.engine.mind_certificates().await;
    seen.note("hooks.example:443", shown(90));
    world.clock.turn_to(at("10:01"));
    world.engine.mind_certificates().await;
    world.listen().await;
    assert_eq!(
        world.titles,
        [
            "WARNING: The certificate of hooks.example:443 ends soon (highwater)",
            "RECOVERED: The certificate of hooks.example:443 is valid for long enough (highwater)"
        ]
    );
}
