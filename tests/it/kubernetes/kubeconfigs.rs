//! What is wrong with a kubeconfig is told by `validate`, before any rule is blind for it.

use std::fs;

use serde_json::{Value, json};

use super::{pods_rule, settings};
use crate::support::{daemon::Home, receiver::Receiver};

fn fine(folder: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "one", "cluster": { "server": "https://127.0.0.1:9", "certificate-authority": format!("{folder}/ca.crt") } }],
        "users": [{ "name": "me", "user": { "client-certificate": format!("{folder}/ca.crt"), "client-key": format!("{folder}/key.pem") } }],
        "contexts": [{ "name": "test", "context": { "cluster": "one", "user": "me" } }],
    })
}

fn said(home: &Home, rule: &str) -> String {
    home.write_rules(rule);
    let output = home.command(&["validate"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_wrong_with_a_kubeconfig_is_told_before_anybody_asks_by_it() {
    let home = Home::new(&settings(&Receiver::start()), "rules: []");
    let folder = home.path("");
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    let identity = rcgen::generate_simple_self_signed(vec!["here".to_owned()]).unwrap();
    fs::write(home.path("ca.crt"), identity.cert.pem()).unwrap();
    fs::write(home.path("key.pem"), identity.signing_key.serialize_pem()).unwrap();
    fs::write(home.path("letter.txt"), "Dear Sir or Madam").unwrap();
    let path = home.path("kubeconfig").display().to_string();
    let letter = home.path("letter.txt").display().to_string();
    let nowhere = home.path("nowhere.pem").display().to_string();
    let rule = pods_rule(&path, "");
    fs::write(&path, fine(folder).to_string()).unwrap();
    assert!(!said(&home, &rule).contains("kubeconfig"), "{}", said(&home, &rule));
    let lost = pods_rule(&path, "context: elsewhere");
    assert!(
        said(&home, &lost).contains("it has no context `elsewhere`, but `test`"),
        "{}",
        said(&home, &lost)
    );
    let cases: [(&str, Value, &str); 7] = [
        (
            "/clusters/0/cluster/certificate-authority",
            nowhere.clone().into(),
            "its `certificate-authority`, ",
        ),
        (
            "/clusters/0/cluster/certificate-authority",
            letter.clone().into(),
            "letter.txt, holds no certificate in PEM",
        ),
        ("/clusters/0/cluster/server", "".into(), "its cluster has no `server`"),
        ("/clusters/0/name", "two".into(), "it has no cluster `one`, but `two`"),
        ("/users/0/name", "you".into(), "it has no user `me`, but `you`"),
        ("/users/0/user/client-key", letter.into(), "letter.txt, holds no key in PEM"),
        ("/users/0/user", json!({ "tokenFile": nowhere }), "its `tokenFile`, "),
    ];
    for (at, value, words) in cases {
        let mut config = fine(folder);
        *config.pointer_mut(at).unwrap() = value;
        fs::write(&path, config.to_string()).unwrap();
        let said = said(&home, &rule);
        assert!(said.contains("rule `pods`: the kubeconfig (") && said.contains(words), "{words}: {said}");
    }
    fs::write(&path, "{ a: [").unwrap();
    assert!(said(&home, &rule).contains("it is no YAML of a kubeconfig"));
    fs::remove_file(&path).unwrap();
    assert!(said(&home, &rule).contains("cannot be used: No such file"), "{}", said(&home, &rule));
    // what is meant for inside the cluster is not wrong outside of it
    let inside = "rules: [{ id: pods, check: { kubernetes_pods: {} }, schedule: every 1m }]";
    assert!(!said(&home, inside).contains("warning"), "{}", said(&home, inside));
}
