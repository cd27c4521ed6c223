//! The history in a real cluster: made by `setup` and by nothing else, strict, and without doubles.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    daemon::{Home, settings},
    engine::{Engine, Spec},
    receiver::Receiver,
};

const RULES: &str = "
rules:
  - id: health
    check: { cluster_health: {} }
    schedule: every 1s
    levels: { warning: yellow }
    notify: [history]
";

fn home(engine: &Engine, name: &str) -> Home {
    let mut settings = settings(&engine.urls(), &Receiver::start());
    settings["sinks"]["history"] = json!({ "elasticsearch": { "cluster": "main", "data_stream": name } });
    Home::new(&settings, RULES)
}

fn run(home: &Home, args: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = home.command(args).output().unwrap();
    let said = [stdout, stderr].concat();
    (status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// Its documents, the oldest first.
async fn documents(engine: &Engine, name: &str) -> Vec<Value> {
    assert_eq!(engine.request("POST", &format!("/{name}/_refresh"), None).await.0, 200);
    let found =
        engine.post(&format!("/{name}/_search"), json!({ "sort": ["@timestamp"], "size": 100 })).await;
    found["hits"]["hits"].as_array().unwrap().clone()
}

async fn is_there(engine: &Engine, name: &str) -> bool {
    engine.request("GET", &format!("/{name}/_mapping"), None).await.0 == 200
}

#[tokio::test]
async fn nothing_is_written_or_made_before_setup_and_setup_done_twice_changes_nothing() {
    let Some(engine) = Engine::shared().await else { return };
    let home = home(engine, "told");
    let (code, said) = run(&home, &["sinks", "test", "history"]);
    assert!(code == 1 && said.contains("there is no `told`; run `highwater setup`"), "{said}");
    let (code, said) = run(&home, &["setup", "--dry-run"]);
    assert!(code == 0 && said.contains("would be made"), "{said}");
    assert!(!is_there(engine, "told").await, "neither a delivery nor a dry run makes anything");
    let (code, said) = run(&home, &["setup"]);
    assert!(code == 0 && said.contains("made: ") && !said.contains("would"), "{said}");
    let what = if engine.product().is_opensearch() { "data stream `told`" } else { "no data streams" };
    assert!(said.contains(what), "{said}");
    let (code, said) = run(&home, &["setup"]);
    assert!(code == 0 && said.contains("is there: ") && !said.contains("made"), "{said}");
    let (code, said) = run(&home, &["sinks", "test", "history"]);
    assert_eq!(code, 0, "{said}");
    let documents = documents(engine, "told").await;
    let changes: Vec<&str> = documents.iter().map(|one| one["_source"]["change"].as_str().unwrap()).collect();
    assert_eq!(changes.len(), 2, "{documents:?}");
    assert!(changes.contains(&"fired") && changes.contains(&"resolved"), "{changes:?}");
    assert!(
        documents
            .iter()
            .all(|one| one["_source"]["test"] == true && one["_id"] == one["_source"]["event_id"])
    );
}

#[tokio::test]
async fn a_document_that_is_there_is_not_written_twice() {
    let Some(engine) = Engine::shared().await else { return };
    let home = home(engine, "once");
    assert_eq!(run(&home, &["setup"]).0, 0);
    assert_eq!(run(&home, &["sinks", "test", "history"]).0, 0);
    let first = documents(engine, "once").await.remove(0);
    let lines = format!("{}\n{}\n", json!({ "create": { "_id": first["_id"] } }), first["_source"]);
    let again = engine.post("/once/_bulk", Value::String(lines)).await;
    assert_eq!(again["items"][0]["create"]["status"], 409, "{again}");
    assert_eq!(documents(engine, "once").await.len(), 2);
}

#[tokio::test]
async fn an_index_that_takes_any_field_or_too_few_is_told_in_words_and_renewed_by_setup() {
    let Some(engine) = Engine::shared().await else { return };
    let (loose, older) = (home(engine, "loose"), home(engine, "older"));
    engine.put("/loose", json!({})).await;
    let (code, said) = run(&loose, &["sinks", "test", "history"]);
    assert!(code == 1 && said.contains("takes any field"), "{said}");
    assert_eq!(engine.get("/loose/_count").await["count"], 0);
    if engine.product().is_opensearch() {
        let (code, said) = run(&loose, &["setup"]);
        assert!(
            code == 74 && said.contains("`loose`"),
            "an index stands where the data stream should: {said}"
        );
        return;
    }
    let few = json!({ "dynamic": "strict", "properties": { "@timestamp": { "type": "date" } } });
    engine.put("/older", json!({ "mappings": few })).await;
    let (code, said) = run(&older, &["sinks", "test", "history"]);
    assert!(code == 1 && said.contains("`highwater setup` brings them up to date"), "{said}");
    let (code, said) = run(&older, &["setup"]);
    assert!(code == 0 && said.contains("renewed: "), "{said}");
    assert_eq!(run(&older, &["sinks", "test", "history"]).0, 0);
    assert_eq!(documents(engine, "older").await.len(), 2);
}

#[tokio::test]
async fn what_a_rule_tells_becomes_documents() {
    let Some(engine) = Engine::start(Spec::one_node()).await else { return };
    let home = home(&engine, "highwater-history");
    assert_eq!(run(&home, &["setup"]).0, 0);
    let daemon = home.start().await;
    engine.make_yellow("lonely").await;
    engine
        .poll("the alert in the history", || async {
            documents(&engine, "highwater-history").await.len() == 1
        })
        .await;
    engine.heal_yellow("lonely").await;
    engine
        .poll("its end in the history", || async { documents(&engine, "highwater-history").await.len() == 2 })
        .await;
    assert_eq!(daemon.stop().await, 0);
    let documents = documents(&engine, "highwater-history").await;
    let story: Vec<String> = documents
        .iter()
        .map(|one| format!("{} {}", one["_source"]["change"], one["_source"]["level"]))
        .collect();
    assert_eq!(story, ["\"fired\" \"warning\"", "\"resolved\" \"warning\""]);
    assert!(documents[1]["_source"]["lasted_seconds"].is_number());
}
