use super::*;
use crate::model::{
    Ending,
    notification::Delivery,
    samples::{change, notification, resolved},
};

const LIVES_ON: Duration = Duration::from_secs(180);

fn told(alerts: Vec<Change>) -> Vec<Value> {
    let mut notification = notification(alerts);
    notification.labels =
        [("team".to_owned(), "search".to_owned()), ("severity".to_owned(), "page".to_owned())].into();
    let delivery = Delivery::of_rule("am", notification, chrono_tz::UTC);
    serde_json::from_str(&of(&delivery, LIVES_ON, true)).unwrap()
}

fn severity(alert: &Value) -> (&str, &str) {
    (alert["labels"]["severity"].as_str().unwrap(), alert["endsAt"].as_str().unwrap())
}

#[test]
fn what_fires_ends_by_itself_when_nobody_says_it_again_and_what_is_over_has_ended() {
    let fired = told(vec![change(Kind::Fired, Level::Warning)]);
    assert_eq!(fired[0]["startsAt"], "2026-11-21T09:02:00.000Z");
    assert_eq!(fired[0]["endsAt"], "2026-11-21T09:19:00.000Z");
    let over = told(vec![resolved(Ending::Cleared)]);
    assert_eq!(over[0]["endsAt"], "2026-11-21T09:16:00.000Z");
}

#[test]
fn a_change_of_level_ends_the_alert_of_the_old_severity() {
    let raised = Change { previous_level: Some(Level::Warning), ..change(Kind::Raised, Level::Critical) };
    let told = told(vec![raised]);
    let told: Vec<(&str, &str)> = told.iter().map(severity).collect();
    assert_eq!(told, [("warning", "2026-11-21T09:16:00.000Z"), ("critical", "2026-11-21T09:19:00.000Z")]);
}

#[test]
fn of_what_happened_while_it_was_away_the_newest_counts() {
    let raised = Change { previous_level: Some(Level::Warning), ..change(Kind::Raised, Level::Critical) };
    let lowered = Change { previous_level: Some(Level::Critical), ..change(Kind::Lowered, Level::Warning) };
    let told = told(vec![change(Kind::Fired, Level::Warning), raised, lowered]);
    let told: Vec<(&str, &str)> = told.iter().map(severity).collect();
    assert_eq!(told, [("warning", "2026-11-21T09:19:00.000Z"), ("critical", "2026-11-21T09:16:00.000Z")]);
}

#[test]
fn only_a_proven_recovery_says_nothing_first() {
    let over = told(vec![resolved(Ending::Cleared)]);
    assert_eq!(over[0]["annotations"]["summary"], "Disk used on a data node");
    let gone = told(vec![resolved(Ending::Vanished)]);
    assert_eq!(gone[0]["annotations"]["summary"], "gone, not proven recovered: Disk used on a data node");
}

#[test]
fn names_are_made_as_prometheus_allows_and_none_takes_anothers_place() {
    let labels = [
        ("kubernetes.pod-name", "a"),
        ("kubernetes_pod_name", "b"),
        ("5xx", "c"),
        ("cluster", "d"),
        ("ü", ""),
    ];
    let told = told(vec![Change { entity: Entity::new(labels), ..change(Kind::Fired, Level::Info) }]);
    let expected = json!({
        "alertname": "elasticsearch-storage", "severity": "info", "cluster": "main",
        "_5xx": "c", "entity_cluster": "d", "kubernetes_pod_name": "a", "entity_kubernetes_pod_name": "b",
        "label_severity": "page", "team": "search",
    });
    assert_eq!(told[0]["labels"], expected);
}
