//! What must hold at the edges: clocks that step, rules that go, clusters that nobody speaks for.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::join;

use super::{
    evaluate,
    letters_tests::{die, handle},
    lock,
    reload::Scans,
    world::{MINUTE, World, at, muted, percent, rule, unreachable},
};
use crate::{
    checks::{Advice, Check, Defaults, Look, Memory},
    config::RuleSet,
    model::{
        Entity, Observation, Reading, Reason, Scale, Time,
        query::{Query, Response},
    },
    store::{Deed, Silences, Store},
};

fn nobody() -> RuleSet {
    RuleSet { rules: BTreeMap::new(), disabled: Vec::new() }
}

fn high_until(end: &str) -> impl Fn(Time) -> Observation + Send + Sync + 'static {
    let end = at(end);
    move |tick| percent(if tick < end { 50.0 } else { 1.0 })
}

#[tokio::test]
async fn a_rule_that_cannot_reach_a_cluster_which_others_reach_says_so_itself() {
    let mut world = World::new(rule(true), at("09:58"), |_| unreachable()).await;
    world.live_until(at("10:20")).await;
    assert_eq!(world.said_to("other").len(), 1, "{:?}", world.said_to("other"));
}

#[tokio::test]
async fn a_look_that_failed_before_the_outage_was_known_starts_no_flood_after_it() {
    let mut world = World::new(rule(false), at("09:58"), |_| unreachable()).await;
    world.live_until(at("10:00")).await;
    lock(&world.engine.down).insert("main".to_owned());
    world.live_until(at("10:30")).await;
    lock(&world.engine.down).clear();
    world.live_until(at("10:33")).await;
    assert!(world.said_to("other").is_empty(), "{:?}", world.said_to("other"));
    world.live_until(at("10:36")).await;
    assert_eq!(world.said_to("other").len(), 1, "now it is the rule's own");
}

#[tokio::test]
async fn a_sink_that_was_never_told_of_an_alert_is_not_told_of_its_end() {
    let mut world = World::new(rule(false), at("09:58"), high_until("10:15")).await;
    world.live_until(at("10:01")).await;
    let watch = world.engine.watch(&world.key()).unwrap();
    let mut with_other = rule(false);
    with_other.notify.push("other".to_owned());
    watch.lock().await.rule = Arc::new(with_other);
    world.live_until(at("10:20")).await;
    assert!(world.said_to("other").is_empty(), "{:?}", world.said_to("other"));
    assert_eq!(world.said_to("ear").len(), 2);
}

#[tokio::test]
async fn a_blind_rule_that_is_removed_did_not_recover() {
    let mut world = World::new(rule(true), at("09:58"), |_| unreachable()).await;
    world.live_until(at("10:20")).await;
    world.engine.put_in_force(nobody(), &mut Scans::default(), true).await.unwrap();
    world.listen().await;
    assert_eq!(world.said_to("other").last().unwrap(), "10:20 resolved warning rule_removed");
    assert!(world.store.load().await.unwrap().is_empty(), "nothing of it is kept");
}

#[tokio::test]
async fn a_muted_rule_that_is_removed_is_closed_where_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let clock = crate::clock::Clock::standing_at(at("09:58"));
    let (store, _) = Store::open(&path, clock.clone()).unwrap();
    let mut world = World::over(store, clock, rule(false), high_until("23:00")).await;
    world.live_until(at("10:01")).await;
    Silences::open(&path).unwrap().put(&muted("12:00", "10:01")).unwrap();
    world.live_until(at("10:03")).await;
    world.engine.put_in_force(nobody(), &mut Scans::default(), true).await.unwrap();
    world.listen().await;
    assert_eq!(world.said_to("ear"), ["09:58 fired warning", "10:03 resolved warning rule_removed"]);
}

#[tokio::test]
async fn a_turn_that_waited_while_its_rule_was_removed_does_not_bring_it_back() {
    let mut world = World::new(rule(false), at("09:58"), high_until("23:00")).await;
    world.live_until(at("10:01")).await;
    world.clock.turn_to(at("10:06"));
    let watch = world.engine.watch(&world.key()).unwrap();
    let busy = watch.lock().await;
    let key = world.key();
    let mut scans = Scans::default();
    let (removed, _, ()) = join!(
        world.engine.put_in_force(nobody(), &mut scans, true),
        world.engine.turn(&key, at("10:05")),
        async { drop(busy) },
    );
    removed.unwrap();
    assert!(world.store.load().await.unwrap().is_empty(), "nothing of it is kept");
}

#[tokio::test]
async fn a_turn_that_panicked_is_its_ticks_outcome() {
    let world = World::new(rule(false), at("10:00"), |_| percent(1.0)).await;
    let watch = world.engine.watch(&world.key()).unwrap();
    world.engine.record_fault(&mut *watch.lock().await).await;
    assert_eq!(world.outcomes().await, [("10:00".to_owned(), "10:00".to_owned(), "indeterminate", 1)]);
}

/// Its advice panics.
#[derive(Debug)]
struct Clumsy;

impl Check for Clumsy {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        Vec::new()
    }

    fn read(&self, _: &Look, _: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (Observation::NoData("scripted".to_owned()), memory)
    }

    fn advise(&self, _: &Entity, _: &Reading) -> Advice {
        panic!("a fact that is not there")
    }
}

#[tokio::test]
async fn advice_that_panics_blocks_no_alert() {
    let clumsy = crate::config::Rule { check: Arc::new(Clumsy), ..rule(false) };
    let mut world = World::new(clumsy, at("09:58"), high_until("23:00")).await;
    world.live_until(at("10:01")).await;
    assert_eq!(world.said_to("ear"), ["09:58 fired warning"]);
}

/// Its window is beyond all calendars, or panics in another way.
#[derive(Debug)]
struct Endless {
    follows: bool,
}

impl Check for Endless {
    fn scale(&self) -> Scale {
        Scale::Percent
    }

    fn window(&self) -> Option<Duration> {
        assert!(self.follows, "`DateTime - TimeDelta` overflowed");
        Some(Duration::MAX)
    }

    fn follows(&self) -> bool {
        self.follows
    }

    fn has_more(&self, _: &Memory) -> bool {
        panic!("a place that is not there")
    }

    fn queries(&self, _: &Look, _: &Memory) -> Vec<Query> {
        Vec::new()
    }

    fn read(&self, _: &Look, _: &[Result<Response, Reason>], memory: Memory) -> (Observation, Memory) {
        (Observation::NoData("scripted".to_owned()), memory)
    }

    fn advise(&self, _: &Entity, _: &Reading) -> Advice {
        Advice::default()
    }
}

#[tokio::test]
async fn a_panic_beside_the_questions_is_one_look_of_one_rule() {
    for follows in [false, true] {
        let endless = crate::config::Rule { check: Arc::new(Endless { follows }), ..rule(false) };
        let world = World::new(endless, at("10:00"), |_| percent(1.0)).await;
        let watch = world.engine.watch(&world.key()).unwrap();
        let watch = watch.lock().await;
        let seen = evaluate::see(&world.engine, &watch, Memory::default(), at("10:00")).await;
        let Observation::Indeterminate(reason) = seen.observation else { panic!("{:?}", seen.observation) };
        assert!(reason.text.starts_with("a fault of highwater's own: "), "{}", reason.text);
    }
}

#[tokio::test]
async fn a_clock_set_back_starves_no_for_and_stops_no_look() {
    let mut slow = rule(false);
    slow.policy.levels[0].fire_after = MINUTE * 5;
    let mut world = World::new(slow, at("11:58"), |_| percent(50.0)).await;
    world.live_until(at("12:01")).await;
    world.clock.turn_to(at("11:01"));
    world.live_until(at("11:06")).await;
    assert_eq!(world.said_to("ear").len(), 1, "{:?}", world.said_to("ear"));
    world.live_until(at("12:10")).await;
    let looked: u64 = world.outcomes().await.iter().map(|run| run.3).sum();
    assert!(looked >= 16, "looks every five minutes, through the hour that comes twice: {looked}");
}

#[tokio::test]
async fn an_episode_that_begins_on_a_tick_that_came_twice_has_an_id_of_its_own() {
    // it fires at 11:55, and again at the 11:55 of the hour that comes again
    let mut world =
        World::new(rule(false), at("11:50"), |tick| percent(if tick == at("11:55") { 50.0 } else { 1.0 }))
            .await;
    for _ in 0..3 {
        world.clock.turn_to(at("11:50"));
        world.live_until(at("12:34")).await;
    }
    let mut events: Vec<&str> = world.heard.iter().map(|(.., change)| change.event_id.as_str()).collect();
    assert_eq!(events.len(), 6, "{:?}", world.said_to("ear"));
    events.sort_unstable();
    events.dedup();
    assert_eq!(events.len(), 6, "{:?}", world.said_to("ear"));
}

#[tokio::test]
async fn after_a_restart_reminders_wait_for_no_look() {
    let mut hourly = rule(false);
    hourly.repeat = Some(MINUTE * 60);
    let mut world = World::new(hourly, at("09:58"), |_| percent(50.0)).await;
    world.live_until(at("10:30")).await;
    world.restart(at("11:05")).await;
    world.engine.remind().await;
    world.listen().await;
    assert_eq!(world.said_to("ear"), ["09:58 fired warning", "11:05 reminded warning"]);
}

#[tokio::test]
async fn reminders_go_on_after_the_clock_was_set_back() {
    let mut often = rule(false);
    often.repeat = Some(MINUTE * 30);
    let mut world = World::new(often, at("11:58"), |_| percent(50.0)).await;
    world.live_until(at("12:01")).await;
    world.clock.turn_to(at("10:01"));
    world.live_until(at("10:02")).await;
    world.live_until(at("10:20")).await;
    world.live_until(at("10:40")).await;
    let told = world.said_to("ear");
    assert_eq!(told, ["11:58 fired warning", "10:40 reminded warning"]);
}

#[tokio::test]
async fn a_dead_letter_of_the_time_before_a_restart_is_an_alert_until_somebody_deals_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwater.db");
    let clock = crate::clock::Clock::standing_at(at("10:00"));
    let (store, _) = Store::open(&path, clock.clone()).unwrap();
    let mut world = World::over(store, clock, rule(false), |_| percent(1.0)).await;
    die(&world, "n").await;
    world.listen().await;
    world.restart(at("10:10")).await;
    world.engine.inspect().await;
    world.clock.turn_to(at("12:01"));
    world.engine.inspect().await;
    world.listen().await;
    assert_eq!(world.said_to("other"), ["10:00 fired critical"]);
    handle(&path, None, Deed::Dropped);
    world.engine.keep_up().await;
    world.listen().await;
    assert_eq!(world.said_to("other"), ["10:00 fired critical", "12:01 resolved critical"]);
}

#[tokio::test]
async fn a_caught_up_look_that_proves_nothing_is_not_a_sign_of_life() {
    let away = at("10:04")..at("10:20");
    let mut world = World::new(rule(true), at("09:58"), |_| percent(1.0)).await;
    let clock = world.clock.clone();
    world.signal = Arc::new(move |_| match clock.now() {
        now if away.contains(&now) => unreachable(),
        now if now > at("10:20") => {
            let reason = Reason::new(crate::model::Cause::Partial, "1 of 2 shards failed");
            Observation::Indeterminate(reason)
        }
        _ => percent(1.0),
    });
    world.live_until(at("10:30")).await;
    let outcomes = world.outcomes().await;
    assert!(outcomes.iter().all(|run| run.2 != "caught_up"), "{outcomes:?}");
    assert!(world.engine.heartbeat_held_back(Duration::from_secs(60)).await.is_some());
}

#[tokio::test]
async fn a_rule_that_is_enabled_again_goes_on_from_its_place_and_one_that_was_taken_out_begins_anew() {
    let mut world = World::new(rule(true), at("09:58"), high_until("23:00")).await;
    let place = Memory(serde_json::json!({ "passed": 7 }));
    world.engine.watch(&world.key()).unwrap().lock().await.memory = place.clone();
    world.live_until(at("10:01")).await;
    let disabled = RuleSet { disabled: vec!["errors".to_owned()], ..nobody() };
    let mut scans = Scans::default();
    world.engine.put_in_force(disabled.clone(), &mut scans, false).await.unwrap();
    // a start in between takes up what is kept, and the scan after it keeps it
    let stored = world.store.load().await.unwrap();
    world.engine.take_up(stored, 0).await.unwrap();
    world.engine.put_in_force(disabled, &mut scans, false).await.unwrap();
    let kept = world.store.load().await.unwrap().remove(&world.key()).unwrap();
    assert_eq!((&kept.memory, kept.watermark, kept.state.alerts.len()), (&place, None, 0));
    assert!(world.engine.watch(&world.key()).is_none());

    world.clock.turn_to(at("10:30"));
    let enabled = RuleSet { rules: [("errors".to_owned(), Arc::new(rule(true)))].into(), ..nobody() };
    world.engine.put_in_force(enabled, &mut scans, false).await.unwrap();
    assert_eq!(world.engine.watch(&world.key()).unwrap().lock().await.memory, place);
    world.live_until(at("10:32")).await;
    let fired: Vec<String> =
        world.said_to("ear").into_iter().filter(|said| said.contains(" fired ")).collect();
    assert!(fired.len() == 2 && fired[1].as_str() > "10:25", "nothing of the meantime is owed: {fired:?}");
    world.engine.put_in_force(nobody(), &mut scans, true).await.unwrap();
    assert!(world.store.load().await.unwrap().is_empty(), "nothing of it is kept");
}

#[tokio::test]
async fn a_rule_that_is_disabled_while_it_owes_ticks_owes_none_of_them_when_it_is_enabled_again() {
    let away = at("10:04")..at("10:12");
    let mut world = World::new(rule(true), at("09:58"), |_| percent(1.0)).await;
    let clock = world.clock.clone();
    world.signal = Arc::new(move |_| if away.contains(&clock.now()) { unreachable() } else { percent(1.0) });
    let place = Memory(serde_json::json!({ "passed": 7 }));
    world.engine.watch(&world.key()).unwrap().lock().await.memory = place;
    world.live_until(at("10:11")).await;
    let owed = world.store.load().await.unwrap().remove(&world.key()).unwrap().owed;
    assert!(!owed.is_empty(), "what could not be looked at is owed");

    let mut scans = Scans::default();
    let disabled = RuleSet { disabled: vec!["errors".to_owned()], ..nobody() };
    world.engine.put_in_force(disabled, &mut scans, false).await.unwrap();
    let kept = world.store.load().await.unwrap().remove(&world.key()).unwrap();
    assert_eq!((kept.owed, kept.watermark), (Vec::new(), None));

    world.clock.turn_to(at("10:30"));
    let enabled = RuleSet { rules: [("errors".to_owned(), Arc::new(rule(true)))].into(), ..nobody() };
    world.engine.put_in_force(enabled, &mut scans, false).await.unwrap();
    world.live_until(at("10:32")).await;
    let outcomes = world.outcomes().await;
    assert!(outcomes.iter().all(|(_, _, outcome, _)| *outcome != "caught_up"), "{outcomes:?}");
    let gap = outcomes.iter().find(|(_, _, outcome, _)| *outcome == "gap").unwrap();
    assert!(gap.0.as_str() >= "10:04" && gap.1.as_str() <= "10:11", "each has its outcome: {outcomes:?}");
}
