//! What goes between a sink and the doors: where to, what is sent, what came back, and what that means.

mod url;
mod verdict;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Journal;
use crate::model::{
    Time,
    notification::{Delivery, Handle},
    secret::Secret,
    signing::Signing,
};

pub use self::{
    url::percent_encoded,
    verdict::{Answer, MailReply, MailStep, Verdict, in_words},
};
pub(in crate::sinks) use self::{
    url::{complaint_about_url, percent_decoded},
    verdict::{answered, written},
};

/// Where attempts go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one lives for an attempt")]
pub enum Destination {
    Http(Endpoint),
    /// Servers of one cluster: each of them gets the message, and it is taken when one of them takes it.
    Cluster(Vec<Endpoint>),
    Mail(Mailbox),
    Stdout,
    File(Journal),
    /// Documents into an index of a watched cluster that is there already.
    History {
        name: String,
        index: String,
    },
    /// Datagrams to a host and a port.
    Udp(String),
}

impl Destination {
    /// Everything that has to be looked up for an attempt.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Http(endpoint) => endpoint.secrets().collect(),
            Self::Cluster(endpoints) => endpoints.iter().flat_map(Endpoint::secrets).collect(),
            Self::Mail(mailbox) => [&mailbox.server].into_iter().chain(&mailbox.password).collect(),
            Self::Stdout | Self::File(_) | Self::Udp(_) | Self::History { .. } => Vec::new(),
        }
    }
}

/// An HTTP service, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A message's own path is appended to it.
    pub url: Secret,
    /// What stands behind the URL's host opens the service.
    pub is_key: bool,
    pub headers: Vec<(String, Secret)>,
    /// Put into the top of a JSON body, or behind a form's fields, by each attempt: services that want their key there.
    pub body_secrets: Vec<(String, Secret)>,
    /// Each attempt is signed for Amazon.
    pub sign: Option<Signing>,
    /// User and password of `Authorization: Basic …`.
    pub basic: Option<(Secret, Secret)>,
    /// Made anew by each attempt, over the bytes that it sends.
    pub signature: Option<Signature>,
    /// Beside what everybody trusts.
    pub tls: Option<ClientTls>,
}

/// `sha256=…` over `timestamp.body`, and where both stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub secret: Secret,
    pub header: String,
    pub timestamp_header: String,
}

/// PEM files of one endpoint alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientTls {
    pub ca: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

impl Endpoint {
    pub const fn new(url: Secret) -> Self {
        Self {
            url,
            is_key: false,
            headers: Vec::new(),
            body_secrets: Vec::new(),
            basic: None,
            sign: None,
            signature: None,
            tls: None,
        }
    }

    /// Its URL is as good as a password.
    #[must_use]
    pub const fn with_key_in_url(mut self, is_key: bool) -> Self {
        self.is_key = is_key;
        self
    }

    /// Where a request to `path` goes, for people: without what opens the service.
    pub fn show_url(&self, path: &str) -> String {
        let shown = url::shown(&self.url, self.is_key);
        if path.is_empty() { shown } else { format!("{}{path}", shown.trim_end_matches('/')) }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let named = self.headers.iter().chain(&self.body_secrets);
        let basic = self.basic.iter().flat_map(|(user, password)| [user, password]);
        let signature = self.signature.iter().map(|signature| &signature.secret);
        [&self.url].into_iter().chain(named.map(|(_, secret)| secret)).chain(basic).chain(signature)
    }
}

/// A mail server, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// A URL as [`super::MailServer`] reads it.
    pub server: Secret,
    pub password: Option<Secret>,
    /// A file of certificates that are trusted beside those of the operating system.
    pub ca: Option<PathBuf>,
}

/// What is sent, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    Http(Request),
    Mail(Box<Letter>),
    /// One line, without its end.
    Line(String),
    /// Each is sent on its own, and may get lost.
    Datagrams(Vec<String>),
}

/// One HTTP request, without what is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: Method,
    /// Appended to the endpoint's URL, query included; empty: the URL as it is.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// A `Get` sends none: there a sink may keep what it asks for.
    pub body: String,
}

/// One mail. What it says is text; the door makes headers and parts of it, the same bytes each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub from: String,
    /// Whom it is addressed to.
    pub to: Vec<String>,
    /// Who has not got it yet.
    pub missing: Vec<String>,
    pub at: Time,
    pub subject: String,
    /// Without its angle brackets.
    pub message_id: String,
    /// The message that this one belongs to.
    pub thread: Option<String>,
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub html: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
}

impl Message {
    /// A `POST` of JSON.
    pub fn json(path: &str, body: String) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self::Http(Request { method: Method::Post, path: path.to_owned(), headers, body })
    }

    /// A `POST` of a form.
    pub fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        Self::Http(Request { method: Method::Post, path: path.to_owned(), headers, body: fields.join("&") })
    }
}

/// One message that was sent, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub delivery: &'a Delivery,
    pub message: &'a Message,
    pub handle: Option<&'a Handle>,
}
