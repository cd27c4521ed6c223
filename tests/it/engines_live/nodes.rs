//! Nodes that hang, nodes that die, and a cluster that has lost its head.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{SOON, figure, more_looks};
use crate::support::{
    daemon::{Daemon, Home, settings},
    engine::{Engine, Spec},
    receiver::Receiver,
};

/// Every node breaches `disk` and `disk-kept` at all times: what is told of them then is about nodes coming and going.
const RULES: &str = "
rules:
  - id: disk
    check: { storage: {} }
    schedule: every 1s
    levels: { info: at least 0% }
    absent: { keep: 3s, then: resolve }
    blind: { after: 3s, level: warning }
  - id: disk-kept
    check: { storage: {} }
    schedule: every 1s
    levels: { info: at least 0% }
    absent: { keep: 1h, then: resolve }
    blind: { after: 1h, level: warning }
  - id: health
    check: { cluster_health: {} }
    schedule: every 1s
    levels: { critical: red for 1s }
    blind: { after: 3s, level: warning }
  - id: elasticsearch-unreachable
    check: { elasticsearch_unreachable: {} }
    clusters: all
    schedule: every 1s
    levels: { critical: unreachable for 2s }
";

/// What happens to one three-node cluster, in this order: one start serves all.
#[tokio::test]
async fn a_hung_node_is_unknown_alone_a_dead_one_is_no_recovery_and_a_lost_quorum_is_told_once() {
    let Some(engine) = Engine::start(Spec::three_nodes()).await else { return };
    let receiver = Receiver::start();
    let home = Home::new(&patient(&engine.urls(), &receiver), RULES);
    let daemon = home.start().await;
    for rule in ["disk", "disk-kept"] {
        let all = receiver.wait_for_story(rule, &["fired info"; 3], SOON).await;
        let mut nodes: Vec<&str> = all.iter().map(|event| event.entity("node")).collect();
        nodes.sort_unstable();
        assert_eq!(nodes, ["n1", "n2", "n3"]);
    }
    let victims = not_the_master(&engine).await;
    a_hung_node_is_unknown_and_the_others_are_judged(&engine, victims, &receiver).await;
    a_dead_node_is_gone_and_not_recovered(&engine, victims[0], &receiver, &daemon).await;
    a_lost_quorum_is_one_alert_and_one_recovery(&engine, victims, &receiver, &daemon).await;
    assert_eq!(daemon.stop().await, 0);
}

/// A cluster waits for a node that hangs for four fifths of the deadline; the rest of it has to be enough for its answer, however
/// busy the machine is, or the whole look would be blind.
fn patient(urls: &[String], receiver: &Receiver) -> Value {
    let mut settings = settings(urls, receiver);
    settings["clusters"]["main"]["timeout"] = "6s".into();
    settings
}

/// The numbers of two nodes whose end does not also take the master.
async fn not_the_master(engine: &Engine) -> [usize; 2] {
    let master = engine.get("/_cat/master?format=json").await[0]["node"].as_str().unwrap().to_owned();
    let others: Vec<usize> = (0..3).filter(|node| engine.node_names()[*node] != master).collect();
    [others[0], others[1]]
}

async fn a_hung_node_is_unknown_and_the_others_are_judged(
    engine: &Engine,
    [victim, witness]: [usize; 2],
    receiver: &Receiver,
) {
    let name = engine.node_names()[victim].to_owned();
    let hung = Instant::now();
    engine.freeze(victim);
    // the master holds a node that hangs for a member for half a minute; one that does not hang is asked
    let looked = Home::new(&patient(&[engine.url(witness)], receiver), RULES).check(&["disk"]);
    let states: BTreeMap<&str, &str> = looked.rule("disk")["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| (alert["entity"]["node"].as_str().unwrap(), alert["state"].as_str().unwrap()))
        .collect();
    let expected = engine.node_names().into_iter().map(|node| {
        let state = if node == name { "unknown" } else { "firing" };
        (node, state)
    });
    assert_eq!(states, expected.collect(), "{}", looked.report);
    let reason = looked.alert("disk", "node", &name)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(&format!("node `{name}` sent no statistics")), "{reason}");
    assert_eq!(looked.code, 3, "one node is not known");

    // every look waits for the node that hangs, the first of them perhaps at that node itself
    let patience = Duration::from_secs(60);
    let blind = receiver.wait_for_story("highwater-blind disk", &["fired warning"], patience).await;
    figure("a node hangs until the rule says that it is blind for it, with `after 3s`", blind[0].at - hung);
    assert_eq!(blind[0].alert["facts"]["unknown"], Value::from(vec![format!("node={name}")]));
    engine.thaw(victim);
    let both = ["fired warning", "resolved warning cleared"];
    receiver.wait_for_story("highwater-blind disk", &both, patience).await;
    assert_eq!(receiver.story("disk"), ["fired info"; 3], "nothing of the nodes themselves has changed");
}

async fn a_dead_node_is_gone_and_not_recovered(
    engine: &Engine,
    victim: usize,
    receiver: &Receiver,
    daemon: &Daemon,
) {
    let name = engine.node_names()[victim];
    engine.wait_until_met(3).await;
    let died = Instant::now();
    engine.kill9(victim);
    let story = ["fired info", "fired info", "fired info", "resolved info vanished"];
    let told = receiver.wait_for_story("disk", &story, SOON).await;
    figure("a node dies until its alert ends as vanished, with `keep 3s`", told[3].at - died);
    assert_eq!(told[3].entity("node"), name);
    let text = receiver.arrivals().last().unwrap().body["text"].as_str().unwrap().to_owned();
    assert!(text.contains("gone, not proven recovered"), "{text}");
    more_looks(daemon, 3, &["rule=\"disk-kept\"", "outcome=\"complete\""]).await;
    assert_eq!(receiver.story("disk-kept"), ["fired info"; 3], "who is absent keeps its alert for an hour");
    assert_eq!(receiver.story("elasticsearch-unreachable"), [""; 0]);
}

async fn a_lost_quorum_is_one_alert_and_one_recovery(
    engine: &Engine,
    victims: [usize; 2],
    receiver: &Receiver,
    daemon: &Daemon,
) {
    let before = receiver.whole_story().len();
    let lost = Instant::now();
    engine.kill9(victims[1]);
    let patience = Duration::from_secs(60);
    let told = receiver.wait_for_story("elasticsearch-unreachable", &["fired critical"], patience).await;
    figure("a quorum is lost until that is told, with `for 2s`", told[0].at - lost);
    more_looks(daemon, 4, &["rule=\"health\"", "outcome=\"indeterminate\""]).await;
    let since: Vec<String> = receiver.whole_story().split_off(before);
    assert_eq!(since, ["elasticsearch-unreachable: fired critical"], "one alert speaks for all");

    engine.restart(victims[1]);
    let both = ["fired critical", "resolved critical cleared"];
    receiver.wait_for_story("elasticsearch-unreachable", &both, patience * 2).await;
    more_looks(daemon, 4, &["rule=\"health\"", "outcome=\"complete\""]).await;
    let since: Vec<String> = receiver.whole_story().split_off(before);
    let unreachable = since.iter().filter(|told| told.starts_with("elasticsearch-unreachable")).count();
    assert_eq!(unreachable, 2, "{since:?}");
    assert!(!since.iter().any(|told| told.contains("highwater-")), "no flood: {since:?}");
    assert!(!since.iter().any(|told| told.contains("cleared") && told.contains("disk")), "{since:?}");
}
