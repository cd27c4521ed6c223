//! A thousand rules, and ten thousand alerts; fewer where the build is not optimized, SQLite among it.

use std::{
    fs,
    time::{Duration, Instant},
};

use std::sync::{Arc, OnceLock};

use highwater::store::Reader;
use serde_json::{Value, json};

use crate::support::{
    daemon::{Daemon, Home},
    double::{Counted, Double},
    receiver::{Arrival, Receiver},
    wire::{Act, Wire, json as reply},
};

const SOON: Duration = Duration::from_secs(90);
const RULES: usize = if cfg!(debug_assertions) { 250 } else { 1_000 };

/// All of them where the build is optimized, or `HIGHWATER_FULL=1` asks for it.
fn alerts() -> usize {
    let full = !cfg!(debug_assertions) || std::env::var_os("HIGHWATER_FULL").is_some();
    if full { 10_000 } else { 2_000 }
}

fn settings(double: &Double, receiver: &Receiver) -> serde_json::Value {
    json!({
        "clusters": { "main": { "urls": [double.url] } },
        "rules": ["rules"],
        "sinks": { "hook": { "webhook": { "url": receiver.url("/hook") } } },
        "defaults": { "notify": ["hook"], "no_data": "keep", "query_delay": "0s" },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "level": "warn,highwater::cli=info", "format": "json" },
    })
}

fn rule(n: usize, every: &str, per: &[&str]) -> serde_json::Value {
    let check = json!({ "ratio": { "index": "logs", "window": "1m", "filter": format!("n:{n}"), "numerator": "bad", "per": per } });
    json!({ "id": format!("r{n}"), "check": check, "schedule": every, "levels": { "warning": "above 50%" } })
}

/// Resident memory, in MiB.
fn resident(daemon: &Daemon) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rules_start_their_looks_in_time_with_few_requests_and_little_memory() {
    const LATE: &str = "highwater_evaluation_lateness_seconds_bucket";
    const ALL: &str = "highwater_evaluation_lateness_seconds_count";
    let double = Double::start_slow(Duration::from_millis(20), |_| vec![Counted::new("s", 0, 100)]).await;
    let receiver = Receiver::start();
    let rules = json!({ "rules": (0..RULES).map(|n| rule(n, "every 10s", &[])).collect::<Vec<_>>() });
    let home = Home::new(&settings(&double, &receiver), &rules.to_string());
    let daemon = home.start().await;
    let deadline = Instant::now() + SOON;
    let rounds = 4;
    while daemon.metric(ALL, &[]).await < (rounds * RULES) as f64 {
        assert!(Instant::now() < deadline, "too few looks: {}", daemon.metric(ALL, &[]).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let in_time = daemon.metric(LATE, &["le=\"0.25\""]).await;
    let all = daemon.metric(ALL, &[]).await;
    let (memory, open) = (resident(&daemon), double.most_in_flight());
    eprintln!("{all} looks, {in_time} within 0.25 s; {memory:.0} MiB; {open} requests in flight");
    // how fast a build is that is not optimized, on a machine that runs other tests beside it, proves nothing
    assert!(cfg!(debug_assertions) || in_time / all >= 0.99, "{in_time} of {all} looks began within 0.25 s");
    assert!(memory <= 128.0, "{memory} MiB");
    assert!(open <= 8, "{open} requests at once");
    assert!(receiver.whole_story().is_empty(), "all was well: {:?}", receiver.whole_story());
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_with_thousands_of_firing_alerts_looks_at_once_and_tells_nothing() {
    let bad = |_: &_| (0..alerts()).map(|n| Counted::new(format!("s{n:05}"), 1, 1)).collect();
    let (double, receiver) = (Double::start(bad).await, Receiver::start());
    let rules = json!({ "rules": [rule(0, "every 2s", &["service"])] });
    let home = Home::new(&settings(&double, &receiver), &rules.to_string());
    let daemon = home.start().await;
    receiver.wait_for("all to fire", SOON, |arrivals| !arrivals.is_empty()).await;
    assert_eq!(receiver.events("r0").len(), alerts());
    assert_eq!(daemon.stop().await, 0);
    let (told, asked) = (receiver.arrivals().len(), double.searches());
    let begin = Instant::now();
    let daemon = home.start().await;
    let ready = begin.elapsed();
    while double.searches() == asked {
        assert!(begin.elapsed() < SOON, "no look");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let first = begin.elapsed();
    while daemon.metric("highwater_evaluations_total", &["r0"]).await < 2.0 {
        assert!(begin.elapsed() < SOON, "no second look:\n{}", daemon.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!("ready after {ready:?}, first look after {first:?}, {:.0} MiB", resident(&daemon));
    assert!(
        cfg!(debug_assertions) || first <= Duration::from_secs(2),
        "the first look began after {first:?}"
    );
    let firing = daemon.metric("highwater_alerts", &["r0", "firing"]).await;
    assert_eq!(firing, alerts() as f64);
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(receiver.arrivals().len(), told, "the restart told {:?}", receiver.arrivals().last());
}

/// Takes every request, as Opsgenie does.
fn pager() -> Wire {
    Wire::start(|seen, n| {
        let taken = json!({ "result": "Request will be processed", "requestId": format!("r-{n}") });
        let done = json!({ "data": { "isSuccess": true, "status": "Created alert" } });
        Act::Write(if seen.method == "GET" { reply(200, &done) } else { reply(202, &taken) })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_alerts_of_one_look_are_told_soon_in_digests_and_pagers_are_capped_and_told_so() {
    let (asked, first_asked) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let to = first_asked.clone();
    let double = Double::start(move |_| {
        to.get_or_init(Instant::now);
        (0..alerts()).map(|n| Counted::new(format!("s{n:05}"), 1, 1)).collect()
    });
    let (double, hook, chat, pager) = (double.await, Receiver::start(), Receiver::start(), pager());
    let mut settings = settings(&double, &hook);
    settings["sinks"]["chat"] = json!({ "slack": { "webhook_url": "${env:CHAT_URL}" } });
    settings["sinks"]["genie"] = json!({ "opsgenie": { "api_key": "${env:GENIE_KEY}", "url": pager.url() } });
    settings["defaults"]["notify"] = json!(["hook", "chat", "genie"]);
    let rules = json!({ "rules": [rule(0, "every 10m", &["service"])] });
    let home = Home::new(&settings, &rules.to_string());
    let home = home.env("GENIE_KEY", "k").env("CHAT_URL", &chat.url("/services/x"));
    let daemon = home.start().await;
    hook.wait_for("the first message", SOON, |all| !all.is_empty()).await;
    asked.get_or_init(Instant::now);
    chat.wait_for("chat", SOON, |all| !all.is_empty()).await;
    let first = [&hook, &chat].map(|one| one.arrivals()[0].at).into_iter().min().unwrap();
    let first = first.saturating_duration_since(*first_asked.get().unwrap());
    let pages = || pager.seen().into_iter().filter(|seen| seen.method == "POST").collect::<Vec<_>>();
    hook.wait_for("all pages", SOON, |_| pages().len() >= 21).await;
    while daemon.metric("highwater_outbox_rows", &[]).await > 0.0 {
        assert!(asked.get().unwrap().elapsed() < SOON, "not all is delivered");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let memory = resident(&daemon);
    eprintln!("{} alerts: first message {first:?} after the look began, {memory:.0} MiB", alerts());
    let most = if cfg!(debug_assertions) { 60 } else { 5 };
    assert!(first <= Duration::from_secs(most), "{first:?}");
    assert!(memory <= 256.0, "{memory} MiB");

    let all = |one: &Arrival| one.body["alerts"].as_array().map_or(0, Vec::len);
    assert_eq!(hook.arrivals().iter().map(all).sum::<usize>(), alerts(), "a program is told of each");
    let said = chat.arrivals()[0].body.to_string();
    assert_eq!(chat.arrivals().len(), 1);
    assert!(said.contains(&format!("and {} more", alerts() - 20)), "{said}");
    let pages = pages();
    assert_eq!(pages.len(), 21, "the worst have a page each, and one is for all others");
    let of = |seen: &crate::support::wire::Seen| {
        serde_json::from_str::<Value>(&seen.body).unwrap()["details"]["alerts"].clone()
    };
    let capped: Vec<Value> = pages.iter().map(of).filter(|of| !of.is_null()).collect();
    assert_eq!(capped, [json!((alerts() - 20).to_string())]);

    let stored = Reader::open(&home.path("var/highwater.db")).unwrap().load().unwrap();
    let (_, stored) = stored.iter().find(|(key, _)| key.rule == "r0").unwrap();
    let told = &stored.told;
    let shares = told.values().filter(|sinks| sinks["genie"].digest.is_some()).count();
    assert_eq!((told.len(), shares), (alerts(), alerts() - 20), "of each it is known how it was told");
    assert_eq!(daemon.stop().await, 0);
}
