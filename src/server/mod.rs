//! What is answered from outside: is it alive, is it ready, and what it counts; and signs of life of others.

mod doorway;
mod heartbeats;
mod limits;
mod metrics;
mod ready;

use std::{future::ready, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::doorway::Doorway;
use crate::{config::secrets::Secrets, engine::Engine, model::Time};

/// A connection that says nothing for so long is closed.
const SILENCE: Duration = Duration::from_secs(30);

/// How long answers that are under way may take once it is told to stop.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why nothing is answered.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot listen on `{address}`: {why}\nhint: {hint}")]
    Listen { address: SocketAddr, why: String, hint: &'static str },
    #[error("the server ended: {0}")]
    Ended(#[from] io::Error),
}

/// What every answer needs.
#[derive(Clone, Debug)]
struct Front {
    engine: Arc<Engine>,
    /// When it began to answer.
    since: Time,
    secrets: Arc<Secrets>,
}

/// Takes the address. Port 0 takes a free one: the listener knows which.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another process has this port; set `server.listen`, port 0 takes a free one"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a right that highwater does not want; take a higher one"
            }
            _ => "set `server.listen` to an address of this machine, like 127.0.0.1:7585",
        };
        ServerError::Listen { address, why: error.to_string(), hint }
    })
}

/// Answers until it is told to stop.
pub async fn serve(
    engine: Arc<Engine>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServerError> {
    let stopped = stop.clone();
    let serving = axum::serve(Doorway::new(listener, SILENCE), routes(engine))
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = serving.into_future() => Ok(ended?),
        () = too_long => Ok(()),
    }
}

fn routes(engine: Arc<Engine>) -> Router {
    let since = engine.clock.now();
    Router::new()
        .route("/healthz", get(|| ready("alive\n")))
        .route("/readyz", get(ready::answer))
        .route("/metrics", get(metrics::answer))
        .route("/v1/heartbeats/{name}", get(heartbeats::alive).post(heartbeats::alive))
        .route("/v1/heartbeats/{name}/start", get(heartbeats::started).post(heartbeats::started))
        .route("/v1/heartbeats/{name}/fail", get(heartbeats::failed).post(heartbeats::failed))
        .layer(middleware::from_fn(limits::enforce))
        .with_state(Front { engine, since, secrets: Arc::default() })
}
