//! Where ElastAlert asks: `es_host` and its kin become `clusters`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{names::unique, old::Old, secrets::Variables};

/// The keys that say which cluster, and who asks.
const KEYS: [&str; 16] = [
    "es_host",
    "es_hosts",
    "es_port",
    "es_url_prefix",
    "use_ssl",
    "verify_certs",
    "ca_certs",
    "client_cert",
    "client_key",
    "es_username",
    "es_password",
    "es_bearer",
    "es_api_key",
    "aws_region",
    "profile",
    "es_conn_timeout",
];

/// The clusters so far, by their names.
#[derive(Debug, Default)]
pub struct Clusters {
    taken: BTreeSet<String>,
    made: Vec<(String, Value)>,
}

impl Clusters {
    /// The name of a rule's cluster. The first one is `main`.
    pub fn of(&mut self, old: &Old<'_>, variables: &mut Variables) -> String {
        let cluster = cluster(old, variables);
        if let Some((name, _)) = self.made.iter().find(|(_, known)| *known == cluster) {
            return name.clone();
        }
        let name = unique(&mut self.taken, "main");
        self.made.push((name.clone(), cluster));
        name
    }

    pub fn are_several(&self) -> bool {
        self.made.len() > 1
    }

    pub fn is_assumed(&self) -> bool {
        self.made.iter().any(|(_, cluster)| *cluster == assumed())
    }

    pub fn section(&self, global: &Map<String, Value>, variables: &mut Variables) -> Value {
        if self.made.is_empty() {
            let none = Map::new();
            return json!({ "main": cluster(&Old::new("config.yaml", &none, global), variables) });
        }
        Value::Object(self.made.iter().cloned().collect())
    }
}

pub fn is_about_clusters(key: &str) -> bool {
    KEYS.contains(&key)
}

fn assumed() -> Value {
    json!({ "urls": ["http://127.0.0.1:9200"] })
}

fn cluster(old: &Old<'_>, variables: &mut Variables) -> Value {
    let mut cluster = Map::new();
    cluster.insert("urls".to_owned(), Value::from(urls(old)));
    if let Some(auth) = auth(old, variables) {
        cluster.insert("auth".to_owned(), auth);
    }
    if let Some(tls) = tls(old) {
        cluster.insert("tls".to_owned(), tls);
    }
    if let Some(seconds) = old.get("es_conn_timeout").and_then(Value::as_u64).filter(|seconds| *seconds > 0) {
        cluster.insert("timeout".to_owned(), Value::from(format!("{seconds}s")));
    }
    Value::Object(cluster)
}

fn urls(old: &Old<'_>) -> Vec<String> {
    let mut hosts = old.texts("es_hosts");
    if hosts.is_empty() {
        hosts.extend(old.text("es_host").map(str::to_owned));
    }
    if hosts.is_empty() {
        return vec!["http://127.0.0.1:9200".to_owned()];
    }
    let port = old.get("es_port").and_then(Value::as_u64).unwrap_or(9200);
    let scheme = if old.is("use_ssl") { "https" } else { "http" };
    let prefix = old.text("es_url_prefix").unwrap_or("").trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    let url = |host: String| {
        let host = host.trim().trim_end_matches('/');
        let host = host.rsplit('@').next().unwrap_or(host);
        let bare = host.split_once("://").map_or(host, |(_, bare)| bare);
        let port = if bare.contains(':') { String::new() } else { format!(":{port}") };
        format!("{scheme}://{bare}{port}{prefix}")
    };
    hosts.into_iter().map(url).collect()
}

fn auth(old: &Old<'_>, variables: &mut Variables) -> Option<Value> {
    let mut secret = |key: &str| old.shown(key).map(|value| variables.reference(&value, key, old.place(key)));
    if let Some(key) = secret("es_api_key") {
        return Some(json!({ "api_key": key }));
    }
    if let Some(token) = secret("es_bearer") {
        return Some(json!({ "bearer": token }));
    }
    if let Some(username) = old.text("es_username") {
        let password = secret("es_password").unwrap_or_else(|| "${env:ES_PASSWORD}".to_owned());
        return Some(json!({ "basic": { "username": username, "password": password } }));
    }
    old.text("aws_region").map(|region| json!({ "aws": { "region": region } }))
}

fn tls(old: &Old<'_>) -> Option<Value> {
    let mut tls = Map::new();
    for (key, name) in
        [("ca_certs", "ca"), ("client_cert", "client_certificate"), ("client_key", "client_key")]
    {
        tls.extend(old.text(key).map(|path| (name.to_owned(), Value::from(path))));
    }
    if old.is("use_ssl") && old.is_not("verify_certs") {
        tls.insert("insecure_skip_verify".to_owned(), Value::Bool(true));
    }
    (!tls.is_empty()).then_some(Value::Object(tls))
}
