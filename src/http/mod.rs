//! The door for all other HTTP: messages to sinks, the outbound heartbeat, questions to services that are no cluster.
//!
//! It follows no redirect, takes no proxy from the environment, and connects to no link-local or metadata address (see
//! [`guard`]). Nothing that it says names a URL: the whole of a webhook's URL is a secret.

mod answer;
mod body;
mod certificate;
mod echo;
mod fetch;
mod guard;
mod signature;
mod signed;
mod tls;

#[cfg(test)]
mod tests;

pub use self::certificate::Shown;
pub use crate::sinks::percent_encoded;

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, Url,
    header::{HeaderName, HeaderValue},
    redirect::Policy,
};
use tokio::sync::Semaphore;

use crate::{
    aws::Signer,
    clock::Clock,
    model::{fetch::Tls, secret::Secret, signing::Signing},
    sinks::{Answer, Endpoint, Method as Verb, Request, in_words},
};

/// How a secret is looked up, at each attempt; the error says what is missing and never what was found.
pub type Secrets<'a> = &'a (dyn Fn(&Secret) -> Result<String, String> + Send + Sync);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Questions of checks at one time: each may hold a whole answer.
const FETCHES: usize = 64;

/// Why the door cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(
        "cannot prepare HTTP: {0}\nhint: the operating system's CA certificates are needed, package `ca-certificates`"
    )]
    Client(String),
}

/// One client for every sink; connections are shared and kept.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    timeout: Duration,
    own: tls::Clients,
    clock: Clock,
    signer: Signer,
    fetches: Arc<Semaphore>,
    shown: Shown,
}

impl Http {
    /// `timeout` is the most that one attempt may take, answer included. A TLS provider has to be installed.
    pub fn new(timeout: Duration, clock: Clock) -> Result<Self, HttpError> {
        let client = fresh(timeout).build();
        let client = client.map_err(|error| HttpError::Client(answer::words(&error.without_url())))?;
        let signer = Signer::new(clock.clone());
        let fetches = Arc::new(Semaphore::new(FETCHES));
        Ok(Self {
            client,
            timeout,
            own: tls::Clients::default(),
            clock,
            signer,
            fetches,
            shown: Shown::default(),
        })
    }

    /// The same, with certificates noted elsewhere.
    #[must_use]
    pub fn noting(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// The certificates that were shown to us.
    pub const fn shown(&self) -> &Shown {
        &self.shown
    }

    /// One attempt: what came back, or why nothing did. Retries are for those who know what was promised.
    pub async fn send(&self, to: &Endpoint, message: &Request, secrets: Secrets<'_>) -> Answer {
        match self.request(to, message, secrets) {
            Err(why) => Answer::Unsent(why),
            Ok((request, hidden)) => self.answer(request, hidden, to.sign.as_ref()).await,
        }
    }

    /// A sign of life to `url`; the error says in words what came back.
    pub async fn ping(&self, url: &Secret, secrets: Secrets<'_>) -> Result<(), String> {
        let request = self.client.request(Method::GET, target(url, "", secrets)?);
        match self.answer(request, Vec::new(), None).await {
            Answer::Http { status: 200..=299, .. } => Ok(()),
            Answer::Http { status, body, .. } => Err(in_words(status, &body)),
            Answer::Lost(why) | Answer::Unreached(why) | Answer::Unsent(why) => Err(why),
            Answer::Mail(_) | Answer::Written => Ok(()),
        }
    }

    fn request(
        &self,
        to: &Endpoint,
        message: &Request,
        secrets: Secrets<'_>,
    ) -> Result<(RequestBuilder, Vec<String>), String> {
        let url = target(&to.url, &message.path, secrets)?;
        let client = match &to.tls {
            Some(own) => self.own.of(&Tls::from(own), || fresh(self.timeout))?,
            None => self.client.clone(),
        };
        let mut request = client.request(method(message.method), url);
        if let Some((user, password)) = &to.basic {
            request = request.basic_auth(secrets(user)?.trim(), Some(secrets(password)?.trim()));
        }
        for (name, value) in &to.headers {
            let (name, value) = header(name, &secrets(value)?)?;
            request = request.header(name, value);
        }
        for (name, value) in &message.headers {
            request = request.header(name, value);
        }
        if message.method == Verb::Get {
            return Ok((request, Vec::new()));
        }
        let body = body::filled(message, &to.body_secrets, secrets)?;
        if let Some(signature) = &to.signature {
            let key = secrets(&signature.secret)?;
            let (timestamp, signed) = signature::sign(&key, self.clock.now(), &body.text);
            request =
                request.header(&signature.timestamp_header, timestamp).header(&signature.header, signed);
        }
        Ok((request.body(body.text), body.hidden))
    }

    /// `hidden`: what is secret in the body.
    async fn answer(
        &self,
        request: RequestBuilder,
        hidden: Vec<String>,
        signing: Option<&Signing>,
    ) -> Answer {
        let (client, request) = request.build_split();
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return answer::lost(error),
        };
        if let Some(signing) = signing
            && let Err(why) = signed::sign(&self.signer, signing, &mut request).await
        {
            return why;
        }
        let mut secrets = echo::secrets_of(&request);
        secrets.extend(hidden.into_iter().filter(|secret| secret.len() >= echo::SHORTEST));
        let answer = match client.execute(request).await {
            Ok(response) => {
                self.shown.note_of(&response);
                answer::read(response, &self.clock, &secrets).await
            }
            Err(error) => answer::lost(error),
        };
        if signing.is_some() && signed::were_refused(&answer) {
            self.signer.were_refused();
        }
        answer
    }
}

/// What every client is like.
fn fresh(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("highwater/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .tls_info(true)
        .retry(reqwest::retry::never())
        .dns_resolver(guard::Resolver)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
}

/// The URL, if it is one that may be connected to. A host that is an address is judged here, a name when it is resolved.
fn target(url: &Secret, path: &str, secrets: Secrets<'_>) -> Result<Url, String> {
    let text = secrets(url)?;
    let text = if path.is_empty() { text.trim() } else { text.trim().trim_end_matches('/') };
    let url = Url::parse(&format!("{text}{path}")).map_err(|why| format!("its URL is no URL ({why})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its URL has to start with `https://` or `http://`".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) if guard::is_forbidden(address) => Err(guard::Forbidden.to_string()),
        _ => Ok(url),
    }
}

const fn method(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
        Verb::Patch => Method::PATCH,
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let bad =
        || format!("header `{name}` cannot be sent: its name or its value has characters that no header has");
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok((key, value))
}
