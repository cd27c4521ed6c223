//! An error as CloudWatch says it, in JSON or in XML, and what it means.

use std::time::Duration;

use serde_json::Value;

use crate::{
    model::wording,
    sinks::{Verdict, in_words},
};

/// Too much at once, or trouble of the service's own.
const LATER: [&str; 10] = [
    "InternalFailure",
    "InternalServiceFault",
    "InvalidSequenceToken",
    "LimitExceeded",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttling",
    "TooManyRequests",
];

/// The credentials are over; they are looked up again.
const RENEW: [&str; 3] = ["ExpiredToken", "RequestExpired", "TokenRefreshRequired"];

/// It is not this message that is refused, but we.
const WHO: [(&str, &str); 9] = [
    ("AccessDenied", "the credentials lack the permission"),
    ("IncompleteSignature", "the signature was changed on its way"),
    ("InvalidClientTokenId", "the credentials are not known there"),
    ("InvalidSignature", "the secret key is wrong, or this machine's clock"),
    ("MissingAuthenticationToken", "the signature was lost on its way"),
    ("NotAuthorized", "the credentials lack the permission"),
    ("OptInRequired", "the account does not use this region"),
    ("SignatureDoesNotMatch", "the secret key is wrong, or this machine's clock"),
    ("UnrecognizedClient", "the credentials are not known there"),
];

/// What a service said instead of a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    status: u16,
    after: Option<Duration>,
    /// Without `Exception` at its end; empty where the body names none.
    pub code: String,
    pub says: String,
}

impl Fault {
    pub fn of(status: u16, after: Option<Duration>, body: &str) -> Self {
        let (code, says) = in_json(body).or_else(|| in_xml(body)).unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        let code = code.strip_suffix("Exception").unwrap_or(code);
        let says = match code {
            "" => in_words(status, body),
            code => wording::cut(&wording::clean(&format!("answered {status}: {code}: {says}")), 300),
        };
        Self { status, after, code: code.to_owned(), says }
    }

    pub fn verdict(self) -> Verdict {
        let Self { status, after, code, says: why } = self;
        if let Some((_, hint)) = WHO.iter().find(|(name, _)| code == *name) {
            return Verdict::Misconfigured { why: format!("{why}; {hint}") };
        }
        if LATER.iter().chain(&RENEW).any(|name| code == *name) {
            return Verdict::Later { after, why };
        }
        match status {
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            401 | 403 | 404 | 405 | 407 | 410 => Verdict::Misconfigured { why },
            _ => Verdict::Never { why },
        }
    }
}

fn in_json(body: &str) -> Option<(String, String)> {
    let Value::Object(said) = serde_json::from_str(body).ok()? else { return None };
    let text = |names: [&str; 2]| names.iter().find_map(|name| Some(said.get(*name)?.as_str()?.to_owned()));
    Some((text(["__type", "code"])?, text(["message", "Message"]).unwrap_or_default()))
}

fn in_xml(body: &str) -> Option<(String, String)> {
    let between = |name: &str| {
        let start = body.find(&format!("<{name}>"))? + name.len() + 2;
        let end = body[start..].find(&format!("</{name}>"))?;
        Some(body[start..start + end].trim().to_owned())
    };
    Some((between("Code")?, between("Message").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> (&'static str, String) {
        let verdict = Fault::of(status, None, body).verdict();
        match &verdict {
            Verdict::Later { why, .. } | Verdict::Never { why } | Verdict::Misconfigured { why } => {
                (verdict.name(), why.clone())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_is_read_in_both_ways_in_which_it_is_written() {
        let json = r#"{"__type":"com.amazonaws.logs#ThrottlingException","message":"Rate exceeded"}"#;
        assert_eq!(judged(400, json), ("later", "answered 400: Throttling: Rate exceeded".to_owned()));
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>\
                   <Message>The request signature\u{7}\n</Message></Error></ErrorResponse>";
        let words = "answered 403: SignatureDoesNotMatch: The request signature; the secret key is wrong, or this machine's clock";
        assert_eq!(judged(403, xml), ("misconfigured", words.to_owned()));
    }

    #[test]
    fn a_code_says_more_than_its_status() {
        let table = [
            (400, "AccessDeniedException", "misconfigured"),
            (400, "UnrecognizedClientException", "misconfigured"),
            (400, "InvalidSignatureException", "misconfigured"),
            (400, "ExpiredTokenException", "later"),
            (403, "ExpiredToken", "later"),
            (400, "Throttling", "later"),
            (400, "LimitExceededException", "later"),
            (400, "InvalidParameterException", "never"),
            (400, "InvalidParameterValue", "never"),
            (413, "RequestTooLarge", "never"),
            (503, "ServiceUnavailableException", "later"),
            (500, "Odd", "later"),
        ];
        for (status, code, verdict) in table {
            assert_eq!(judged(status, &format!(r#"{{"__type":"{code}"}}"#)).0, verdict, "{status} {code}");
        }
    }
}
