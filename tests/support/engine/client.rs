//! Talking to the engine as its administrator.

use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, Identity, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{ADMIN, ADMIN_PASSWORD, Engine, Tls};

const BULK: usize = 5_000;

pub fn build(tls: Option<&Tls>) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let read = |path: &std::path::Path| std::fs::read(path).expect("a PEM file");
    // a shared engine serves tests with runtimes of their own: no connection may outlive its request
    let mut builder = Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(60));
    if let Some(tls) = tls {
        let identity = [read(&tls.client), read(&tls.client_key)].concat();
        builder = builder
            .tls_certs_only([Certificate::from_pem(&read(&tls.ca)).expect("a CA")])
            .identity(Identity::from_pem(&identity).expect("a client certificate"));
    }
    builder.build().expect("a client")
}

/// The answer is JSON, or a string where it is not.
async fn send(request: RequestBuilder, body: Option<Value>) -> reqwest::Result<(u16, Value)> {
    let request = match body {
        Some(Value::String(lines)) => request.header("content-type", "application/x-ndjson").body(lines),
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await?;
    let (status, text) = (response.status().as_u16(), response.text().await?);
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

impl Engine {
    /// One request to the first node that runs. A body that is a string goes out as it is, as NDJSON.
    pub async fn request(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.try_request(method, path, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    pub async fn try_request(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<(u16, Value)> {
        let node = (0..self.places.len()).find(|node| self.group(*node).is_some()).unwrap_or(0);
        send(self.to(node, method, path, (ADMIN, ADMIN_PASSWORD)), body).await
    }

    /// One request to one node, as somebody (name and password).
    pub async fn request_as(
        &self,
        who: (&str, &str),
        node: usize,
        method: &str,
        path: &str,
    ) -> reqwest::Result<(u16, Value)> {
        send(self.to(node, method, path, who), None).await
    }

    fn to(&self, node: usize, method: &str, path: &str, (user, password): (&str, &str)) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url(node)));
        if self.tls.is_some() { request.basic_auth(user, Some(password)) } else { request }
    }

    pub async fn get(&self, path: &str) -> Value {
        self.must("GET", path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.must("PUT", path, Some(body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.must("POST", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.must("DELETE", path, None).await
    }

    async fn must(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.request(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Cluster settings that go with a restart of the whole cluster; `null` takes one back.
    pub async fn cluster_settings(&self, settings: Value) {
        self.put("/_cluster/settings", json!({ "transient": settings })).await;
    }

    /// Writes documents and makes them searchable.
    pub async fn bulk(&self, index: &str, documents: &[Value]) {
        for part in documents.chunks(BULK) {
            let lines: String =
                part.iter().map(|document| format!("{{\"index\":{{}}}}\n{document}\n")).collect();
            let answer = self.post(&format!("/{index}/_bulk"), Value::String(lines)).await;
            assert_eq!(answer["errors"], false, "bulk to {index}: {}", answer["items"][0]);
        }
        self.must("POST", &format!("/{index}/_refresh"), None).await;
    }

    /// Waits until the cluster's status is exactly this one.
    pub async fn wait_for(&self, status: &str) {
        self.poll(&format!("the cluster to be {status}"), || async {
            let health = self.try_request("GET", "/_cluster/health?timeout=1s", None).await;
            health.is_ok_and(|(code, health)| code == 200 && health["status"] == status)
        })
        .await;
    }

    /// Looks again and again until `look` says yes; fails after a minute and a half.
    pub async fn poll<F: Future<Output = bool>>(&self, what: &str, look: impl Fn() -> F) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while !look().await {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
