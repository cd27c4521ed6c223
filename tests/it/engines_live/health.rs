//! The colour of a cluster, from the first breach to the recovery.

use std::time::{Duration, Instant};

use super::{SOON, figure, quiet};
use crate::support::{daemon::Home, receiver::Receiver};

const RULES: &str = "
rules:
  - id: health
    check: { cluster_health: {} }
    schedule: every 1s
    levels:
      warning: yellow for 4s
      critical: red for 2s
";
const YELLOW_FOR: Duration = Duration::from_secs(4);
const RED_FOR: Duration = Duration::from_secs(2);

#[tokio::test]
async fn yellow_is_told_after_its_for_and_not_four_times_later() {
    let Some(engine) = quiet().await else { return };
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;

    let breach = Instant::now();
    engine.make_yellow("lonely").await;
    let told = receiver.wait_for_story("health", &["fired warning"], SOON).await;
    let took = told[0].at - breach;
    figure("yellow to its message, with `for 4s`", took);
    assert!(took >= YELLOW_FOR, "told {took:?} after the breach");
    assert!(took < YELLOW_FOR * 3, "told only {took:?} after the breach");
    let alert = &told[0].alert;
    assert_eq!(
        (&alert["value"], &alert["threshold"], &alert["unit"]),
        (&1.into(), &1.into(), &"health".into())
    );
    assert_eq!(told[0].entity("cluster"), "main");
    assert_eq!(alert["facts"]["indices"][0], "lonely (yellow)", "{alert}");
    assert!(alert["facts"]["missing"].as_str().unwrap().starts_with("1 of "), "{alert}");
    assert!(alert["next_step"].as_str().unwrap().contains("set `number_of_replicas`"), "{alert}");
    assert_eq!(alert["facts"]["explained"], serde_json::Value::Null, "{alert}");

    let healed = Instant::now();
    engine.heal_yellow("lonely").await;
    let told = receiver.wait_for_story("health", &["fired warning", "resolved warning cleared"], SOON).await;
    figure("green to the recovery's message", told[1].at - healed);
    assert_eq!(told[1].alert["episode_id"], told[0].alert["episode_id"]);
    assert_eq!((&told[1].alert["value"], &told[1].alert["peak"]), (&0.into(), &1.into()));
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn red_is_told_after_its_own_for_although_yellow_was_already_told() {
    let Some(engine) = quiet().await else { return };
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;
    engine.make_yellow("lonely").await;
    receiver.wait_for_story("health", &["fired warning"], SOON).await;

    let breach = Instant::now();
    engine.make_red("stuck").await;
    let told = receiver.wait_for_story("health", &["fired warning", "raised critical"], SOON).await;
    let took = told[1].at - breach;
    figure("red on top of yellow to its message, with `for 2s`", took);
    assert!((RED_FOR..RED_FOR * 4).contains(&took), "told {took:?} after red");
    assert_eq!(told[1].alert["previous_level"], "warning");
    assert_eq!(told[1].alert["episode_id"], told[0].alert["episode_id"]);

    engine.heal_red("stuck").await;
    let lowered = ["fired warning", "raised critical", "lowered warning"];
    receiver.wait_for_story("health", &lowered, SOON).await;
    engine.heal_yellow("lonely").await;
    let whole = ["fired warning", "raised critical", "lowered warning", "resolved warning cleared"];
    let told = receiver.wait_for_story("health", &whole, SOON).await;
    assert_eq!(told[3].alert["peak"], 2);
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn red_out_of_green_is_critical_at_once_and_recovers_once() {
    let Some(engine) = quiet().await else { return };
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;
    let breach = Instant::now();
    engine.make_red("stuck").await;
    let told = receiver.wait_for_story("health", &["fired critical"], SOON).await;
    let took = told[0].at - breach;
    figure("red to its message, with `for 2s`", took);
    assert!((RED_FOR..RED_FOR * 4).contains(&took), "told {took:?} after red");
    assert!(told[0].alert["facts"]["explained"].is_string(), "{}", told[0].alert);
    engine.heal_red("stuck").await;
    receiver.wait_for_story("health", &["fired critical", "resolved critical cleared"], SOON).await;
    super::more_looks(&daemon, 3, &["rule=\"health\"", "outcome=\"complete\""]).await;
    assert_eq!(receiver.whole_story(), ["health: fired critical", "health: resolved critical cleared"]);
    assert_eq!(daemon.stop().await, 0);
}
