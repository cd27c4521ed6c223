use super::{Contract, stdout::every_alert_is_in_it};

pub const CONTRACT: Contract =
    Contract { status, limits: every_alert_is_in_it, harmless: |_| Ok(()), retry_after: true };

fn status(status: u16) -> &'static str {
    match status {
        200..=299 => "accepted",
        408 | 425 | 429 | 500.. => "later",
        300..=399 | 401 | 403 | 404 | 405 | 407 | 410 => "misconfigured",
        _ => "never",
    }
}
