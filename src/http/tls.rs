//! Certificates of single endpoints: a client for each set of files, made anew when a file changes.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::{Certificate, Client, ClientBuilder, Identity};

use super::answer;
use crate::{model::fetch::Tls, sinks::ClientTls};

/// Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Clients(Arc<Mutex<BTreeMap<Tls, (Files, Client)>>>);

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
struct Files {
    ca: Option<Vec<u8>>,
    /// Certificate and key, one after the other.
    identity: Option<Vec<u8>>,
    insecure: bool,
}

impl From<&ClientTls> for Tls {
    fn from(tls: &ClientTls) -> Self {
        let ClientTls { ca, certificate, key } = tls.clone();
        Self { ca, certificate, key, insecure: false }
    }
}

/// A key is shown nowhere.
impl std::fmt::Debug for Files {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Files")
    }
}

impl Clients {
    /// `fresh` is what every client is like.
    pub fn of(&self, tls: &Tls, fresh: impl Fn() -> ClientBuilder) -> Result<Client, String> {
        let files = Files::read(tls)?;
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.get(tls).filter(|(known, _)| *known == files) {
            return Ok(client.clone());
        }
        let client = files.client(fresh())?;
        clients.insert(tls.clone(), (files, client.clone()));
        Ok(client)
    }
}

impl Files {
    fn read(tls: &Tls) -> Result<Self, String> {
        let ca = tls.ca.as_deref().map(read).transpose()?;
        let certificate = tls.certificate.as_deref().map(read).transpose()?;
        let key = tls.key.as_deref().map(read).transpose()?;
        let identity =
            certificate.zip(key).map(|(certificate, key)| [certificate, b"\n".to_vec(), key].concat());
        Ok(Self { ca, identity, insecure: tls.insecure })
    }

    fn client(&self, mut builder: ClientBuilder) -> Result<Client, String> {
        let wrong = |what: &str, error: &reqwest::Error| {
            format!(
                "`tls.{what}` cannot be used: {}; PEM files are wanted, the key unencrypted",
                answer::words(error)
            )
        };
        if let Some(ca) = &self.ca {
            let ca = Certificate::from_pem_bundle(ca).map_err(|error| wrong("ca", &error))?;
            builder = builder.tls_certs_merge(ca);
        }
        if let Some(identity) = &self.identity {
            let identity =
                Identity::from_pem(identity).map_err(|error| wrong("client_certificate", &error))?;
            builder = builder.identity(identity);
        }
        if self.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        builder.build().map_err(|error| wrong("client_certificate", &error))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read `{}`: {}", path.display(), error.kind()))
}
