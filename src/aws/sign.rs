//! One signature (Signature Version 4), computed by `aws-sigv4`.

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};

use super::{AwsError, Unsigned};
use crate::model::{Time, signing::Signing};

/// OpenSearch Serverless wants the body's hash as a header too.
const WANTS_BODY_HASH: &str = "aoss";

pub fn headers(
    signing: &Signing,
    keys: &Credentials,
    request: &Unsigned<'_>,
    now: Time,
) -> Result<Vec<(String, String)>, AwsError> {
    let identity = keys.clone().into();
    let mut settings = SigningSettings::default();
    if signing.service == WANTS_BODY_HASH {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&signing.region)
        .name(&signing.service)
        .time(now.into())
        .settings(settings)
        .build();
    let params = params.map_err(|error| AwsError::Unsignable(error.to_string()))?.into();
    let body = SignableBody::Bytes(request.body);
    let signable = SignableRequest::new(request.method, request.url, request.headers.iter().copied(), body);
    let signed = signable.and_then(|signable| sign(signable, &params));
    let (instructions, _) = signed.map_err(|error| AwsError::Unsignable(error.to_string()))?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
