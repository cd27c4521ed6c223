//! The program and a Slack bot: one message per alert, edited while it lasts, by the same daemon or by the next.

mod emulate;
mod sdk;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    daemon::{Daemon, Home},
    double::{Counted, Double},
    not_run::NotRun,
    slack::{Posted, TOKEN, Trouble, Workspace},
};

const SOON: Duration = Duration::from_secs(40);
const AMBER: &str = "#f2a100";
const RED: &str = "#d7263d";
const GREEN: &str = "#2eb67d";

/// The folder of something that is fetched once, from a package registry.
fn fetched(what: &str) -> Result<String, NotRun> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/fetch-slack");
    let missing = |why: String| NotRun::Missing(format!("scripts/fetch-slack {what}: {why}"));
    let output = std::process::Command::new(script).arg(what).output();
    let output = output.map_err(|error| missing(error.to_string()))?;
    if !output.status.success() {
        return Err(missing(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A cluster of which so many of a hundred requests fail, and how many services it has.
struct World {
    double: Double,
    failing: Arc<AtomicU64>,
}

impl World {
    async fn start(services: usize) -> World {
        let failing = Arc::new(AtomicU64::new(0));
        let share = failing.clone();
        let double = Double::start(move |_| {
            let failing = share.load(Ordering::Relaxed);
            (0..services).map(|n| Counted::new(format!("service-{n:02}"), failing, 100)).collect()
        });
        World { double: double.await, failing }
    }

    fn fail(&self, of_hundred: u64) {
        self.failing.store(of_hundred, Ordering::Relaxed);
    }

    fn home(&self, api_url: &str, token: &str) -> Home {
        let bot = json!({ "token": "${env:SLACK_TOKEN}", "channel": "alerts", "api_url": api_url, "edit_every": "1s" });
        let settings = json!({
            "clusters": { "main": { "urls": [self.double.url] } },
            "rules": ["rules"],
            "sinks": { "bot": { "slack": bot }, "log": { "stdout": {} } },
            "defaults": { "notify": ["bot"] },
            "self": { "notify": ["log"] },
            "delivery": { "timeout": "2s" },
            "server": { "listen": "127.0.0.1:0" },
            "telemetry": { "format": "json" },
        });
        Home::new(&settings, &rules()).env("SLACK_TOKEN", token)
    }
}

fn rules() -> String {
    let check = json!({ "ratio": { "index": "requests", "window": "1s", "numerator": "status:>=500", "per": ["service"] } });
    let levels = json!({ "warning": "above 50%", "critical": "above 90%" });
    let rule = json!({ "id": "errors", "summary": "Requests that fail", "check": check, "schedule": "every 1s",
        "query_delay": "0s", "no_data": "keep", "levels": levels });
    json!({ "rules": [rule] }).to_string()
}

/// Looks again and again; fails with what there is.
async fn wait_for<T: std::fmt::Debug>(what: &str, mut look: impl AsyncFnMut() -> (T, bool)) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        let (seen, enough) = look().await;
        if enough {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}: {seen:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until(slack: &Workspace, what: &str, enough: impl Fn(&[Posted]) -> bool) -> Vec<Posted> {
    wait_for(what, async || {
        let messages = slack.messages();
        let enough = enough(&messages);
        (messages, enough)
    })
    .await
}

/// It knows that the message arrived: a crash from now on repeats nothing.
async fn delivered(daemon: &Daemon) {
    wait_for("a delivery in the log", async || {
        let seen = daemon.events().iter().any(|event| event["message"] == "delivered");
        ((), seen)
    })
    .await;
}

fn coloured(messages: &[Posted], colour: &str) -> bool {
    messages.first().is_some_and(|message| message.colour == colour)
}

fn own(messages: &[Posted]) -> Vec<&Posted> {
    messages.iter().filter(|message| message.thread.is_none()).collect()
}

fn replies(messages: &[Posted]) -> Vec<&Posted> {
    messages.iter().filter(|message| message.thread.is_some()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_one_message_from_its_first_breach_to_green_across_a_crash_and_a_stop() {
    let (world, slack) = (World::start(1).await, Workspace::start());
    let home = world.home(&slack.url(), TOKEN);
    world.fail(60);
    let daemon = home.start().await;
    let first = until(&slack, "the alert", |all| coloured(all, AMBER)).await[0].clone();
    assert!(first.text.contains("WARNING: Requests that fail"), "{}", first.text);
    delivered(&daemon).await;
    daemon.kill9();
    world.fail(95);
    let daemon = home.start().await;
    let raised = until(&slack, "the raise", |all| coloured(all, RED) && replies(all).len() == 1).await;
    let reply = replies(&raised)[0];
    assert!(reply.broadcast && reply.text.contains("raised from warning to critical"), "{reply:?}");
    assert_eq!(daemon.stop().await, 0);
    world.fail(0);
    let daemon = home.start().await;
    let over = until(&slack, "the recovery", |all| coloured(all, GREEN) && replies(all).len() == 2).await;
    assert_eq!(own(&over).len(), 1, "{over:#?}");
    assert!(over[0].ts == first.ts && over[0].edits >= 2, "{over:#?}");
    assert!(over[0].text.contains("RECOVERED") && over[0].text.contains("peak 95 %"), "{}", over[0].text);
    assert!(replies(&over).iter().all(|reply| reply.thread.as_ref() == Some(&first.ts)));
    assert!(!replies(&over)[1].broadcast);
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_an_alert_lasts_its_message_shows_the_newest_facts_and_nothing_else_is_posted() {
    let (world, slack) = (World::start(1).await, Workspace::start());
    world.fail(60);
    let home = world.home(&slack.url(), TOKEN);
    let daemon = home.start().await;
    until(&slack, "the alert", |all| coloured(all, AMBER)).await;
    world.fail(70);
    let shown = until(&slack, "the newest value", |all| all[0].text.contains("70 %")).await;
    assert_eq!((shown.len(), shown[0].colour.as_str()), (1, AMBER));
    assert!(shown[0].edits > 0 && shown[0].text.contains("still firing"), "{shown:?}");
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_message_is_posted_anew_and_what_slack_may_have_taken_twice_says_so() {
    let (world, slack) = (World::start(1).await, Workspace::start());
    slack.next("chat.postMessage", Trouble::Limit(1));
    slack.next("chat.postMessage", Trouble::Lost);
    world.fail(60);
    let home = world.home(&slack.url(), TOKEN);
    let daemon = home.start().await;
    let twice = until(&slack, "the alert, twice", |all| all.len() == 2).await;
    let id = |message: &Posted| message.body["metadata"]["event_payload"]["notification_id"].clone();
    assert_eq!(id(&twice[0]), id(&twice[1]));
    let marked: Vec<bool> =
        twice.iter().map(|one| one.body.to_string().contains("May be a repeat")).collect();
    assert_eq!(marked, [false, true], "a limit is a clear answer, a lost one is not");
    until(&slack, "an edit of the second", |all| all[1].edits > 0).await;
    slack.delete(&twice[1].ts);
    let anew = until(&slack, "a new message", |all| all.len() == 2 && all[1].ts != twice[1].ts).await;
    until(&slack, "its edit", |all| all.len() == 2 && all[1].edits > anew[1].edits).await;
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_ten_alerts_share_a_message_that_counts_down_to_green() {
    let (world, slack) = (World::start(12).await, Workspace::start());
    world.fail(60);
    let home = world.home(&slack.url(), TOKEN);
    let daemon = home.start().await;
    let first = until(&slack, "the digest", |all| coloured(all, AMBER)).await;
    assert!(first[0].text.contains("12 alerts: 12 warning"), "{}", first[0].text);
    assert_eq!(daemon.stop().await, 0);
    world.fail(0);
    let daemon = home.start().await;
    let over = until(&slack, "its end", |all| coloured(all, GREEN) && all.len() == 2).await;
    assert!(over[0].ts == first[0].ts && over[0].text.contains("all 12 alerts are over"), "{over:#?}");
    assert_eq!(over[1].thread.as_ref(), Some(&first[0].ts));
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_or_channel_is_told_elsewhere_in_words_that_help() {
    let (world, slack) = (World::start(1).await, Workspace::start());
    slack.next("chat.postMessage", Trouble::Word("not_in_channel"));
    world.fail(60);
    let home = world.home(&slack.url(), TOKEN);
    let daemon = home.start().await;
    let told = wait_for("the self-alert", async || {
        let lines: Vec<Value> = home.lines();
        let told = lines.iter().any(|line| line.to_string().contains("invite the bot"));
        (lines, told)
    })
    .await;
    assert_eq!(told[0]["rule"], "highwater-sink-misconfigured bot");
    assert_eq!(daemon.stop().await, 0);
}
