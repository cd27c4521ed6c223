//! Long lists are watched: what changes is seen without listing again, and what is watched is never taken for more than it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    SOON,
    fixtures::{self, owned, running, waiting},
    pods_rule, settings,
    wire::{home_of, refusal},
};
use crate::support::{
    daemon::{Daemon, Home},
    kubernetes::Api,
    not_run::or_not_run,
    receiver::Receiver,
    wire::{Act, Seen, Wire, json as reply},
};

/// More than one page.
const PODS: usize = 520;

/// How often the log says so.
fn said(daemon: &Daemon, message: &str) -> usize {
    daemon.events().iter().filter(|event| event["message"] == message).count()
}

async fn until_said(daemon: &Daemon, message: &str, times: usize) {
    let deadline = Instant::now() + SOON;
    while said(daemon, message) < times {
        assert!(Instant::now() < deadline, "`{message}` was not said {times} times:\n{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn unpullable() -> Value {
    json!({ "phase": "Pending", "containerStatuses": [waiting("ErrImagePull")] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_come_by_the_watch_and_an_api_that_is_killed_on_the_way_ends_nothing() {
    let Some(api) = or_not_run(Api::start().await) else { return };
    let pods = fixtures::namespace(&api, "watched").await;
    let names: Vec<String> = (0..PODS).map(|n| format!("app-h-{n:05}")).collect();
    fixtures::each(&names, |name| {
        let (api, pods) = (&api, &pods);
        async move { api.create(pods, owned(&name, ("ReplicaSet", "app-h"), "node-1")).await }
    })
    .await;
    let receiver = Receiver::start();
    let rule = pods_rule(&api.kubeconfig("admin"), "workloads: false, namespaces: [watched]");
    let home = Home::new(&settings(&receiver), &rule);
    let daemon = home.start().await;
    until_said(&daemon, "seen by a watch", 1).await;
    let listed = said(&daemon, "listed");
    api.status(&pods, "app-h-00007", unpullable()).await;
    receiver.wait_for_story("pods", &["fired warning"], SOON).await;
    api.status(&pods, "app-h-00007", running(0, None)).await;
    let mut story = vec!["fired warning", "resolved warning cleared"];
    receiver.wait_for_story("pods", &story, SOON).await;
    api.create(&pods, owned("app-h-new", ("ReplicaSet", "app-h"), "node-1")).await;
    api.status(&pods, "app-h-new", unpullable()).await;
    story.push("fired warning");
    receiver.wait_for_story("pods", &story, SOON).await;
    assert_eq!(said(&daemon, "listed"), listed, "nothing was listed for any of it:\n{}", daemon.log());

    api.stop();
    receiver.wait_for_story("highwater-blind pods", &["fired warning"], SOON).await;
    assert_eq!(receiver.story("pods"), story, "nobody recovers because nobody can be asked");
    api.start_again().await;
    let seen_again = ["fired warning", "resolved warning cleared"];
    receiver.wait_for_story("highwater-blind pods", &seen_again, SOON).await;
    let watched = said(&daemon, "seen by a watch");
    until_said(&daemon, "seen by a watch", watched + 2).await;
    assert!(said(&daemon, "listed") > listed, "what was watched before is not taken for the present");
    assert_eq!(receiver.story("pods"), story, "what fired fires on");
    api.delete(&pods, "app-h-new").await;
    story.push("resolved warning cleared");
    receiver.wait_for_story("pods", &story, SOON).await;
    assert_eq!(daemon.stop().await, 0);
}

fn pod(name: &str, version: u64) -> Value {
    json!({ "metadata": { "name": name, "namespace": "a", "resourceVersion": version.to_string() }, "status": { "phase": "Running" } })
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": kind, "object": object }))
}

/// Two pages of pods that are well, of the moment 10; `watch` answers what is asked of watches, by their number.
fn long_list(watch: impl Fn(usize) -> Act + Send + Sync + 'static) -> Wire {
    let watches = AtomicUsize::new(0);
    Wire::start(move |seen: &Seen, _| {
        let page = |next: &str, pods: std::ops::Range<usize>, moment: &str| {
            let items: Vec<Value> = pods.map(|n| pod(&format!("well-{n}"), 5)).collect();
            let metadata = json!({ "continue": next, "resourceVersion": moment });
            Act::Write(reply(200, &json!({ "metadata": metadata, "items": items })))
        };
        match &seen.target {
            target if target.contains("watch=") => watch(watches.fetch_add(1, Ordering::Relaxed)),
            target if target.contains("limit=1&") || target.ends_with("limit=1") => page("more", 0..1, "12"),
            target if target.contains("continue=") => page("", 500..520, "10"),
            _ => page("more", 0..500, "10"),
        }
    })
}

/// Whole lists that were asked for.
fn lists(api: &Wire) -> usize {
    api.count("limit=500") - api.count("continue=")
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_whose_version_is_gone_begins_anew_with_a_list_and_one_that_is_forbidden_is_let_be() {
    let mut bad = pod("well-7", 11);
    bad["status"] = unpullable();
    let gone = json!({ "kind": "Status", "status": "Failure", "message": "too old resource version: 12 (99)", "reason": "Expired", "code": 410 });
    let bookmark = json!({ "kind": "Pod", "metadata": { "resourceVersion": "12" } });
    let (change, gone) = (event("MODIFIED", &bad) + &event("BOOKMARK", &bookmark), event("ERROR", &gone));
    let go_on = Arc::new(AtomicUsize::new(0));
    let until_gone = go_on.clone();
    let api = long_list(move |number| match number {
        // an answer that ends is a stream that ends in peace
        _ if until_gone.load(Ordering::Relaxed) == 0 => {
            Act::Write(crate::support::wire::answer(200, &[], change.as_bytes()))
        }
        _ if until_gone.fetch_add(1, Ordering::Relaxed) == 1 => {
            Act::Write(crate::support::wire::answer(200, &[], gone.as_bytes()))
        }
        _ => refusal(403, "Forbidden"),
    });
    let receiver = Receiver::start();
    let home = home_of(&api, &receiver);
    let daemon = home.start().await;
    receiver.wait_for_story("pods", &["fired warning"], SOON).await;
    assert_eq!(lists(&api), 2, "the first look lists, the second begins to watch");
    go_on.store(1, Ordering::Relaxed);
    // in the lists the pod is as well as before the watch told of it
    receiver.wait_for_story("pods", &["fired warning", "resolved warning cleared"], SOON).await;
    assert!(lists(&api) > 2);
    until("lists at each look", || lists(&api) > 6).await;
    assert_eq!(go_on.load(Ordering::Relaxed), 3, "a watch that is forbidden is not tried again at each look");
    assert_eq!(receiver.story("highwater-blind pods"), [""; 0], "none of it makes anybody blind");
    assert_eq!(daemon.stop().await, 0);
}

#[test]
fn rules_that_ask_the_same_at_once_share_one_list() {
    let api = Wire::start(|_, _| {
        std::thread::sleep(Duration::from_millis(300));
        Act::Write(reply(200, &json!({ "metadata": { "resourceVersion": "10" }, "items": [pod("one", 5)] })))
    });
    let home = home_of(&api, &Receiver::start());
    let rules = std::fs::read_to_string(home.path("rules/rules.yaml")).unwrap();
    let other = rules.replace("id: pods", "id: others").replace("rules:\n", "");
    home.write_rules(&(rules + &other));
    let checked = home.check(&["pods", "others"]);
    assert_eq!((checked.outcome("pods"), checked.outcome("others")), ("complete", "complete"));
    assert_eq!(api.seen().len(), 1, "{:?}", api.seen());
}
