//! Between highwater and a secured engine: what was asked, by whom, and with which status it was answered.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Certificate, Client, Identity, Method};
use tokio::runtime;

use crate::support::{
    engine::Engine,
    wire::{Act, Seen, Wire, answer},
};

/// One exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub method: String,
    pub target: String,
    pub authorization: String,
    pub status: u16,
}

/// Plain HTTP towards highwater; TLS with the engine's client certificate towards the engine.
pub struct Recorder {
    wire: Wire,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Recorder {
    pub fn before(engine: &Engine) -> Recorder {
        let (client, target) = (client(engine), engine.url(0));
        let exchanges: Arc<Mutex<Vec<Exchange>>> = Arc::default();
        let to = exchanges.clone();
        let wire = Wire::start(move |seen, _| {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            match runtime.block_on(forward(&client, &target, seen)) {
                Ok((status, body)) => {
                    let exchange = Exchange {
                        method: seen.method.clone(),
                        target: seen.target.clone(),
                        authorization: seen.header("authorization").to_owned(),
                        status,
                    };
                    to.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
                    Act::Write(answer(status, &[("content-type", "application/json")], &body))
                }
                Err(_) => Act::Cut(Vec::new()),
            }
        });
        Recorder { wire, exchanges }
    }

    pub fn urls(&self) -> Vec<String> {
        vec![self.wire.url()]
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn with_status(&self, status: u16) -> Vec<Exchange> {
        self.exchanges().into_iter().filter(|exchange| exchange.status == status).collect()
    }
}

fn client(engine: &Engine) -> Client {
    let read = |path: &std::path::Path| std::fs::read(path).expect("a PEM file");
    let tls = engine.tls();
    let identity = [read(&tls.client), read(&tls.client_key)].concat();
    Client::builder()
        .no_proxy()
        .no_gzip()
        .pool_max_idle_per_host(0)
        .tls_certs_only([Certificate::from_pem(&read(&tls.ca)).expect("a CA")])
        .identity(Identity::from_pem(&identity).expect("a client certificate"))
        .build()
        .expect("a client")
}

async fn forward(client: &Client, target: &str, seen: &Seen) -> reqwest::Result<(u16, Vec<u8>)> {
    let method = Method::from_bytes(seen.method.as_bytes()).expect("a method");
    let mut request = client.request(method, format!("{target}{}", seen.target)).body(seen.body.clone());
    for name in ["authorization", "content-type", "accept", "x-opaque-id"] {
        if !seen.header(name).is_empty() {
            request = request.header(name, seen.header(name));
        }
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await?.to_vec()))
}
