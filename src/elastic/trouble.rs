//! What went wrong below HTTP, in words: never a URL, never a secret.

use std::{error::Error, io};

use elasticsearch::http::Url;
use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};

use crate::model::{Cause, Reason, Time};

/// `host:port`: all that is ever said of a URL.
pub(super) fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Why no answer came at all.
pub(super) fn no_answer(node: &str, error: &(dyn Error + 'static)) -> Reason {
    let text = match find::<rustls::Error>(error) {
        Some(tls) => format!("`{node}`: TLS: {}", tls_words(tls)),
        None if is_connect(error) => format!("`{node}` cannot be reached: {}", deepest(error)),
        None => format!("`{node}` broke the connection off without an answer: {}", deepest(error)),
    };
    Reason::new(Cause::Unreachable, text)
}

/// The body ended before its end.
pub(super) fn cut_off(error: &(dyn Error + 'static)) -> Reason {
    Reason::new(Cause::Malformed, format!("the answer was cut off: {}", deepest(error)))
}

/// Why a plain connection could not be made.
pub(super) fn no_connection(node: &str, error: &io::Error) -> Reason {
    let text = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("`{node}` refuses connections"),
        io::ErrorKind::TimedOut => format!("`{node}` does not accept connections in time"),
        _ => format!("`{node}` cannot be reached: {}", clean(&error.to_string())),
    };
    Reason::new(Cause::Unreachable, text)
}

pub(super) fn no_such_host(host: &str, error: &io::Error) -> Reason {
    Reason::new(Cause::Unreachable, format!("cannot resolve `{host}`: {}", clean(&error.to_string())))
}

fn is_connect(error: &(dyn Error + 'static)) -> bool {
    find::<reqwest012::Error>(error).is_some_and(reqwest012::Error::is_connect)
}

/// An error of type `T` anywhere below; I/O errors hide what they hold from `source`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = below(error);
    }
    None
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The words of the innermost error: the outer ones say the URL.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = below(last) {
        last = inner;
    }
    if last.is::<reqwest012::Error>() || last.is::<elasticsearch::Error>() {
        return "the request failed".to_owned();
    }
    clean(&last.to_string())
}

fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => certificate_words(problem),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a client certificate".to_owned()
        }
        // what Java says to who shows none
        rustls::Error::AlertReceived(AlertDescription::BadCertificate) => {
            "it wants a client certificate, or another one than it got (BadCertificate)".to_owned()
        }
        rustls::Error::AlertReceived(alert) => format!("it refuses us: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "what answers does not speak TLS; is it `http://`?".to_owned(),
        other => clean(&other.to_string()),
    }
}

fn certificate_words(problem: &CertificateError) -> String {
    match problem {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired (notAfter {})", show(*not_after))
        }
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid yet (notBefore {})", show(*not_before))
        }
        CertificateError::UnknownIssuer => {
            "its certificate is signed by an authority that is not trusted (unknown issuer)".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented = clean(&presented.join(", "));
            format!("its certificate is for another host: `{}` is not in {presented}", expected.to_str())
        }
        other => clean(&other.to_string()),
    }
}

fn show(at: UnixTime) -> String {
    let at = i64::try_from(at.as_secs()).ok().and_then(|seconds| Time::from_timestamp(seconds, 0));
    at.map_or_else(|| "?".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// Foreign text as we repeat it: one line, no control characters, no credentials, at most 256 characters.
pub(super) fn clean(text: &str) -> String {
    let line: String =
        without_credentials(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if line.chars().count() <= 256 {
        return line.to_owned();
    }
    line.chars().take(255).chain(['…']).collect()
}

/// Proxies like to repeat the header that they did not like: `Bearer …`.
fn without_credentials(text: &str) -> String {
    const SCHEMES: [&str; 3] = ["apikey", "basic", "bearer"];
    let mut shown: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        let scheme = shown.last().map(|last| last.trim_matches(|c: char| !c.is_alphanumeric()));
        let follows = scheme.is_some_and(|last| SCHEMES.iter().any(|name| last.eq_ignore_ascii_case(name)));
        let is_token = word.len() >= 8 && word.contains(|c: char| c.is_ascii_digit() || c == '=');
        shown.push(if follows && is_token { "***" } else { word });
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_says_of_our_credentials_is_repeated_without_them() {
        assert_eq!(clean("bad [ApiKey Zm9vOmJhcg==] sent"), "bad [ApiKey *** sent");
        assert_eq!(clean("Bearer ey0123.abc"), "Bearer ***");
        assert_eq!(clean("a basic licence does not allow it"), "a basic licence does not allow it");
    }
}
