//! Beside the store: alerts, mute and unmute, with what `check --state` and a daemon leave there.

use serde_json::Value;

use highwater::{clock::Clock, store::Store};

use super::{
    LOG, Place,
    double::{self, Mood},
    ratio,
};

/// A place whose store a daemon made.
async fn place() -> Place {
    let rules = ratio("http-5xx", "hot-60-of-100", "keep");
    let place = Place::new(&double::start(Mood::Well), &format!("rules:\n{rules}"), LOG);
    let (store, _) = Store::open(&place.path("var/highwater.db"), Clock::system()).unwrap();
    store.close().await.unwrap();
    place
}

#[tokio::test]
async fn without_a_store_there_is_nothing_to_show_or_to_mute() {
    let place = place().await;
    std::fs::remove_dir_all(place.path("var")).unwrap();
    for args in
        [&["alerts"][..], &["mute", "http-5xx", "--for", "1h", "--reason", "x"], &["unmute", "http-5xx"]]
    {
        let said = place.run(args);
        assert_eq!(said.code, 74, "{args:?}: {said:?}");
        assert!(said.err.contains("no store at"), "{said:?}");
    }
}

#[tokio::test]
async fn a_mute_is_written_shown_and_ended() {
    let place = place().await;
    let said = place.run(&["mute", "http-5xx", "service=api", "--for", "2h", "--reason", "a deployment"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("muted http-5xx for service=api until") && said.out.contains("(2h)"),
        "{said:?}"
    );
    let json: Value = serde_json::from_str(&place.run(&["alerts", "--format", "json"]).out).unwrap();
    assert_eq!(json["silences"][0]["match"][1], "service=\"api\"");
    assert_eq!(json["silences"][0]["reason"], "a deployment");
    assert!(place.run(&["alerts"]).out.contains("a deployment"));
    assert_eq!(
        place.run(&["unmute", "http-5xx", "service=api"]).out,
        "http-5xx for service=api is told again\n"
    );
    assert_eq!(place.run(&["unmute", "http-5xx"]).out, "http-5xx was not muted\n");
}

#[tokio::test]
async fn only_what_exists_can_be_muted() {
    let place = place().await;
    for args in [&["mute", "http-5x", "--for", "1h", "--reason", "x"][..], &["unmute", "http-5x"]] {
        let said = place.run(args);
        assert_eq!(said.code, 64, "{args:?}: {said:?}");
        assert!(said.err.contains("`http-5xx`"), "{said:?}");
    }
    assert_eq!(place.run(&["mute", "http-5xx", "api", "--for", "1h", "--reason", "x"]).code, 64);
}

#[tokio::test]
async fn alerts_shows_what_is_open_and_what_was() {
    let place = place().await;
    let nobody = "no daemon is running: this is how it stood when the last one stopped\n";
    assert_eq!(place.run(&["alerts"]).out, format!("nothing is pending or firing\n{nobody}"));
    assert_eq!(place.run(&["check", "http-5xx", "--state", "var"]).code, 2);
    let more = "store: { sqlite: { path: var/check.db } }";
    let settings = std::fs::read_to_string(place.path("config/highwater.yaml")).unwrap();
    place.write("config/highwater.yaml", &format!("{settings}{more}\n"));
    let said = place.run(&["alerts"]);
    assert!(
        said.out.contains("critical") && said.out.contains("60 %") && said.out.contains("\n1 critical\n"),
        "{said:?}"
    );
    let was = place.run(&["alerts", "--since", "24h"]);
    assert!(was.out.contains("fired critical") && was.out.contains("http-5xx"), "{was:?}");
    let narrow = place.command(&["alerts", "--since", "24h"]).env("COLUMNS", "60").output().unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    assert!(narrow.contains("http-5xx") && narrow.contains("value 60 %"), "{narrow}");
    let json: Value = serde_json::from_str(&place.run(&["alerts", "--format", "json"]).out).unwrap();
    assert_eq!(
        (&json["alerts"][0]["state"], &json["alerts"][0]["level"]),
        (&"firing".into(), &"critical".into())
    );
}
