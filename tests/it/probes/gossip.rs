//! Three nodes of KurrentDB as they answer, and what becomes of their disagreement.

use serde_json::{Value, json};

use super::{SOON, settings};
use crate::support::{
    daemon::Home,
    receiver::Receiver,
    wire::{Act, Seen, Wire, answer as plain, json as answer},
};
use std::sync::{Arc, Mutex, PoisonError};

/// What each node does at present.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    /// Sees this state of each node: `L`, `F`, `U` or `-` for dead.
    Sees([char; 3]),
    Gone,
    Hangs,
}

const WELL: [Node; 3] = [Node::Sees(['L', 'F', 'R']); 3];

#[derive(Clone)]
struct Cluster(Arc<Mutex<[Node; 3]>>);

impl Cluster {
    fn set(&self, nodes: [Node; 3]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }

    fn act(&self, server: usize, seen: &Seen) -> Act {
        // user `ops`, password `changeit`
        if seen.header("authorization") != "Basic b3BzOmNoYW5nZWl0" {
            return Act::Write(plain(401, &[], b""));
        }
        let node = self.0.lock().unwrap_or_else(PoisonError::into_inner)[server];
        match node {
            Node::Gone => Act::Cut(Vec::new()),
            Node::Hangs => Act::Hang,
            Node::Sees(_) if seen.target == "/stats" => Act::Write(answer(200, &stats(server))),
            Node::Sees(states) => Act::Write(answer(200, &view(server, states))),
        }
    }
}

fn stats(server: usize) -> Value {
    json!({
        "proc": { "id": server, "mem": 1_318_648_832_i64, "cpu": 2.4 },
        "sys": {
            "loadavg": { "1m": 0.5, "5m": 0.4, "15m": 0.2 }, "freeMem": 8_589_934_592_i64,
            "drive": { "/data": { "availableBytes": 50, "totalBytes": 1000, "usage": "95%", "usedBytes": 950 } },
        },
        "es": { "queue": { "MainQueue": { "length": 0 } } },
    })
}

/// As version 25 writes it; times and checkpoints differ in every answer.
fn view(server: usize, states: [char; 3]) -> Value {
    let members: Vec<Value> = (1..).zip(states).map(|(node, state)| {
        let (state, alive) = match state {
            'L' => ("Leader", true),
            'F' => ("Follower", true),
            'R' => ("ReadOnlyReplica", true),
            'U' => ("Unknown", true),
            _ => ("Follower", false),
        };
        json!({
            "instanceId": format!("0000000{node}-aaaa-4bbb-8ccc-dddddddddddd"),
            "timeStamp": format!("2026-11-21T12:00:0{server}.1234567Z"), "state": state, "isAlive": alive,
            "internalTcpIp": format!("10.0.0.{node}"), "internalTcpPort": 0, "internalSecureTcpPort": 1112,
            "externalTcpIp": format!("10.0.0.{node}"), "externalTcpPort": 0, "externalSecureTcpPort": 0,
            "internalHttpEndPointIp": format!("10.0.0.{node}"), "internalHttpEndPointPort": 2113,
            "httpEndPointIp": format!("10.0.0.{node}"), "httpEndPointPort": 2113,
            "lastCommitPosition": 1000 + server, "writerCheckpoint": 2000 + server, "chaserCheckpoint": 2000 + server,
            "epochPosition": 900, "epochNumber": 7, "epochId": "eeeeeeee-1111-4222-8333-444444444444",
            "nodePriority": 0, "isReadOnlyReplica": state == "ReadOnlyReplica", "esVersion": "25.0.0.0",
        })
    }).collect();
    json!({ "members": members, "serverIp": format!("10.0.0.{}", server + 1), "serverPort": 2113 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_nodes_of_kurrentdb_do_not_agree_on_is_told_and_ends() {
    let (receiver, cluster) = (Receiver::start(), Cluster(Arc::new(Mutex::new(WELL))));
    let nodes: Vec<String> = (0..3)
        .map(|server| {
            let cluster = cluster.clone();
            Wire::start(move |seen, _| cluster.act(server, seen)).url()
        })
        .collect();
    let auth = json!({ "basic": { "username": "ops", "password": "${env:KURRENTDB_PASSWORD}" } });
    let rules = json!({ "rules": [
        { "id": "consensus", "check": { "kurrentdb_gossip": { "nodes": nodes, "auth": auth, "timeout": "1s" } },
          "schedule": "every 1s", "levels": { "critical": "above 0 for 2s" } },
        { "id": "drive", "check": { "kurrentdb_stats": { "nodes": [nodes[0]], "measure": "drive", "auth": auth, "timeout": "1s" } },
          "schedule": "every 1s", "levels": { "warning": "above 80%" } },
    ] });
    let home = Home::new(&settings(&receiver), &rules.to_string());
    // nobody may ask without the password
    let refused = home.command(&["check"]).output().expect("the program starts");
    assert_ne!(refused.status.code(), Some(0));
    let home = home.env("KURRENTDB_PASSWORD", "changeit");
    let checked = home.check(&["consensus"]);
    assert_eq!(checked.code, 0, "{} {}", checked.report, checked.said);
    let daemon = home.start().await;
    let drive = receiver.wait_for_story("drive", &["fired warning"], SOON).await;
    assert_eq!((drive[0].entity("drive"), drive[0].value()), ("/data", 95.0));

    // parted: the first leads alone, the others have chosen the second
    let small = Node::Sees(['L', '-', '-']);
    let large = Node::Sees(['-', 'L', 'R']);
    cluster.set([small, large, large]);
    let fired = |finding: &str| {
        let finding = finding.to_owned();
        let receiver = receiver.clone();
        move |_: &[crate::support::receiver::Arrival]| {
            let told = receiver.events("consensus");
            told.iter().any(|event| event.entity("finding") == finding && event.words() == "fired critical")
        }
    };
    receiver.wait_for("two leaders", SOON, fired("several_leaders")).await;
    receiver.wait_for("two views", SOON, fired("views_differ")).await;
    // one is down and one hangs
    cluster.set([Node::Sees(['L', '-', '-']), Node::Gone, Node::Hangs]);
    receiver.wait_for("nodes that do not answer", SOON, fired("unreachable")).await;

    cluster.set(WELL);
    let all_over = |_: &[crate::support::receiver::Arrival]| {
        let told = receiver.events("consensus");
        let count = |words: &str| told.iter().filter(|event| event.words() == words).count();
        count("fired critical") == count("resolved critical cleared")
    };
    receiver.wait_for("the end of it all", SOON, all_over).await;
    assert!(!daemon.log().contains("changeit"));
    assert_eq!(daemon.stop().await, 0);
}
