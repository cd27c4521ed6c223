//! Dead letters and sinks that are gone, as long as something is left of them.

use std::{path::Path, sync::Arc};

use super::{
    Engine,
    deliver::SinkFact,
    doors::Doors,
    own::Own,
    world::{World, a_settings, at, percent, rule},
};
use crate::{
    clock::Clock,
    config::{RuleKey, RuleSet},
    engine::{draft::Draft, watch::Watch},
    model::{
        Kind, Level,
        notification::Delivery,
        samples::{change, notification},
    },
    store::{Deed, DeliveryKey, Letters, Settlement, Store, Stored, Turn},
};

/// A world whose store people can write into.
async fn world_at(path: &Path) -> World {
    let clock = Clock::standing_at(at("10:00"));
    let (store, _) = Store::open(path, clock.clone()).unwrap();
    World::over(store, clock, rule(false), |_| percent(1.0)).await
}

fn key(id: &str) -> DeliveryKey {
    DeliveryKey { sink: "ear".to_owned(), id: id.to_owned() }
}

/// A message for `ear`.
async fn put(world: &World, id: &str) {
    let mut notification = notification(vec![change(Kind::Fired, Level::Warning)]);
    notification.notification_id = id.to_owned();
    let nobody = Watch::new(Arc::new(rule(false)), "elsewhere", Stored::default());
    let engine = &world.engine;
    let (turn, _) = engine.telling_of_itself(|place| Draft::of(&nobody).finish(&nobody, place.telling));
    let deliveries = vec![Delivery::of_rule("ear", notification, chrono_tz::UTC)];
    world.store.commit(Turn { key: RuleKey::new(id, "main"), deliveries, ..turn }).await.unwrap();
}

/// It is refused for good.
async fn give_up(world: &World, id: &str) {
    let why = "410 gone".to_owned();
    world.store.settle(&key(id), Settlement::Dead { why }).await.unwrap();
}

/// The same, and the engine hears of it, as it does from the sink's task.
pub async fn die(world: &World, id: &str) {
    put(world, id).await;
    give_up(world, id).await;
    let (sink, notification_id, why) = ("ear".to_owned(), id.to_owned(), "410 gone".to_owned());
    world.engine.hear(SinkFact::Dead { sink, notification_id, why }).await;
}

/// What somebody does with one letter, or with all of them.
pub fn handle(path: &Path, id: Option<&str>, deed: Deed) {
    let letters = Letters::open(path).unwrap();
    let mut dead = letters.dead(Some("ear")).unwrap();
    dead.retain(|letter| id.is_none_or(|id| letter.key.id == id));
    assert!(!dead.is_empty(), "there is nothing to handle");
    letters.handle(&dead, deed, ("ada", "told by hand"), at("10:30")).unwrap();
}

/// Everything in memory is gone, and so is one sink of the settings.
async fn restart_without(world: &mut World, sink: &str) {
    let mut settings = a_settings();
    settings.sinks.remove(sink);
    let rules =
        RuleSet { rules: [(world.rule.id.clone(), Arc::new(world.rule.clone()))].into(), disabled: vec![] };
    let (store, clock) = (world.store.clone(), world.clock.clone());
    world.engine = Engine::new(Arc::new(settings), rules, store, Doors::default(), clock);
    world.engine.take_up(world.store.load().await.unwrap(), 0).await.unwrap();
}

/// A second passes, and a minute if `inspected`.
async fn go_on(world: &mut World, inspected: bool) {
    if inspected {
        world.engine.inspect().await;
    }
    world.engine.keep_up().await;
    for sink in ["other", "pager"] {
        for queued in world.store.heads(sink, world.clock.now()).await.unwrap() {
            world.titles.push(crate::model::wording::title(&queued.delivery.notification));
            let accepted = Settlement::Accepted { handles: [].into() };
            world.store.settle(&queued.key, accepted).await.unwrap();
        }
    }
}

const DEAD: &str = "CRITICAL: A message for sink ear could not be delivered (highwater)";
const NONE_LEFT: &str = "RECOVERED: No dead letter of sink ear is left (highwater)";
const LONG: &str = "WARNING: Messages wait long for sink ear (highwater)";
const LEFT: &str =
    "CRITICAL: Messages are left for sink ear, which is not in the settings any more (highwater)";
const DONE: &str = "RECOVERED: Sink ear is in the settings again, or nothing is left for it (highwater)";

#[tokio::test]
async fn dead_letters_are_an_alert_until_the_last_one_is_put_away_or_taken_after_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let mut world = world_at(&path).await;
    die(&world, "x").await;
    die(&world, "y").await;
    go_on(&mut world, false).await;
    world.clock.turn_to(at("12:00"));
    handle(&path, Some("x"), Deed::Dropped);
    go_on(&mut world, true).await;
    assert_eq!(world.titles, [DEAD], "one is left, two hours later");
    handle(&path, Some("y"), Deed::Retried);
    go_on(&mut world, false).await;
    assert_eq!(world.titles, [DEAD], "it waits, and may be refused again");
    give_up(&world, "y").await;
    go_on(&mut world, false).await;
    assert_eq!(world.titles, [DEAD], "it was refused again, and nothing new is said");
    handle(&path, Some("y"), Deed::Retried);
    world.store.settle(&key("y"), Settlement::Accepted { handles: [].into() }).await.unwrap();
    go_on(&mut world, false).await;
    assert_eq!(world.titles, [DEAD, NONE_LEFT]);
    go_on(&mut world, true).await;
    assert_eq!(world.titles.len(), 2, "that is said once");
}

#[tokio::test]
async fn what_was_put_away_while_nobody_ran_ends_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let mut world = world_at(&path).await;
    die(&world, "x").await;
    go_on(&mut world, false).await;
    handle(&path, None, Deed::Dropped);
    world.restart(at("10:40")).await;
    go_on(&mut world, false).await;
    assert_eq!(world.titles, [DEAD, NONE_LEFT]);
}

#[tokio::test]
async fn a_letter_of_which_a_crash_kept_everybody_from_hearing_is_told_after_the_start() {
    let mut world = World::new(rule(false), at("10:00"), |_| percent(1.0)).await;
    put(&world, "x").await;
    give_up(&world, "x").await;
    world.restart(at("10:01")).await;
    go_on(&mut world, true).await;
    assert_eq!(world.titles, [DEAD]);
}

#[tokio::test]
async fn alerts_about_a_sink_that_is_gone_end_grey_and_what_is_left_for_it_is_told_until_it_is_put_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let mut world = world_at(&path).await;
    let sink = || "ear".to_owned();
    die(&world, "x").await;
    world.engine.say_of_itself(Own::SinkMisconfigured { sink: sink() }, 1, "answered 404").await;
    world.engine.say_of_itself(Own::Outbox { sink: sink() }, 400, "1 wait").await;
    put(&world, "y").await;
    go_on(&mut world, false).await;
    world.titles.clear();
    world.clock.turn_to(at("10:10"));
    restart_without(&mut world, "ear").await;
    go_on(&mut world, false).await;
    world.titles.sort();
    let removed = |what: &str| format!("CLOSED because its sink was removed: {what} (highwater)");
    let closed = [
        "A message for sink ear could not be delivered",
        "Messages wait long for sink ear",
        "Sink ear takes no messages",
    ];
    let mut expected = closed.map(removed).to_vec();
    expected.push(LEFT.to_owned());
    assert_eq!(world.titles, expected);

    world.clock.turn_to(at("11:30"));
    go_on(&mut world, true).await;
    handle(&path, None, Deed::Dropped);
    go_on(&mut world, true).await;
    assert_eq!(world.titles.len(), 4, "one still waits: {:?}", world.titles);
    world.clock.turn_to(at("10:10") + chrono::TimeDelta::days(2));
    go_on(&mut world, true).await;
    go_on(&mut world, true).await;
    assert_eq!(world.titles.len(), 4, "it was given up, and is left: {:?}", world.titles);
    handle(&path, None, Deed::Dropped);
    go_on(&mut world, false).await;
    assert_eq!(world.titles.last().unwrap(), DONE);
    assert!(world.store.load().await.unwrap().keys().all(|key| !key.rule.starts_with("highwater-")));
}

#[tokio::test]
async fn a_letter_that_is_sent_again_waits_since_then_and_not_since_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let mut world = world_at(&path).await;
    die(&world, "x").await;
    go_on(&mut world, false).await;
    handle(&path, Some("x"), Deed::Retried);
    for (when, told) in [("10:31", vec![DEAD]), ("10:34", vec![DEAD]), ("10:36", vec![DEAD, LONG])] {
        world.clock.turn_to(at(when));
        go_on(&mut world, true).await;
        assert_eq!(world.titles, told, "at {when}");
    }
}

#[tokio::test]
async fn what_is_merged_with_a_letter_that_is_sent_again_has_waited_for_longer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let world = world_at(&path).await;
    die(&world, "x").await;
    put(&world, "y").await;
    handle(&path, Some("x"), Deed::Retried);
    let head = world.store.heads("ear", at("10:31")).await.unwrap().remove(0);
    let merged = world.store.merge("ear", &head.delivery.lane).await.unwrap().unwrap();
    assert_eq!((merged.since, merged.due), (at("10:00"), at("10:30")));
    let depths = world.store.depth().await.unwrap();
    assert_eq!(depths.iter().find(|depth| depth.sink == "ear").map(|depth| depth.queued), Some(1));
}

#[tokio::test]
async fn what_still_waits_for_a_sink_that_is_gone_can_be_put_away_and_its_alert_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let mut world = world_at(&path).await;
    for id in ["x", "y"] {
        put(&world, id).await;
    }
    give_up(&world, "x").await;
    restart_without(&mut world, "ear").await;
    go_on(&mut world, true).await;
    assert_eq!(world.titles, [LEFT]);
    let letters = Letters::open(&path).unwrap();
    assert_eq!(letters.clear("ear", ("ada", "told by hand"), at("10:30")).unwrap().len(), 2);
    go_on(&mut world, false).await;
    assert_eq!(world.titles, [LEFT, DONE]);
}

#[tokio::test]
async fn a_sink_that_is_back_is_no_alert_any_more_and_its_dead_letters_are_again() {
    let mut world = World::new(rule(false), at("10:00"), |_| percent(1.0)).await;
    die(&world, "x").await;
    go_on(&mut world, false).await;
    restart_without(&mut world, "ear").await;
    go_on(&mut world, true).await;
    assert_eq!(world.titles.last().unwrap(), LEFT);
    world.restart(at("10:20")).await;
    go_on(&mut world, true).await;
    assert_eq!(world.titles[3..], [DONE.to_owned(), DEAD.to_owned()]);
}
