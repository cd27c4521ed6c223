//! What a service says back to us, without what only we should know.

use reqwest::Request;

/// Shorter pieces say nothing of a secret, and would hide too much.
pub const SHORTEST: usize = 8;

/// Everything secret that a request holds: path and query of its URL, and headers that were marked so.
pub fn secrets_of(request: &Request) -> Vec<String> {
    let url = request.url();
    let mut secrets = vec![url.path().to_owned()];
    secrets.extend(url.query().map(str::to_owned));
    let marked = request.headers().values().filter(|value| value.is_sensitive());
    for value in marked.filter_map(|value| value.to_str().ok()) {
        secrets.push(value.to_owned());
        secrets.extend(value.split_once(' ').map(|(_, token)| token.to_owned()));
    }
    secrets.retain(|secret| secret.len() >= SHORTEST);
    secrets
}

/// Error pages like to repeat what was asked: `Cannot POST /services/…`.
pub fn without(secrets: &[String], text: String) -> String {
    secrets.iter().fold(text, |text, secret| text.replace(secret.as_str(), "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_that_repeats_the_request_is_not_repeated() {
        let mut token = reqwest::header::HeaderValue::from_static("Bearer 0123456789");
        token.set_sensitive(true);
        let client = reqwest::Client::builder();
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = client.build().unwrap();
        let request = client.post("http://host/services/T/B/x?key=abcdefgh").header("Authorization", token);
        let secrets = secrets_of(&request.build().unwrap());
        let page = "Cannot POST /services/T/B/x?key=abcdefgh with 0123456789".to_owned();
        assert_eq!(without(&secrets, page), "Cannot POST ***?*** with ***");
        assert_eq!(without(&secrets, "ok".to_owned()), "ok");
    }
}
