//! How full shards are, deleted documents included.

use serde_json::{Value, json};

use super::{SOON, quiet};
use crate::support::{daemon::Home, receiver::Receiver};

const RULES: &str = "
rules:
  - id: documents
    check: { shard_documents: { index: \"full-*\" } }
    schedule: every 1s
    levels: { warning: above 99 }
";

#[tokio::test]
async fn deleted_documents_still_fill_their_shard() {
    let Some(engine) = quiet().await else { return };
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    engine.put("/full-1", json!({ "settings": settings })).await;
    let lines: String =
        (0..90).map(|n| format!("{{\"index\":{{\"_id\":\"{n}\"}}}}\n{{\"n\":{n}}}\n")).collect();
    engine.post("/full-1/_bulk?refresh=true", Value::String(lines)).await;
    let receiver = Receiver::start();
    let home = Home::of(&engine, &receiver, RULES);
    let daemon = home.start().await;
    let checked = home.check(&[]);
    let alert = checked.alert("documents", "index", "full-1");
    assert_eq!((&alert["value"], &alert["state"]), (&90.into(), &"inactive".into()), "{alert}");

    // every document written anew leaves a deleted one behind
    let lines: String =
        (0..20).map(|n| format!("{{\"index\":{{\"_id\":\"{n}\"}}}}\n{{\"n\":{}}}\n", n + 1000)).collect();
    engine.post("/full-1/_bulk?refresh=true", Value::String(lines)).await;
    let told = receiver.wait_for_story("documents", &["fired warning"], SOON).await;
    let alert = &told[0].alert;
    assert_eq!(alert["value"], 110, "{alert}");
    assert_eq!((&alert["facts"]["documents"], &alert["facts"]["deleted"]), (&90.into(), &20.into()));
    assert_eq!((told[0].entity("index"), told[0].entity("shard")), ("full-1", "0"));

    assert_eq!(daemon.stop().await, 0);
}
