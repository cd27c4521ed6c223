//! What a question may weigh: nothing that is asked here needs much.

use axum::{
    extract::Request,
    http::{StatusCode, header::CONTENT_LENGTH},
    middleware::Next,
    response::{IntoResponse, Response},
};

const HEADER_BYTES: usize = 8 * 1024;
const BODY_BYTES: u64 = 1024;

/// Refuses what is too heavy before anybody looks at it.
pub async fn enforce(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let weight: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if weight > HEADER_BYTES {
        return StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_BYTES) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    next.run(request).await
}
