//! Who is trusted, who we are, and the words for each way in which that is wrong.

use serde_json::{Value, json};

use super::{SOON, recorder::Recorder, roles::PASSWORD, secured, write_traffic};
use crate::support::{
    daemon::{Checked, Home, settings},
    engine::Engine,
    receiver::Receiver,
};

const RULES: &str = "
rules:
  - id: health
    check: { cluster_health: {} }
    schedule: every 1s
    levels: { warning: yellow, critical: red }
    blind: { after: 2s, level: warning }
  - id: elasticsearch-unreachable
    check: { elasticsearch_unreachable: {} }
    clusters: all
    schedule: every 1s
    levels: { critical: unreachable for 1s }
";

/// Settings that are right in all: the user `least`, the engine's authority, and its client certificate.
fn right(engine: &Engine, receiver: &Receiver) -> Value {
    let (tls, mut settings) = (engine.tls(), settings(&engine.urls(), receiver));
    settings["clusters"]["main"]["auth"] =
        json!({ "basic": { "username": "least", "password": "${env:ES_PASSWORD}" } });
    settings["clusters"]["main"]["tls"] =
        json!({ "ca": tls.ca, "client_certificate": tls.client, "client_key": tls.client_key });
    settings
}

fn home(settings: &Value, password: &str) -> Home {
    Home::new(settings, RULES).env("ES_PASSWORD", password)
}

/// What the built-in rule says, and that nothing is taken for clear.
fn trouble(checked: &Checked) -> String {
    assert_eq!(checked.code, 2, "{}", checked.report);
    assert_eq!(checked.outcome("health"), "indeterminate");
    let alert = checked.alert("elasticsearch-unreachable", "cluster", "main");
    assert_eq!((&alert["state"], &alert["level"]), (&"firing".into(), &"critical".into()), "{alert}");
    let reason = alert["facts"]["reason"].as_str().unwrap().to_owned();
    // the refusal of a password names the path that was asked for
    let words = |reason: &str| reason.split(" for REST request").next().map(str::to_owned);
    assert_eq!(words(checked.reason("health")), words(&reason));
    reason
}

#[tokio::test]
async fn an_authority_of_our_own_a_client_certificate_and_a_password_are_enough() {
    let Some(engine) = secured().await else { return };
    write_traffic(&engine, "http_logs_shop", 0).await;
    let checked = home(&right(&engine, &Receiver::start()), PASSWORD).check(&[]);
    assert_eq!((checked.code, &checked.report["worst"]), (0, &"clear".into()), "{}", checked.report);
}

#[tokio::test]
async fn a_wrong_authority_and_a_missing_client_certificate_are_named() {
    let Some(engine) = secured().await else { return };
    let receiver = Receiver::start();
    let mut settings = right(&engine, &receiver);
    settings["clusters"]["main"]["tls"]["ca"] = json!(engine.tls().other_ca);
    let reason = trouble(&home(&settings, PASSWORD).check(&[]));
    assert!(reason.contains("authority that is not trusted (unknown issuer)"), "{reason}");

    let mut settings = right(&engine, &receiver);
    settings["clusters"]["main"]["tls"] = json!({ "ca": engine.tls().ca });
    let reason = trouble(&home(&settings, PASSWORD).check(&[]));
    assert!(reason.contains("client certificate"), "{reason}");
}

#[tokio::test]
async fn a_wrong_password_is_told_as_a_refusal_and_never_as_down() {
    let Some(engine) = secured().await else { return };
    let receiver = Receiver::start();
    let home = home(&right(&engine, &receiver), "kanarienvogel");
    let reason = trouble(&home.check(&[]));
    assert!(reason.starts_with("answers, but refuses us (401)"), "{reason}");

    let daemon = home.start().await;
    receiver.wait_for_story("elasticsearch-unreachable", &["fired critical"], SOON).await;
    let arrivals = receiver.arrivals();
    let text = arrivals[0].body["text"].as_str().unwrap();
    assert!(text.contains("answers, but refuses us"), "{text}");
    assert!(!text.contains("down") && !text.contains("cannot be reached"), "{text}");
    assert!(!arrivals[0].seen.body.contains("kanarienvogel") && !daemon.log().contains("kanarienvogel"));
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn an_api_key_travels_in_its_header() {
    let Some(engine) = secured().await else { return };
    let (recorder, receiver) = (Recorder::before(&engine), Receiver::start());
    let mut settings = settings(&recorder.urls(), &receiver);
    settings["clusters"]["main"]["auth"] = json!({ "api_key": "${env:ES_API_KEY}" });
    let checked = Home::new(&settings, RULES).env("ES_API_KEY", "id:key").check(&[]);
    let reason = trouble(&checked);
    assert!(reason.starts_with("answers, but refuses us (401)"), "{reason}");
    let exchanges = recorder.exchanges();
    assert!(!exchanges.is_empty());
    assert!(exchanges.iter().all(|asked| asked.authorization == "ApiKey aWQ6a2V5"), "{exchanges:#?}");
}
