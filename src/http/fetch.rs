//! Questions of checks to services that are no cluster.

use std::error::Error;

use reqwest::{RequestBuilder, Response};
use rustls::{CertificateError, Error as TlsError};

use super::{Http, Method, Secrets, answer, certificate, echo, guard::Forbidden, header, target};
use crate::model::{
    Cause, Reason, Time,
    fetch::{self, Body, Fetch, Fetched},
    query,
    time::elapsed,
};

impl Http {
    /// One attempt: what came back, or why nothing did.
    pub async fn fetch(&self, ask: &Fetch, secrets: Secrets<'_>) -> Result<query::Response, Reason> {
        let _place = self.fetches.acquire().await;
        let request = self.question(ask, secrets);
        let request = request.map_err(|why| Reason::new(Cause::Invalid, why))?;
        let (client, request) = request.build_split();
        let request = request.map_err(|error| Reason::new(Cause::Invalid, answer::words(&error)))?;
        let (hidden, started) = (echo::secrets_of(&request), self.clock.now());
        let response = match client.execute(request).await {
            Ok(response) => response,
            Err(error) => return self.no_answer(error),
        };
        let (status, not_after) = (response.status().as_u16(), self.shown.note_of(&response));
        let body = match read(response, ask.most).await {
            Ok(bytes) => understood(bytes.as_deref(), &hidden),
            Err(error) => return self.no_answer(error),
        };
        let latency = elapsed(started, self.clock.now());
        Ok(query::Response::Fetched(Fetched { status, body, latency, not_after }))
    }

    fn question(&self, ask: &Fetch, secrets: Secrets<'_>) -> Result<RequestBuilder, String> {
        let client = self.own.of(&ask.tls, || super::fresh(self.timeout))?;
        let method = match ask.method {
            fetch::Method::Get => Method::GET,
            fetch::Method::Post => Method::POST,
        };
        let mut request = client.request(method, target(&ask.url, "", secrets)?).timeout(ask.timeout);
        if let Some((user, password)) = &ask.basic {
            request = request.basic_auth(secrets(user)?.trim(), Some(secrets(password)?.trim()));
        }
        for (name, value) in &ask.headers {
            let (name, value) = header(name, &secrets(value)?)?;
            request = request.header(name, value);
        }
        match &ask.body {
            Some(body) => Ok(request.body(secrets(body)?)),
            None => Ok(request),
        }
    }

    fn no_answer(&self, error: reqwest::Error) -> Result<query::Response, Reason> {
        let host = error.url().and_then(certificate::name_of);
        let error = error.without_url();
        if let Some(over) = expired(&error) {
            if let Some(host) = host {
                self.shown.note(&host, over);
            }
            return Ok(query::Response::Expired(over));
        }
        Err(why_none(&error))
    }
}

/// `None` where there is more than `most`.
async fn read(mut response: Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// What repeats a secret of the question is read without it.
fn understood(bytes: Option<&[u8]>, hidden: &[String]) -> Body {
    let Some(bytes) = bytes else { return Body::TooLong };
    let Ok(text) = std::str::from_utf8(bytes) else { return Body::Other };
    let repeats = hidden.iter().any(|secret| text.contains(secret.as_str()));
    let parsed = match repeats {
        true => serde_json::from_str(&echo::without(hidden, text.to_owned())),
        false => serde_json::from_str(text),
    };
    parsed.map_or(Body::Other, Body::Json)
}

fn why_none(error: &reqwest::Error) -> Reason {
    let forbidden = answer::causes(error).any(|cause| cause.is::<Forbidden>());
    let (cause, words) = match () {
        () if forbidden || error.is_builder() => (Cause::Invalid, answer::words(error)),
        () if error.is_connect() => (Cause::Unreachable, connecting(error)),
        () if error.is_timeout() => (Cause::Timeout, "does not answer in time".to_owned()),
        () => (Cause::Unreachable, format!("broke off without an answer: {}", answer::words(error))),
    };
    Reason::new(cause, words)
}

fn connecting(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "does not accept connections in time".to_owned();
    }
    format!("cannot be reached: {}", answer::words(error))
}

/// When the certificate of who answered was over, if that is why it was not believed.
fn expired(error: &reqwest::Error) -> Option<Time> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(TlsError::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) =
            error.downcast_ref()
        {
            return Time::from_timestamp(i64::try_from(not_after.as_secs()).ok()?, 0);
        }
        // errors of I/O hide what they hold from `source`
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
