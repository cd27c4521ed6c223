//! 5,000 pods: how long a look takes, and how much memory it wants.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    fixtures::{self, crashing, owned},
    pods_rule, settings,
};
use crate::support::{daemon::Home, kubernetes::Api, not_run::or_not_run, receiver::Receiver};

const PODS: usize = 5_000;

/// The most memory that a process has had, in MB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_five_thousand_pods_is_quick_and_its_memory_is_bounded() {
    let Some(api) = or_not_run(Api::start().await) else { return };
    let pods = fixtures::namespace(&api, "many").await;
    let names: Vec<String> = (0..PODS).map(|n| format!("app-{}-h-{n:05}", n % 50)).collect();
    // what a pod of a real cluster carries beside its spec
    let ballast = "x".repeat(3_000);
    fixtures::each(&names, |name| {
        let (api, pods, ballast) = (&api, &pods, &ballast);
        async move {
            let owner = name.rsplit_once('-').unwrap().0.to_owned();
            let mut pod = owned(&name, ("ReplicaSet", &owner), "node-1");
            pod["metadata"]["annotations"] = json!({ "ballast": ballast });
            api.create(pods, pod).await;
        }
    })
    .await;
    fixtures::each(&names[..200], |name| {
        let (api, pods) = (&api, &pods);
        async move { api.status(pods, &name, crashing()).await }
    })
    .await;
    let receiver = Receiver::start();
    let idle = Home::new(&settings(&receiver), &pods_rule(&api.kubeconfig("nobody"), ""));
    let busy = Home::new(&settings(&receiver), &pods_rule(&api.kubeconfig("admin"), ""));
    let start = Instant::now();
    let checked = busy.check(&["pods"]);
    let took = start.elapsed();
    assert_eq!(checked.outcome("pods"), "complete", "{}", checked.report);
    let alerts = checked.rule("pods")["alerts"].as_array().unwrap().clone();
    let firing: f64 = alerts
        .iter()
        .filter(|alert| alert["state"] == "firing")
        .map(|alert| alert["value"].as_f64().unwrap())
        .sum();
    assert_eq!(firing, 200.0, "every page was read");
    let (idle, busy) = (idle.start().await, busy.start().await);
    receiver
        .wait_for("the alerts of the crashing pods", Duration::from_secs(60), |arrivals| {
            arrivals.iter().any(|arrival| arrival.rule() == "pods")
        })
        .await;
    // several looks, so that a leak would show
    let deadline = Instant::now() + Duration::from_secs(120);
    while busy.metric("highwater_evaluations_total", &["rule=\"pods\"", "complete"]).await < 5.0 {
        assert!(Instant::now() < deadline, "{}", busy.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (small, large) = (peak(idle.pid()), peak(busy.pid()));
    eprintln!("{PODS} pods: a look with its process {took:?}; peak {large} MB, without any pod {small} MB");
    assert!(took < Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 2 }), "{took:?}");
    assert!(large < small + 60, "{large} MB, without any pod {small} MB");
    assert_eq!((idle.stop().await, busy.stop().await), (0, 0));
}
