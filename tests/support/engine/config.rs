//! The folders and files of one node, as each product wants them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::fetch::Installation;
use super::spec::{NodeSpec, Product, Security, Spec};
use super::tls::Tls;

/// One node's place in the cluster.
#[derive(Debug, Clone)]
pub struct Place {
    pub name: String,
    pub folder: PathBuf,
    pub http: u16,
    pub transport: u16,
}

/// Writes everything that the node at `index` reads.
pub fn write(spec: &Spec, places: &[Place], index: usize, installation: &Installation, tls: Option<&Tls>) {
    let (place, node) = (&places[index], &spec.nodes[index]);
    let config = place.folder.join("config");
    for folder in ["data", "logs", "tmp"] {
        fs::create_dir_all(place.folder.join(folder)).expect("a folder of the node");
    }
    if let Some(path) = &node.data_path {
        installation.give(path);
    }
    if spec.product.is_opensearch() {
        fs::create_dir_all(&config).expect("a folder for the configuration");
        fs::write(config.join("opensearch.yml"), settings(spec, places, index, tls)).expect("opensearch.yml");
        return;
    }
    copy(&installation.home.join("config"), &config);
    fs::write(config.join("elasticsearch.yml"), settings(spec, places, index, tls))
        .expect("elasticsearch.yml");
    diet(&config.join("jvm.options"));
    if let (Some(security), Some(tls)) = (&spec.security, tls) {
        users(&config, security);
        // the engine reads no certificate from outside its configuration
        copy(tls.ca.parent().expect("a folder"), &config.join("tls"));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder to copy to");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).expect("a file to copy")).expect("its copy");
        }
    }
}

/// The serial collector and no log of it: less of two cores; and nothing that a smaller Java lacks.
fn diet(options: &Path) {
    let text = fs::read_to_string(options).expect("jvm.options");
    let unwanted = ["UseG1GC", "UseConcMarkSweep", "CMSInitiating", "Xlog:gc", "jdk.incubator.vector"];
    let mut kept: String = text
        .lines()
        .filter(|line| !unwanted.iter().any(|u| line.contains(u)))
        .flat_map(|line| [line, "\n"])
        .collect();
    kept.push_str("-XX:+UseSerialGC\n");
    fs::write(options, kept).expect("jvm.options");
}

fn settings(spec: &Spec, places: &[Place], index: usize, tls: Option<&Tls>) -> String {
    let (place, node) = (&places[index], &spec.nodes[index]);
    let folder = |name: &str| place.folder.join(name).display().to_string();
    let mut lines = vec![
        ("cluster.name".to_owned(), "highwater-test".to_owned()),
        ("node.name".to_owned(), place.name.clone()),
        (
            "path.data".to_owned(),
            node.data_path.as_ref().map_or(folder("data"), |path| path.display().to_string()),
        ),
        ("path.logs".to_owned(), folder("logs")),
        ("network.host".to_owned(), "127.0.0.1".to_owned()),
        ("http.port".to_owned(), place.http.to_string()),
        ("transport.port".to_owned(), place.transport.to_string()),
        ("node.store.allow_mmap".to_owned(), "false".to_owned()),
    ];
    if spec.nodes.iter().all(|node| node.data_path.is_none()) {
        // the disk of the machine, which may be fuller than the marks, is not what is tested
        lines.push(("cluster.routing.allocation.disk.threshold_enabled".to_owned(), "false".to_owned()));
    }
    lines.extend(discovery(spec, places));
    lines.extend(
        node.roles.as_ref().map(|roles| ("node.roles".to_owned(), format!("[{}]", roles.join(", ")))),
    );
    if !spec.product.is_opensearch() {
        lines.extend(protection(spec, tls));
    }
    lines.extend(spec.settings.iter().chain(&node.settings).cloned());
    lines.iter().fold(String::new(), |mut text, (key, value)| {
        writeln!(text, "{key}: {value}").expect("a string grows");
        text
    })
}

fn discovery(spec: &Spec, places: &[Place]) -> Vec<(String, String)> {
    if places.len() == 1 {
        return vec![("discovery.type".to_owned(), "single-node".to_owned())];
    }
    let electable = |node: &NodeSpec| {
        node.roles
            .as_ref()
            .is_none_or(|roles| roles.contains(&"master") || roles.contains(&"cluster_manager"))
    };
    let seeds: Vec<String> =
        places.iter().map(|place| format!("\"127.0.0.1:{}\"", place.transport)).collect();
    let masters = places.iter().zip(&spec.nodes).filter(|(_, node)| electable(node));
    let masters: Vec<&str> = masters.map(|(place, _)| place.name.as_str()).collect();
    vec![
        ("discovery.seed_hosts".to_owned(), format!("[{}]", seeds.join(", "))),
        ("cluster.initial_master_nodes".to_owned(), format!("[{}]", masters.join(", "))),
    ]
}

fn protection(spec: &Spec, tls: Option<&Tls>) -> Vec<(String, String)> {
    let mut lines = vec![("xpack.license.self_generated.type", "basic"), ("xpack.ml.enabled", "false")];
    lines.push(("xpack.security.enabled", if tls.is_some() { "true" } else { "false" }));
    if spec.product != Product::Elasticsearch7 {
        lines.push(("xpack.security.autoconfiguration.enabled", "false"));
    }
    if let (Some(_), Some(security)) = (tls, &spec.security) {
        // the administrator then comes from the users file, and no keystore tool has to run
        lines.push(("xpack.security.authc.reserved_realm.enabled", "false"));
        let asked = if security.client_certificate_required { "required" } else { "optional" };
        lines.push(("xpack.security.http.ssl.client_authentication", asked));
        lines.push(("xpack.security.transport.ssl.verification_mode", "certificate"));
        for door in [HTTP_TLS, TRANSPORT_TLS] {
            lines.extend(door);
        }
    }
    lines.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

const HTTP_TLS: [(&str, &str); 4] = [
    ("xpack.security.http.ssl.enabled", "true"),
    ("xpack.security.http.ssl.key", "tls/server.key"),
    ("xpack.security.http.ssl.certificate", "tls/server.pem"),
    ("xpack.security.http.ssl.certificate_authorities", "[\"tls/ca.pem\"]"),
];
const TRANSPORT_TLS: [(&str, &str); 4] = [
    ("xpack.security.transport.ssl.enabled", "true"),
    ("xpack.security.transport.ssl.key", "tls/server.key"),
    ("xpack.security.transport.ssl.certificate", "tls/server.pem"),
    ("xpack.security.transport.ssl.certificate_authorities", "[\"tls/ca.pem\"]"),
];

/// `roles.yml`, `users` and `users_roles`: the file realm, written as its own tool would.
fn users(config: &Path, security: &Security) {
    let mut users = format!("elastic:{}\n", hashed(super::ADMIN_PASSWORD));
    let mut roles = vec![("superuser".to_owned(), "elastic".to_owned())];
    for user in &security.users {
        writeln!(users, "{}:{}", user.name, hashed(&user.password)).expect("a string grows");
        for role in &user.roles {
            match roles.iter_mut().find(|(name, _)| name == role) {
                Some((_, members)) => write!(members, ",{}", user.name).expect("a string grows"),
                None => roles.push((role.clone(), user.name.clone())),
            }
        }
    }
    let roles: String = roles.iter().map(|(role, members)| format!("{role}:{members}\n")).collect();
    fs::write(config.join("users"), users).expect("users");
    fs::write(config.join("users_roles"), roles).expect("users_roles");
    fs::write(config.join("roles.yml"), &security.roles_yml).expect("roles.yml");
}

/// The `ssha256` form of a password: eight bytes of salt, then the digest of password and salt, each in base64.
fn hashed(password: &str) -> String {
    let salt = [7_u8; 8];
    let digest = Sha256::new().chain_update(password).chain_update(salt).finalize();
    format!("{{SSHA256}}{}{}", STANDARD.encode(salt), STANDARD.encode(digest))
}
