//! Names, certificates, connections and answers that are not as they should be.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener as Listener,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use futures::stream;
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

use super::*;

#[tokio::test]
async fn where_no_name_can_be_resolved_it_is_tried_again() {
    struct Nobody;
    impl reqwest::dns::Resolve for Nobody {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async { Err("Temporary failure in name resolution".into()) })
        }
    }
    let client = Client::builder().dns_resolver(Nobody).no_proxy().build().unwrap();
    let http = Http { client, ..http() };
    let answer = http.send(&to(format!("http://hooks.example/{CANARY}")), &message(), &plain).await;
    let Answer::Unreached(why) = answer else { panic!("{answer:?}") };
    assert!(!why.contains(CANARY) && !why.contains("hooks.example"), "{why}");
}

/// A server whose certificate, signed by an authority that the client knows, has ended.
fn expired() -> (SocketAddr, reqwest::Certificate) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut form = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (form.not_before, form.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1));
    let certificate = form.self_signed(&key).unwrap();
    let root = reqwest::Certificate::from_der(certificate.der()).unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let settings = ServerConfig::builder().with_no_client_auth();
    let settings = Arc::new(settings.with_single_cert(vec![certificate.der().clone()], secret).unwrap());
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(settings.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // whoever trusts it would be answered
            let _answered = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    (address, root)
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_not_trusted_and_nothing_is_sent() {
    let plain_http = http();
    let (address, root) = expired();
    let client = Client::builder().add_root_certificate(root).no_proxy().build().unwrap();
    let http = Http { client, ..plain_http };
    let url = format!("https://localhost:{}/{CANARY}", address.port());
    let answer = http.send(&to(url), &message(), &plain).await;
    let Answer::Unreached(why) = answer else { panic!("{answer:?}") };
    assert!(why.to_lowercase().contains("expired"), "{why}");
    assert!(!why.contains(CANARY), "{why}");
}

#[tokio::test]
async fn a_connection_that_is_reset_after_the_body_leaves_open_whether_it_arrived() {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // all but the last byte: who goes with something unread resets the connection
            let (mut stream, mut seen) = (stream.unwrap(), Vec::new());
            while !seen.ends_with(b"{\"a\":1") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                seen.push(byte[0]);
            }
        }
    });
    let Answer::Lost(why) = send(format!("http://{address}/")).await else { panic!() };
    assert!(why.to_lowercase().contains("reset"), "{why}");
}

#[tokio::test]
async fn of_an_answer_of_a_gigabyte_little_is_read() {
    static CHUNKS: AtomicUsize = AtomicUsize::new(0);
    const CHUNK: usize = 64 * 1024;
    let endless = || {
        let chunk = |n: usize| async move {
            CHUNKS.fetch_max(n, Ordering::Relaxed);
            (n < (1 << 30) / CHUNK).then(|| (Ok::<_, std::io::Error>(vec![b'x'; CHUNK]), n + 1))
        };
        reply(200, ("x", "y"), Body::from_stream(stream::unfold(0, chunk)))
    };
    let (address, _) = server(endless).await;
    let Answer::Http { status: 200, body, .. } = send(format!("http://{address}/")).await else { panic!() };
    assert_eq!(body.len(), CHUNK);
    let sent = CHUNKS.load(Ordering::Relaxed) * CHUNK;
    assert!(sent < 64 << 20, "{sent} bytes were sent before the connection ended");
}

#[tokio::test]
async fn a_redirect_to_a_metadata_address_is_no_way_there() {
    let metadata = || reply(302, ("location", "http://169.254.169.254/latest/meta-data/"), "");
    let (address, seen) = server(metadata).await;
    assert!(matches!(send(format!("http://{address}/")).await, Answer::Http { status: 302, .. }));
    assert_eq!(seen.lock().await.len(), 1);
}
