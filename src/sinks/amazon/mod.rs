//! What CloudWatch's two sinks share: where they send, what an error of theirs means, and deliveries in several requests.

pub mod fault;
pub mod part;

use crate::{
    model::{secret::Secret, signing::Signing},
    sinks::{Destination, Endpoint, complaint_about_url},
};

/// The service's own endpoint in `region`, or another; every attempt is signed.
///
/// `host` is the first part of the endpoint's name, and what signatures call the service.
pub fn destination(host: &str, region: &str, endpoint_url: Option<&Secret>) -> Destination {
    let own = || Secret::literal(format!("https://{host}.{region}.{}", suffix(region)));
    let mut endpoint = Endpoint::new(endpoint_url.cloned().unwrap_or_else(own));
    endpoint.sign = Some(Signing::new(region, host));
    Destination::Http(endpoint)
}

fn suffix(region: &str) -> &'static str {
    match region.split_once('-') {
        Some(("cn", _)) => "amazonaws.com.cn",
        Some(("eusc", _)) => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

pub fn complaints(region: &str, endpoint_url: Option<&Secret>) -> Vec<String> {
    let url = endpoint_url.and_then(|url| complaint_about_url("endpoint_url", url));
    Signing::complaint_about_region(region).into_iter().chain(url).collect()
}
