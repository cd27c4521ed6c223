//! Credentials, found where Amazon's own tools find them, and kept until they have to be renewed.

use std::{
    error::Error,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, default_provider::credentials::DefaultCredentialsChain,
    environment::EnvironmentVariableRegionProvider, meta::region::RegionProviderChain,
    provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use chrono::TimeDelta;
use tokio::{sync::Mutex, time::timeout};

use super::AwsError;
use crate::model::{Time, wording};

/// The whole chain, with its own attempts, takes no longer.
const DEADLINE: Duration = Duration::from_secs(8);
/// Credentials that never expire are looked up again after this, so that a changed profile counts without a restart.
const KEEP: TimeDelta = TimeDelta::minutes(5);
/// Those that expire are renewed so long before.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// The chain is asked no more often than this.
const REST: TimeDelta = TimeDelta::seconds(30);

pub type Keys = Credentials;

/// What was found, and how to find it again.
#[derive(Debug, Default)]
pub struct Keyring {
    kept: Mutex<Option<Kept>>,
    refused: AtomicBool,
    /// The HTTP client, and nothing else.
    config: OnceLock<SdkConfig>,
}

#[derive(Debug)]
pub struct Kept {
    keys: Keys,
    asked_at: Time,
    renew_at: Time,
}

impl Keyring {
    /// `region` is where a web identity is exchanged, unless the environment names another.
    pub async fn keys(&self, region: &str, now: Time) -> Result<Keys, AwsError> {
        let mut kept = self.kept.lock().await;
        let refused = self.refused.load(Ordering::Relaxed);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_good(refused, now)) {
            return Ok(kept.keys.clone());
        }
        self.refused.store(false, Ordering::Relaxed);
        let found = match timeout(DEADLINE, self.find(region.to_owned())).await {
            Ok(found) => found.map_err(|error| in_words(&error)),
            Err(_) => {
                Err(AwsError::NotNow(format!("no answer within {}", crate::model::span::show(DEADLINE))))
            }
        };
        match (found, kept.as_mut()) {
            (Ok(keys), _) => {
                *kept = Some(Kept::new(keys.clone(), now));
                Ok(keys)
            }
            (Err(error), Some(old)) if error.is_passing() && old.is_alive(now) => {
                tracing::warn!(%error, "kept the old AWS credentials");
                (old.asked_at, old.renew_at) = (now, now + REST);
                Ok(old.keys.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    pub fn were_refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// The chain is made anew each time: it remembers the files that it has read.
    async fn find(&self, region: String) -> Result<Keys, CredentialsError> {
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(Region::new(region));
        let mut config =
            ProviderConfig::without_region().with_behavior_version(Some(BehaviorVersion::latest()));
        if let Some(client) = self.config.get_or_init(with_client).http_client() {
            config = config.with_http_client(client);
        }
        let chain = DefaultCredentialsChain::builder().configure(config).region(region).build().await;
        chain.provide_credentials().await
    }
}

fn with_client() -> SdkConfig {
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    SdkConfig::builder().http_client(client).build()
}

impl Kept {
    pub fn new(keys: Keys, now: Time) -> Self {
        let renew_at = keys.expiry().map_or(now + KEEP, |expiry| Time::from(expiry) - AHEAD);
        Self { keys, asked_at: now, renew_at: renew_at.max(now + REST) }
    }

    /// A clock that was set back makes it as good as unknown.
    pub fn is_good(&self, refused: bool, now: Time) -> bool {
        let rested = now - self.asked_at >= REST;
        self.asked_at <= now && now < self.renew_at && !(refused && rested) && self.is_alive(now)
    }

    pub fn is_alive(&self, now: Time) -> bool {
        self.keys.expiry().is_none_or(|expiry| now < Time::from(expiry))
    }
}

/// What the chain says, and whether anybody has to do something about it.
fn in_words(error: &CredentialsError) -> AwsError {
    const LASTING: [&str; 6] = [
        "AccessDenied",
        "ExpiredToken",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "IDPRejectedClaim",
        "ValidationError",
    ];
    let mut words: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        words.push(error.to_string());
        next = error.source();
    }
    let said = wording::cut(&wording::clean(&words.join(": ")), 256);
    match error {
        CredentialsError::CredentialsNotLoaded(_) => AwsError::NoCredentials,
        CredentialsError::InvalidConfiguration(_) => AwsError::Unusable(said),
        _ if LASTING.iter().any(|code| words.iter().any(|word| word.contains(code))) => {
            AwsError::Unusable(said)
        }
        CredentialsError::ProviderTimedOut(_) => AwsError::NotNow("no answer in time".to_owned()),
        _ => AwsError::NotNow(said),
    }
}
