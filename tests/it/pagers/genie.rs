//! Against a double of Opsgenie: every request is taken, and only a later look says what came of it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::*;
use crate::support::wire::{self, Act, Seen, Wire};

/// One alert as people see it there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Alert {
    message: String,
    priority: String,
    open: bool,
    acknowledged: bool,
    notes: Vec<String>,
}

/// A result, and how many looks find nothing before it is there.
struct Outcome {
    unseen: u32,
    success: bool,
    words: String,
}

#[derive(Default)]
struct State {
    alerts: BTreeMap<String, Alert>,
    outcomes: BTreeMap<String, Outcome>,
    /// Each request in a word, looks left out.
    said: Vec<String>,
    keys: Vec<String>,
    /// So many openings are taken and then discarded.
    discards: u32,
}

#[derive(Clone)]
struct Genie {
    wire: Wire,
    state: Arc<Mutex<State>>,
}

impl Genie {
    fn start() -> Genie {
        let state: Arc<Mutex<State>> = Arc::default();
        let inside = state.clone();
        Genie { wire: Wire::start(move |seen, n| Act::Write(lock(&inside).answer(seen, n))), state }
    }

    fn sink(&self) -> Value {
        json!({ "opsgenie": { "api_key": "${env:PAGER_KEY}", "url": self.wire.url(), "tags": ["search"],
            "responders": [{ "type": "team", "name": "ops" }] } })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    async fn until(&self, what: &str, is: impl Fn(&Alert) -> bool) -> Alert {
        until(what, || {
            let alerts = self.state().alerts.clone();
            (alerts.len() == 1 && alerts.values().all(&is), format!("{alerts:?}"))
        })
        .await;
        self.state().alerts.values().next().unwrap().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn answer(&mut self, seen: &Seen, n: usize) -> Vec<u8> {
        self.keys.push(seen.header("authorization").to_owned());
        if let Some(id) = seen.target.strip_prefix("/v2/alerts/requests/") {
            return self.look(id);
        }
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let (success, words) = self.act(&format!("{} {}", seen.method, seen.target), &body);
        let id = format!("request-{n}");
        self.outcomes.insert(id.clone(), Outcome { unseen: 1, success, words });
        wire::json(202, &json!({ "result": "Request will be processed", "took": 0.1, "requestId": id }))
    }

    fn look(&mut self, id: &str) -> Vec<u8> {
        let Some(outcome) = self.outcomes.get_mut(id).filter(|outcome| outcome.unseen == 0) else {
            if let Some(outcome) = self.outcomes.get_mut(id) {
                outcome.unseen -= 1;
            }
            let words = "Request not found. It might not be processed, yet.";
            return wire::json(404, &json!({ "message": words, "took": 0.0, "requestId": "look" }));
        };
        let (success, words) = (outcome.success, outcome.words.clone());
        let data =
            json!({ "success": success, "isSuccess": success, "status": words, "alertId": "", "alias": "" });
        wire::json(200, &json!({ "data": data, "took": 0.1, "requestId": id }))
    }

    fn act(&mut self, request: &str, body: &Value) -> (bool, String) {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (path, by) = request.split_once('?').unwrap_or((request, ""));
        if path == "POST /v2/alerts" {
            self.said.push("open".to_owned());
            if self.discards > 0 {
                self.discards -= 1;
                return (false, "Discarded by a policy".to_owned());
            }
            let alert = self.alerts.entry(text("alias")).or_default();
            if !alert.open {
                *alert = Alert {
                    message: text("message"),
                    priority: text("priority"),
                    open: true,
                    ..Alert::default()
                };
            }
            return (true, "Created alert".to_owned());
        }
        assert_eq!(by, "identifierType=alias", "{request}");
        let (alias, what) = path.split_once("/v2/alerts/").unwrap().1.split_once('/').unwrap();
        self.said.push(what.to_owned());
        let Some(alert) = self.alerts.get_mut(alias).filter(|alert| alert.open) else {
            return (false, "Alert does not exist".to_owned());
        };
        match what {
            "priority" => alert.priority = text("priority"),
            "notes" => alert.notes.push(text("note")),
            "close" => {
                alert.notes.push(text("note"));
                alert.open = false;
            }
            other => panic!("nobody asked for {other}"),
        }
        (true, "done".to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_opened_made_worse_and_closed_and_left_acknowledged() {
    let (world, genie) = (World::start().await, Genie::start());
    let home = world.home(&genie.sink());
    let daemon = home.start().await;
    world.fails(60);
    let opened = genie.until("an open alert", |alert| alert.open).await;
    assert_eq!((opened.priority.as_str(), opened.acknowledged), ("P3", false));
    assert!(
        opened.message.starts_with("Requests fail (main): service=checkout ‹!channel›: 60 %"),
        "{opened:?}"
    );
    genie.state().alerts.values_mut().for_each(|alert| alert.acknowledged = true);
    world.fails(100);
    let worse = genie.until("a note on what got worse", |alert| !alert.notes.is_empty()).await;
    assert_eq!((worse.priority.as_str(), worse.acknowledged), ("P1", true));
    assert!(worse.notes[0].contains("raised from warning to critical"), "{worse:?}");
    // a restart goes on with the same alert
    assert_eq!(daemon.stop().await, 0);
    let daemon = home.start().await;
    world.fails(0);
    let closed = genie.until("a closed alert", |alert| !alert.open).await;
    assert!(closed.acknowledged && closed.notes[1].starts_with("RECOVERED: Requests fail"), "{closed:?}");
    // the last look at the last result ends the delivery
    assert_eq!(daemon.stop().await, 0);
    let state = genie.state();
    assert_eq!(state.said, ["open", "priority", "notes", "close"]);
    assert!(state.keys.iter().all(|key| key == "GenieKey 0123456789abcdef0123456789abcdef"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_opsgenie_took_and_then_discarded_is_not_delivered_and_somebody_is_told() {
    let (world, genie) = (World::start().await, Genie::start());
    genie.state().discards = 2;
    let home = world.home(&genie.sink());
    let daemon = home.start().await;
    world.fails(60);
    let told = world.hook.wait_for_story("highwater-dead-letter pager", &["fired critical"], SOON).await;
    assert!(told[0].alert["facts"].to_string().contains("Discarded by a policy"), "{:?}", told[0].alert);
    assert_eq!(genie.state().said, ["open", "open"], "once as it was, once in few words");
    // what got worse is opened, because it never was
    world.fails(100);
    let opened = genie.until("an open alert", |alert| alert.open).await;
    assert_eq!(opened.priority, "P1");
    world.fails(0);
    genie.until("a closed alert", |alert| !alert.open).await;
    assert_eq!(daemon.stop().await, 0);
}
