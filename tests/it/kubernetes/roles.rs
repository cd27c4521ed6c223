//! The roles of `deploy/kubernetes`: enough, and what is said where they are not; credentials that are refused.

use std::fs;

use serde_json::{Value, json};

use super::{fixtures, nodes_rule, pods_rule, settings, shared};
use crate::support::{daemon::Home, kubernetes::Api, not_run::or_not_run, receiver::Receiver};

/// The documents of a manifest.
pub fn manifest(name: &str) -> Vec<Value> {
    let path = format!("{}/deploy/kubernetes/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

/// As `kubectl apply` would, for objects that are not there yet.
pub async fn apply(api: &Api, objects: &[Value]) {
    for object in objects {
        let (kind, version) = (object["kind"].as_str().unwrap(), object["apiVersion"].as_str().unwrap());
        let group = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
        let plural = format!("{}s", kind.to_lowercase());
        let path = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{group}/namespaces/{namespace}/{plural}"),
            None => format!("{group}/{plural}"),
        };
        api.create(&path, object.clone()).await;
    }
}

fn home(rules: &str) -> Home {
    Home::new(&settings(&Receiver::start()), rules)
}

/// Outcome and reason of a look at pods.
fn look(home: &Home, rule: &str) -> (String, String) {
    let checked = home.check(&[rule]);
    (checked.outcome(rule).to_owned(), checked.reason(rule).to_owned())
}

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_role_is_enough_and_every_narrower_one_is_told_what_it_lacks() {
    let Some(api) = or_not_run(Api::start().await) else { return };
    fixtures::namespace(&api, "highwater").await;
    let pods = fixtures::namespace(&api, "shop").await;
    api.create(&pods, fixtures::owned("web-1-aaaaa", ("ReplicaSet", "web-1"), "n")).await;
    api.create("/api/v1/nodes", json!({ "metadata": { "name": "n" } })).await;
    let account = api.kubeconfig("account");
    let all = home(&pods_rule(&account, ""));
    let namespaced = home(&pods_rule(&account, "namespaces: [shop]"));
    let nodes = home(&nodes_rule(&account, ""));
    let (outcome, reason) = look(&all, "pods");
    assert_eq!(outcome, "indeterminate");
    assert_eq!(
        reason,
        "the API does not let us list `pods` in all namespaces (403): grant `list` on `pods` by a ClusterRole"
    );
    assert!(
        look(&namespaced, "pods").1.contains("in namespace `shop` (403): grant `list` on `pods` by a Role")
    );
    assert!(look(&nodes, "nodes").1.contains("list `nodes` in the cluster (403): grant `list` on `nodes`"));

    apply(&api, &manifest("namespace-role.yaml")).await;
    assert_eq!(look(&namespaced, "pods").0, "complete");
    assert_eq!(look(&all, "pods").0, "indeterminate");

    let shipped = manifest("cluster-role.yaml");
    apply(&api, &shipped).await;
    assert_eq!(look(&all, "pods").0, "complete");
    assert_eq!(look(&nodes, "nodes").0, "indeterminate", "the node has not said anything yet");
    api.status(
        "/api/v1/nodes",
        "n",
        json!({ "conditions": [fixtures::condition("Ready", "True", "Tested")] }),
    )
    .await;
    assert_eq!(look(&nodes, "nodes").0, "complete");

    let role = shipped.iter().find(|object| object["kind"] == "ClusterRole").unwrap();
    for (at, lacks) in [(0, "`pods`"), (1, "(apiGroup `apps`)"), (2, "`jobs` (apiGroup `batch`)")] {
        let mut rules = role["rules"].as_array().unwrap().clone();
        rules.remove(at);
        api.patch(ROLES, "highwater", json!({ "rules": rules })).await;
        let (outcome, reason) = look(&all, "pods");
        assert_eq!(outcome, "indeterminate");
        assert!(reason.contains(lacks) && reason.contains("grant `list`"), "{reason}");
        assert_eq!(reason.contains("or say `workloads: false`"), at > 0, "{reason}");
    }
    api.patch(
        ROLES,
        "highwater",
        json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }] }),
    )
    .await;
    assert_eq!(look(&home(&pods_rule(&account, "workloads: false")), "pods").0, "complete");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_foreign_certificates_and_bad_kubeconfigs_are_told_in_words() {
    let Some(api) = shared().await else { return };
    fixtures::namespace(api, "words").await;
    let said = |kubeconfig: &str| look(&home(&pods_rule(kubeconfig, "namespaces: [words]")), "pods").1;
    assert!(said(&api.kubeconfig("expired")).contains("refuses our credentials (401): the token"));
    let config: Value = serde_json::from_str(&fs::read_to_string(api.kubeconfig("admin")).unwrap()).unwrap();
    let with = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut config = config.clone();
        change(&mut config);
        let path = api.path(name);
        fs::write(&path, config.to_string()).unwrap();
        path.display().to_string()
    };
    let foreign = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(api.path("foreign.crt"), foreign.cert.pem()).unwrap();
    let ca = api.path("foreign.crt").display().to_string();
    let foreign = with("foreign", &|config| {
        config["clusters"][0]["cluster"]["certificate-authority"] = ca.clone().into()
    });
    assert!(said(&foreign).starts_with("TLS to the API: "), "{}", said(&foreign));
    let nobody =
        with("nobody", &|config| config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9".into());
    assert_eq!(said(&nobody), "the API refuses connections");
    let lost = with("lost", &|config| config["current-context"] = "elsewhere".into());
    assert!(said(&lost).ends_with("it has no context `elsewhere`"), "{}", said(&lost));
    let plugin = json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", "echo hunter2; exit 3"], "interactiveMode": "Never" } });
    let plugin = with("plugin", &|config| config["users"][0]["user"] = plugin.clone());
    assert!(
        said(&plugin).contains("the credential plug-in") && !said(&plugin).contains("hunter2"),
        "{}",
        said(&plugin)
    );
    fs::write(api.path("garbage"), "{ a: [").unwrap();
    assert!(said(&api.path("garbage").display().to_string()).ends_with("it is no YAML of a kubeconfig"));
    assert!(said("/nowhere/kubeconfig").contains("the kubeconfig (/nowhere/kubeconfig) cannot be used"));
    let rule = "rules: [{ id: pods, check: { kubernetes_pods: {} }, schedule: every 1m }]";
    assert!(
        look(&home(rule), "pods")
            .1
            .starts_with("this does not run inside a Kubernetes cluster; name a `kubeconfig`")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_renewed_in_its_file_is_taken_at_the_next_look() {
    let Some(api) = shared().await else { return };
    fixtures::namespace(api, "renewed").await;
    let mut config: Value =
        serde_json::from_str(&fs::read_to_string(api.kubeconfig("admin")).unwrap()).unwrap();
    let token = api.path("renewed-token");
    fs::write(&token, "expired").unwrap();
    config["users"][0]["user"] = json!({ "tokenFile": token });
    let path = api.path("renewed-config");
    fs::write(&path, config.to_string()).unwrap();
    let receiver = Receiver::start();
    let home =
        Home::new(&settings(&receiver), &pods_rule(&path.display().to_string(), "namespaces: [renewed]"));
    let daemon = home.start().await;
    receiver.wait_for_story("highwater-blind pods", &["fired warning"], super::SOON).await;
    fs::write(&token, "admin").unwrap();
    let healed = ["fired warning", "resolved warning cleared"];
    receiver.wait_for_story("highwater-blind pods", &healed, super::SOON).await;
    assert_eq!(daemon.stop().await, 0);
}

#[test]
fn the_manifests_are_whole_and_the_settings_in_them_are_valid() {
    let objects = manifest("highwater.yaml");
    let config = objects.iter().find(|object| object["kind"] == "ConfigMap").unwrap();
    let text = |name: &str| config["data"][name].as_str().unwrap().to_owned();
    let home = Home::new(&serde_saphyr::from_str(&text("highwater.yaml")).unwrap(), &text("kubernetes.yaml"));
    let output = home.command(&["validate"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let security = &pod["containers"][0]["securityContext"];
    assert_eq!(
        (&pod["securityContext"]["runAsNonRoot"], &security["readOnlyRootFilesystem"]),
        (&json!(true), &json!(true))
    );
    let account = &manifest("cluster-role.yaml")[0];
    assert_eq!(
        (&pod["serviceAccountName"], "ServiceAccount"),
        (&account["metadata"]["name"], account["kind"].as_str().unwrap())
    );
    let granted: Vec<Value> = [manifest("cluster-role.yaml"), manifest("namespace-role.yaml")].concat();
    let verbs = granted.iter().flat_map(|object| object["rules"].as_array().cloned().unwrap_or_default());
    assert!(verbs.into_iter().all(|rule| rule["verbs"] == json!(["list", "watch"])), "nothing but looking");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_takes_the_whole_manifest() {
    let Some(api) = shared().await else { return };
    fixtures::namespace(api, "highwater").await;
    apply(api, &manifest("highwater.yaml")).await;
}
