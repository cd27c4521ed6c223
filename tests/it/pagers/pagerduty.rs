//! Against a double of PagerDuty's Events API.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;
use crate::support::wire::{self, Act, Seen, Wire};

#[derive(Default)]
struct State {
    down: bool,
    /// Action, severity and whether it was taken, in order.
    events: Vec<(String, String, bool)>,
    keys: Vec<(String, String)>,
}

#[derive(Clone)]
struct Duty {
    wire: Wire,
    state: Arc<Mutex<State>>,
}

impl Duty {
    fn start() -> Duty {
        let state: Arc<Mutex<State>> = Arc::default();
        let inside = state.clone();
        let wire = Wire::start(move |seen, _| {
            let mut state = inside.lock().unwrap_or_else(PoisonError::into_inner);
            Act::Write(state.answer(seen))
        });
        Duty { wire, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> Vec<String> {
        let state = self.state();
        let taken = state.events.iter().filter(|(_, _, taken)| *taken);
        taken.map(|(action, severity, _)| format!("{action} {severity}")).collect()
    }

    async fn until(&self, story: &[&str]) {
        until(&format!("{story:?}"), || (self.taken() == story, format!("{:?}", self.state().events))).await;
    }

    async fn refuses(&self, action: &str, times: usize) {
        until(&format!("{times} x {action} in vain"), || {
            let state = self.state();
            let vain = state.events.iter().filter(|(what, _, taken)| what == action && !taken).count();
            (vain >= times, format!("{:?}", state.events))
        })
        .await;
    }
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Vec<u8> {
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v2/enqueue"));
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.keys.push((text(&body["routing_key"]), text(&body["dedup_key"])));
        self.events.push((text(&body["event_action"]), text(&body["payload"]["severity"]), !self.down));
        if self.down {
            return wire::json(503, &json!({ "status": "internal error" }));
        }
        let taken =
            json!({ "status": "success", "message": "Event processed", "dedup_key": body["dedup_key"] });
        wire::json(202, &taken)
    }
}

fn sink(duty: &Duty) -> Value {
    json!({ "pagerduty": { "routing_key": "${env:PAGER_KEY}", "url": duty.wire.url() } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_triggered_made_worse_and_resolved_under_one_key() {
    let (world, duty) = (World::start().await, Duty::start());
    let home = world.home(&sink(&duty));
    let daemon = home.start().await;
    world.fails(60);
    duty.until(&["trigger warning"]).await;
    world.fails(100);
    duty.until(&["trigger warning", "trigger critical"]).await;
    world.fails(0);
    duty.until(&["trigger warning", "trigger critical", "resolve critical"]).await;
    assert_eq!(daemon.stop().await, 0);
    let state = duty.state();
    let (routing, dedup) = &state.keys[0];
    assert_eq!(routing, "0123456789abcdef0123456789abcdef");
    assert!(!dedup.is_empty() && state.keys.iter().all(|keys| *keys == state.keys[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_resolved_before_its_trigger_was_taken() {
    let (world, duty) = (World::start().await, Duty::start());
    duty.state().down = true;
    let home = world.home(&sink(&duty));
    let daemon = home.start().await;
    world.fails(60);
    duty.refuses("trigger", 2).await;
    world.fails(0);
    // it recovers here while the trigger is still on its way
    until("the recovery", || {
        let store = home.command(&["alerts", "--format", "json"]).output().unwrap();
        let shown = String::from_utf8_lossy(&store.stdout).into_owned();
        (!shown.contains("firing"), shown)
    })
    .await;
    duty.refuses("trigger", 4).await;
    duty.state().down = false;
    duty.until(&["trigger warning", "resolve warning"]).await;
    let resolved_too_early =
        duty.state().events.iter().any(|(action, _, taken)| action == "resolve" && !taken);
    assert!(!resolved_too_early);
    assert_eq!(daemon.stop().await, 0);
}
