//! What is no cluster of Elasticsearch: services, KurrentDB, heartbeats and the canary, told by the real program.

mod gossip;
mod heartbeats;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    receiver::Receiver,
    wire::{Act, Wire, json as answer},
};

const SOON: Duration = Duration::from_secs(60);

/// Settings that watch no cluster and tell `receiver`.
fn settings(receiver: &Receiver) -> Value {
    json!({
        "clusters": {},
        "rules": ["rules"],
        "store": { "sqlite": { "path": "var/highwater.db" } },
        "sinks": { "hook": { "webhook": { "url": receiver.url("/hook") } } },
        "defaults": { "notify": ["hook"] },
        "server": { "listen": "127.0.0.1:0" },
        "telemetry": { "level": "debug", "format": "json" },
    })
}

/// What a double answers, until it is told otherwise.
#[derive(Clone)]
struct Script(Arc<Mutex<Act>>);

impl Script {
    fn new(act: Act) -> Script {
        Script(Arc::new(Mutex::new(act)))
    }

    fn set(&self, act: Act) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = act;
    }

    fn get(&self) -> Act {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A server that answers by it.
    fn serve(&self) -> Wire {
        let script = self.clone();
        Wire::start(move |_, _| script.get())
    }
}

fn shop(status: &str, depth: u32) -> Act {
    Act::Write(answer(200, &json!({ "status": status, "queue": { "depth": depth } })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_fires_when_it_is_down_or_its_number_is_too_high_and_recovers() {
    let (receiver, script) = (Receiver::start(), Script::new(shop("UP", 3)));
    let shop_url = script.serve().url();
    let rule = |id: &str, check: Value, level: &str| {
        json!({ "id": id, "check": { "http": check }, "schedule": "every 1s", "levels": { "critical": level },
            "blind": { "after": "1h" } })
    };
    let auth = json!({ "bearer": "${env:SHOP_TOKEN}" });
    let rules = json!({ "rules": [
        rule("up", json!({ "url": format!("{shop_url}/health"), "pointer": "/status", "equals": "UP", "timeout": "1s", "auth": auth }), "down"),
        rule("depth", json!({ "url": format!("{shop_url}/stats"), "pointer": "/queue/depth", "timeout": "1s" }), "above 10"),
    ] });
    let home = Home::new(&settings(&receiver), &rules.to_string()).env("SHOP_TOKEN", "open-sesame");
    assert_eq!(home.check(&[]).code, 0);
    script.set(Act::Cut(Vec::new()));
    let checked = home.check(&[]);
    assert_eq!(checked.code, 2, "{}", checked.said);
    assert_eq!(checked.outcome("depth"), "indeterminate");
    script.set(shop("UP", 3));
    let daemon = home.start().await;
    let told = async |rule: &str, story: &[&str]| receiver.wait_for_story(rule, story, SOON).await;
    // it hangs: the service is down, and of its number nothing is known
    script.set(Act::Hang);
    told("up", &["fired critical"]).await;
    script.set(shop("DOWN", 30));
    told("depth", &["fired critical"]).await;
    assert_eq!(receiver.story("up").len(), 1);
    script.set(shop("UP", 10));
    told("up", &["fired critical", "resolved critical cleared"]).await;
    let depth = told("depth", &["fired critical", "resolved critical cleared"]).await;
    assert_eq!((depth[0].value(), depth[1].value()), (30.0, 10.0));
    assert!(!daemon.log().contains("open-sesame"));
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_goes_the_whole_way_again_and_again() {
    let receiver = Receiver::start();
    let mut settings = settings(&receiver);
    settings["canary"] = json!({ "every": "4s", "notify": ["hook"] });
    let rules = json!({ "rules": [{ "id": "job", "check": { "heartbeat": { "name": "job", "every": "1h" } }, "schedule": "every 1m" }] });
    let home = Home::new(&settings, &rules.to_string());
    let daemon = home.start().await;
    let song = ["fired info", "resolved info cleared", "fired info", "resolved info cleared"];
    let enough =
        |_: &[crate::support::receiver::Arrival]| receiver.story("highwater-canary").len() >= song.len();
    receiver.wait_for("two songs", SOON, enough).await;
    assert_eq!(receiver.story("highwater-canary")[..song.len()], song);
    // it is no rule of the operator's
    assert_eq!(home.check(&[]).report["rules"].as_array().map(Vec::len), Some(1));
    assert_eq!(daemon.stop().await, 0);
}
