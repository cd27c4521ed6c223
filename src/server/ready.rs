//! `/readyz`: whether highwater does its work, and if not, why.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::Front;
use crate::{
    engine::Engine,
    model::{span, time::elapsed},
};

/// The scheduler ticks every second; more silence than this is a fault.
const SILENCE: Duration = Duration::from_secs(5);

/// All that has to be well.
#[derive(Debug, Serialize)]
pub struct Readiness {
    ready: bool,
    scheduler: Part,
    store: Part,
    rules: Part,
}

#[derive(Debug, Serialize)]
struct Part {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<Option<String>> for Part {
    fn from(why: Option<String>) -> Self {
        Self { ok: why.is_none(), why }
    }
}

pub async fn answer(State(front): State<Front>) -> (StatusCode, Json<Readiness>) {
    let readiness = Readiness::of(&front);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

impl Readiness {
    fn of(front: &Front) -> Self {
        let scheduler = Part::from(silent_scheduler(front));
        let store = Part::from(store_trouble(&front.engine));
        let rules = front.engine.rules().rules.is_empty();
        let rules = Part::from(rules.then(|| "no rules are loaded".to_owned()));
        Self { ready: scheduler.ok && store.ok && rules.ok, scheduler, store, rules }
    }
}

fn silent_scheduler(front: &Front) -> Option<String> {
    let ticked = front.engine.pulse().ticked.unwrap_or(front.since);
    let silence = elapsed(ticked, front.engine.clock.now());
    (silence > SILENCE).then(|| format!("the scheduler has not ticked for {}", span::show(silence)))
}

fn store_trouble(engine: &Engine) -> Option<String> {
    let away = engine.store.health().in_memory?;
    Some(format!("the store is not on disk since {}: {}", away.since.to_rfc3339(), away.why))
}
