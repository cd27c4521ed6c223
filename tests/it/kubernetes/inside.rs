//! From inside the cluster: the pod's own service account, as Kubernetes mounts it.

use std::{fs, process::Command};

use super::{
    SOON,
    fixtures::{self, crashing, owned},
    roles::{apply, manifest},
    settings, shared,
};
use crate::support::{
    daemon::Home,
    not_run::{NotRun, or_not_run},
    receiver::Receiver,
};

const RULE: &str = "rules:\n  - { id: pods, check: { kubernetes_pods: { namespaces: [inside] } }, schedule: every 1s, \
                    levels: { warning: at least 1 }, blind: { after: 2s, level: warning } }\n";

/// Whether a folder can be put in the place of the service account for a single process.
fn has_namespaces() -> Result<(), NotRun> {
    let entered = Command::new("/usr/bin/unshare")
        .args(["--mount", "/bin/mount", "-t", "tmpfs", "none", "/run"])
        .output();
    match entered {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(NotRun::Missing("no mount namespace of our own (needs root)".to_owned())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_looks_with_its_own_account_and_takes_a_token_that_is_renewed() {
    let Some(()) = or_not_run(has_namespaces()) else { return };
    let Some(api) = shared().await else { return };
    fixtures::namespace(api, "highwater").await;
    apply(api, &manifest("cluster-role.yaml")).await;
    let pods = fixtures::namespace(api, "inside").await;
    api.create(&pods, owned("web-1-aaaaa", ("ReplicaSet", "web-1"), "node-1")).await;
    api.status(&pods, "web-1-aaaaa", crashing()).await;
    let account = tempfile::tempdir().unwrap();
    let file = |name: &str| account.path().join(name);
    let receiver = Receiver::start();
    let home = Home::new(&settings(&receiver), RULE)
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", &api.port().to_string())
        .in_a_pod(account.path());
    let reason = |home: &Home| home.check(&["pods"]).reason("pods").to_owned();
    assert!(reason(&home).starts_with("the pod has no service account mounted"), "{}", reason(&home));
    fs::write(file("namespace"), "highwater").unwrap();
    fs::copy(api.path("api/certs/apiserver.crt"), file("ca.crt")).unwrap();
    fs::write(file("token"), "revoked").unwrap();
    assert!(reason(&home).starts_with("the API refuses our credentials (401)"), "{}", reason(&home));

    let daemon = home.start().await;
    receiver.wait_for_story("highwater-blind pods", &["fired warning"], SOON).await;
    fs::write(file("token"), api.token("highwater", "highwater").await).unwrap();
    let told = receiver.wait_for_story("pods", &["fired warning"], SOON).await;
    assert_eq!(told[0].entity("workload"), "Deployment/web");
    let healed = ["fired warning", "resolved warning cleared"];
    receiver.wait_for_story("highwater-blind pods", &healed, SOON).await;
    assert_eq!(daemon.stop().await, 0);
}
