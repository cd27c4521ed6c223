//! In place of credentials and signatures where highwater is built without the feature `aws`.

use super::{AwsError, Unsigned};
use crate::model::{Time, signing::Signing};

#[derive(Debug, Default)]
pub struct Keyring {}

/// None can be made.
pub enum Keys {}

impl Keyring {
    #[expect(clippy::unused_async, reason = "the same as where there are keys to wait for")]
    pub async fn keys(&self, _: &str, _: Time) -> Result<Keys, AwsError> {
        Err(AwsError::Absent)
    }

    pub const fn were_refused(&self) {}
}

pub fn headers(
    _: &Signing,
    keys: &Keys,
    _: &Unsigned<'_>,
    _: Time,
) -> Result<Vec<(String, String)>, AwsError> {
    match *keys {}
}
