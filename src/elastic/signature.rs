//! Requests to Amazon OpenSearch: who we are is proven by a signature of each request, and not by a header that stays.

use elasticsearch::http::{
    Url,
    headers::{HeaderMap, HeaderName, HeaderValue},
};

use super::request::Request;
use crate::{
    aws::{AwsError, Signer, Unsigned},
    clock::Clock,
    config::settings::Auth,
    model::{Cause, Reason, signing::Signing},
};

/// How the requests to one cluster are signed.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    signer: Signer,
    signing: Signing,
}

impl Signature {
    pub fn of(auth: &Auth, clock: &Clock) -> Option<Self> {
        let Auth::Aws(signing) = auth else { return None };
        Some(Self { signer: Signer::new(clock.clone()), signing: signing.clone() })
    }

    /// Adds to `headers` what proves who asks for `request` at `url`.
    pub async fn add(&self, headers: &mut HeaderMap, request: &Request, url: &Url) -> Result<(), Reason> {
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        let covered: Vec<(&str, &str)> =
            content_type.map(|value| ("content-type", value)).into_iter().collect();
        let unsigned = Unsigned {
            method: verb(request),
            url: url.as_str(),
            headers: &covered,
            body: request.body.as_deref().unwrap_or_default().as_bytes(),
        };
        let signed = self.signer.sign(&self.signing, &unsigned).await.map_err(|error| reason(&error))?;
        for (name, value) in signed {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(&value)) else {
                return Err(reason(&AwsError::Unusable("they hold what no header can carry".to_owned())));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(())
    }

    pub fn was_refused(&self) {
        self.signer.were_refused();
    }
}

const fn verb(request: &Request) -> &'static str {
    use elasticsearch::http::Method;
    match request.method {
        Method::Delete => "DELETE",
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
    }
}

fn reason(error: &AwsError) -> Reason {
    let cause = if error.is_passing() { Cause::Timeout } else { Cause::Refused };
    Reason::new(cause, error.to_string())
}
