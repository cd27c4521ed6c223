//! What a real API does rarely: lists that expire on the way, and answers that are none.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::{pods_rule, settings};
use crate::support::{
    daemon::Home,
    receiver::Receiver,
    wire::{Act, Wire, answer, json as reply},
};

fn home(api: &Wire) -> Home {
    home_of(api, &Receiver::start())
}

/// A rule about the pods of this API.
pub fn home_of(api: &Wire, receiver: &Receiver) -> Home {
    let home = Home::new(&settings(receiver), "rules: []");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "wire",
        "clusters": [{ "name": "wire", "cluster": { "server": api.url() } }],
        "users": [{ "name": "me", "user": { "token": "t" } }],
        "contexts": [{ "name": "wire", "context": { "cluster": "wire", "user": "me" } }],
    });
    let path = home.path("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    home.write_rules(&pods_rule(&path.display().to_string(), "workloads: false"));
    home
}

pub fn refusal(code: u16, reason: &str) -> Act {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": reason, "code": code });
    Act::Write(reply(code, &status))
}

fn page(pod: &str, next: &str) -> Act {
    let waiting = json!({ "waiting": { "reason": "ErrImagePull" } });
    let status = json!({ "phase": "Pending", "containerStatuses": [{ "name": "c", "restartCount": 0, "state": waiting }] });
    let items = json!([{ "metadata": { "name": pod, "namespace": "a" }, "status": status }]);
    Act::Write(reply(200, &json!({ "metadata": { "continue": next }, "items": items })))
}

/// An API whose second page is gone so many times.
fn expiring(times: usize) -> Wire {
    let gone = Arc::new(AtomicUsize::new(0));
    Wire::start(move |seen, _| match seen.target.contains("continue=") {
        false => page("one", "further"),
        true if gone.fetch_add(1, Ordering::Relaxed) < times => refusal(410, "Expired"),
        true => page("two", ""),
    })
}

#[test]
fn a_list_that_expires_on_the_way_is_begun_anew_and_no_pod_counts_twice() {
    let api = expiring(2);
    let checked = home(&api).check(&["pods"]);
    let alerts = checked.rule("pods")["alerts"].as_array().unwrap().clone();
    let mut names: Vec<&str> =
        alerts.iter().map(|alert| alert["entity"]["workload"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Pod/one", "Pod/two"], "{}", checked.report);
    let api = expiring(9);
    let checked = home(&api).check(&["pods"]);
    assert_eq!(checked.reason("pods"), "the list of `pods` expired 3 times while it was read");
}

#[test]
fn an_answer_that_is_none_proves_nothing_and_says_why() {
    type Answer = fn() -> Act;
    let cases: [(Answer, &str); 6] = [
        (|| refusal(429, "TooManyRequests"), "the API is overloaded (429)"),
        (|| refusal(500, "InternalError"), "the API fails (500): no"),
        (|| Act::Write(answer(200, &[], b"<html>Welcome</html>")), "the list of `pods` cannot be understood"),
        (
            || Act::Write(reply(200, &json!({ "metadata": {} }))),
            "the list of `pods` cannot be understood: missing field `items`",
        ),
        (
            || Act::Write(reply(200, &json!({ "items": [{ "metadata": { "name": 7 } }] }))),
            "the list of `pods` cannot be understood: invalid type",
        ),
        (|| Act::Cut(Vec::new()), "the API cannot be reached"),
    ];
    for (act, words) in cases {
        let api = Wire::start(move |_, _| act());
        let checked: Value = home(&api).check(&["pods"]).rule("pods").clone();
        assert_eq!(checked["outcome"], "indeterminate", "{checked}");
        assert!(checked["reason"].as_str().unwrap().starts_with(words), "{words}: {checked}");
    }
}
