//! Questions to services that are no cluster, and their answers, as plain data. How they travel is the door's business (`http/`).

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::{Cause, Reason, Time, secret::Secret};

/// One HTTP request. Redirects are answers, and are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    pub method: Method,
    /// With its path and its query.
    pub url: Secret,
    pub headers: Vec<(String, Secret)>,
    /// User and password of `Authorization: Basic …`.
    pub basic: Option<(Secret, Secret)>,
    /// Beside what everybody trusts.
    pub tls: Tls,
    /// What a `POST` sends.
    pub body: Option<Secret>,
    /// The most that it may take, answer included.
    pub timeout: Duration,
    /// The most bytes of an answer that are read, unpacked.
    pub most: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    Get,
    Post,
}

/// PEM files of one service alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tls {
    pub ca: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Whoever answers is believed.
    pub insecure: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    pub status: u16,
    pub body: Body,
    /// From the first byte that was sent to the last one that was read, connecting included.
    pub latency: Duration,
    /// When the certificate of who answered is over.
    pub not_after: Option<Time>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Json(Value),
    /// It is no JSON.
    Other,
    /// Longer than was asked for: nothing of it is believed.
    TooLong,
}

impl Fetched {
    /// The JSON of a 2xx answer; everything else says why it is none.
    pub fn json(&self) -> Result<&Value, Reason> {
        self.proof_of_status()?;
        self.parsed()
    }

    /// The JSON, whatever the status.
    pub fn parsed(&self) -> Result<&Value, Reason> {
        match &self.body {
            Body::Json(value) => Ok(value),
            Body::Other => Err(Reason::new(Cause::Malformed, "the answer is no JSON")),
            Body::TooLong => Err(Reason::new(Cause::Malformed, "the answer is longer than it may be")),
        }
    }

    /// That it is a 2xx answer; a reason where it is another.
    pub fn proof_of_status(&self) -> Result<(), Reason> {
        let status = self.status;
        let (cause, words) = match status {
            200..=299 => return Ok(()),
            401 | 403 => (Cause::Refused, "answers, but refuses us"),
            429 => (Cause::Overloaded, "answers that it is overloaded"),
            500.. => (Cause::Failing, "answers with an error"),
            300..=399 => (Cause::Invalid, "answers with a redirect, which is not followed"),
            _ => (Cause::Invalid, "answers, but not to this question"),
        };
        Err(Reason::new(cause, format!("{words} ({status})")).with_status(status))
    }
}

/// `host:port` of a URL whose host is plain text; `None` where a reference stands there.
pub fn host_of(url: &Secret) -> Option<String> {
    let super::secret::Part::Literal(start) = url.parts.first()? else { return None };
    let rest = start.split_once("://")?.1;
    let end = rest.find(['/', '?', '#']);
    if end.is_none() && url.parts.len() > 1 {
        return None;
    }
    let authority = &rest[..end.unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(url: &str) -> Option<String> {
        host_of(&Secret::parse(url).unwrap())
    }

    #[test]
    fn a_host_is_read_where_it_is_plain_text_and_without_who_we_are() {
        assert_eq!(host("https://n1:2113/gossip").as_deref(), Some("n1:2113"));
        assert_eq!(host("https://me:pw@n1?x").as_deref(), Some("n1"));
        assert_eq!(host("https://n1/${env:PATH_PART}").as_deref(), Some("n1"));
        for unknown in ["${env:URL}", "https://${env:HOST}/x", "https://n1${env:REST}", "n1", "https:///x"] {
            assert_eq!(host(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn only_json_of_a_success_is_an_answer() {
        let fetched = |status, body| Fetched { status, body, latency: Duration::ZERO, not_after: None };
        assert!(fetched(200, Body::Json(Value::Null)).json().is_ok());
        assert_eq!(fetched(200, Body::Other).json().unwrap_err().cause, Cause::Malformed);
        assert_eq!(fetched(200, Body::TooLong).json().unwrap_err().cause, Cause::Malformed);
        for (status, cause) in [
            (302, Cause::Invalid),
            (401, Cause::Refused),
            (404, Cause::Invalid),
            (429, Cause::Overloaded),
            (503, Cause::Failing),
        ] {
            assert_eq!(fetched(status, Body::Json(Value::Null)).json().unwrap_err().cause, cause);
        }
    }
}
