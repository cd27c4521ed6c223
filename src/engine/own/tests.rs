use super::Own;
use crate::{
    engine::world::{MINUTE, World, at, percent, rule, unreachable},
    model::{Cause, Observation, Reason, Time},
};

#[tokio::test]
async fn a_recovery_does_not_say_that_the_rule_is_still_blind() {
    let back = at("10:20");
    let mut world = World::new(rule(false), at("09:58"), |_| unreachable()).await;
    let clock = world.clock.clone();
    world.signal =
        std::sync::Arc::new(move |_: Time| if clock.now() < back { unreachable() } else { percent(1.0) });
    world.live_until(at("10:30")).await;
    assert_eq!(
        world.titles,
        ["WARNING: Rule errors cannot be judged (main)", "RECOVERED: Rule errors can be judged again (main)"]
    );
}

#[tokio::test]
async fn every_alert_of_our_own_says_on_its_recovery_what_is_well_again() {
    let mut world = World::new(rule(false), at("10:00"), |_| percent(1.0)).await;
    let sink = "ear".to_owned();
    let all = [
        (Own::SinkMisconfigured { sink: sink.clone() }, "Sink ear takes messages again"),
        (Own::DeadLetter { sink: sink.clone() }, "No dead letter of sink ear is left"),
        (Own::Outbox { sink }, "No message waits long for sink ear"),
        (Own::Store, "highwater's store is as it should be"),
        (Own::Reload, "The newest rule files are in force"),
        (Own::Late, "highwater looks in time again"),
    ];
    for (own, words) in all {
        world.engine.say_of_itself(own.clone(), 1, "because").await;
        world.clock.turn_to(world.clock.now() + std::time::Duration::from_secs(60));
        world.engine.say_of_itself(own, 0, "").await;
        world.listen().await;
        assert_eq!(world.titles.last().unwrap(), &format!("RECOVERED: {words} (highwater)"));
    }
}

#[tokio::test]
async fn what_ended_without_a_recovery_keeps_its_words() {
    let mut world = World::new(rule(true), at("09:58"), |_| unreachable()).await;
    world.live_until(at("10:20")).await;
    let nobody = crate::config::RuleSet { rules: std::collections::BTreeMap::new(), disabled: Vec::new() };
    world.engine.put_in_force(nobody, &mut Default::default(), true).await.unwrap();
    world.listen().await;
    let last = world.titles.last().unwrap();
    assert_eq!(last, "CLOSED because its rule was removed: Rule errors cannot be judged (main)");
}

#[tokio::test]
async fn a_blind_rule_that_is_given_more_time_has_not_recovered() {
    let mut world = World::new(rule(true), at("09:58"), |_| unreachable()).await;
    world.live_until(at("10:20")).await;
    let mut patient = rule(true);
    patient.policy.blind.after = MINUTE * 120;
    let watch = world.engine.watch(&world.key()).unwrap();
    watch.lock().await.rule = std::sync::Arc::new(patient);
    world.live_until(at("10:40")).await;
    assert_eq!(world.said_to("other").len(), 1, "{:?}", world.said_to("other"));
}

#[tokio::test]
async fn a_blind_rule_whose_cluster_turns_out_to_know_no_answer_ends_grey() {
    let mut world = World::new(rule(false), at("09:58"), |_| unreachable()).await;
    let clock = world.clock.clone();
    world.signal = std::sync::Arc::new(move |_: Time| {
        if clock.now() < at("10:20") {
            return unreachable();
        }
        Observation::NotApplicable(Reason::new(Cause::Unsupported, "no such feature"))
    });
    world.live_until(at("10:40")).await;
    let said = world.said_to("other");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].ends_with("resolved warning not_applicable"), "{said:?}");
    assert!(world.titles[1].starts_with("CLOSED because its cluster cannot answer"), "{:?}", world.titles);
}

#[tokio::test]
async fn what_is_over_of_our_own_leaves_nothing_in_the_store() {
    let mut world = World::new(rule(false), at("09:58"), |_| unreachable()).await;
    let clock = world.clock.clone();
    world.signal = std::sync::Arc::new(
        move |_: Time| if clock.now() < at("10:20") { unreachable() } else { percent(1.0) },
    );
    world.live_until(at("10:15")).await;
    assert_eq!(world.store.load().await.unwrap().len(), 2);
    world.live_until(at("10:30")).await;
    let left: Vec<_> = world.store.load().await.unwrap().into_keys().collect();
    assert_eq!(left, [world.key()]);
    assert_eq!(world.said_to("other").len(), 2, "its recovery is told all the same");
}
