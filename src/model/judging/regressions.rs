//! The defects of the system that this one follows, by name, as far as they are about judging.

use super::*;
use crate::model::{Ending, Kind, policy::MissingThen};

fn health() -> World {
    World::new(policy(vec![level(Level::Warning, 1, 1, 300, 0), level(Level::Critical, 2, 2, 60, 0)]))
}

#[test]
fn yellow_is_told_after_5_minutes_and_not_after_20() {
    let mut world = health();
    world.see_from(0, 1200, 1);
    assert_eq!(world.story(), ["5:00 fired warning"]);
}

#[test]
fn red_is_told_1_minute_after_red_although_yellow_was_already_told() {
    let mut world = health();
    world.see_from(0, 540, 1).see_from(600, 900, 2);
    assert_eq!(world.story(), ["5:00 fired warning", "11:00 raised critical"]);
}

#[test]
fn one_nodes_storage_never_masks_anothers() {
    let mut world = World::new(policy(vec![level(Level::Warning, 88, 86, 120, 0)]));
    let nodes = |first: i64, second: i64| {
        let second = (Entity::of("node", "es-2"), value(second));
        seen(&[(node(), value(first)), second], Others::Absent)
    };
    world.look(tick(0), &nodes(95, 40)).look(tick(60), &nodes(95, 95)).look(tick(120), &nodes(95, 40));
    world.look(tick(180), &nodes(40, 95));
    let told: Vec<(String, Kind)> =
        world.told.iter().map(|told| (told.entity.to_string(), told.kind)).collect();
    assert_eq!(told, [("node=es-1".to_owned(), Kind::Fired), ("node=es-1".to_owned(), Kind::Resolved)]);
    assert!(world.alert(&Entity::of("node", "es-2")).is_unsettled());
}

#[test]
fn no_data_is_never_fine_by_default() {
    let mut world = World::new(policy(vec![level(Level::Critical, 10, 10, 0, 0)]));
    world.see(0, 30);
    for minute in 1..=600 {
        world.look(tick(minute * 60), &Observation::NoData("no documents".to_owned()));
    }
    assert_eq!(world.story(), ["0:00 fired critical"], "silence resolved an alert");
}

#[test]
fn an_unreachable_cluster_is_told_although_the_cluster_is_down() {
    // the probe's failure is a reading, so its rule is judged while every other one is blind
    let mut world = World::new(policy(vec![level(Level::Critical, 1, 1, 60, 0)]));
    world.see_from(0, 60, 1);
    assert_eq!(world.story(), ["1:00 fired critical"]);
}

#[test]
fn a_node_that_leaves_is_not_a_recovery() {
    let mut policy = policy(vec![level(Level::Warning, 88, 88, 0, 0)]);
    policy.absent = Missing::keep_then(secs(3600), MissingThen::Resolve);
    let mut world = World::new(policy);
    world.see(0, 95);
    (1..=62).for_each(|minute| {
        world.look(tick(minute * 60), &seen(&[], Others::Absent));
    });
    assert_eq!(world.story(), ["0:00 fired warning", "61:00 resolved warning vanished"]);
    assert_eq!(world.told[1].ending, Some(Ending::Vanished));
    assert!(world.told[1].ending != Some(Ending::Cleared));
    assert_eq!(world.told[1].threshold, Some(Number::Int(88)));
}
