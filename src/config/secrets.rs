//! Looks secrets up when they are needed. What comes out lives only as long as one request.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use crate::model::secret::{Part, Secret};

/// A secret in the clear. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(String);

impl Revealed {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Revealed(<hidden>)")
    }
}

/// Why a secret was not found: the reference, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the environment has no `{0}`")]
    NoVariable(String),
    #[error("the variable `{0}` is not text")]
    NotText(String),
    #[error("the secret file `{path}` cannot be read: {why}")]
    NoFile { path: String, why: String },
    #[error("the secret file `{0}` is larger than 64 KiB")]
    TooLarge(String),
    #[error("`{0}` is empty")]
    Empty(String),
}

const MAX_SECRET: u64 = 64 * 1024;

/// Finds secrets, and remembers files until they change.
#[derive(Debug, Default)]
pub struct Secrets {
    files: Mutex<BTreeMap<String, Kept>>,
}

#[derive(Clone, Debug)]
struct Kept {
    stamp: Stamp,
    text: Revealed,
}

/// A file with another stamp is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
}

impl Secrets {
    /// The whole text, with every reference looked up.
    pub fn reveal(&self, secret: &Secret) -> Result<Revealed, SecretError> {
        let mut text = String::new();
        for part in &secret.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Env(name) => text.push_str(&variable(name)?),
                Part::File(path) => text.push_str(self.file(path)?.as_str()),
            }
        }
        Ok(Revealed(text))
    }

    fn file(&self, path: &str) -> Result<Revealed, SecretError> {
        let unreadable = |error: io::Error| SecretError::NoFile { path: path.to_owned(), why: words(&error) };
        let meta = fs::metadata(path).map_err(unreadable)?;
        let stamp = Stamp { modified: meta.modified().ok(), len: meta.len() };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = files.get(path).filter(|kept| kept.stamp == stamp && stamp.modified.is_some()) {
            return Ok(kept.text.clone());
        }
        if stamp.len > MAX_SECRET {
            return Err(SecretError::TooLarge(path.to_owned()));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let trimmed = text.strip_suffix('\n').unwrap_or(&text);
        let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
        if trimmed.is_empty() {
            return Err(SecretError::Empty(path.to_owned()));
        }
        let text = Revealed(trimmed.to_owned());
        files.insert(path.to_owned(), Kept { stamp, text: text.clone() });
        Ok(text)
    }
}

fn variable(name: &str) -> Result<String, SecretError> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Err(SecretError::Empty(name.to_owned())),
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Err(SecretError::NoVariable(name.to_owned())),
        Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::NotText(name.to_owned())),
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::parse(text).unwrap()
    }

    #[test]
    fn a_secret_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let reference = secret(&format!("Bearer ${{file:{}}}", path.display()));
        let secrets = Secrets::default();
        fs::write(&path, "one\n").unwrap();
        assert_eq!(secrets.reveal(&reference).unwrap().as_str(), "Bearer one");
        fs::write(&path, "another \n\n").unwrap();
        assert_eq!(secrets.reveal(&reference).unwrap().as_str(), "Bearer another \n");
        fs::remove_file(&path).unwrap();
        assert!(matches!(secrets.reveal(&reference), Err(SecretError::NoFile { .. })));
    }

    #[test]
    fn a_missing_secret_is_named_by_its_reference() {
        let error = Secrets::default().reveal(&secret("${env:HIGHWATER_TEST_NOT_THERE}")).unwrap_err();
        assert_eq!(error.to_string(), "the environment has no `HIGHWATER_TEST_NOT_THERE`");
    }

    #[test]
    fn a_revealed_secret_is_not_shown() {
        let secrets = Secrets::default();
        let revealed = secrets.reveal(&Secret::literal("hunter2")).unwrap();
        assert_eq!(revealed.as_str(), "hunter2");
        assert!(!format!("{revealed:?} {secrets:?}").contains("hunter2"));
    }
}
