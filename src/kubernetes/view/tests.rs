use std::time::Duration;

use serde_json::{Value, json};

use super::*;

fn pod(name: &str, version: u64) -> Value {
    json!({ "metadata": { "name": name, "namespace": "a", "resourceVersion": version.to_string() }, "status": { "phase": "Running" } })
}

fn line(kind: &str, object: Value) -> Vec<u8> {
    json!({ "type": kind, "object": object }).to_string().into_bytes()
}

fn view() -> View<Pod> {
    let listed = ["one", "two"].map(|name| serde_json::from_value(pod(name, 7)).unwrap());
    View::new(&listed, 10, Instant::now())
}

async fn names(view: &View<Pod>, moment: u64) -> Result<Vec<String>, String> {
    let pods = view.shown(Some(moment)).await?;
    Ok(pods.into_iter().map(|pod| format!("{} {}", pod.name, pod.phase)).collect())
}

#[tokio::test]
async fn what_was_listed_is_shown_with_every_change_since() {
    let view = view();
    assert_eq!(names(&view, 10).await.unwrap(), ["one Running", "two Running"]);
    view.hear(&line("ADDED", pod("three", 11))).unwrap();
    let mut failed = pod("two", 12);
    failed["status"]["phase"] = "Failed".into();
    view.hear(&line("MODIFIED", failed)).unwrap();
    view.hear(&line("DELETED", pod("one", 13))).unwrap();
    assert_eq!(names(&view, 13).await.unwrap(), ["three Running", "two Failed"]);
    assert_eq!(view.version(), 13);
}

#[tokio::test]
async fn a_view_without_a_sign_of_life_is_not_the_present() {
    let view = view();
    lock(&view.kept).sign -= FRESH + Duration::from_secs(1);
    assert_eq!(names(&view, 10).await.unwrap_err(), "nothing was heard for 16 s");
    view.hear(&line("BOOKMARK", json!({ "metadata": { "resourceVersion": "20" } }))).unwrap();
    assert_eq!(names(&view, 20).await.unwrap(), ["one Running", "two Running"]);
    assert_eq!(view.version(), 20);
}

#[tokio::test]
async fn a_cluster_whose_versions_went_back_is_another_one() {
    let view = view();
    assert!(names(&view, 9).await.unwrap_err().starts_with("the API is behind what was watched"));
    assert!(view.shown(None).await.is_err());
}

#[tokio::test]
async fn a_view_that_ended_shows_nothing_and_keeps_nothing() {
    let view = view();
    let gone = json!({ "kind": "Status", "code": 410, "message": "too old resource version: 5 (9)" });
    let why = view.hear(&line("ERROR", gone)).unwrap_err();
    assert_eq!(why, "the watch ended (410): too old resource version: 5 (9)");
    view.end(End::because(why));
    assert!(names(&view, 10).await.unwrap_err().contains("410"));
    assert!(lock(&view.kept).objects.is_empty());
}

#[tokio::test]
async fn a_change_that_is_none_ends_the_view_and_never_moves_it() {
    let view = view();
    for line in [
        line("ADDED", json!({ "metadata": { "name": "x", "namespace": "a" } })),
        line("ADDED", json!({ "metadata": { "name": 7, "resourceVersion": "11" } })),
        line("RENAMED", pod("x", 11)),
        line("BOOKMARK", json!({ "metadata": { "resourceVersion": "abc" } })),
        b"<html>".to_vec(),
        b"{\"type\":\"ADDED\"}".to_vec(),
    ] {
        assert!(view.hear(&line).is_err(), "{}", String::from_utf8_lossy(&line));
    }
    assert_eq!(view.version(), 10);
    assert!(!lock(&view.kept).moved);
    assert_eq!(names(&view, 10).await.unwrap(), ["one Running", "two Running"]);
}

#[tokio::test]
async fn a_change_that_is_on_its_way_is_waited_for() {
    let view = std::sync::Arc::new(view());
    let other = view.clone();
    let sent = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.hear(&line("DELETED", pod("one", 11))).unwrap();
    });
    assert_eq!(names(&view, 11).await.unwrap(), ["two Running"]);
    sent.await.unwrap();
}

#[tokio::test]
async fn a_view_that_nobody_asks_for_is_forgotten() {
    let view = view();
    let long_ago = Instant::now() - OFTEN - Duration::from_secs(1);
    lock(&view.kept).asked = long_ago;
    assert!(view.is_forgotten());
    names(&view, 10).await.unwrap();
    assert!(!view.is_forgotten(), "a look keeps it");
}

#[tokio::test]
async fn only_a_watch_that_is_refused_or_mute_is_not_tried_again() {
    let cut = view();
    cut.end(End::because("the stream was cut off"));
    let refused = view();
    refused.end(End { why: "the API refuses us (403)".to_owned(), refused: true });
    assert_eq!((cut.is_hopeless(), refused.is_hopeless()), (false, true));
    let (mute, spoke) = (view(), view());
    spoke.hear(&line("BOOKMARK", json!({ "metadata": { "resourceVersion": "11" } }))).unwrap();
    for view in [&mute, &spoke] {
        lock(&view.kept).sign -= FRESH + Duration::from_secs(1);
    }
    assert_eq!((mute.is_hopeless(), spoke.is_hopeless()), (true, false));
}
