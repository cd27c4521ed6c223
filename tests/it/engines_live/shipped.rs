//! The rules as they ship, unedited, against a cluster that has `http_logs_*`.

use std::{path::Path, time::Instant};

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
