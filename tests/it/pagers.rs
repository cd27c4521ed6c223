//! Services that call people, told by the real program: what fires is open there, what gets worse is worse there, what is over
//! is closed there, and a service's own word for what came of it is believed.

mod alertmanager;
mod genie;
mod pagerduty;
mod phones;
mod service;
mod teams;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    daemon::Home,
    double::{Counted, Double},
    receiver::Receiver,
};

const SOON: Duration = Duration::from_secs(45);
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A cluster with one service whose share of failures the test chooses, and a second sink that hears of trouble.
struct World {
    double: Double,
    share: Arc<AtomicU64>,
    hook: Receiver,
}

impl World {
    async fn start() -> World {
        let share = Arc::new(AtomicU64::new(0));
        let now = share.clone();
        let double = Double::start(move |_| {
            // a name that a channel must not be called by
            vec![Counted::new("checkout <!channel>", now.load(Ordering::Relaxed), 100)]
        });
        World { double: double.await, share, hook: Receiver::start() }
    }

    /// Per cent; from the next second on.
    fn fails(&self, share: u64) {
        self.share.store(share, Ordering::Relaxed);
    }

    fn home(&self, sink: &Value) -> Home {
        let settings = json!({
            "clusters": { "main": { "urls": [self.double.url] } },
            "rules": ["rules"],
            "sinks": { "pager": sink, "hook": { "webhook": { "url": self.hook.url("/hook") } } },
            "defaults": { "notify": ["pager"] },
            "self": { "notify": ["hook"] },
            "delivery": { "timeout": "2s" },
            "server": { "listen": "127.0.0.1:0" },
            "telemetry": { "level": "debug", "format": "json" },
        });
        let check =
            json!({ "ratio": { "index": "logs", "window": "1s", "numerator": "bad", "per": ["service"] } });
        let levels = json!({ "warning": "above 50%", "critical": "above 90%" });
        let rule = json!({ "id": "failures", "summary": "Requests fail", "check": check, "schedule": "every 1s",
            "query_delay": "0s", "no_data": "keep", "levels": levels, "runbook": "https://runbooks.example/failures" });
        Home::new(&settings, &json!({ "rules": [rule] }).to_string()).env("PAGER_KEY", KEY)
    }
}

/// Looks again and again until `is`; fails with what there is instead.
async fn until(what: &str, mut look: impl FnMut() -> (bool, String)) {
    let deadline = Instant::now() + SOON;
    loop {
        let (is, shown) = look();
        if is {
            return;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}: {shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
