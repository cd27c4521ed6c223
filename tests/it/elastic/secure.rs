//! TLS: who is trusted, and the words for who is not.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use highwater::{
    config::settings::{Auth, Cluster},
    model::{Cause, Reason, query::Response, secret::Secret},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use serde_json::json;
use tempfile::TempDir;

use super::{ask, door, health, settings};
use crate::support::wire::{Act, Wire, json as reply};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for `names`, and its key.
fn issue(authority: &Authority, params: CertificateParams) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

fn serve(authority: &Authority, params: CertificateParams, clients: Option<&Authority>) -> Wire {
    let (certificate, key) = issue(authority, params);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            ServerConfig::builder()
                .with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
        }
    };
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    Wire::start_tls(Arc::new(config), |_, _| Act::Write(reply(200, &json!({ "status": "green" }))))
}

fn trusting(wire: &Wire, authority: &Authority, folder: &TempDir) -> Cluster {
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let mut cluster = settings(&[wire.url()]);
    cluster.tls.ca = Some(ca);
    cluster
}

async fn look(cluster: &Cluster) -> Result<Response, Reason> {
    ask(&door(cluster), health()).await
}

async fn refusal(cluster: &Cluster) -> String {
    let reason = look(cluster).await.unwrap_err();
    assert_eq!(reason.cause, Cause::Unreachable, "{reason}");
    reason.text
}

#[tokio::test]
async fn an_authority_of_our_own_is_trusted() {
    let (authority, folder) = (authority("ours"), TempDir::new().unwrap());
    let wire = serve(&authority, named("127.0.0.1"), None);
    look(&trusting(&wire, &authority, &folder)).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_a_wrong_name_and_an_expired_certificate_are_told_apart() {
    let (ours, theirs, folder) = (authority("ours"), authority("theirs"), TempDir::new().unwrap());
    let wire = serve(&theirs, named("127.0.0.1"), None);
    let text = refusal(&trusting(&wire, &ours, &folder)).await;
    assert!(text.contains("authority that is not trusted (unknown issuer)"), "{text}");
    assert!(wire.seen().is_empty(), "something was sent to somebody who is not trusted");
    let mut careless = settings(&[wire.url()]);
    careless.tls.insecure_skip_verify = true;
    look(&careless).await.unwrap();
    assert!(refusal(&settings(&[wire.url()])).await.contains("unknown issuer"));

    let wire = serve(&ours, named("es.example"), None);
    let text = refusal(&trusting(&wire, &ours, &folder)).await;
    assert!(text.contains("for another host") && text.contains("es.example"), "{text}");

    let mut params = named("127.0.0.1");
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 2, 3));
    let text = refusal(&trusting(&serve(&ours, params, None), &ours, &folder)).await;
    assert!(text.contains("has expired (notAfter 2021-02-03 00:00 UTC)"), "{text}");
}

#[tokio::test]
async fn a_client_certificate_goes_together_with_an_api_key() {
    let (authority, folder) = (authority("ours"), TempDir::new().unwrap());
    let wire = serve(&authority, named("127.0.0.1"), Some(&authority));
    let mut cluster = trusting(&wire, &authority, &folder);
    let text = refusal(&cluster).await;
    assert!(text.contains("client certificate"), "{text}");

    let (certificate, key) = issue(&authority, named("highwater"));
    let (c, k) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    fs::write(&c, certificate.pem()).unwrap();
    fs::write(&k, key.serialize_pem()).unwrap();
    (cluster.tls.client_certificate, cluster.tls.client_key) = (Some(c), Some(k));
    cluster.auth = Auth::ApiKey(Secret::literal("id:key"));
    look(&cluster).await.unwrap();
    assert_eq!(wire.seen()[0].header("authorization"), "ApiKey aWQ6a2V5");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut hello = [0_u8; 16];
            if stream.read(&mut hello).is_ok_and(|read| read > 0) {
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            }
        }
    });
    let text = refusal(&settings(&[url])).await;
    assert!(text.contains("does not speak TLS"), "{text}");
}

#[tokio::test]
async fn files_that_are_no_certificates_are_refused_at_start() {
    let folder = TempDir::new().unwrap();
    let junk = folder.path().join("junk.pem");
    fs::write(&junk, "no PEM").unwrap();
    let refused = |change: &dyn Fn(&mut Cluster)| {
        let mut cluster = settings(&["https://127.0.0.1:9200".to_owned()]);
        change(&mut cluster);
        let resolve = super::resolve();
        highwater::elastic::Elastic::new(&cluster, highwater::clock::Clock::system(), &resolve)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(refused(&|cluster| cluster.tls.ca = Some(junk.clone())).contains("`tls.ca` cannot be used"));
    assert!(
        refused(&|cluster| cluster.tls.client_certificate = Some(junk.clone()))
            .contains("client_certificate")
    );
    assert!(refused(&|cluster| cluster.tls.client_key = Some(junk.clone())).contains("set both"));
    assert!(refused(&|cluster| cluster.tls.ca = Some(folder.path().join("none"))).contains("cannot read"));
}
