//! Certificates made for one engine: its own CA, a server's and a client's certificate, and a CA it never heard of.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

/// PEM files, all in one folder.
#[derive(Debug, Clone)]
pub struct Tls {
    pub ca: PathBuf,
    pub server: PathBuf,
    pub server_key: PathBuf,
    pub client: PathBuf,
    pub client_key: PathBuf,
    /// A CA that signed nothing here.
    pub other_ca: PathBuf,
}

impl Tls {
    pub fn write(folder: &Path) -> Tls {
        std::fs::create_dir_all(folder).expect("a folder for the certificates");
        let (ca_pem, issuer) = authority("highwater test CA");
        let (other_pem, _) = authority("another CA");
        let (server, server_key) = signed(&issuer, "server", ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) = signed(&issuer, "client", ExtendedKeyUsagePurpose::ClientAuth);
        let write = |name: &str, pem: String| {
            let path = folder.join(name);
            std::fs::write(&path, pem).expect("a PEM file");
            path
        };
        Tls {
            ca: write("ca.pem", ca_pem),
            server: write("server.pem", server),
            server_key: write("server.key", server_key),
            client: write("client.pem", client),
            client_key: write("client.key", client_key),
            other_ca: write("other-ca.pem", other_pem),
        }
    }
}

fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names to get wrong");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("a CA").pem();
    (pem, Issuer::new(params, key))
}

fn signed(issuer: &Issuer<'static, KeyPair>, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("two good names");
    params.distinguished_name.push(DnType::CommonName, name);
    // nodes are server and client to each other
    params.extended_key_usages =
        vec![usage, ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.extended_key_usages.dedup();
    let key = KeyPair::generate().expect("a key");
    (params.signed_by(&key, issuer).expect("a certificate").pem(), key.serialize_pem())
}
