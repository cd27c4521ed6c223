//! `/v1/heartbeats/NAME`: signs of life, on disk before they are answered.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
};
use sha2::{Digest, Sha256};

use super::Front;
use crate::model::heartbeat::Sign;

type Said = (StatusCode, &'static str);

pub async fn alive(front: State<Front>, name: Path<String>, headers: HeaderMap) -> Said {
    hear(front, name, &headers, Sign::Alive).await
}

pub async fn started(front: State<Front>, name: Path<String>, headers: HeaderMap) -> Said {
    hear(front, name, &headers, Sign::Started).await
}

pub async fn failed(front: State<Front>, name: Path<String>, headers: HeaderMap) -> Said {
    hear(front, name, &headers, Sign::Failed).await
}

async fn hear(State(front): State<Front>, Path(name): Path<String>, headers: &HeaderMap, sign: Sign) -> Said {
    if let Err(refused) = may_come_in(&front, headers) {
        return refused;
    }
    if !front.engine.awaits_heartbeat(&name) {
        return (StatusCode::NOT_FOUND, "no rule waits for this heartbeat\n");
    }
    if let Err(error) = front.engine.store.hear(&name, sign).await {
        tracing::error!(%error, "heartbeat not kept");
        return (StatusCode::SERVICE_UNAVAILABLE, "not kept, try again\n");
    }
    if !front.engine.store.health().is_ok() {
        return (StatusCode::SERVICE_UNAVAILABLE, "heard, but the store is not on disk; try again\n");
    }
    (StatusCode::OK, "heard\n")
}

/// Who knows the token; without one, whoever reaches an address that only this machine has. A page in a browser never.
fn may_come_in(front: &Front, headers: &HeaderMap) -> Result<(), Said> {
    let from_a_page = |name: &str| {
        headers.get(name).is_some_and(|value| !matches!(value.as_bytes(), b"none" | b"same-origin"))
    };
    if from_a_page("origin") || from_a_page("sec-fetch-site") {
        return Err((StatusCode::FORBIDDEN, "not for pages of others\n"));
    }
    let server = &front.engine.settings.server;
    let Some(token) = &server.heartbeat_token else {
        return match server.listen.ip().is_loopback() {
            true => Ok(()),
            false => {
                Err((StatusCode::FORBIDDEN, "set `server.heartbeat_token` to hear from other machines\n"))
            }
        };
    };
    let Ok(token) = front.secrets.reveal(token) else {
        tracing::error!("heartbeat token not found");
        return Err((StatusCode::SERVICE_UNAVAILABLE, "the token cannot be looked up\n"));
    };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let same = given.is_some_and(|given| Sha256::digest(given.trim()) == Sha256::digest(token.as_str()));
    if same { Ok(()) } else { Err((StatusCode::UNAUTHORIZED, "the token is missing, or another\n")) }
}
