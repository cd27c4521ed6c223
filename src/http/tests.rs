//! At the wire, against a local server.

mod fetch;
mod trouble;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::any,
};
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::Mutex};

use super::*;

const CANARY: &str = "canary-91c4";

fn plain(secret: &Secret) -> Result<String, String> {
    let literal = |part: &crate::model::secret::Part| match part {
        crate::model::secret::Part::Literal(text) => Ok(text.clone()),
        other => Err(format!("`{}` is not set", Secret { parts: vec![other.clone()] })),
    };
    secret.parts.iter().map(literal).collect()
}

fn http() -> Http {
    // a second installation is refused, and is not needed
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Http::new(Duration::from_millis(500), Clock::system()).unwrap()
}

fn message() -> crate::sinks::Request {
    let headers = vec![("Idempotency-Key".to_owned(), "n1".to_owned())];
    let body = "{\"a\":1}".to_owned();
    crate::sinks::Request { method: Verb::Post, path: String::new(), headers, body }
}

fn to(url: impl Into<String>) -> Endpoint {
    Endpoint::new(Secret::literal(url))
}

async fn send(url: impl Into<String>) -> Answer {
    http().send(&to(url), &message(), &plain).await
}

type Seen = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// A server that keeps what it was sent and answers with `answer`.
async fn server(answer: fn() -> Response) -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let keep = seen.clone();
    let handler = move |request: Request| async move {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        keep.lock().await.push((head.uri.to_string(), head.headers, body));
        answer()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(handler))).await });
    (address, seen)
}

fn reply(status: u16, header: (&'static str, &'static str), body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header(header.0, header.1).body(body.into()).unwrap()
}

#[tokio::test]
async fn a_message_arrives_with_its_bytes_its_headers_and_its_secrets() {
    let (address, seen) = server(|| reply(200, ("x", "y"), "ok")).await;
    let destination = to(format!("http://{address}/services/T0?a=b"))
        .header("Authorization", Secret::literal("Bearer t0k3n\n"));
    let answer = http().send(&destination, &message(), &plain).await;
    assert_eq!(answer, Answer::Http { status: 200, retry_after: None, body: "ok".to_owned() });
    let seen = seen.lock().await;
    let (path, headers, body) = &seen[0];
    assert_eq!((path.as_str(), body.as_str()), ("/services/T0?a=b", "{\"a\":1}"));
    assert_eq!(headers["idempotency-key"], "n1");
    assert_eq!(headers["authorization"], "Bearer t0k3n");
    assert!(headers["user-agent"].to_str().unwrap().starts_with("highwater/"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (address, seen) = server(|| reply(307, ("location", "/elsewhere"), "")).await;
    assert!(matches!(send(format!("http://{address}/")).await, Answer::Http { status: 307, .. }));
    assert_eq!(seen.lock().await.len(), 1);
}

#[tokio::test]
async fn a_body_is_read_only_so_far() {
    let (address, _) = server(|| reply(500, ("x", "y"), "x".repeat(1 << 20))).await;
    let Answer::Http { body, .. } = send(format!("http://{address}/")).await else { panic!() };
    assert_eq!(body.len(), 64 * 1024);
}

#[tokio::test]
async fn a_service_may_say_when_to_come_back_in_seconds_or_as_a_date() {
    let (address, _) = server(|| reply(429, ("retry-after", "7"), "")).await;
    let answer = send(format!("http://{address}/")).await;
    assert!(matches!(answer, Answer::Http { retry_after: Some(after), .. } if after.as_secs() == 7));
    let (address, _) = server(|| reply(503, ("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT"), "")).await;
    let clock = Clock::standing_at("2026-11-21T10:00:00Z".parse().unwrap());
    let http = Http { clock, ..http() };
    let answer = http.send(&to(format!("http://{address}/")), &message(), &plain).await;
    assert!(matches!(answer, Answer::Http { retry_after: Some(after), .. } if after.as_secs() == 30));
}

#[tokio::test]
async fn whoever_does_not_answer_is_left_in_time_and_in_words() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    assert_eq!(send(format!("http://{address}/")).await, Answer::Lost("no answer in time".to_owned()));
    drop(silent);
    let Answer::Unreached(why) = send(format!("http://{address}/")).await else { panic!() };
    assert!(why.to_lowercase().contains("refused"), "{why}");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // the end of a connection that sent half a body
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
        }
    });
    assert!(matches!(send(format!("http://{address}/")).await, Answer::Lost(_)));
}

#[tokio::test]
async fn no_word_about_a_failure_names_the_url() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let urls = [
        format!("http://{free}/{CANARY}"),
        format!("http://{CANARY}.invalid/{CANARY}"),
        format!("https://{free}/{CANARY}"),
        format!("http://user:{CANARY}@{free}/"),
        format!("ftp://{CANARY}/"),
        CANARY.to_owned(),
        format!("http://{CANARY}:99999/"),
        format!("http://169.254.169.254/{CANARY}"),
    ];
    for url in urls {
        let answer = send(&url).await;
        assert!(matches!(answer, Answer::Lost(_) | Answer::Unreached(_) | Answer::Unsent(_)), "{answer:?}");
        assert!(!format!("{answer:?}").contains(CANARY), "{answer:?}");
        let ping = http().ping(&Secret::literal(&url), &plain).await;
        assert!(!ping.unwrap_err().contains(CANARY));
    }
}

#[tokio::test]
async fn a_missing_secret_or_an_impossible_header_is_a_matter_of_settings() {
    let url = Secret::parse("https://${env:NOT_THERE}/").unwrap();
    let destination = Endpoint::new(url);
    let answer = http().send(&destination, &message(), &plain).await;
    assert_eq!(answer, Answer::Unsent("`${env:NOT_THERE}` is not set".to_owned()));
    let headers = vec![("X-A".to_owned(), Secret::literal(format!("{CANARY}\nX-B: c")))];
    let destination = Endpoint { headers, ..to("http://127.0.0.1:1/") };
    let Answer::Unsent(why) = http().send(&destination, &message(), &plain).await else { panic!() };
    assert!(why.contains("`X-A`") && !why.contains(CANARY), "{why}");
}

#[tokio::test]
async fn a_ping_is_a_success_only_if_the_answer_says_so() {
    let (address, seen) = server(|| reply(204, ("x", "y"), "")).await;
    assert_eq!(http().ping(&Secret::literal(format!("http://{address}/ping/1")), &plain).await, Ok(()));
    assert_eq!(seen.lock().await[0].0, "/ping/1");
    let (address, _) = server(|| reply(404, ("x", "y"), "not\u{7} found")).await;
    let answer = http().ping(&Secret::literal(format!("http://{address}/")), &plain).await;
    assert_eq!(answer, Err("answered 404: not  found".to_owned()));
}

/// The metadata service in the spellings that have fooled others, as an address in the URL.
const FORBIDDEN: [&str; 25] = [
    "http://169.254.169.254/",
    "http://169.254.169.254./",
    "http://169.254.169.254:80/latest/meta-data/",
    "http://169.254.0.1/",
    "http://169.254.255.255/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://0251.0376.0251.0376/",
    "http://0251.254.43518/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://user:pw@169.254.169.254/",
    "http://example.org@169.254.169.254/",
    "http://169。254。169。254/",
    "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
    "http:\\\\169.254.169.254\\",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fe80::1]/",
    "http://[febf:ffff::1]/",
    "http://[fd00:ec2::254]/",
];

#[tokio::test]
async fn nothing_is_sent_to_a_link_local_or_metadata_address_however_it_is_spelt() {
    for url in FORBIDDEN {
        let answer = send(url).await;
        assert_eq!(answer, Answer::Unsent(guard::Forbidden.to_string()), "{url}");
    }
}

#[test]
fn addresses_that_a_name_resolves_to_are_judged_alike() {
    let found = |addresses: &[&str]| addresses.iter().map(|text| text.parse().unwrap()).collect();
    let bad = found(&["169.254.169.254:0", "[fe80::1]:0", "[::ffff:169.254.169.254]:0", "100.100.100.200:0"]);
    assert!(guard::allowed(bad).is_err());
    let mixed = found(&["169.254.169.254:0", "127.0.0.1:0"]);
    assert_eq!(guard::allowed(mixed).unwrap(), found(&["127.0.0.1:0"]));
    let fine: Vec<SocketAddr> =
        found(&["10.0.0.1:0", "192.168.1.1:0", "[::1]:0", "[fd00::1]:0", "169.253.1.1:0", "8.8.8.8:0"]);
    assert_eq!(guard::allowed(fine.clone()).unwrap(), fine);
}

#[tokio::test]
async fn a_name_goes_through_the_guarded_resolver() {
    use reqwest::dns::Resolve;
    let name = "localhost".parse().unwrap();
    let found: Vec<SocketAddr> = guard::Resolver.resolve(name).await.unwrap().collect();
    assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
    let (address, seen) = server(|| reply(200, ("x", "y"), "ok")).await;
    let answer = send(format!("http://localhost:{}/", address.port())).await;
    assert!(matches!(answer, Answer::Http { status: 200, .. }), "{answer:?}");
    assert_eq!(seen.lock().await.len(), 1);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_forbidden_address_is_a_matter_of_settings() {
    struct Rebound;
    impl reqwest::dns::Resolve for Rebound {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            let found = vec!["169.254.169.254:0".parse().unwrap()];
            let judged =
                guard::allowed(found).map(|found| Box::new(found.into_iter()) as reqwest::dns::Addrs);
            Box::pin(async { judged.map_err(Into::into) })
        }
    }
    let client = Client::builder().dns_resolver(Rebound).no_proxy();
    let http = Http { client: client.build().unwrap(), ..http() };
    let answer = http.send(&to("http://innocent.example/"), &message(), &plain).await;
    assert_eq!(answer, Answer::Unsent(guard::Forbidden.to_string()));
}

#[tokio::test]
async fn every_attempt_is_signed_anew_over_the_very_bytes_that_it_sends() {
    let (address, seen) = server(|| reply(200, ("x", "y"), "ok")).await;
    let signature = crate::sinks::Signature {
        secret: Secret::literal("s3cret"),
        header: "X-Highwater-Signature".to_owned(),
        timestamp_header: "X-Highwater-Timestamp".to_owned(),
    };
    let body_secrets = vec![("key".to_owned(), Secret::literal("k"))];
    let destination =
        Endpoint { signature: Some(signature), body_secrets, ..to(format!("http://{address}/")) };
    for at in ["2026-11-21T10:00:00Z", "2026-11-21T10:00:01Z"] {
        let http = Http { clock: Clock::standing_at(at.parse().unwrap()), ..http() };
        assert!(matches!(
            http.send(&destination, &message(), &plain).await,
            Answer::Http { status: 200, .. }
        ));
    }
    let seen = seen.lock().await;
    let of = |n: usize, name: &str| seen[n].1[name].to_str().unwrap().to_owned();
    for (n, at) in [1_795_255_200_i64, 1_795_255_201].into_iter().enumerate() {
        let at = crate::model::Time::from_timestamp(at, 0).unwrap();
        let (timestamp, signed) = signature::sign("s3cret", at, &seen[n].2);
        assert_eq!(of(n, "x-highwater-timestamp"), timestamp);
        assert_eq!(of(n, "x-highwater-signature"), signed);
    }
    assert!(seen[0].2.contains("\"key\":\"k\""), "what is signed is what is sent, keys in the body included");
    assert_ne!(of(0, "x-highwater-signature"), of(1, "x-highwater-signature"));
}

mod certificates {
    use std::{fs, path::PathBuf};

    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
    use rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    };
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::sinks::ClientTls;

    struct Authority {
        pem: String,
        issuer: Issuer<'static, KeyPair>,
    }

    fn authority() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    fn issued(by: &Authority, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        (params.signed_by(&key, &by.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A server that talks only to who shows a certificate of `issuer`.
    async fn start(issuer: &Authority) -> u16 {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(issuer.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let (certificate, key) = issued(issuer, ExtendedKeyUsagePurpose::ServerAuth);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let _read = stream.read(&mut request).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
                let _written = stream.write_all(answer).await;
                let _closed = stream.shutdown().await;
            }
        });
        port
    }

    #[tokio::test]
    async fn who_has_a_certificate_shows_it_and_a_changed_file_counts_at_the_next_attempt() {
        let (ours, other) = (authority(), authority());
        let port = start(&ours).await;
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| -> PathBuf {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = issued(&ours, ExtendedKeyUsagePurpose::ClientAuth);
        let (wrong, wrong_key) = issued(&other, ExtendedKeyUsagePurpose::ClientAuth);
        let tls = ClientTls {
            ca: Some(file("ca.pem", &ours.pem)),
            certificate: Some(file("client.pem", &wrong)),
            key: Some(file("client.key", &wrong_key)),
        };
        let destination = |tls| Endpoint { tls, ..to(format!("https://localhost:{port}/")) };
        let http = http();
        let send = async |tls| http.send(&destination(tls), &message(), &plain).await;
        assert!(
            matches!(send(None).await, Answer::Lost(_) | Answer::Unreached(_)),
            "whose authority nobody knows is not trusted"
        );
        let nobody = ClientTls { ca: tls.ca.clone(), ..ClientTls::default() };
        assert!(
            matches!(send(Some(nobody)).await, Answer::Lost(_) | Answer::Unreached(_)),
            "who shows none is turned away"
        );
        assert!(
            matches!(send(Some(tls.clone())).await, Answer::Lost(_) | Answer::Unreached(_)),
            "another authority's is turned away"
        );
        file("client.pem", &certificate);
        file("client.key", &key);
        let answer = send(Some(tls.clone())).await;
        assert!(matches!(answer, Answer::Http { status: 200, .. }), "{answer:?}");
        file("client.key", "no key");
        let Answer::Unsent(why) = send(Some(tls.clone())).await else { panic!("a broken file") };
        assert!(why.contains("`tls.client_certificate`"), "{why}");
        fs::remove_file(tls.key.as_ref().unwrap()).unwrap();
        let Answer::Unsent(why) = send(Some(tls)).await else { panic!("a missing file") };
        assert!(why.contains("client.key"), "{why}");
    }
}
