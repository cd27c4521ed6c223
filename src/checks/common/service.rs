//! Services that are no cluster: how one is asked, and who we are to it.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::answered;
use crate::model::{
    Cause, Reason,
    amount::Bytes,
    fetch::{Fetch, Fetched, Method, Tls},
    query::Response,
    secret::{Part, Secret},
    span::Span,
};

/// Who we are to a service: exactly one of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ServiceAuth {
    /// Name and password.
    Basic(ServiceUser),
    /// A bearer token.
    Bearer(Secret),
}

/// Name and password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceUser {
    /// The user's name.
    pub username: String,
    /// A reference: `${env:PASSWORD}`.
    pub password: Secret,
}

/// Certificates of this service alone, as PEM files; they are read again when they change.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceTls {
    /// Beside the operating system's trust store.
    pub ca: Option<PathBuf>,
    /// Who we are; it needs `client_key`.
    pub client_certificate: Option<PathBuf>,
    /// Unencrypted.
    pub client_key: Option<PathBuf>,
    /// Trusts whoever answers. For trying out only.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// How a service is asked, whatever is asked.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    pub auth: Option<&'a ServiceAuth>,
    pub tls: Option<&'a ServiceTls>,
    pub timeout: Span,
    pub most: Bytes,
}

/// The deadline of one question, answer included.
pub fn timeout() -> Span {
    Span::seconds(10)
}

impl Way<'_> {
    /// A `GET` of JSON.
    pub fn get(&self, url: Secret) -> Fetch {
        let mut headers = vec![("Accept".to_owned(), Secret::literal("application/json"))];
        let mut basic = None;
        match self.auth {
            None => {}
            Some(ServiceAuth::Basic(user)) => {
                basic = Some((Secret::literal(&user.username), user.password.clone()));
            }
            Some(ServiceAuth::Bearer(token)) => {
                let parts = [Part::Literal("Bearer ".to_owned())].into_iter();
                let parts = parts.chain(token.parts.iter().cloned()).collect();
                headers.push(("Authorization".to_owned(), Secret { parts }));
            }
        }
        let tls = self.tls.cloned().unwrap_or_default();
        Fetch {
            method: Method::Get,
            url,
            headers,
            basic,
            tls: Tls {
                ca: tls.ca,
                certificate: tls.client_certificate,
                key: tls.client_key,
                insecure: tls.insecure_skip_verify,
            },
            body: None,
            timeout: self.timeout.0,
            most: usize::try_from(self.most.0).unwrap_or(usize::MAX),
        }
    }

    /// What is wrong with it beyond its form.
    pub fn complaints(&self) -> Vec<String> {
        const LONGEST: Duration = Duration::from_secs(120);
        let mut complaints = Vec::new();
        let secret = self.auth.map(|auth| match auth {
            ServiceAuth::Basic(user) => ("password", &user.password),
            ServiceAuth::Bearer(token) => ("bearer", token),
        });
        complaints.extend(secret.and_then(|(name, secret)| complaint_about_secret(name, secret)));
        let tls = self.tls.filter(|tls| tls.client_certificate.is_some() != tls.client_key.is_some());
        complaints.extend(tls.map(|_| "`client_certificate` and `client_key` need each other".to_owned()));
        if self.timeout.0.is_zero() || self.timeout.0 > LONGEST {
            complaints.push(format!(
                "`timeout` {} has to lie between 0 and 2m; write one like `10s`",
                self.timeout
            ));
        }
        complaints
    }
}

/// A rule file holds no secret as plain text.
pub fn complaint_about_secret(name: &str, secret: &Secret) -> Option<String> {
    secret.is_literal().then(|| {
        format!("`{name}` is a secret, and must not stand here as plain text; write `${{env:NAME}}` or `${{file:/path}}`")
    })
}

/// A URL whose beginning is plain text has to begin like one.
pub fn complaint_about_url(name: &str, url: &Secret) -> Option<String> {
    let start = match url.parts.first() {
        None => "",
        Some(Part::Literal(start)) => start.as_str(),
        Some(_) => return None,
    };
    if !start.starts_with("https://") && !start.starts_with("http://") {
        return Some(format!("`{name}` has to start with `https://` or `http://`"));
    }
    let authority = start.split('/').nth(2).unwrap_or_default();
    authority.contains('@').then(|| format!("`{name}` holds no credentials; write them into `auth`"))
}

/// The answer to a question to a service. One whose certificate is over was not asked.
pub fn fetched(answers: &[Result<Response, Reason>], at: usize) -> Result<&Fetched, Reason> {
    match answered(answers, at)? {
        Response::Fetched(fetched) => Ok(fetched),
        Response::Expired(over) => Err(Reason::new(
            Cause::Unreachable,
            format!("its certificate has expired (notAfter {})", over.format("%Y-%m-%d %H:%M UTC")),
        )),
        _ => Err(Reason::new(Cause::Fault, "a cluster's answer came back where a service was asked")),
    }
}
