//! What went wrong, in words that say what to do: never a token, never what a credential plug-in printed.

use std::{error::Error, io};

use kube::{
    client::AuthError,
    config::{InClusterError, KubeconfigError},
};
use rustls::CertificateError;

use crate::model::{Cause, Reason, kubernetes::Resource, wording::cut};

/// A role that is too narrow: what it lacks, and where.
pub fn forbidden(resource: Resource, namespace: Option<&str>) -> Reason {
    let group = match resource.group() {
        "" => String::new(),
        group => format!(" (apiGroup `{group}`)"),
    };
    let (place, role) = match namespace {
        Some(namespace) => (format!("in namespace `{namespace}`"), "Role or ClusterRole"),
        None if resource == Resource::Nodes => ("in the cluster".to_owned(), "ClusterRole"),
        None => ("in all namespaces".to_owned(), "ClusterRole"),
    };
    let name = resource.name();
    let text = format!(
        "the API does not let us list `{name}` {place} (403): grant `list` on `{name}`{group} by a {role}"
    );
    Reason::new(Cause::Refused, text).with_status(403)
}

pub fn of(error: &kube::Error) -> Reason {
    match error {
        kube::Error::Api(status) => refusal(status.code, &status.message),
        kube::Error::Auth(error) => Reason::new(Cause::Refused, format!("no credentials: {}", auth(error))),
        kube::Error::InferKubeconfig(error) => {
            Reason::new(Cause::Refused, format!("the kubeconfig cannot be used: {}", kubeconfig(error)))
        }
        other => no_answer(other),
    }
}

fn refusal(code: u16, message: &str) -> Reason {
    let words = clean(message);
    let (cause, text) = match code {
        401 => (
            Cause::Refused,
            "the API refuses our credentials (401): the token or certificate has expired, was revoked, or is of another cluster"
                .to_owned(),
        ),
        403 => (Cause::Refused, format!("the API refuses us (403): {words}")),
        404 => (Cause::Missing, format!("the API has no such list (404): {words}")),
        429 => (Cause::Overloaded, "the API is overloaded (429)".to_owned()),
        500..=599 => (Cause::Failing, format!("the API fails ({code}): {words}")),
        _ => (Cause::Invalid, format!("the API does not take the question ({code}): {words}")),
    };
    Reason::new(cause, text).with_status(code)
}

fn no_answer(error: &(dyn Error + 'static)) -> Reason {
    if let Some(error) = find::<AuthError>(error) {
        return Reason::new(Cause::Refused, format!("no credentials: {}", auth(error)));
    }
    let text = match (find::<rustls::Error>(error), find::<io::Error>(error).map(io::Error::kind)) {
        (Some(tls), _) => format!("TLS to the API: {}", tls_words(tls)),
        (None, Some(io::ErrorKind::ConnectionRefused)) => "the API refuses connections".to_owned(),
        (None, Some(io::ErrorKind::TimedOut)) => "the API does not answer in time".to_owned(),
        _ => format!("the API cannot be reached: {}", deepest(error)),
    };
    Reason::new(Cause::Unreachable, text)
}

fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by an authority that is not trusted (unknown issuer)".to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host".to_owned(),
        rustls::Error::InvalidMessage(_) => "what answers does not speak TLS; is it `http://`?".to_owned(),
        other => clean(&other.to_string()),
    }
}

/// Why there are no credentials; what a plug-in printed may be one, so nothing of it is repeated.
fn auth(error: &AuthError) -> String {
    match error {
        // its command line and environment may hold secrets as well
        AuthError::AuthExecRun { out, .. } => format!("the credential plug-in failed ({})", out.status),
        AuthError::AuthExecStart(error) => format!("the credential plug-in does not start: {error}"),
        AuthError::ReadTokenFile(error, path) => {
            format!("the token `{}` cannot be read: {error}", path.display())
        }
        AuthError::MissingCommand => "the credential plug-in names no command".to_owned(),
        AuthError::InvalidBearerToken(_) => "the token holds characters that no token has".to_owned(),
        _ => "they are not what they should be".to_owned(),
    }
}

pub fn kubeconfig(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::FindPath => "there is none; name it as `kubeconfig`".to_owned(),
        KubeconfigError::CurrentContextNotSet => {
            "it has no `current-context`; name one as `context`".to_owned()
        }
        KubeconfigError::LoadContext(name) => format!("it has no context `{}`", clean(name)),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster `{}`", clean(name)),
        KubeconfigError::Parse(_) => "it is no YAML of a kubeconfig".to_owned(),
        other => clean(&other.to_string()),
    }
}

/// Neither a kubeconfig was named, nor does this run in a pod.
pub fn not_in_a_cluster(error: &InClusterError) -> Reason {
    let text = match error {
        InClusterError::ReadEnvironmentVariable(_) => {
            "this does not run inside a Kubernetes cluster; name a `kubeconfig` or a `context`".to_owned()
        }
        InClusterError::ReadCertificateBundle(_) | InClusterError::ReadDefaultNamespace(_) => {
            "the pod has no service account mounted; set `automountServiceAccountToken: true` for it"
                .to_owned()
        }
        other => clean(&other.to_string()),
    };
    Reason::new(Cause::Refused, text)
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
pub fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = below(last) {
        last = inner;
    }
    clean(&last.to_string())
}

/// Foreign text as we repeat it: one short line without control characters.
pub fn clean(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(line.trim(), 256)
}
