use super::*;
use crate::model::{
    Ending, Kind, Level,
    notification::{Change, Digest},
    samples::{change, notification, resolved},
};

fn sink() -> Pagerduty {
    serde_saphyr::from_str("{ routing_key: \"${env:K}\" }").unwrap()
}

fn delivery(change: Change) -> Delivery {
    Delivery::of_rule("pager", notification(vec![change]), chrono_tz::UTC)
}

fn json(message: &Message) -> Value {
    let Message::Http(request) = message else { panic!("{message:?}") };
    serde_json::from_str(&request.body).unwrap()
}

fn answer(delivery: &Delivery, message: &Message, status: u16, body: &str) -> Verdict {
    let answer = Answer::Http { status, retry_after: None, body: body.to_owned() };
    sink().classify(&Asked { delivery, message, handle: None }, &answer)
}

#[test]
fn a_change_of_level_is_a_trigger_with_the_new_severity_and_the_same_key() {
    let severity = |kind, level| {
        let event = json(&sink().render(&delivery(change(kind, level)), None));
        assert_eq!((&event["event_action"], &event["dedup_key"]), (&json!("trigger"), &json!("k")));
        event["payload"]["severity"].as_str().unwrap().to_owned()
    };
    assert_eq!(severity(Kind::Fired, Level::Warning), "warning");
    assert_eq!(severity(Kind::Raised, Level::Critical), "critical");
    assert_eq!(severity(Kind::Lowered, Level::Info), "info");
}

#[test]
fn only_what_was_taken_before_is_resolved_at_once_anything_else_is_triggered_first() {
    let over = delivery(resolved(Ending::Cleared));
    let known = sink().render(&over, Some(&Handle("k".to_owned())));
    assert_eq!(json(&known)["event_action"], "resolve");
    assert_eq!(answer(&over, &known, 202, "").name(), "accepted");
    let unknown = sink().render(&over, None);
    assert_eq!(json(&unknown)["event_action"], "trigger");
    let Verdict::Then { message, .. } = answer(&over, &unknown, 202, "") else { panic!() };
    assert_eq!(
        (&json(&message)["event_action"], &json(&message)["dedup_key"]),
        (&json!("resolve"), &json!("k"))
    );
    assert_eq!(answer(&over, &unknown, 503, "").name(), "later", "not taken, not resolved");
    let plain = sink().render_instead(&over, &unknown);
    assert_eq!(json(&plain)["event_action"], "trigger", "a trigger that was refused is no trigger");
    assert_eq!(json(&sink().render_instead(&over, &known))["event_action"], "resolve");
}

#[test]
fn a_digest_is_resolved_when_the_last_of_its_alerts_has_ended() {
    let of = |open| {
        let mut delivery = delivery(resolved(Ending::Cleared));
        delivery.notification.digest =
            Some(Digest { id: "d".to_owned(), of: 37, open, unproven: false, standing: Vec::new() });
        json(&sink().render(&delivery, Some(&Handle("d".to_owned()))))
    };
    assert_eq!((&of(3)["event_action"], &of(3)["dedup_key"]), (&json!("trigger"), &json!("d")));
    assert_eq!(of(0)["event_action"], "resolve");
}

#[test]
fn a_wrong_key_is_a_matter_of_settings_and_a_wrong_event_is_not() {
    let fired = delivery(change(Kind::Fired, Level::Warning));
    let message = sink().render(&fired, None);
    let table = [
        (
            400,
            r#"{"status":"invalid event","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#,
            "misconfigured",
        ),
        (400, r#"{"status":"invalid event","errors":["Invalid routing key"]}"#, "misconfigured"),
        (400, r#"{"status":"invalid event","errors":["'payload.summary' is missing or blank"]}"#, "never"),
        (200, "<html>sign in</html>", "misconfigured"),
    ];
    for (status, body, verdict) in table {
        assert_eq!(answer(&fired, &message, status, body).name(), verdict, "{status} {body}");
    }
}

#[test]
fn a_runbook_that_is_no_link_is_a_detail_only() {
    let mut delivery = delivery(change(Kind::Fired, Level::Warning));
    delivery.notification.runbook = Some("javascript:alert(1)".to_owned());
    let event = json(&sink().render(&delivery, None));
    assert!(event["links"].is_null(), "{event}");
    assert_eq!(event["payload"]["custom_details"]["runbook"], "javascript:alert(1)");
}
