//! Questions of checks to services.

use std::{io::Write as _, net::TcpListener as Listener, thread};

use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};
use serde_json::json;

use super::*;
use crate::model::{
    Cause, Reason,
    fetch::{self, Body as Found, Fetch, Fetched, Tls},
    query,
};

fn ask(url: impl Into<String>) -> Fetch {
    Fetch {
        method: fetch::Method::Get,
        url: Secret::literal(url),
        headers: Vec::new(),
        basic: None,
        tls: Tls::default(),
        body: None,
        timeout: Duration::from_secs(20),
        most: 1 << 16,
    }
}

async fn fetch(ask: &Fetch) -> Result<query::Response, Reason> {
    http().fetch(ask, &plain).await
}

async fn fetched(ask: &Fetch) -> Fetched {
    match fetch(ask).await.unwrap() {
        query::Response::Fetched(fetched) => fetched,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_question_travels_with_all_that_it_has_and_its_answer_is_read() {
    let (address, seen) =
        server(|| reply(200, ("content-type", "application/json"), "{\"n\": 9007199254740993}")).await;
    let question = Fetch {
        method: fetch::Method::Post,
        headers: vec![("X-Team".to_owned(), Secret::literal("search"))],
        basic: Some((Secret::literal("me"), Secret::literal("pw\n"))),
        body: Some(Secret::literal("{\"q\":1}")),
        ..ask(format!("http://{address}/stats?deep=1"))
    };
    let answer = fetched(&question).await;
    assert_eq!((answer.status, answer.body), (200, Found::Json(json!({ "n": 9_007_199_254_740_993_i64 }))));
    let seen = seen.lock().await;
    let (path, headers, body) = &seen[0];
    assert_eq!((path.as_str(), body.as_str()), ("/stats?deep=1", "{\"q\":1}"));
    assert_eq!(
        (&headers["x-team"], &headers["authorization"]),
        (&"search".parse().unwrap(), &"Basic bWU6cHc=".parse().unwrap())
    );
}

#[tokio::test]
async fn a_redirect_a_page_and_a_flood_are_answers_that_prove_nothing() {
    let metadata = || reply(302, ("location", "http://169.254.169.254/latest/meta-data/"), "");
    let (address, seen) = server(metadata).await;
    assert_eq!(fetched(&ask(format!("http://{address}/"))).await.status, 302);
    assert_eq!(seen.lock().await.len(), 1);
    let (address, _) = server(|| reply(200, ("content-type", "text/html"), "<html>")).await;
    assert_eq!(fetched(&ask(format!("http://{address}/"))).await.body, Found::Other);
    let (address, _) = server(|| reply(200, ("x", "y"), format!("\"{}\"", "x".repeat(1 << 20)))).await;
    assert_eq!(fetched(&ask(format!("http://{address}/"))).await.body, Found::TooLong);
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_its_cap_and_not_one_byte_longer() {
    const BODY: &str = "[1,2,3]";
    let (address, _) = server(|| reply(200, ("x", "y"), BODY)).await;
    let capped = |most| Fetch { most, ..ask(format!("http://{address}/")) };
    assert_eq!(fetched(&capped(BODY.len())).await.body, Found::Json(json!([1, 2, 3])));
    assert_eq!(fetched(&capped(BODY.len() - 1)).await.body, Found::TooLong);
}

#[tokio::test]
async fn a_service_that_repeats_our_secret_is_read_without_it() {
    let (address, _) = server(|| reply(200, ("x", "y"), "{\"you\": \"Bearer canary-91c4\"}")).await;
    let headers = vec![("Authorization".to_owned(), Secret::literal(format!("Bearer {CANARY}")))];
    let answer = fetched(&Fetch { headers, ..ask(format!("http://{address}/")) }).await;
    assert!(!format!("{answer:?}").contains(CANARY), "{answer:?}");
    assert!(matches!(answer.body, Found::Json(_)));
}

#[tokio::test]
async fn why_nothing_came_back_is_told_without_the_url() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open = silent.local_addr().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let hung = Fetch { timeout: Duration::from_millis(300), ..ask(format!("http://{open}/{CANARY}")) };
    for (question, cause) in [
        (hung, Cause::Timeout),
        (ask(format!("http://{free}/{CANARY}")), Cause::Unreachable),
        (ask(format!("http://169.254.169.254/{CANARY}")), Cause::Invalid),
        (ask(format!("ftp://{CANARY}/")), Cause::Invalid),
        (Fetch { url: Secret::parse("https://${env:NOT_THERE}/").unwrap(), ..ask("") }, Cause::Invalid),
    ] {
        let why = fetch(&question).await.unwrap_err();
        assert_eq!(why.cause, cause, "{why}");
        assert!(!why.text.is_empty() && !why.text.contains(CANARY), "{why}");
    }
}

/// A server with a certificate until this year, and a file that trusts it.
fn secure(until: i32) -> (SocketAddr, tempfile::NamedTempFile) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut form = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (form.not_before, form.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(until, 1, 1));
    let certificate = form.self_signed(&key).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(certificate.pem().as_bytes()).unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let settings = ServerConfig::builder().with_no_client_auth();
    let settings = Arc::new(settings.with_single_cert(vec![certificate.der().clone()], secret).unwrap());
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(settings.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // whoever does not trust it is not answered
            let _answered =
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n42").and_then(|()| {
                    // until it has been read
                    std::io::Read::read_to_end(&mut stream, &mut Vec::new())
                });
        }
    });
    (address, file)
}

#[tokio::test]
async fn the_end_of_a_certificate_comes_with_the_answer_and_is_remembered() {
    let http = http();
    let (address, ca) = secure(2099);
    let tls = Tls { ca: Some(ca.path().to_owned()), ..Tls::default() };
    let host = format!("localhost:{}", address.port());
    let question = Fetch { tls, ..ask(format!("https://{host}/")) };
    let answer = http.fetch(&question, &plain).await.unwrap();
    let query::Response::Fetched(Fetched { body, not_after, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((body, not_after), (Found::Json(json!(42)), Some("2099-01-01T00:00:00Z".parse().unwrap())));
    assert_eq!(http.shown().all().into_keys().collect::<Vec<_>>(), [host]);
}

#[tokio::test]
async fn a_certificate_that_is_over_is_told_by_its_end_and_one_of_nobody_is_not_believed() {
    let http = http();
    let (address, ca) = secure(2021);
    let tls = Tls { ca: Some(ca.path().to_owned()), ..Tls::default() };
    let question = Fetch { tls, ..ask(format!("https://localhost:{}/", address.port())) };
    let over = http.fetch(&question, &plain).await.unwrap();
    assert_eq!(over, query::Response::Expired("2021-01-01T00:00:00Z".parse().unwrap()));
    let (address, _) = secure(2099);
    let strange = ask(format!("https://localhost:{}/", address.port()));
    assert_eq!(http.fetch(&strange, &plain).await.unwrap_err().cause, Cause::Unreachable);
    let insecure = Fetch { tls: Tls { insecure: true, ..Tls::default() }, ..strange };
    assert!(matches!(http.fetch(&insecure, &plain).await, Ok(query::Response::Fetched(_))));
}
