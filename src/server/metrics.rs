//! `/metrics`: OpenMetrics text.

use axum::{extract::State, http::header::CONTENT_TYPE, response::IntoResponse};

use super::Front;
use crate::model::time::elapsed;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters as they are, and the rest as it is now. A store that does not answer leaves its gauges as they were.
pub async fn answer(State(front): State<Front>) -> impl IntoResponse {
    let engine = &front.engine;
    engine.take_picture();
    let now = engine.clock.now();
    match engine.store.depth().await {
        Ok(depths) => {
            for depth in &depths {
                let oldest = depth.oldest.map(|oldest| elapsed(oldest, now)).unwrap_or_default();
                engine.telemetry.outbox(&depth.sink, u64::from(depth.queued + depth.held), oldest);
            }
            for sink in
                engine.settings.sinks.keys().filter(|sink| !depths.iter().any(|depth| depth.sink == **sink))
            {
                engine.telemetry.outbox(sink, 0, std::time::Duration::ZERO);
            }
        }
        Err(error) => tracing::warn!(%error, "outbox not measured"),
    }
    match engine.store.size().await {
        Ok(size) => engine.telemetry.store_size(size),
        Err(error) => tracing::warn!(%error, "store not measured"),
    }
    ([(CONTENT_TYPE, OPEN_METRICS)], engine.telemetry.render())
}
