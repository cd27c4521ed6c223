//! Timelines by name.

use super::*;
use crate::model::{
    Attention, Cause, Ending, Kind, Reason, Schedule, Timing, blind::Blind, schedule::CronSchedule,
};

fn blind() -> Observation {
    Observation::Indeterminate(Reason::new(Cause::Timeout, "no answer within 10s"))
}

/// Green 0, yellow 1, red 2; yellow for 5 minutes, red for 1.
fn health() -> World {
    World::new(policy(vec![level(Level::Warning, 1, 1, 300, 0), level(Level::Critical, 2, 2, 60, 0)]))
}

#[test]
fn red_from_0_00_to_3_00_then_yellow() {
    let mut world = health();
    world.see_from(0, 120, 2).see_from(180, 600, 1);
    assert_eq!(world.story(), ["1:00 fired critical", "3:00 lowered warning"]);
    world.see(660, 0);
    assert_eq!(world.story()[2..], ["11:00 resolved warning cleared"]);
    assert_eq!(world.told[2].peak, Some(Number::Int(2)));
}

#[test]
fn ninety_one_eighty_nine_ninety_one_starts_the_count_again() {
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 90, 120, 0)]));
    world.see(0, 91).see(60, 89).see(120, 91).see(180, 91);
    assert_eq!(world.story(), [""; 0]);
    world.see(240, 91);
    assert_eq!(world.story(), ["4:00 fired critical"]);
    assert_eq!(world.told[0].since, at(120));
}

#[test]
fn answers_slower_than_the_schedule_do_not_starve_a_for() {
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 90, 300, 0)]));
    // every minute is due, but each look takes ninety seconds: only every second tick is judged
    (0..=300).step_by(120).for_each(|seconds| {
        world.see(seconds, 95);
    });
    assert_eq!(world.story(), [""; 0]);
    world.see(360, 95);
    assert_eq!(world.story(), ["6:00 fired critical"]);
}

#[test]
fn blind_for_two_minutes_inside_a_for() {
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 90, 300, 0)]));
    world.see_from(0, 60, 95).look(tick(120), &blind()).look(tick(180), &blind());
    world.see_from(240, 240, 95);
    // 1:00 to 4:00 is three minutes, of which one step counts at most two
    let crate::model::Latch::Pending(age) = world.alert(&node()).latch(Level::Critical) else { panic!() };
    assert_eq!(age.waited, secs(60 + 120));
    world.see_from(300, 360, 95);
    assert_eq!(world.story(), ["6:00 fired critical"]);
}

#[test]
fn one_stale_breach_never_proves_an_hour() {
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 90, 600, 0)]));
    world.see(0, 95).see(3600, 95);
    assert_eq!(world.story(), [""; 0]);
}

#[test]
fn cron_over_a_weekend() {
    let cron = || Schedule::Cron(CronSchedule::parse("*/5 8-17 * * mon-fri", "Europe/Copenhagen").unwrap());
    let timing = Timing {
        schedule: cron(),
        while_firing: None,
        while_unsettled: cron(),
        query_delay: secs(0),
        offset: secs(0),
        max_catch_up: secs(3600),
        windowed: false,
    };
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 90, 900, 0)]));
    let friday: Time = "2026-11-20T16:50:00Z".parse().unwrap();
    let mut now = friday;
    let mut looks = Vec::new();
    while world.told.is_empty() {
        let tick = Tick::new(now, timing.reach(now));
        looks.push(now.format("%a %H:%M").to_string());
        world.look(tick, &Observation::one(node(), value(95)));
        let attention = Attention { firing: false, unsettled: world.state.is_unsettled() };
        now = timing.next_after(now, attention).unwrap();
    }
    // Friday 16:50 and 16:55 are five minutes; the weekend adds no more than ten
    assert_eq!(looks, ["Fri 16:50", "Fri 16:55", "Mon 07:00"]);
    let mut long = World::new(policy(vec![level(Level::Critical, 90, 90, 1200, 0)]));
    for now in [friday, friday + secs(300), "2026-11-23T07:00:00Z".parse().unwrap()] {
        long.look(Tick::new(now, timing.reach(now)), &Observation::one(node(), value(95)));
    }
    assert_eq!(long.told, []);
}

/// Warning at 88; a node that is gone is forgotten after an hour.
fn storage() -> World {
    let mut policy = policy(vec![level(Level::Warning, 88, 88, 0, 0)]);
    policy.absent = Missing::keep_then(secs(3600), crate::model::policy::MissingThen::Resolve);
    World::new(policy)
}

fn two_nodes() -> Observation {
    seen(&[(node(), value(95)), (Entity::of("node", "es-2"), value(40))], Others::Absent)
}

fn without_the_first(others: Others) -> Observation {
    seen(&[(Entity::of("node", "es-2"), value(40))], others)
}

#[test]
fn a_node_gone_for_40_minutes_during_a_rolling_restart() {
    let mut world = storage();
    world.look(tick(0), &two_nodes());
    // half an hour gone before the restart was announced, then forty minutes excused
    for minute in 1..=30 {
        world.look(tick(minute * 60), &without_the_first(Others::Absent));
    }
    for minute in 31..=70 {
        world.look(tick(minute * 60), &without_the_first(Others::Excused));
    }
    assert_eq!(world.story(), ["0:00 fired warning"]);
    // the clock stood at 29 minutes, and goes on from there
    for minute in 71..=100 {
        world.look(tick(minute * 60), &without_the_first(Others::Absent));
    }
    assert_eq!(world.story(), ["0:00 fired warning"]);
    world.look(tick(101 * 60), &without_the_first(Others::Absent));
    assert_eq!(world.story()[1..], ["101:00 resolved warning vanished"]);
}

#[test]
fn a_node_that_comes_back_full_after_its_restart_is_told_nothing_new() {
    let mut world = storage();
    world.look(tick(0), &two_nodes());
    for minute in 1..=40 {
        world.look(tick(minute * 60), &without_the_first(Others::Excused));
    }
    world.look(tick(41 * 60), &two_nodes());
    assert_eq!(world.story(), ["0:00 fired warning"]);
    assert_eq!(world.alert(&node()).silence, None);
}

#[test]
fn recovering_is_broken_off_by_anything_but_clear_and_is_not_told() {
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 88, 0, 300)]));
    world.see(0, 95).see_from(60, 240, 80).see(300, 89).see_from(360, 600, 80);
    assert_eq!(world.story(), ["0:00 fired critical"]);
    world.see(660, 80);
    assert_eq!(world.story()[1..], ["11:00 resolved critical cleared"]);
}

#[test]
fn while_only_recovering_latches_are_up_the_told_level_stays() {
    let levels = vec![level(Level::Warning, 80, 80, 0, 600), level(Level::Critical, 90, 90, 0, 120)];
    let mut world = World::new(policy(levels));
    world.see(0, 95).see_from(60, 660, 10);
    assert_eq!(world.story(), ["0:00 fired critical", "11:00 resolved critical cleared"]);
}

#[test]
fn lowering_waits_while_a_latch_above_is_pending() {
    let levels = vec![
        level(Level::Info, 70, 70, 0, 0),
        level(Level::Warning, 80, 80, 600, 0),
        level(Level::Critical, 90, 90, 0, 60),
    ];
    let mut world = World::new(policy(levels));
    world.see(0, 95).see(60, 75).see(120, 75);
    assert_eq!(world.story(), ["0:00 fired critical", "2:00 lowered info"]);
}

#[test]
fn blindness_is_told_after_its_time_and_ends_at_the_first_determinate_look() {
    let mut world = storage();
    let overdue = |world: &World, seconds: i64| {
        let Finding::Value(reading) = world.state.blind.finding(&world.policy.blind, tick(seconds)) else {
            panic!()
        };
        reading.value > Number::Int(0)
    };
    (0..=4).for_each(|minute| {
        world.look(tick(minute * 60), &blind());
    });
    assert!(!overdue(&world, 299) && overdue(&world, 300));
    world.look(tick(300), &blind());
    assert!(overdue(&world, 301));
    world.look(tick(360), &two_nodes());
    assert!(!overdue(&world, 10_000));
}

#[test]
fn while_the_cluster_itself_is_away_nobody_is_said_to_be_blind_about_one_of_its_nodes() {
    let policy = BlindPolicy::default();
    let unknown = Finding::Unknown(Reason::new(Cause::Partial, "sent no statistics"));
    let silent = seen(&[(node(), unknown), (Entity::of("node", "es-2"), value(40))], Others::Absent);
    let is_told = |sight: &Blind, seconds: i64| {
        let Finding::Value(reading) = sight.finding(&policy, tick(seconds)) else { panic!() };
        reading.value > Number::Int(0)
    };
    let mut sight = Blind::default().look(&policy, &silent, false, tick(0));
    for minute in 1..=20 {
        sight = sight.look(&policy, &blind(), true, tick(minute * 60));
        assert!(!is_told(&sight, minute * 60), "nobody knows of any node: {minute}");
    }
    // its clock ran all the same
    let still = sight.clone().look(&policy, &silent, false, tick(1260));
    assert!(is_told(&still, 1260));
    let back = sight.look(&policy, &two_nodes(), false, tick(1260));
    assert!(!is_told(&back, 1260));
}

#[test]
fn nobody_is_blind_about_a_node_that_is_known_to_be_gone() {
    for others in [Others::Absent, Others::Excused] {
        let mut world = storage();
        let unknown = Finding::Unknown(Reason::new(Cause::Partial, "sent no statistics"));
        let quiet = Entity::of("node", "es-2");
        let silent = seen(&[(node(), unknown.clone()), (quiet, value(40))], Others::Absent);
        world.look(tick(0), &silent);
        assert_eq!(world.state.blind.entities.len(), 1);
        world.look(tick(60), &without_the_first(others));
        assert_eq!(world.state.blind.entities.len(), 0, "{others:?}");
    }
}

#[test]
fn a_quiet_node_that_left_is_forgotten_although_silence_may_fire() {
    let mut world = storage();
    world.policy.no_data = Missing::fire(Level::Warning);
    world.look(tick(0), &without_the_first(Others::Absent));
    assert_eq!(world.state.alerts.len(), 1);
    (1..=61).for_each(|minute| {
        world.look(tick(minute * 60), &seen(&[(node(), value(1))], Others::Absent));
    });
    assert_eq!(world.state.alerts.keys().collect::<Vec<_>>(), [&node()]);
}

#[test]
fn an_alert_whose_entity_falls_silent_is_told_once_more_and_shows_no_old_number() {
    for (others, silence) in [(Others::Absent, Ending::Vanished), (Others::NoData, Ending::NoData)] {
        let mut policy =
            policy(vec![level(Level::Warning, 90, 90, 0, 0), level(Level::Critical, 95, 95, 0, 0)]);
        let fires = Missing { forget: Some(secs(3600)), ..Missing::fire(Level::Warning) };
        (policy.absent, policy.no_data) = (fires, fires);
        let mut world = World::new(policy);
        world.see(0, 97);
        let gone = seen(&[], others);
        (1..=60).for_each(|minute| {
            world.look(tick(minute * 60), &gone);
        });
        assert_eq!(world.story(), ["0:00 fired critical", "1:00 reminded critical"], "{others:?}");
        assert_eq!((&world.told[1].reading, world.told[1].n), (&None, 1));
        let alert = world.alert(&node());
        assert_eq!((alert.latest, alert.peak), (None, Some(Number::Int(97))));
        world.see(3660, 98).look(tick(3720), &gone).see(3780, 1);
        let told = ["62:00 reminded critical", "63:00 resolved critical cleared"];
        assert_eq!(world.story()[2..], told, "who is back and falls silent again is told of again");
        world.see(3840, 97);
        (65..=126).for_each(|minute| {
            world.look(tick(minute * 60), &gone);
        });
        assert_eq!(world.told.last().unwrap().ending, Some(silence));
    }
}

#[test]
fn a_group_that_a_complete_count_does_not_name_recovers_in_the_unit_of_its_rule() {
    for (unit, shown) in [(Unit::Count, "0"), (Unit::Documents, "0 documents"), (Unit::Pods, "0 pods")] {
        for others in [Others::Zero, Others::Over] {
            let mut world = World::new(policy(vec![level(Level::Warning, 1, 1, 0, 0)]));
            (world.policy.grouped, world.policy.unit) = (true, unit);
            let one = Finding::Value(Reading::new(Number::Int(1), unit));
            world.look(tick(0), &seen(&[(node(), one)], others)).look(tick(60), &seen(&[], others));
            let end = world.told.last().unwrap();
            let reading = end.reading.as_ref().unwrap();
            assert_eq!((end.kind, reading.unit.show(reading.value).as_str()), (Kind::Resolved, shown));
        }
    }
}

#[test]
fn what_happens_once_is_over_with_its_documents_and_is_not_remembered() {
    let mut policy = policy(vec![level(Level::Warning, 1, 1, 0, 60)]);
    (policy.grouped, policy.no_data) = (true, Missing::fire(Level::Warning));
    let mut world = World::new(policy);
    world.look(tick(0), &seen(&[(node(), value(3))], Others::Over));
    world.look(tick(60), &seen(&[], Others::Over));
    assert!(world.alert(&node()).is_unsettled(), "its recovery takes its time");
    world.look(tick(120), &seen(&[], Others::Over));
    assert_eq!(world.story().last().map(String::as_str), Some("2:00 resolved warning cleared"));
    assert!(world.state.alerts.is_empty());
    world.look(tick(180), &Observation::NoData("no documents".to_owned()));
    assert_eq!(
        world.state.alerts.keys().collect::<Vec<_>>(),
        [&Entity::empty()],
        "silence is about the whole"
    );
}
