//! Requests to Amazon, signed by each attempt.

use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

use crate::{
    aws::{AwsError, Signer, Unsigned},
    model::signing::Signing,
    sinks::Answer,
};

/// Signs `request`; without a signature, the answer says why nothing was sent.
pub async fn sign(signer: &Signer, signing: &Signing, request: &mut Request) -> Result<(), Answer> {
    let headers = match headers(signer, signing, request).await {
        Ok(headers) => headers,
        Err(error) if error.is_passing() => return Err(Answer::Lost(error.to_string())),
        Err(error) => return Err(Answer::Unsent(error.to_string())),
    };
    for (name, value) in headers {
        let bad = |_| Answer::Unsent(AwsError::Unusable(format!("`{name}` is no header")).to_string());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(()))?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| bad(()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(key, value);
    }
    Ok(())
}

async fn headers(
    signer: &Signer,
    signing: &Signing,
    request: &Request,
) -> Result<Vec<(String, String)>, AwsError> {
    let covered = |name: &str| name == "content-type" || name.starts_with("x-amz-");
    let named = request.headers().iter().filter(|(name, _)| covered(name.as_str()));
    let headers: Vec<(&str, &str)> =
        named.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let (method, url) = (request.method().as_str(), request.url().as_str());
    signer.sign(signing, &Unsigned { method, url, headers: &headers, body }).await
}

/// The service did not know the credentials, or knows that they are over.
pub fn were_refused(answer: &Answer) -> bool {
    const WORDS: [&str; 5] = [
        "ExpiredToken",
        "InvalidClientTokenId",
        "RequestExpired",
        "UnrecognizedClient",
        "TokenRefreshRequired",
    ];
    match answer {
        Answer::Http { status: 401 | 403, .. } => true,
        Answer::Http { status: 400, body, .. } => WORDS.iter().any(|word| body.contains(word)),
        _ => false,
    }
}
