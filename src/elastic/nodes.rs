//! The URLs of one cluster: built from the settings, rebuilt when a certificate changes, the best one first.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use elasticsearch::{
    auth::{ClientCertificate, Credentials},
    cert::{Certificate, CertificateValidation},
    http::{
        Url,
        transport::{SingleNodeConnectionPool, Transport, TransportBuilder},
    },
};

use super::{ElasticError, credentials::Keyring, node::Node, signature::Signature, trouble};
use crate::{
    config::settings::{Cluster, Tls},
    model::Time,
};

pub(super) struct Nodes {
    nodes: Vec<Node>,
    next: AtomicUsize,
    tls: Tls,
    proxy: Option<Proxy>,
    files: Mutex<TlsFiles>,
    keyring: Keyring,
    signature: Option<Signature>,
}

/// What the files of the TLS settings hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct TlsFiles {
    ca: Option<Vec<u8>>,
    /// Certificate and key, one after the other.
    identity: Option<Vec<u8>>,
}

struct Proxy {
    url: Url,
    user: Option<(String, String)>,
}

impl Nodes {
    pub fn new(
        cluster: &Cluster,
        keyring: Keyring,
        signature: Option<Signature>,
        proxy: Option<String>,
    ) -> Result<Self, ElasticError> {
        let proxy = proxy.map(|url| Proxy::parse(&url)).transpose()?;
        let files = TlsFiles::read(&cluster.tls)?;
        let credentials = keyring.credentials()?;
        let mut nodes = Vec::new();
        for url in &cluster.urls {
            let base = parse(url)?;
            let transport = build(&base, proxy.as_ref(), &cluster.tls, &files)?;
            let node = Node::new(base, proxy.as_ref().map(|proxy| &proxy.url), transport);
            let node = node.signed_by(signature.clone());
            if let Some(credentials) = &credentials {
                node.set_auth(credentials.clone());
            }
            nodes.push(node);
        }
        if nodes.is_empty() {
            return Err(ElasticError::NoUrl(cluster.name.clone()));
        }
        let (files, tls) = (Mutex::new(files), cluster.tls.clone());
        Ok(Self { nodes, next: AtomicUsize::new(0), tls, proxy, files, keyring, signature })
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The best node that was not tried yet: rested ones in turn, then those that rest, the one first whose rest ends first.
    pub fn pick(&self, now: Time, tried: &[usize]) -> (usize, &Node) {
        let count = self.nodes.len();
        let start = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let order = (0..count).map(|step| (start + step) % count);
        let best = order.min_by_key(|at| (tried.contains(at), self.nodes[*at].rank(now))).unwrap_or(start);
        (best, &self.nodes[best])
    }

    pub fn were_refused(&self) {
        self.keyring.were_refused();
        if let Some(signature) = &self.signature {
            signature.was_refused();
        }
    }

    /// Looks up secrets and certificates again, where it is time. What cannot be read leaves things as they are.
    pub fn refresh(&self, now: Time) {
        if !self.keyring.is_due(now) {
            return;
        }
        if let Err(error) = self.renew() {
            tracing::warn!(%error, "kept the old credentials");
        }
    }

    fn renew(&self) -> Result<(), ElasticError> {
        let credentials = self.keyring.credentials()?;
        let files = TlsFiles::read(&self.tls)?;
        let mut known = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != files;
        for node in &self.nodes {
            if changed {
                node.replace(build(node.url(), self.proxy.as_ref(), &self.tls, &files)?);
            }
            if let Some(credentials) = &credentials {
                node.set_auth(credentials.clone());
            }
        }
        *known = files;
        Ok(())
    }
}

impl Proxy {
    fn parse(text: &str) -> Result<Self, ElasticError> {
        let mut url = Url::parse(text.trim()).map_err(|_| ElasticError::Proxy)?;
        let user = (url.username().to_owned(), url.password().unwrap_or_default().to_owned());
        let bare = url.host_str().is_some() && url.set_username("").is_ok() && url.set_password(None).is_ok();
        let user = Some(user).filter(|(name, _)| !name.is_empty());
        if bare { Ok(Self { url, user }) } else { Err(ElasticError::Proxy) }
    }
}

impl TlsFiles {
    fn read(tls: &Tls) -> Result<Self, ElasticError> {
        let ca = tls.ca.as_deref().map(read).transpose()?;
        let identity = match (&tls.client_certificate, &tls.client_key) {
            (Some(certificate), Some(key)) => {
                let mut pem = read(certificate)?;
                pem.push(b'\n');
                pem.extend(read(key)?);
                Some(pem)
            }
            (Some(certificate), None) => Some(read(certificate)?),
            (None, Some(_)) => return Err(ElasticError::KeyAlone),
            (None, None) => None,
        };
        Ok(Self { ca, identity })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ElasticError> {
    fs::read(path).map_err(|source| ElasticError::File { path: path.to_owned(), source })
}

/// A node's URL, with a `/` at its end so that paths are joined below it.
fn parse(text: &str) -> Result<Url, ElasticError> {
    let wrong = |url: Option<&Url>| ElasticError::Url(url.map_or_else(|| "?".to_owned(), trouble::name_of));
    let mut url = Url::parse(text).map_err(|_| wrong(None))?;
    let plain = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    let bare = url.username().is_empty() && url.password().is_none();
    if !plain || !bare || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(Some(&url)));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn build(base: &Url, proxy: Option<&Proxy>, tls: &Tls, files: &TlsFiles) -> Result<Transport, ElasticError> {
    let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(base.clone()));
    builder = match proxy {
        None => builder.disable_proxy(),
        Some(Proxy { url, user: None }) => builder.proxy(url.clone(), None, None),
        Some(Proxy { url, user: Some((name, word)) }) => builder.proxy(url.clone(), Some(name), Some(word)),
    };
    if tls.insecure_skip_verify {
        builder = builder.cert_validation(CertificateValidation::None);
    } else if let Some(ca) = &files.ca {
        let ca = Certificate::from_pem(ca).map_err(|error| ElasticError::tls("ca", &error))?;
        builder = builder.cert_validation(CertificateValidation::Full(ca));
    }
    if let Some(identity) = &files.identity {
        builder = builder.auth(Credentials::Certificate(ClientCertificate::Pem(identity.clone())));
    }
    builder.build().map_err(|error| ElasticError::tls("client_certificate", &error))
}
