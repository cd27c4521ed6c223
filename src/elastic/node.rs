//! One URL of a cluster: how to reach it, and how it has been.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use chrono::TimeDelta;
use elasticsearch::{
    auth::Credentials,
    http::{
        Method, Url,
        headers::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
        response::Response,
        transport::Transport,
    },
};
use tokio::net::{TcpStream, lookup_host};

use super::{request::Request, signature::Signature, trouble};
use crate::model::{Reason, Time};

/// A node that answered within this time is not tried by a bare connection first.
const TRUST: TimeDelta = TimeDelta::seconds(30);
const FIRST_REST: TimeDelta = TimeDelta::seconds(1);
const LONGEST_REST: TimeDelta = TimeDelta::seconds(60);

pub(super) struct Node {
    /// `host:port`, for words.
    pub name: String,
    base: Url,
    /// What a connection is made to: the node, or the proxy before it.
    door: (String, u16),
    transport: ArcSwap<Transport>,
    signature: Option<Signature>,
    health: Mutex<Health>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Health {
    failures: u32,
    /// It took a request and never answered; it has to answer a lighter one first.
    hangs: bool,
    rests_until: Option<Time>,
    answered_at: Option<Time>,
}

impl Node {
    pub fn new(base: Url, proxy: Option<&Url>, transport: Transport) -> Self {
        let way = proxy.unwrap_or(&base);
        let host = way.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let door = (host, way.port_or_known_default().unwrap_or(9200));
        let name = trouble::name_of(&base);
        let (transport, signature, health) = (ArcSwap::from_pointee(transport), None, Mutex::default());
        Self { name, base, door, transport, signature, health }
    }

    #[must_use]
    pub fn signed_by(mut self, signature: Option<Signature>) -> Self {
        self.signature = signature;
        self
    }

    pub fn url(&self) -> &Url {
        &self.base
    }

    pub fn replace(&self, transport: Transport) {
        self.transport.store(Arc::new(transport));
    }

    pub fn set_auth(&self, credentials: Credentials) {
        self.transport.load().set_auth(credentials);
    }

    /// Connects before anything is sent, where it is not known that somebody is there: the client library knows no
    /// deadline for connecting, and does not tell a wrong name from a refused connection.
    pub async fn knock(&self, deadline: Duration, now: Time) -> Result<(), Reason> {
        let health = self.health();
        let trusted =
            health.failures == 0 && health.answered_at.is_some_and(|at| at <= now && now - at < TRUST);
        if trusted {
            return Ok(());
        }
        match tokio::time::timeout(deadline, self.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(trouble::no_connection(&self.name, &std::io::ErrorKind::TimedOut.into())),
        }
    }

    async fn connect(&self) -> Result<(), Reason> {
        let (host, port) = &self.door;
        let addresses = lookup_host((host.as_str(), *port)).await;
        let addresses: Vec<_> = addresses.map_err(|error| trouble::no_such_host(host, &error))?.collect();
        TcpStream::connect(addresses.as_slice())
            .await
            .map(drop)
            .map_err(|error| trouble::no_connection(&self.name, &error))
    }

    /// What goes out with `request`, which is asked at `url`.
    pub async fn headers(&self, request: &Request, label: &str, url: &Url) -> Result<HeaderMap, Reason> {
        let mut headers = headers(request, label);
        if let Some(signature) = &self.signature {
            signature.add(&mut headers, request, url).await?;
        }
        Ok(headers)
    }

    pub async fn send(
        &self,
        request: &Request,
        headers: HeaderMap,
    ) -> Result<Response, elasticsearch::Error> {
        let transport = self.transport.load_full();
        let path = request.relative.as_str();
        let body = request.body.as_deref();
        transport.send(request.method, path, headers, None::<&()>, body, None).await
    }

    /// Does anybody answer at all? Any HTTP answer counts.
    pub async fn is_alive(&self, deadline: Duration) -> bool {
        matches!(tokio::time::timeout(deadline, self.greet()).await, Ok(Ok(_)))
    }

    pub fn answered(&self, now: Time) {
        *self.lock() = Health { answered_at: Some(now), ..Health::default() };
    }

    /// Whether it hung, and still does. A refusal is an answer, and what is wrong with TLS the request itself will say.
    pub async fn still_hangs(&self, deadline: Duration) -> bool {
        self.health().hangs && tokio::time::timeout(deadline, self.greet()).await.is_err()
    }

    async fn greet(&self) -> Result<Response, elasticsearch::Error> {
        let root = Request { method: Method::Get, relative: "./".to_owned(), body: None };
        // unsigned, too: that it is refused says that somebody is there
        self.send(&root, headers(&root, "highwater/probe")).await
    }

    /// It keeps connections and answers nothing.
    pub fn hung(&self) {
        self.lock().hangs = true;
    }

    /// It rests, longer after each failure.
    pub fn failed(&self, now: Time) {
        let mut health = self.lock();
        let rest = FIRST_REST * 2_i32.pow(health.failures.min(6));
        health.failures = health.failures.saturating_add(1);
        health.rests_until = Some(now + rest.min(LONGEST_REST));
    }

    /// The smaller the better: rested before resting, then the one whose rest ends first.
    pub fn rank(&self, now: Time) -> (bool, Option<Time>) {
        let rests_until =
            self.health().rests_until.filter(|until| *until > now && *until - now <= LONGEST_REST);
        (rests_until.is_some(), rests_until)
    }

    fn health(&self) -> Health {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn headers(request: &Request, label: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // An answer is measured before it is unpacked, so it must not be packed.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if request.body.is_some() {
        let form = if request.is_lines() { "application/x-ndjson" } else { "application/json" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
    }
    if let Ok(label) = HeaderValue::from_str(label) {
        headers.insert(HeaderName::from_static("x-opaque-id"), label);
    }
    headers
}
