//! What a role must be allowed to do, and what it says where one privilege is missing.

use std::path::Path;

use serde_json::{Value, json};

use super::{SOON, more_looks, recorder::Recorder, secured, write_traffic};
use crate::support::{
    daemon::{Home, settings},
    engine::Security,
    receiver::Receiver,
};

/// The least that every shipped rule needs, then the same without one privilege each.
const ROLES: &str = r#"
least:
  cluster: [monitor]
  indices: [{ names: ["http_logs_*"], privileges: [read, view_index_metadata, monitor] }]
without-cluster-monitor:
  indices: [{ names: ["http_logs_*"], privileges: [read, view_index_metadata, monitor] }]
without-read:
  cluster: [monitor]
  indices: [{ names: ["http_logs_*"], privileges: [view_index_metadata, monitor] }]
without-index-monitor:
  cluster: [monitor]
  indices: [{ names: ["http_logs_*"], privileges: [read, view_index_metadata] }]
without-metadata:
  cluster: [monitor]
  indices: [{ names: ["http_logs_*"], privileges: [read, monitor] }]
"#;

/// Each has the role of its name.
pub const USERS: [&str; 5] =
    ["least", "without-cluster-monitor", "without-read", "without-index-monitor", "without-metadata"];
pub const PASSWORD: &str = "a password of the file realm";

pub fn security() -> Security {
    let security = Security { client_certificate_required: true, ..Security::roles(ROLES) };
    USERS.iter().fold(security, |security, user| security.user(user, PASSWORD, &[*user]))
}

const SHIPPED: [&str; 5] =
    ["cluster-health", "elasticsearch-storage", "http-5xx", "shard-capacity", "shard-documents"];

fn home(recorder: &Recorder, receiver: &Receiver, user: &str) -> Home {
    let mut settings = settings(&recorder.urls(), receiver);
    settings["clusters"]["main"]["auth"] =
        json!({ "basic": { "username": user, "password": "${env:ES_PASSWORD}" } });
    settings["defaults"]["query_delay"] = "30s".into();
    let home = Home::new(&settings, "").env("ES_PASSWORD", PASSWORD);
    home.copy_rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"));
    home
}

#[tokio::test]
async fn the_least_privileged_role_runs_every_shipped_rule_without_one_refusal() {
    let Some(engine) = secured().await else { return };
    write_traffic(&engine, "http_logs_shop", 0).await;
    let (recorder, receiver) = (Recorder::before(&engine), Receiver::start());
    let home = home(&recorder, &receiver, "least");
    let daemon = home.start().await;
    for rule in SHIPPED {
        let labels = [&format!("rule=\"{rule}\"")[..], "outcome=\"complete\""];
        super::looked(&daemon, 1, &labels).await;
    }
    more_looks(&daemon, 1, &["rule=\"cluster-health\"", "outcome=\"complete\""]).await;
    // what is asked only while something is missing needs its privileges too
    engine.make_yellow("http_logs_lonely").await;
    let checked = home.check(&SHIPPED);
    assert_eq!(checked.alert("cluster-health", "cluster", "main")["level"], "warning", "{}", checked.report);
    let refused = recorder.with_status(403);
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(recorder.exchanges().len() > 10, "{:#?}", recorder.exchanges());
    assert!(
        recorder.exchanges().iter().all(|asked| asked.method == "GET" || asked.target.contains("_msearch"))
    );
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn without_one_privilege_the_rules_that_need_it_say_so_and_are_never_clear() {
    let Some(engine) = secured().await else { return };
    write_traffic(&engine, "http_logs_shop", 0).await;
    let (recorder, receiver) = (Recorder::before(&engine), Receiver::start());
    let expected: [(&str, &[&str]); 5] = [
        ("least", &[]),
        (
            "without-cluster-monitor",
            &["cluster-health", "elasticsearch-storage", "shard-capacity", "shard-documents"],
        ),
        ("without-read", &["http-5xx"]),
        ("without-index-monitor", &["shard-documents"]),
        // it only helps to tell an empty window from a field that is missing
        ("without-metadata", &[]),
    ];
    for (user, blind) in expected {
        let checked = home(&recorder, &receiver, user).check(&SHIPPED);
        for rule in SHIPPED {
            let expected = if blind.contains(&rule) { "indeterminate" } else { "complete" };
            assert_eq!(checked.outcome(rule), expected, "{user}: {}", checked.rule(rule));
        }
        for rule in blind {
            let reason = checked.reason(rule);
            let named =
                reason.starts_with("answers, but refuses us (403)") || reason.contains("grant `monitor`");
            assert!(named, "{user}, {rule}: {reason}");
        }
        // 1 and 2 may come of this machine's own disk
        let fine = if blind.is_empty() { checked.code != 3 } else { checked.code >= 2 };
        assert!(fine, "{user}: exit code {}: {}", checked.code, checked.report);
    }
}

#[tokio::test]
async fn a_role_that_cannot_see_all_indices_does_not_call_their_shards_fine() {
    let Some(engine) = secured().await else { return };
    write_traffic(&engine, "http_logs_shop", 0).await;
    let one = json!({ "settings": { "number_of_shards": 1, "number_of_replicas": 0 } });
    engine.put("/orders", one.clone()).await;
    engine.put("/invoices", one).await;
    let (recorder, receiver) = (Recorder::before(&engine), Receiver::start());
    let home = home(&recorder, &receiver, "least");
    home.write_rules("
rules:
  - { id: documents, check: { shard_documents: { index: \"*\" } }, schedule: every 1s, blind: { after: 2s, level: warning } }
  - { id: documents-of-logs, check: { shard_documents: { index: \"http_logs_*\" } }, schedule: every 1s }
");
    let checked = home.check(&["documents", "documents-of-logs"]);
    assert_eq!(checked.outcome("documents"), "indeterminate");
    let reason = checked.reason("documents");
    assert!(reason.starts_with("sees 1 of 3 indices; grant `monitor` on"), "{reason}");
    assert!(reason.contains("orders") && reason.contains("invoices"), "{reason}");
    assert_eq!(checked.outcome("documents-of-logs"), "complete");
    assert_eq!(checked.code, 3);

    let daemon = home.start().await;
    let told = receiver.wait_for_story("highwater-blind documents", &["fired warning"], SOON).await;
    assert_eq!(told[0].alert["facts"]["reason"], Value::from(reason));
    assert_eq!(told[0].alert["facts"]["accept"], "*,-invoices,-orders");
    assert_eq!(daemon.stop().await, 0);
}
