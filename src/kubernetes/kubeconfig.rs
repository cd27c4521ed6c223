//! Kubeconfigs, read as `kubectl` reads them, and what is wrong with one before anybody asks by it.

use std::path::Path;

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};

use super::trouble;
use crate::model::{kubernetes::Access, wording::cut};

/// How many names are shown of what is there.
const NAMED: usize = 5;

pub fn read(access: &Access) -> Result<Kubeconfig, KubeconfigError> {
    match &access.kubeconfig {
        Some(path) => Kubeconfig::read_from(Path::new(path)),
        None => Kubeconfig::read(),
    }
}

/// As a message names it.
pub fn name(access: &Access) -> &str {
    access.kubeconfig.as_deref().unwrap_or("the default one")
}

/// What will keep us from asking, as far as files say it. Inside the cluster nothing is said: the rule may be meant for there.
pub fn mistake(access: &Access) -> Option<String> {
    if access.is_in_cluster() {
        return None;
    }
    let wrong = match read(access) {
        Ok(file) => wrong(&file, access.context.as_deref())?,
        Err(error) => trouble::kubeconfig(&error),
    };
    Some(format!("the kubeconfig ({}) cannot be used: {wrong}", name(access)))
}

fn wrong(file: &Kubeconfig, chosen: Option<&str>) -> Option<String> {
    let Some(context) = chosen.or(file.current_context.as_deref()) else {
        return Some(trouble::kubeconfig(&KubeconfigError::CurrentContextNotSet));
    };
    let Some(context) = file.contexts.iter().find(|named| named.name == context) else {
        return Some(unknown("context", context, file.contexts.iter().map(|named| named.name.as_str())));
    };
    let Some(context) = &context.context else {
        return Some(format!("its context `{}` is empty", context.name));
    };
    let cluster = file.clusters.iter().find(|named| named.name == context.cluster);
    let Some(cluster) = cluster else {
        let clusters = file.clusters.iter().map(|named| named.name.as_str());
        return Some(unknown("cluster", &context.cluster, clusters));
    };
    let user = context.user.as_deref().unwrap_or_default();
    let known = file.auth_infos.iter().find(|named| named.name == user);
    if known.is_none() && !user.is_empty() {
        return Some(unknown("user", user, file.auth_infos.iter().map(|named| named.name.as_str())));
    }
    let user = known.and_then(|named| named.auth_info.as_ref());
    cluster.cluster.as_ref().and_then(of_cluster).or_else(|| user.and_then(of_user))
}

/// `it has no context `prod`, but `production``
fn unknown<'n>(what: &str, name: &str, there: impl Iterator<Item = &'n str>) -> String {
    let there: Vec<String> = there.take(NAMED).map(|name| format!("`{}`", cut(name, 64))).collect();
    let missing = format!("it has no {what} `{}`", trouble::clean(name));
    if there.is_empty() { missing } else { format!("{missing}, but {}", there.join(", ")) }
}

fn of_cluster(cluster: &Cluster) -> Option<String> {
    if cluster.server.as_deref().is_none_or(str::is_empty) {
        return Some("its cluster has no `server`".to_owned());
    }
    certificate("certificate-authority", cluster.certificate_authority.as_deref())
}

fn of_user(user: &AuthInfo) -> Option<String> {
    certificate("client-certificate", user.client_certificate.as_deref())
        .or_else(|| key(user.client_key.as_deref()))
        .or_else(|| unreadable("tokenFile", user.token_file.as_deref()).err())
}

/// The text of the file that this key of it names.
fn unreadable(name: &str, path: Option<&str>) -> Result<Option<String>, String> {
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Ok(None) };
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) => Err(format!("its `{name}`, {}, cannot be read: {error}", trouble::clean(path))),
    }
}

fn certificate(name: &str, path: Option<&str>) -> Option<String> {
    match unreadable(name, path) {
        Ok(Some(text)) if !text.contains("-----BEGIN CERTIFICATE-----") => Some(format!(
            "its `{name}`, {}, holds no certificate in PEM",
            trouble::clean(path.unwrap_or_default())
        )),
        Ok(_) => None,
        Err(why) => Some(why),
    }
}

fn key(path: Option<&str>) -> Option<String> {
    match unreadable("client-key", path) {
        Ok(Some(text)) if !text.contains("PRIVATE KEY-----") => Some(format!(
            "its `client-key`, {}, holds no key in PEM",
            trouble::clean(path.unwrap_or_default())
        )),
        Ok(_) => None,
        Err(why) => Some(why),
    }
}
