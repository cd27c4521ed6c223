//! The rules as they ship, unedited, against a cluster that has `http_logs_*`.

use std::{fs, path::Path, time::Instant};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{SOON, figure, looked, quiet, write_traffic};
use crate::support::{
    daemon::{Home, settings},
    engine::Engine,
    receiver::Receiver,
};

/// All but the disks, whose state is this machine's own.
const RULES: [&str; 4] = ["cluster-health", "http-5xx", "shard-capacity", "shard-documents"];

fn home(engine: &Engine, receiver: &Receiver) -> Home {
    let mut settings = settings(&engine.urls(), receiver);
    settings["defaults"]["query_delay"] = "30s".into();
    let home = Home::new(&settings, "");
    home.copy_rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"));
    home
}

#[tokio::test]
async fn the_shipped_rules_are_clear_on_a_healthy_cluster() {
    let Some(engine) = quiet().await else { return };
    write_traffic(&engine, "http_logs_shop", 0).await;
    let home = home(&engine, &Receiver::start());
    let checked = home.check(&RULES);
    assert_eq!((checked.code, &checked.report["worst"]), (0, &"clear".into()), "{}", checked.report);
    let all = home.check(&[]);
    for rule in RULES.iter().chain(&["elasticsearch-storage", "elasticsearch-unreachable"]) {
        assert_eq!(all.outcome(rule), "complete", "{}", all.rule(rule));
    }
    let validated = home.command(&["validate"]).output().unwrap();
    assert!(validated.status.success(), "{}", String::from_utf8_lossy(&validated.stderr));
}

#[tokio::test]
async fn the_shipped_rules_tell_of_server_errors_as_soon_as_the_daemon_runs() {
    let Some(engine) = quiet().await else { return };
    write_traffic(&engine, "http_logs_shop", 3).await;
    let receiver = Receiver::start();
    let home = home(&engine, &receiver);
    let checked = home.check(&RULES);
    let alert = &checked.rule("http-5xx")["alerts"][0];
    assert_eq!(
        (checked.code, &alert["value"], &alert["threshold"]),
        (2, &30.0.into(), &10.into()),
        "{alert}"
    );

    let started = Instant::now();
    let daemon = home.start().await;
    figure("start of the daemon until ready", started.elapsed());
    let told = receiver.wait_for_story("http-5xx", &["fired critical"], SOON).await;
    figure("start of the daemon until its first message", told[0].at - started);
    let facts = &told[0].alert["facts"];
    assert_eq!(facts["matching"].as_i64().unwrap() * 10, facts["total"].as_i64().unwrap() * 3, "{facts}");
    for rule in RULES {
        looked(&daemon, 1, &[&format!("rule=\"{rule}\""), "outcome=\"complete\""]).await;
    }
    let others: Vec<String> =
        receiver.whole_story().into_iter().filter(|told| !told.contains("storage")).collect();
    assert_eq!(others, ["http-5xx: fired critical"]);
    assert_eq!(daemon.stop().await, 0);
}

/// Users who logged in two minutes ago, each to so many hosts.
async fn write_logins(engine: &Engine, logins: &[(&str, usize)]) {
    let keyword = || json!({ "type": "keyword" });
    let fields = json!({ "@timestamp": { "type": "date" }, "event.action": keyword(), "user.name": keyword(), "host.name": keyword() });
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine.put("/audit-1", json!({ "settings": settings, "mappings": { "properties": fields } })).await;
    let at = (Utc::now() - TimeDelta::minutes(2)).to_rfc3339();
    let login = |user: &str, host: usize, action: &str| json!({ "@timestamp": at, "user.name": user, "host.name": format!("h{host}"), "event.action": action });
    // who only leaves does not log in
    let mut all: Vec<Value> = (0..30).map(|host| login("max", host, "logout")).collect();
    for (user, hosts) in logins {
        all.extend((0..*hosts).map(|host| login(user, host, "login")));
    }
    engine.bulk("audit-1", &all).await;
}

#[tokio::test]
async fn the_shipped_queries_tell_of_what_they_say_or_that_the_cluster_cannot_be_asked() {
    let Some(engine) = quiet().await else { return };
    let home = home(&engine, &Receiver::start());
    let path = home.path("rules/queries.yaml");
    let queries = fs::read_to_string(&path).unwrap();
    fs::write(&path, queries.replace("enabled: false", "enabled: true")).unwrap();
    write_traffic(&engine, "http_logs_shop", 0).await;
    write_logins(&engine, &[("kim", 21), ("lee", 5), ("max", 1)]).await;
    let queries = ["query-user-on-many-hosts", "query-slow-and-broken"];
    let looked = home.check(&queries);
    let of = |user: &str| looked.alert(queries[0], "user", user);
    assert_eq!((looked.code, looked.rule(queries[0])["alerts"].as_array().unwrap().len()), (2, 3));
    assert_eq!((&of("kim")["value"], &of("kim")["level"]), (&json!(21), &json!("critical")), "{}", of("kim"));
    assert_eq!((&of("lee")["value"], &of("lee")["level"]), (&json!(5), &Value::Null), "{}", of("lee"));
    assert_eq!(of("max")["value"], 1);
    assert_eq!(looked.outcome(queries[1]), "not_applicable", "{}", looked.rule(queries[1]));
    let said = looked.reason(queries[1]);
    assert!(said.starts_with("this cluster has no ES|QL; it comes with Elasticsearch 8.11"), "{said}");

    engine.delete("/audit-1").await;
    write_logins(&engine, &[("kim", 2)]).await;
    let looked = home.check(&queries);
    assert_eq!((looked.code, &looked.report["worst"]), (0, &"clear".into()), "{}", looked.report);
}
