//! Disks that fill up for real, beside disks that do not.

use std::time::Instant;

use serde_json::json;

use super::{SOON, figure};
use crate::support::{
    daemon::Home,
    engine::{Engine, NodeSpec, Spec, Tmpfs},
    not_run::or_not_run,
    receiver::{Event, Receiver},
};

const RULES: &str = "
rules:
  - id: disk
    check: { storage: {} }
    schedule: every 1s
    levels: { info: at least 85%, warning: at least 88%, critical: at least 90% }
  - id: marks
    check: { storage: {} }
    schedule: every 1s
    levels: { warning: at least watermark.low, critical: at least watermark.high }
  - id: free
    check: { storage: {} }
    schedule: every 1s
    levels: { critical: below 50MB }
";

/// What a daemon tells while the disk of n1, 400 MB, holds a filler of so many megabytes.
async fn told(receiver: &Receiver, rule: &str, story: &[&str]) -> Vec<Event> {
    let events = receiver.wait_for_story(rule, story, SOON).await;
    let others: Vec<&Event> = events.iter().filter(|event| event.entity("node") != "n1").collect();
    assert!(others.is_empty(), "n2 has room: {others:#?}");
    events
}

#[tokio::test]
async fn one_node_fills_up_level_by_level_and_empties_again_while_another_stays_clear() {
    let (Some(full), Some(empty)) = (or_not_run(Tmpfs::mount("400m")), or_not_run(Tmpfs::mount("400m")))
    else {
        return;
    };
    let nodes = [&full, &empty].map(|disk| NodeSpec::default().data_path(disk.path()));
    let Some(engine) = Engine::start(Spec::of(nodes.to_vec())).await else { return };
    let mark = |name: &str| format!("cluster.routing.allocation.disk.watermark.{name}");
    let marks = json!({ mark("low"): "60mb", mark("high"): "40mb", mark("flood_stage"): "20mb" });
    engine.cluster_settings(marks).await;
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;

    let breach = Instant::now();
    full.fill(344);
    let events = told(&receiver, "disk", &["fired info"]).await;
    figure("a disk at 85 % to its message", events[0].at - breach);
    assert!((85.0..88.0).contains(&events[0].value()), "{}", events[0].alert);
    assert_eq!((&events[0].alert["unit"], &events[0].alert["threshold"]), (&"percent".into(), &85.into()));
    told(&receiver, "marks", &["fired warning"]).await;

    let breach = Instant::now();
    full.fill(355);
    let events = told(&receiver, "disk", &["fired info", "raised warning"]).await;
    figure("the same disk at 88 % to its message", events[1].at - breach);
    told(&receiver, "free", &["fired critical"]).await;

    full.fill(365);
    let events = told(&receiver, "disk", &["fired info", "raised warning", "raised critical"]).await;
    assert!((90.0..93.0).contains(&events[2].value()), "{}", events[2].alert);
    assert!(events.iter().all(|event| event.alert["episode_id"] == events[0].alert["episode_id"]));
    told(&receiver, "marks", &["fired warning", "raised critical"]).await;
    let checked = home.check(&["disk"]);
    assert_eq!((checked.code, &checked.report["worst"]), (2, &"critical".into()));
    let other = checked.alert("disk", "node", "n2");
    assert_eq!(other["state"], "inactive", "{other}");

    full.fill(344);
    let back = ["fired info", "raised warning", "raised critical", "lowered info"];
    told(&receiver, "disk", &back).await;
    told(&receiver, "marks", &["fired warning", "raised critical", "lowered warning"]).await;
    told(&receiver, "free", &["fired critical", "resolved critical cleared"]).await;
    full.fill(0);
    let whole = [&back[..], &["resolved info cleared"]].concat();
    let events = told(&receiver, "disk", &whole).await;
    assert!(events[4].alert["peak"].as_f64().unwrap() >= 90.0, "{}", events[4].alert);
    let marks = ["fired warning", "raised critical", "lowered warning", "resolved warning cleared"];
    told(&receiver, "marks", &marks).await;

    full.fill(372);
    let events = told(&receiver, "disk", &[&whole[..], &["fired critical"]].concat()).await;
    assert!(events[5].value() > 92.0, "found at once, told at once: {}", events[5].alert);
    assert_eq!(daemon.stop().await, 0);
}
