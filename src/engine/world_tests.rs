//! What the simulated world shows.

use std::{collections::BTreeMap, sync::Arc};

use super::{lock, reload::Scans, world::*};
use crate::{
    clock::Clock,
    config::RuleSet,
    engine::schedule,
    model::{Attention, Bound, Level, Missing, Observation, Schedule, Time, schedule::CronSchedule},
    store::{Outcome, Silences, Store},
};

/// 30 % in the given span, 1 % elsewhere.
fn burst(from: &str, to: &str) -> impl Fn(Time) -> Observation + Send + Sync + 'static {
    let (from, to) = (at(from), at(to));
    move |tick| percent(if tick >= from && tick < to { 30.0 } else { 1.0 })
}

#[tokio::test]
async fn a_burst_fires_once_and_recovers_once() {
    let mut world = World::new(rule(false), at("09:58"), burst("10:05", "10:20")).await;
    world.live_until(at("11:00")).await;
    assert_eq!(world.said_to("ear"), ["10:05 fired warning", "10:20 resolved warning"]);
}

#[tokio::test]
async fn a_new_rule_is_judged_at_once_as_its_latest_tick() {
    let mut world = World::new(rule(true), at("09:58"), burst("00:00", "23:00")).await;
    world.live_until(at("09:58")).await;
    assert_eq!(world.said_to("ear"), ["09:58 fired warning"]);
    assert_eq!(world.outcomes().await, [("09:57".to_owned(), "09:57".to_owned(), "complete", 1)]);
}

#[tokio::test]
async fn a_window_is_judged_only_after_its_query_delay() {
    let mut world = World::new(rule(true), at("09:58"), burst("10:05", "10:20")).await;
    world.live_until(at("10:05")).await;
    assert!(world.said_to("ear").is_empty(), "the tick of 10:05 is judged at 10:05:30");
    world.live_until(at("10:06")).await;
    assert_eq!(world.said_to("ear"), ["10:05 fired warning"]);
}

#[tokio::test]
async fn windows_missed_while_nobody_ran_are_judged_in_order_and_told_late_in_one_line() {
    let mut world = World::new(rule(true), at("09:58"), burst("10:15", "10:25")).await;
    world.live_until(at("10:06")).await;
    world.restart(at("10:45")).await;
    world.live_until(at("10:46")).await;
    assert_eq!(world.said_to("ear"), ["10:45 resolved warning (told late: fired 10:15, resolved 10:25)"]);
    let caught_up: u64 =
        world.outcomes().await.iter().filter(|run| run.2 == "caught_up").map(|run| run.3).sum();
    assert_eq!(caught_up, 7, "10:10 to 10:40, every five minutes");
}

#[tokio::test]
async fn an_episode_that_ended_and_another_that_began_while_nobody_ran_are_told_in_order() {
    let high = |tick: Time| tick < at("10:10") || tick >= at("10:30");
    let signal = move |tick| percent(if high(tick) { 30.0 } else { 1.0 });
    let mut world = World::new(rule(true), at("09:58"), signal).await;
    world.live_until(at("10:06")).await;
    world.restart(at("10:45")).await;
    world.live_until(at("10:46")).await;
    assert_eq!(
        world.said_to("ear"),
        ["09:58 fired warning", "10:45 resolved warning", "10:45 fired warning"]
    );
}

#[tokio::test]
async fn a_burst_that_is_still_on_after_an_outage_fires_once() {
    let mut world = World::new(rule(true), at("09:58"), burst("10:15", "23:00")).await;
    world.live_until(at("10:06")).await;
    world.restart(at("10:45")).await;
    world.live_until(at("11:00")).await;
    assert_eq!(world.said_to("ear"), ["10:45 fired warning"]);
}

#[tokio::test]
async fn of_a_present_state_only_the_latest_missed_tick_is_judged_and_the_others_are_a_gap() {
    let mut world = World::new(rule(false), at("09:58"), burst("10:15", "10:25")).await;
    world.live_until(at("10:06")).await;
    world.restart(at("10:47")).await;
    world.live_until(at("10:47")).await;
    assert!(world.said_to("ear").is_empty());
    let gaps: u64 = world.outcomes().await.iter().filter(|run| run.2 == "gap").map(|run| run.3).sum();
    assert_eq!(gaps, 8, "10:10 to 10:45");
}

#[tokio::test]
async fn windows_older_than_max_catch_up_are_a_gap() {
    let mut world = World::new(rule(true), at("09:58"), burst("23:00", "23:01")).await;
    world.live_until(at("10:06")).await;
    world.restart(at("13:06")).await;
    world.live_until(at("13:06")).await;
    let sum = |name: &str, all: &[(String, String, &str, u64)]| -> u64 {
        all.iter().filter(|run| run.2 == name).map(|run| run.3).sum()
    };
    let outcomes = world.outcomes().await;
    assert_eq!(sum("caught_up", &outcomes), 12, "12:05 to 13:00");
    assert_eq!(sum("gap", &outcomes), 23, "10:10 to 12:00");
}

#[tokio::test]
async fn a_cluster_that_was_away_for_an_hour_moves_nothing_and_its_windows_are_made_up_for() {
    let away = at("10:10")..at("11:00");
    let mut world = World::new(rule(true), at("09:58"), burst("10:05", "10:31")).await;
    let (inner, clock) = (world.signal.clone(), world.clock.clone());
    world.signal = std::sync::Arc::new(
        move |tick| if away.contains(&clock.now()) { unreachable() } else { inner(tick) },
    );
    lock(&world.engine.down).insert("main".to_owned());
    world.live_until(at("12:00")).await;
    assert_eq!(world.said_to("ear"), ["10:05 fired warning", "11:00 resolved warning"]);
    assert!(world.said_to("other").is_empty(), "its cluster's own alert speaks for it");
    let outcomes = world.outcomes().await;
    let caught_up: u64 = outcomes.iter().filter(|run| run.2 == "caught_up").map(|run| run.3).sum();
    assert_eq!(caught_up, 10, "10:10 to 10:55: {outcomes:?}");
}

#[tokio::test]
async fn every_due_tick_has_exactly_one_outcome() {
    let away = at("10:12")..at("10:29");
    let mut world = World::new(rule(true), at("09:58"), burst("10:05", "10:15")).await;
    let (inner, clock) = (world.signal.clone(), world.clock.clone());
    world.signal = std::sync::Arc::new(
        move |tick| if away.contains(&clock.now()) { unreachable() } else { inner(tick) },
    );
    world.live_until(at("10:41")).await;
    world.restart(at("11:11")).await;
    world.live_until(at("12:01")).await;
    let on_grid = |tick: &Time| tick.timestamp() % 300 == 0;
    let mut ticks = Vec::new();
    for run in world.store.runs(Time::UNIX_EPOCH).await.unwrap() {
        ticks.extend([run.from, run.to].into_iter().filter(on_grid));
    }
    let total: u64 = world.outcomes().await.iter().map(|run| run.3).sum();
    let looks_between = total - 24;
    assert!(looks_between < 40, "24 ticks of the grid from 10:00 to 11:55, and the looks of unsettled times");
    ticks.sort_unstable();
    assert!(ticks.iter().all(|tick| *tick <= at("12:00")));
}

#[tokio::test]
async fn a_restart_tells_nothing_by_itself() {
    for minute in 0..30 {
        let mut world = World::new(rule(false), at("09:58"), burst("10:05", "10:20")).await;
        let cut = at("10:00") + MINUTE * minute;
        world.live_until(cut).await;
        world.restart(cut).await;
        world.live_until(at("11:00")).await;
        assert_eq!(
            world.said_to("ear"),
            ["10:05 fired warning", "10:20 resolved warning"],
            "restarted at {cut}"
        );
    }
}

#[tokio::test]
async fn a_rule_that_is_blind_for_its_own_reasons_says_so_through_the_other_sink() {
    let refused = || {
        let reason = crate::model::Reason::new(crate::model::Cause::Refused, "answers, but refuses us: 403");
        Observation::Indeterminate(reason)
    };
    let blind = at("10:02")..at("10:30");
    let mut world = World::new(rule(true), at("09:58"), |_| percent(1.0)).await;
    let clock = world.clock.clone();
    world.signal =
        std::sync::Arc::new(move |_| if blind.contains(&clock.now()) { refused() } else { percent(1.0) });
    world.live_until(at("11:00")).await;
    assert!(world.said_to("ear").is_empty());
    let said = world.said_to("other");
    assert_eq!(
        said,
        ["10:10 fired warning", "10:30 resolved warning"],
        "the first look that failed was 10:05"
    );
}

#[tokio::test]
async fn a_clock_set_back_an_hour_does_not_silence_a_rule() {
    let mut world = World::new(rule(false), at("09:58"), burst("08:00", "09:20")).await;
    world.live_until(at("10:00")).await;
    world.clock.turn_to(at("09:01"));
    world.live_until(at("09:30")).await;
    assert_eq!(world.said_to("ear"), ["09:01 fired warning", "09:20 resolved warning"]);
}

#[tokio::test]
async fn an_alert_that_fires_for_lack_of_data_says_so() {
    let mut silent = rule(true);
    (silent.policy.no_data, silent.repeat) = (Missing::fire(Level::Warning), Some(MINUTE * 60));
    let quiet = |before: f64| {
        move |tick: Time| match tick >= at("10:05") {
            true => Observation::NoData("no documents".to_owned()),
            false => percent(before),
        }
    };
    let mut world = World::new(silent.clone(), at("09:58"), quiet(1.0)).await;
    world.live_until(at("10:10")).await;
    assert_eq!(world.said_to("ear"), ["10:05 fired warning (no data since 10:05)"]);
    let mut world = World::new(silent, at("09:58"), quiet(97.0)).await;
    world.live_until(at("11:10")).await;
    let again = ["10:05", "11:10"].map(|at| format!("{at} reminded warning (no data since 10:05)"));
    assert_eq!(world.said_to("ear")[1..], again, "also of one that fired already");
}

#[tokio::test]
async fn a_threshold_that_cannot_be_resolved_is_not_a_complete_look() {
    let mut marks = rule(false);
    let mark = Bound::Mark { name: "watermark.low".to_owned(), margin: None };
    marks.policy.levels[0].when.bound = mark;
    let mut world = World::new(marks, at("09:58"), |_| percent(99.0)).await;
    world.live_until(at("10:05")).await;
    assert!(world.outcomes().await.iter().all(|run| run.2 == "indeterminate"));
    assert_eq!(world.said_to("other"), ["10:03 fired warning"], "the rule says that it is blind");
}

#[tokio::test]
async fn reminders_ring_on_their_own_clock() {
    let mut daily = rule(false);
    daily.repeat = Some(MINUTE * 60);
    let mut world = World::new(daily, at("09:58"), burst("10:00", "13:00")).await;
    for minute in 0..240 {
        world.live_until(at("10:00") + MINUTE * minute).await;
    }
    let said = world.said_to("ear");
    let expected =
        ["10:00 fired warning", "11:00 reminded warning", "12:00 reminded warning", "13:00 resolved warning"];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_changed_fingerprint_closes_what_was_open_and_says_so_first() {
    let mut world = World::new(rule(false), at("09:58"), burst("10:00", "23:00")).await;
    world.live_until(at("10:01")).await;
    world.rule.fingerprint = "other groups".to_owned();
    world.signal = std::sync::Arc::new(|_| percent(1.0));
    world.restart(at("10:02")).await;
    world.live_until(at("10:10")).await;
    assert_eq!(world.said_to("ear"), ["10:00 fired warning", "10:02 resolved warning rule_changed"]);
}

async fn muted_world(
    until: &str,
    signal: impl Fn(Time) -> Observation + Send + Sync + 'static,
) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let clock = Clock::standing_at(at("09:58"));
    let (store, _) = Store::open(&path, clock.clone()).unwrap();
    Silences::open(&path).unwrap().put(&muted(until, "09:58")).unwrap();
    (World::over(store, clock, rule(false), signal).await, folder)
}

#[tokio::test]
async fn what_a_mute_withholds_is_told_when_it_ends_if_it_still_fires() {
    let (mut world, _folder) = muted_world("10:31", burst("10:05", "23:00")).await;
    world.live_until(at("10:30")).await;
    assert!(world.said_to("ear").is_empty());
    world.live_until(at("10:32")).await;
    let expected = ["10:32 fired warning (told late: muted by ada until 10:31 UTC: patching)"];
    assert_eq!(world.said_to("ear"), expected);
    world.live_until(at("11:00")).await;
    assert_eq!(world.said_to("ear").len(), 1, "and only once");
}

#[tokio::test]
async fn an_alert_that_came_and_went_under_a_mute_is_never_told() {
    let (mut world, _folder) = muted_world("10:31", burst("10:05", "10:15")).await;
    world.live_until(at("11:00")).await;
    assert!(world.said_to("ear").is_empty());
}

#[tokio::test]
async fn a_recovery_under_a_mute_is_told_afterwards_to_whoever_was_told_of_the_alert() {
    let (mut world, folder) = muted_world("09:59", burst("10:00", "10:15")).await;
    world.live_until(at("10:01")).await;
    Silences::open(&folder.path().join("highwater.db")).unwrap().put(&muted("10:31", "10:01")).unwrap();
    world.live_until(at("10:03")).await;
    world.live_until(at("10:30")).await;
    assert_eq!(world.said_to("ear"), ["10:00 fired warning"]);
    world.live_until(at("10:32")).await;
    assert_eq!(world.said_to("ear").len(), 2);
    let recovery = world.heard.last().unwrap().2.clone();
    assert!(recovery.is_cleared());
    assert_eq!(recovery.at, at("10:15"));
    assert!(recovery.note.unwrap().contains("muted by ada"));
}

#[tokio::test]
async fn a_rule_that_is_gone_from_its_files_is_closed_when_two_scans_agree() {
    let mut world = World::new(rule(false), at("09:58"), burst("10:00", "23:00")).await;
    world.live_until(at("10:01")).await;
    let mut scans = Scans::default();
    let nobody = || RuleSet { rules: BTreeMap::new(), disabled: Vec::new() };
    world.engine.put_in_force(nobody(), &mut scans, false).await.unwrap();
    world.listen().await;
    assert_eq!(world.said_to("ear").len(), 1, "one scan may have seen half a file");
    let back = RuleSet { rules: BTreeMap::from([("errors".to_owned(), Arc::new(rule(false)))]), ..nobody() };
    world.engine.put_in_force(back, &mut scans, false).await.unwrap();
    world.engine.put_in_force(nobody(), &mut scans, false).await.unwrap();
    world.listen().await;
    assert_eq!(world.said_to("ear").len(), 1, "it was back in between");
    world.engine.put_in_force(nobody(), &mut scans, false).await.unwrap();
    world.listen().await;
    assert_eq!(world.said_to("ear"), ["10:00 fired warning", "10:01 resolved warning rule_removed"]);
    assert!(world.engine.watch(&world.key()).is_none());
    assert!(world.store.load().await.unwrap().is_empty(), "nothing of it is kept");
}

#[tokio::test]
async fn a_disabled_rule_closes_at_once_and_says_why() {
    let mut world = World::new(rule(false), at("09:58"), burst("10:00", "23:00")).await;
    world.live_until(at("10:01")).await;
    let set = RuleSet { rules: BTreeMap::new(), disabled: vec!["errors".to_owned()] };
    world.engine.put_in_force(set, &mut Scans::default(), false).await.unwrap();
    world.listen().await;
    assert_eq!(world.said_to("ear"), ["10:00 fired warning", "10:01 resolved warning disabled"]);
}

#[tokio::test]
async fn a_rule_that_was_removed_while_nobody_ran_is_closed_too() {
    let mut world = World::new(rule(false), at("09:58"), burst("10:00", "23:00")).await;
    world.live_until(at("10:01")).await;
    world.rule.id = "renamed".to_owned();
    world.clock.turn_to(at("10:03"));
    let stored = world.store.load().await.unwrap();
    world.engine.take_up(stored, 0).await.unwrap();
    let mut scans = world.engine.scans.lock().await;
    let set = RuleSet {
        rules: BTreeMap::from([("renamed".to_owned(), Arc::new(world.rule.clone()))]),
        disabled: Vec::new(),
    };
    world.engine.put_in_force(set.clone(), &mut scans, false).await.unwrap();
    world.engine.put_in_force(set, &mut scans, false).await.unwrap();
    drop(scans);
    world.listen().await;
    assert_eq!(world.said_to("ear"), ["10:00 fired warning", "10:03 resolved warning rule_removed"]);
}

#[tokio::test]
async fn messages_for_a_sink_that_left_the_settings_stay_an_alert_when_they_are_given_up() {
    let mut gone = rule(false);
    gone.notify = vec!["gone".to_owned()];
    let mut world = World::new(gone, at("09:58"), burst("10:00", "23:00")).await;
    world.live_until(at("10:01")).await;
    world.engine.inspect().await;
    world.listen().await;
    assert_eq!(world.said_to("other"), ["10:01 fired critical"]);
    world.clock.turn_to(at("10:02") + MINUTE * 1440);
    world.engine.inspect().await;
    world.engine.inspect().await;
    world.listen().await;
    assert_eq!(
        world.said_to("other"),
        ["10:01 fired critical"],
        "nobody was told of them, nor put them away"
    );
    let depth = world.store.depth().await.unwrap().remove(0);
    assert_eq!((depth.sink.as_str(), depth.queued, depth.dead), ("gone", 0, 1));
}

#[test]
fn a_month_of_missed_ticks_is_one_stretch_with_all_of_them_counted() {
    let timing = rule(false).timing;
    let progress = schedule::Progress { watermark: Some(at("10:00")), ..schedule::Progress::default() };
    let plan = schedule::plan(&timing, &progress, at("10:00") + MINUTE * 60 * 24 * 30).unwrap();
    let [gap] = &plan.passed_over[..] else { panic!("one stretch") };
    assert_eq!((gap.outcome, gap.n), (Outcome::Gap, 30 * 24 * 12 - 1));
}

#[test]
fn what_came_due_during_a_slow_look_was_skipped_and_what_came_later_is_a_gap() {
    let timing = rule(false).timing;
    let busy_until = Some(at("10:11"));
    let progress =
        schedule::Progress { watermark: Some(at("10:00")), busy_until, ..schedule::Progress::default() };
    let plan = schedule::plan(&timing, &progress, at("10:31")).unwrap();
    let told: Vec<_> = plan.passed_over.iter().map(|run| (run.outcome, run.n)).collect();
    assert_eq!(told, [(Outcome::SkippedOverlap, 2), (Outcome::Gap, 3)]);
}

#[test]
fn a_week_of_a_thousand_rules_is_planned_in_moments() {
    let weekdays = Schedule::Cron(CronSchedule::parse("*/5 8-17 * * mon-fri", "Europe/Copenhagen").unwrap());
    let mut timing = rule(false).timing;
    timing.schedule = weekdays;
    let friday: Time = "2026-03-06T16:59:00Z".parse().unwrap();
    let tick = timing.next_after(friday, Attention::default()).unwrap();
    assert_eq!(tick.to_rfc3339(), "2026-03-09T07:00:00+00:00", "nothing is due over the weekend");
    let progress =
        schedule::Progress { watermark: Some(friday - MINUTE * 4), ..schedule::Progress::default() };
    let sunday: Time = "2026-03-08T12:00:00Z".parse().unwrap();
    assert_eq!(schedule::plan(&timing, &progress, sunday), None, "and nothing is missed");
}
