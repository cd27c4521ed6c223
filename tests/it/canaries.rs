//! Secrets that sing: one in every setting that may hold one, at the loudest log level, with everything failing.
//! Whatever highwater writes, shows, stores or sends to others holds none of them.

mod kinds;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    receiver::Receiver,
    wire::{Act, Wire, answer as plain, json as answer},
};

const SOON: Duration = Duration::from_secs(30);

/// Where each stands, and what it is.
const CANARIES: [(&str, &str); 13] = [
    ("PASSWORD", "canary-password-1f3a"),
    ("API_KEY", "canaryid:canary-api-key-77b2"),
    ("BEARER", "canary-bearer-90cd"),
    ("SLACK_URL_PATH", "canary-slack-path-5512"),
    ("HOOK_PATH", "canary-hook-path-61aa"),
    ("HOOK_TOKEN", "canary-hook-token-8e0f"),
    ("HOOK_HEADER", "canary-header-24d1"),
    ("CLOSED_PATH", "canary-closed-path-3c3c"),
    ("HEARTBEAT_PATH", "canary-heartbeat-b00b"),
    ("PROXY", "canary-proxy-9a9a"),
    ("AWS_ACCESS_KEY_ID", "AKIDCANARY"),
    ("AWS_SECRET_ACCESS_KEY", "canary-aws-secret-4d4d"),
    ("AWS_SESSION_TOKEN", "canary-aws-session-5e5e"),
];

fn needles() -> Vec<String> {
    // the name of an access key is none: requests carry it in the clear
    let secret = CANARIES.iter().filter(|(name, _)| *name != "AWS_ACCESS_KEY_ID");
    let mut needles: Vec<String> = secret.map(|(_, value)| (*value).to_owned()).collect();
    needles.extend(kinds::all("").canaries.into_iter().map(|(_, value)| value));
    needles.push("canary-api-key-77b2".to_owned());
    needles.push(STANDARD.encode("watcher:canary-password-1f3a"));
    needles.push(STANDARD.encode("canaryid:canary-api-key-77b2"));
    needles
}

fn assert_silent(channel: &str, bytes: &[u8]) {
    assert_silent_but(channel, bytes, "canary, any");
}

/// A sink's own service may hear what is its own.
fn assert_silent_but(channel: &str, bytes: &[u8], own: &str) {
    for needle in needles().into_iter().filter(|needle| !needle.starts_with(own)) {
        let found = bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
        assert!(!found, "`{needle}` sings in {channel}:\n{}", String::from_utf8_lossy(bytes));
    }
}

/// A cluster that lets nobody in, and says back what it was told.
fn echoing() -> Wire {
    Wire::start(|seen, _| {
        let token = seen.header("x-amz-security-token");
        let reason = format!("unable to authenticate with [{}] [{token}]", seen.header("authorization"));
        let error = json!({ "type": "security_exception", "reason": reason });
        Act::Write(answer(
            401,
            &json!({ "error": { "root_cause": [error], "type": "security_exception", "reason": reason }, "status": 401 }),
        ))
    })
}

/// A service that first has trouble, then knows nothing of us, and says back what it was told.
fn repeating(status: Arc<AtomicU16>) -> Wire {
    Wire::start(move |seen, _| {
        let page = format!("Cannot POST {} with {:?}", seen.target, seen.headers);
        Act::Write(plain(status.load(Ordering::Relaxed), &[("content-type", "text/html")], page.as_bytes()))
    })
}

struct Stage {
    cluster: Double,
    refusing: [Wire; 3],
    status: Arc<AtomicU16>,
    ill: Wire,
    well: Receiver,
}

impl Stage {
    async fn set() -> Stage {
        let bad = |_: &_| vec![Counted::new("s", 1, 1)];
        let cluster = Double::start(bad).await;
        let status = Arc::new(AtomicU16::new(500));
        let ill = repeating(status.clone());
        Stage { cluster, refusing: [echoing(), echoing(), echoing()], status, ill, well: Receiver::start() }
    }

    fn settings(&self) -> Value {
        let ill = self.ill.url();
        let headers = json!({ "X-Api-Key": "${env:HOOK_HEADER}" });
        let url = format!("{ill}/${{env:HOOK_PATH}}");
        json!({
            "clusters": {
                "main": { "urls": [self.cluster.url], "auth": { "basic": { "username": "watcher", "password": "${env:PASSWORD}" } } },
                "by-key": { "urls": [self.refusing[0].url()], "auth": { "api_key": "${env:API_KEY}" } },
                "by-bearer": { "urls": [self.refusing[1].url()], "auth": { "bearer": "${env:BEARER}" } },
                "by-role": { "urls": [self.refusing[2].url()], "auth": { "aws": { "region": "eu-west-1" } } },
                "by-proxy": { "urls": ["http://127.0.0.1:2"], "proxy": "http://user:${env:PROXY}@127.0.0.1:1/" },
            },
            "rules": ["rules"],
            "sinks": self.sinks(json!({
                "slack": { "slack": { "webhook_url": format!("{ill}/services/${{env:SLACK_URL_PATH}}") } },
                "hook": { "webhook": { "url": url, "bearer_token": "${env:HOOK_TOKEN}", "headers": headers } },
                "closed": { "webhook": { "url": "http://127.0.0.1:1/${env:CLOSED_PATH}" } },
                "well": { "webhook": { "url": self.well.url("/well") } },
                "log": { "stdout": {} },
            })),
            "defaults": { "notify": self.names(), "query_delay": "0s" },
            "heartbeat": { "url": format!("{ill}/${{env:HEARTBEAT_PATH}}"), "every": "1s" },
            "delivery": { "timeout": "1s" },
            "server": { "listen": "127.0.0.1:0" },
            "telemetry": { "level": "trace", "format": "json" },
        })
    }

    /// Beside `some`, one of every kind.
    fn sinks(&self, mut some: Value) -> Value {
        let all = some.as_object_mut().unwrap();
        all.extend(kinds::all(&self.ill.url()).sinks);
        some
    }

    fn names(&self) -> Vec<String> {
        let some = ["slack", "hook", "closed", "well", "log"].map(str::to_owned);
        some.into_iter().chain(kinds::all(&self.ill.url()).sinks.into_iter().map(|(name, _)| name)).collect()
    }

    fn home(&self) -> Home {
        let home = Home::new(&self.settings(), RULES);
        let home = CANARIES.iter().fold(home, |home, (name, value)| home.env(name, value));
        kinds::all("").canaries.iter().fold(home, |home, (name, value)| home.env(name, value))
    }
}

const RULES: &str = r#"
defaults: { schedule: every 1s, no_data: keep, blind: { after: 1s, level: warning } }
rules:
  - { id: elasticsearch-unreachable, clusters: all, check: { elasticsearch_unreachable: {} }, levels: { critical: unreachable for 1s } }
  - { id: bad, clusters: [main], check: { ratio: { index: a, window: 1s, numerator: bad } }, levels: { warning: above 50% } }
  - { id: blind-key, clusters: [by-key], check: { ratio: { index: a, window: 1s, numerator: bad } }, levels: { warning: above 50% } }
  - { id: blind-bearer, clusters: [by-bearer], check: { cluster_health: {} }, levels: { warning: yellow } }
  - { id: blind-role, clusters: [by-role], check: { cluster_health: {} }, levels: { warning: yellow } }
  - { id: blind-proxy, clusters: [by-proxy], check: { cluster_health: {} }, levels: { warning: yellow } }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged_shown_stored_or_sent_to_somebody_else() {
    let stage = Stage::set().await;
    let home = stage.home();
    let daemon = home.start().await;
    let parts = ["canary-slack-path", "canary-hook-path", "canary-heartbeat"];
    let talking = kinds::all("").talking;
    let asked = |kind: &str| stage.ill.count(&format!("/{kind}")) > 0;
    let all = |_: &[_]| {
        parts.iter().all(|part| stage.ill.count(part) > 0) && talking.iter().all(|kind| asked(kind))
    };
    stage.well.wait_for("requests of all kinds", SOON, all).await;
    stage.status.store(404, Ordering::Relaxed);
    // each of the four clusters that cannot be judged speaks for its rules
    for (rule, times) in [("elasticsearch-unreachable", 4), ("highwater-sink-misconfigured hook", 1)] {
        let heard = |_: &[_]| stage.well.events(rule).len() >= times;
        stage.well.wait_for(rule, Duration::from_secs(60), heard).await;
    }
    let sent = stage.ill.seen();
    let hook = sent.iter().find(|seen| seen.target.contains("canary-hook-path")).unwrap();
    assert_eq!(hook.header("authorization"), "Bearer canary-hook-token-8e0f", "the canaries must be in use");
    assert_eq!(hook.header("x-api-key"), "canary-header-24d1");
    assert!(stage.refusing[1].seen()[0].header("authorization").contains("canary-bearer"));
    let token = stage.refusing[2].seen()[0].header("x-amz-security-token").to_owned();
    assert_eq!(token, "canary-aws-session-5e5e");

    for page in ["/metrics", "/readyz", "/healthz", "/"] {
        assert_silent(page, daemon.get(page).await.1.as_bytes());
    }
    for arrival in stage.well.arrivals() {
        assert_silent("another sink", format!("{:?} {}", arrival.seen, arrival.body).as_bytes());
    }
    for seen in &sent {
        let own = seen.target.split(['/', '?']).nth(1).unwrap_or_default();
        assert_silent_but("a body", seen.body.as_bytes(), &format!("canary-{own}-"));
    }
    assert_commands_silent(&home);
    let log = daemon.log();
    assert!(log.contains("\"TRACE\"") || log.contains("\"DEBUG\""), "not loud enough");
    assert_silent("the log", log.as_bytes());
    assert_eq!(daemon.stop().await, 0);
    assert_silent("standard output", &fs::read(home.path("daemon/stdout")).unwrap());
    for file in fs::read_dir(home.path("var")).unwrap() {
        let path = file.unwrap().path();
        assert_silent(&path.display().to_string(), &fs::read(&path).unwrap());
    }
}

fn assert_commands_silent(home: &Home) {
    let names: Vec<String> = kinds::all("").sinks.into_iter().map(|(name, _)| name).collect();
    let tests: Vec<[&str; 4]> = names.iter().map(|name| ["sinks", "test", name, "--life"]).collect();
    let mut commands: Vec<&[&str]> = tests.iter().map(|test| &test[..]).collect();
    let others: [&[&str]; 11] = [
        &["check", "-vv"],
        &["check", "--format", "json"],
        &["validate"],
        &["rules"],
        &["alerts", "--since", "1h"],
        &["sinks"],
        &["sinks", "dead", "--format", "json"],
        &["sinks", "test", "slack"],
        &["sinks", "test", "hook"],
        &["sinks", "test", "closed"],
        &["run"],
    ];
    commands.extend(others);
    for args in commands {
        let output = home.command(args).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        assert!(!all.is_empty(), "{args:?} said nothing");
        assert_silent(&args.join(" "), &all);
    }
}

#[test]
fn a_secret_that_stands_in_the_settings_is_refused_without_being_shown() {
    let literal = |name: &str| CANARIES.iter().find(|(known, _)| *known == name).unwrap().1;
    let settings = json!({
        "clusters": {
            "a": { "urls": ["http://127.0.0.1:1"], "auth": { "basic": { "username": "u", "password": literal("PASSWORD") } } },
            "b": { "urls": ["http://127.0.0.1:1"], "auth": { "api_key": literal("API_KEY") } },
            "c": { "urls": ["http://127.0.0.1:1"], "auth": { "bearer": literal("BEARER") }, "unknown_key": 1 },
        },
        "sinks": {
            "hook": { "webhook": { "url": "http://127.0.0.1:1/", "bearer_token": literal("HOOK_TOKEN"), "headers": { "X-Api-Key": literal("HOOK_HEADER") } } },
            "slack": { "slack": { "webhook_url": format!("http://127.0.0.1:1/{}", literal("SLACK_URL_PATH")) } },
        },
        "rules": ["rules"],
    });
    let home = Home::new(&settings, RULES);
    let output = home.command(&["validate"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&said);
    assert!(words.contains("${env:"), "it says what would have been right: {words}");
    assert_silent("complaints", &said);
}
