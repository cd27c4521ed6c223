//! A real Alertmanager: what it makes of our alerts, seen in its own webhooks and its own messages to Slack.

use std::net::TcpListener;

use super::*;
use crate::support::{
    engine::process::{Group, Watcher},
    not_run::{self, NotRun},
    receiver::Arrival,
};

const PROGRAM: &str = "prometheus-alertmanager";

struct Alertmanager {
    url: String,
    _process: Group,
    _watcher: Watcher,
}

impl Alertmanager {
    /// Groups nothing, waits for nothing, and tells `receiver` at `/am` and `/slack`.
    async fn start(receiver: &Receiver) -> Result<Alertmanager, NotRun> {
        if std::process::Command::new(PROGRAM).arg("--version").output().is_err() {
            return Err(NotRun::Missing(format!("the command {PROGRAM} is not installed")));
        }
        let base = tempfile::Builder::new().prefix("highwater-am-").tempdir().expect("a folder").keep();
        let folder = base.join("am");
        std::fs::create_dir_all(&folder).expect("a folder");
        let config = json!({
            "route": { "receiver": "all", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h" },
            "receivers": [{
                "name": "all",
                "webhook_configs": [{ "url": receiver.url("/am") }],
                "slack_configs": [{ "api_url": receiver.url("/slack"), "channel": "#alerts", "send_resolved": true,
                    "text": "{{ range .Alerts }}{{ .Annotations.description }}{{ end }}" }],
            }],
        });
        std::fs::write(folder.join("am.yaml"), config.to_string()).expect("a configuration");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let watcher = Watcher::of_engine(&base);
        let command = [
            PROGRAM.to_owned(),
            "--config.file=am.yaml".to_owned(),
            "--storage.path=data".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=".to_owned(),
        ];
        let process = Group::spawn(&folder, &command, &[]);
        let started =
            Alertmanager { url: format!("http://127.0.0.1:{port}"), _process: process, _watcher: watcher };
        let deadline = Instant::now() + SOON;
        while started.get("/-/ready").await.is_none() {
            assert!(Instant::now() < deadline, "{:?}", std::fs::read_to_string(folder.join("out.log")));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(started)
    }

    async fn get(&self, path: &str) -> Option<String> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(format!("{}{path}", self.url)).send().await.ok()?;
        if answer.status().is_success() { answer.text().await.ok() } else { None }
    }

    /// When it will believe each alert to be over, by severity.
    async fn ends(&self) -> Vec<(String, String)> {
        let alerts: Value = serde_json::from_str(&self.get("/api/v2/alerts").await.expect("alerts")).unwrap();
        let end = |alert: &Value| (alert["labels"]["severity"].to_string(), alert["endsAt"].to_string());
        alerts.as_array().unwrap().iter().map(end).collect()
    }
}

/// What its webhooks said: `firing warning`, each change once.
fn story(arrivals: &[Arrival]) -> Vec<String> {
    let hooks = arrivals.iter().filter(|arrival| arrival.path == "/am");
    let alerts = hooks.flat_map(|hook| hook.body["alerts"].as_array().unwrap().clone());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut story: Vec<String> = Vec::new();
    for alert in alerts {
        let line = format!("{} {}", text(&alert["status"]), text(&alert["labels"]["severity"]));
        if !story.contains(&line) {
            story.push(line);
        }
    }
    story
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_hears_what_fires_gets_worse_and_ends_and_tells_it_on() {
    let (world, receiver) = (World::start().await, Receiver::start());
    let Some(alertmanager) = not_run::or_not_run(Alertmanager::start(&receiver).await) else { return };
    // of a cluster of two, one is down
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
    let urls = [format!("http://{gone}"), alertmanager.url.clone()];
    let home = world.home(&json!({ "alertmanager": { "urls": urls, "refresh": "10s" } }));
    let daemon = home.start().await;
    let heard = async |what: &str| {
        let arrivals = receiver.wait_for(what, SOON, |all| story(all).iter().any(|line| line == what)).await;
        story(&arrivals)
    };
    world.fails(60);
    heard("firing warning").await;
    let first = alertmanager.ends().await;
    // it is sent again, and so lives on
    let deadline = Instant::now() + SOON;
    while alertmanager.ends().await == first {
        assert!(Instant::now() < deadline, "not sent again: {first:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.fails(100);
    heard("firing critical").await;
    heard("resolved warning").await;
    world.fails(0);
    let story = heard("resolved critical").await;
    assert_eq!(story.len(), 4, "{story:?}");
    assert_eq!((story[0].as_str(), story[3].as_str()), ("firing warning", "resolved critical"));
    assert_eq!(alertmanager.ends().await, [], "nothing fires there any more");
    it_reads_well(&receiver).await;
    assert_eq!(daemon.stop().await, 0);
}

async fn it_reads_well(receiver: &Receiver) {
    let arrivals = receiver.wait_for("its message to Slack", SOON, |all| {
        all.iter().any(|arrival| arrival.path == "/slack" && arrival.seen.body.contains("recovered"))
    });
    let arrivals = arrivals.await;
    let hook = arrivals.iter().find(|arrival| arrival.path == "/am").unwrap();
    let alert = &hook.body["alerts"][0];
    let labels = json!({ "alertname": "failures", "cluster": "main", "service": "checkout ‹!channel›", "severity": "warning" });
    assert_eq!(alert["labels"], labels);
    assert_eq!(alert["annotations"]["summary"], "Requests fail");
    assert_eq!(alert["annotations"]["runbook_url"], "https://runbooks.example/failures");
    let description = alert["annotations"]["description"].as_str().unwrap();
    assert!(
        description.starts_with("service=checkout ‹!channel›: 60 %, threshold 50 %, since "),
        "{description}"
    );
    for slack in arrivals.iter().filter(|arrival| arrival.path == "/slack") {
        assert!(!slack.seen.body.contains("<!channel>") && !slack.seen.body.contains(r"\u003c!channel"));
    }
}
