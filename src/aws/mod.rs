//! Who we are to Amazon: credentials as Amazon's own tools find them, and requests signed with them.
//!
//! The chain of `aws-config` is asked: environment, profile, web identity, container, machine. Its own HTTP client is the one
//! way on which highwater asks a metadata address; see `docs/decisions/0011-who-may-ask-a-metadata-address.md`.

#[cfg(feature = "aws")]
mod credentials;
#[cfg(feature = "aws")]
mod sign;

#[cfg(not(feature = "aws"))]
#[path = "absent.rs"]
mod credentials;
#[cfg(not(feature = "aws"))]
use credentials as sign;

use std::sync::Arc;

use self::credentials::Keyring;
use crate::{clock::Clock, model::signing::Signing};

/// Signs requests. Clones share what was found.
#[derive(Clone)]
pub struct Signer {
    keyring: Arc<Keyring>,
    clock: Clock,
}

/// It holds keys: nothing of them is shown.
impl std::fmt::Debug for Signer {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Signer")
    }
}

/// A request as it is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    pub method: &'a str,
    /// The whole of it, percent-encoded as it travels.
    pub url: &'a str,
    /// Those that the signature covers, beside `Host`.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// Why there is no signature. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    #[error(
        "no AWS credentials were found: not in the environment, a profile, a web identity, the container's or the machine's metadata; hint: set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or give this machine a role"
    )]
    NoCredentials,
    #[error(
        "AWS credentials cannot be used: {0}; hint: `aws sts get-caller-identity` finds them in the same places"
    )]
    Unusable(String),
    #[error("AWS credentials could not be fetched: {0}")]
    NotNow(String),
    #[error("the request cannot be signed: {0}")]
    Unsignable(String),
    #[error(
        "this highwater cannot sign requests to Amazon; hint: one that is built with the feature `aws` can"
    )]
    Absent,
}

impl AwsError {
    /// It may be well again without anybody's help.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::NotNow(_))
    }
}

impl Signer {
    /// Asks nobody yet.
    pub fn new(clock: Clock) -> Self {
        Self { keyring: Arc::default(), clock }
    }

    /// The headers that prove who sends `request`; all of them are secret.
    pub async fn sign(
        &self,
        signing: &Signing,
        request: &Unsigned<'_>,
    ) -> Result<Vec<(String, String)>, AwsError> {
        let keys = self.keyring.keys(&signing.region, self.clock.now()).await?;
        sign::headers(signing, &keys, request, self.clock.now())
    }

    /// A service took the credentials for wrong or expired: the next request looks for new ones.
    pub fn were_refused(&self) {
        self.keyring.were_refused();
    }
}

#[cfg(test)]
#[cfg(feature = "aws")]
mod tests;
