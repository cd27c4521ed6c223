//! A real Kubernetes API: kube-apiserver and etcd, and nothing else. There is no kubelet and no controller, so what a test
//! writes stays as it is.
//!
//! ```ignore
//! let Some(api) = or_not_run(Api::start().await) else { return };
//! api.create("/api/v1/namespaces", json!({ "metadata": { "name": "shop" } })).await;
//! let kubeconfig = api.kubeconfig("admin");
//! api.stop();
//! api.start_again().await;
//! ```

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use kube::{
    Client, Config,
    api::{DeleteParams, Patch, PatchParams, PostParams, Request},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

use super::{
    engine::{
        fetch, ports,
        process::{Group, Watcher},
    },
    not_run::NotRun,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Who may come in, by token: an administrator, the service account of `deploy/kubernetes`, and somebody with no role at all.
const TOKENS: &str = "admin,admin,1,\"system:masters\"\n\
                      account,system:serviceaccount:highwater:highwater,2,\"system:serviceaccounts\"\n\
                      nobody,nobody,3\n";

/// A running API. Dropping it ends it and removes its folder.
pub struct Api {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    etcd: u16,
    groups: Mutex<Vec<Group>>,
    /// One per runtime: a client works inside of the one it was made in, and every test has its own.
    clients: Mutex<HashMap<tokio::runtime::Id, Client>>,
    _watcher: Watcher,
}

impl Api {
    pub async fn start() -> Result<Api, NotRun> {
        let programs = fetch::script("kubernetes-1.36.3")?;
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::Builder::new().prefix("highwater-kube-").tempdir().expect("a folder").keep();
        let watcher = Watcher::of_engine(&folder);
        for part in ["etcd", "api"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let key = rcgen::KeyPair::generate().expect("a key");
        fs::write(folder.join("api/sa.key"), key.serialize_pem()).expect("a key");
        fs::write(folder.join("api/sa.pub"), key.public_key_pem()).expect("a key");
        fs::write(folder.join("api/tokens.csv"), TOKENS).expect("tokens");
        let (port, etcd) = (ports::http(), ports::http());
        let groups = Mutex::new(vec![
            start_etcd(&programs, &folder, etcd),
            start_api(&programs, &folder, (port, etcd)),
        ]);
        let certificate = folder.join("api/certs/apiserver.crt");
        wait_for("the API's certificate", || async { certificate.exists() }).await;
        let clients = Mutex::default();
        let api = Api { folder, programs, port, etcd, groups, clients, _watcher: watcher };
        api.wait_until_ready().await;
        Ok(api)
    }

    /// As whoever has this token.
    pub fn kubeconfig(&self, token: &str) -> String {
        write_kubeconfig(&self.folder, self.port, token)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Kills the API; what it stored stays.
    pub fn stop(&self) {
        let group = self.groups.lock().unwrap_or_else(PoisonError::into_inner).pop();
        group.expect("an API that runs").kill();
    }

    pub async fn start_again(&self) {
        let group = start_api(&self.programs, &self.folder, (self.port, self.etcd));
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).push(group);
        self.wait_until_ready().await;
    }

    async fn client(&self) -> Client {
        let here = tokio::runtime::Handle::current().id();
        let known = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&here).cloned();
        if let Some(known) = known {
            return known;
        }
        let client = client(&self.folder, self.port).await;
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(here, client.clone());
        client
    }

    async fn wait_until_ready(&self) {
        // its own roles are there a little later than it is
        let admin = Request::new("/apis/rbac.authorization.k8s.io/v1/clusterroles");
        wait_for("a ready API", || async {
            let asked = admin.get("cluster-admin", &kube::api::GetParams::default()).expect("a request");
            let namespace =
                Request::new("/api/v1/namespaces").get("default", &kube::api::GetParams::default());
            let client = self.client().await;
            client.request::<Value>(asked).await.is_ok()
                && client.request::<Value>(namespace.expect("a request")).await.is_ok()
        })
        .await;
    }

    /// Creates an object in the list at `path`; one that is there already stays as it is.
    pub async fn create(&self, path: &str, object: Value) {
        let body = serde_json::to_vec(&object).expect("JSON");
        let request = Request::new(path).create(&PostParams::default(), body).expect("a request");
        match self.client().await.request::<Value>(request).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// A token of a service account, as the kubelet gets one for a pod.
    pub async fn token(&self, namespace: &str, account: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let wanted = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 600 } });
        let request = Request::new(path).create(&PostParams::default(), wanted.to_string().into_bytes());
        let given = self.client().await.request::<Value>(request.expect("a request")).await.expect("a token");
        given["status"]["token"].as_str().expect("a token").to_owned()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Merges this into the `status` of an object.
    pub async fn status(&self, path: &str, name: &str, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        let request = Request::new(path).patch_subresource("status", name, &PatchParams::default(), &patch);
        let done = self.client().await.request::<Value>(request.expect("a request")).await;
        done.unwrap_or_else(|error| panic!("{path}/{name}: {error}"));
    }

    /// Merges this into an object.
    pub async fn patch(&self, path: &str, name: &str, patch: Value) {
        let request = Request::new(path).patch(name, &PatchParams::default(), &Patch::Merge(patch));
        let done = self.client().await.request::<Value>(request.expect("a request")).await;
        done.unwrap_or_else(|error| panic!("{path}/{name}: {error}"));
    }

    pub async fn delete(&self, path: &str, name: &str) {
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        let request = Request::new(path).delete(name, &now).expect("a request");
        self.client()
            .await
            .request::<Value>(request)
            .await
            .unwrap_or_else(|error| panic!("{path}/{name}: {error}"));
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        for group in self.groups.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            group.kill();
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn start_etcd(programs: &Path, folder: &Path, port: u16) -> Group {
    let peer = ports::transport();
    let command = format!(
        "{} --unsafe-no-fsync --data-dir data --listen-client-urls http://127.0.0.1:{port} --advertise-client-urls http://127.0.0.1:{port} \
         --listen-peer-urls http://127.0.0.1:{peer} --initial-advertise-peer-urls http://127.0.0.1:{peer} --initial-cluster default=http://127.0.0.1:{peer} --log-level error",
        programs.join("etcd").display()
    );
    Group::spawn(&folder.join("etcd"), &words(&command), &[])
}

fn start_api(programs: &Path, folder: &Path, (port, etcd): (u16, u16)) -> Group {
    let command = format!(
        "{} --etcd-servers=http://127.0.0.1:{etcd} --cert-dir=certs --secure-port={port} --bind-address=127.0.0.1 \
         --service-cluster-ip-range=10.0.0.0/24 --allow-privileged=true --authorization-mode=RBAC --profiling=false \
         --disable-admission-plugins=ServiceAccount --service-account-issuer=https://127.0.0.1:{port}/ \
         --service-account-key-file=sa.pub --service-account-signing-key-file=sa.key --token-auth-file=tokens.csv \
         --max-mutating-requests-inflight=0 --max-requests-inflight=0 --enable-priority-and-fairness=false",
        programs.join("kube-apiserver").display()
    );
    Group::spawn(&folder.join("api"), &words(&command), &[])
}

fn write_kubeconfig(folder: &Path, port: u16, token: &str) -> String {
    let path = folder.join(format!("kubeconfig-{token}"));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": format!("https://127.0.0.1:{port}"), "certificate-authority": folder.join("api/certs/apiserver.crt") } }],
        "users": [{ "name": "me", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "me" } }],
    });
    fs::write(&path, config.to_string()).expect("a kubeconfig");
    path.display().to_string()
}

async fn client(folder: &Path, port: u16) -> Client {
    let file = Kubeconfig::read_from(write_kubeconfig(folder, port, "admin")).expect("a kubeconfig");
    let config =
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a configuration");
    Client::try_from(config).expect("a client")
}

async fn wait_for<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
