//! Who we are to a cluster. Secrets are looked up again now and then, so a rotated one counts without a restart.
//! For Amazon each request is signed instead: see `signature`.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use elasticsearch::auth::Credentials;

use super::ElasticError;
use crate::{
    config::settings::Auth,
    model::{Time, secret::Secret},
};

/// Looks up a secret, or says why it cannot (without the secret).
pub type Resolve = Arc<dyn Fn(&Secret) -> Result<String, String> + Send + Sync>;

const KEEP: TimeDelta = TimeDelta::seconds(30);

/// Decides when secrets are to be looked up again.
pub(super) struct Keyring {
    auth: Auth,
    resolve: Resolve,
    looked_up: Mutex<Option<Time>>,
}

impl Keyring {
    pub fn new(auth: Auth, resolve: Resolve) -> Self {
        Self { auth, resolve, looked_up: Mutex::new(None) }
    }

    /// True at most every 30 s, and after a refusal.
    pub fn is_due(&self, now: Time) -> bool {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked_up.is_none_or(|last| now < last || now - last >= KEEP);
        if due {
            *looked_up = Some(now);
        }
        due
    }

    pub fn were_refused(&self) {
        *self.looked_up.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub fn credentials(&self) -> Result<Option<Credentials>, ElasticError> {
        let look_up = |secret: &Secret| (self.resolve)(secret).map_err(ElasticError::Secret);
        Ok(match &self.auth {
            Auth::None | Auth::Aws(_) => None,
            Auth::Basic { username, password } => {
                Some(Credentials::Basic(username.clone(), look_up(password)?))
            }
            Auth::ApiKey(key) => Some(api_key(&header_safe("api_key", look_up(key)?)?)),
            Auth::Bearer(token) => Some(Credentials::Bearer(header_safe("bearer", look_up(token)?)?)),
        })
    }
}

fn api_key(key: &str) -> Credentials {
    match key.split_once(':') {
        Some((id, key)) => Credentials::ApiKey(id.to_owned(), key.to_owned()),
        None => Credentials::EncodedApiKey(key.to_owned()),
    }
}

/// A token goes into a header as it is; a line break at its end is what editors add.
fn header_safe(what: &'static str, token: String) -> Result<String, ElasticError> {
    let token = token.trim();
    let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(token.to_owned()) } else { Err(ElasticError::Token(what)) }
}
