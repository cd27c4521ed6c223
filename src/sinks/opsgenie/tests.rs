use serde_json::Value;

use super::{request::look, *};
use crate::{
    model::{
        Ending,
        notification::{Change, Digest, Status},
        samples::{change, notification, resolved},
    },
    sinks::{Method, Request},
};

fn sink() -> Opsgenie {
    let yaml = "{ api_key: \"${env:K}\", priorities: { warning: P2 } }";
    serde_saphyr::from_str(yaml).unwrap()
}

fn delivery(change: Change) -> Delivery {
    let mut notification = notification(vec![change]);
    notification.text = crate::model::wording::text(&notification, chrono_tz::UTC);
    Delivery::of_rule("genie", notification, chrono_tz::UTC)
}

fn digest(open: usize, unproven: bool) -> Delivery {
    let mut delivery = delivery(change(Kind::Resolved, Level::Critical));
    delivery.notification.status = if open == 0 { Status::Resolved } else { Status::Firing };
    delivery.notification.level = Level::Warning;
    delivery.notification.digest =
        Some(Digest { id: "d".to_owned(), of: 37, open, unproven, standing: Vec::new() });
    delivery
}

fn raised() -> Change {
    Change { previous_level: Some(Level::Warning), ..change(Kind::Raised, Level::Critical) }
}

fn http(status: u16, body: &str) -> Answer {
    Answer::Http { status, retry_after: None, body: body.to_owned() }
}

fn request(message: &Message) -> &Request {
    let Message::Http(request) = message else { panic!("{message:?}") };
    request
}

fn asked(message: &Message) -> String {
    let request = request(message);
    format!("{:?} {}", request.method, request.path)
}

const TAKEN: &str = r#"{"result":"Request will be processed","requestId":"r-1"}"#;
const DONE: &str = r#"{"data":{"success":true,"isSuccess":true,"status":"done"}}"#;
const FAILED: &str = r#"{"data":{"success":false,"isSuccess":false,"status":"WORDS"}}"#;

/// Lets a service answer each look by `result`, and each request by taking it: what was asked, and the last verdict.
fn walk(delivery: &Delivery, handle: Option<&str>, result: fn(Step) -> String) -> (Vec<String>, Verdict) {
    let handle = handle.map(|handle| Handle(handle.to_owned()));
    let mut message = sink().render(delivery, handle.as_ref());
    let mut said = Vec::new();
    loop {
        said.push(asked(&message));
        let body = match request(&message).method {
            Method::Get => result(serde_json::from_str::<Look>(&request(&message).body).unwrap().of),
            _ => TAKEN.to_owned(),
        };
        let ask = Asked { delivery, message: &message, handle: handle.as_ref() };
        match sink().classify(&ask, &http(if body == TAKEN { 202 } else { 200 }, &body)) {
            Verdict::Then { message: next, .. } => message = *next,
            last => return (said, last),
        }
    }
}

fn done(_: Step) -> String {
    DONE.to_owned()
}

fn gone(of: Step) -> String {
    if of == Step::Create { DONE.to_owned() } else { FAILED.replace("WORDS", "Alert does not exist") }
}

const LOOK: &str = "Get /v2/alerts/requests/r-1";
const CREATE: &str = "Post /v2/alerts";
const CLOSE: &str = "Post /v2/alerts/k/close?identifierType=alias";
const PRIORITY: &str = "Put /v2/alerts/k/priority?identifierType=alias";
const NOTE: &str = "Post /v2/alerts/k/notes?identifierType=alias";

#[test]
fn an_alert_is_opened_by_its_alias_and_counts_when_the_result_says_so() {
    let (said, verdict) = walk(&delivery(change(Kind::Fired, Level::Warning)), None, done);
    assert_eq!(said, [CREATE, LOOK]);
    assert_eq!(verdict, Verdict::Accepted { handle: Some(Handle("k".to_owned())) });
}

#[test]
fn a_change_of_level_is_a_priority_and_a_note_a_reminder_a_note_an_end_a_close() {
    assert_eq!(walk(&delivery(raised()), Some("k"), done).0, [PRIORITY, LOOK, NOTE, LOOK]);
    let reminded = delivery(change(Kind::Reminded, Level::Warning));
    assert_eq!(walk(&reminded, Some("k"), done).0, [NOTE, LOOK]);
    let (said, verdict) = walk(&delivery(resolved(Ending::Vanished)), Some("k"), done);
    assert_eq!(said, [CLOSE, LOOK]);
    assert_eq!(verdict, Verdict::Accepted { handle: None });
    let close = sink().render(&delivery(resolved(Ending::Vanished)), Some(&Handle("k".to_owned())));
    let note: Value = serde_json::from_str(&request(&close).body).unwrap();
    assert!(note["note"].as_str().unwrap().starts_with("GONE, not proven recovered"), "{note}");
}

#[test]
fn what_ended_before_opsgenie_heard_of_it_is_opened_and_then_closed() {
    let (said, verdict) = walk(&delivery(resolved(Ending::Cleared)), None, done);
    assert_eq!(said, [CREATE, LOOK, CLOSE, LOOK]);
    assert_eq!(verdict, Verdict::Accepted { handle: None });
}

#[test]
fn what_somebody_closed_there_is_opened_again_only_if_it_got_worse_or_still_fires() {
    let (said, verdict) = walk(&delivery(raised()), Some("k"), gone);
    assert_eq!(said, [PRIORITY, LOOK, CREATE, LOOK]);
    assert_eq!(verdict.name(), "accepted");
    let lowered = Change { previous_level: Some(Level::Critical), ..change(Kind::Lowered, Level::Warning) };
    assert_eq!(walk(&delivery(lowered), Some("k"), gone).0, [PRIORITY, LOOK]);
    let (said, verdict) = walk(&delivery(resolved(Ending::Cleared)), Some("k"), gone);
    assert_eq!((said.len(), verdict), (2, Verdict::Accepted { handle: None }), "closed already is closed");
}

#[test]
fn a_result_that_says_no_is_believed() {
    let refused = |_| FAILED.replace("WORDS", "Discarded by a filter of the integration");
    let (_, verdict) = walk(&delivery(change(Kind::Fired, Level::Warning)), None, refused);
    let why = "took it, and then said: Discarded by a filter of the integration".to_owned();
    assert_eq!(verdict, Verdict::Never { why });
}

#[test]
fn a_result_that_is_not_there_yet_is_awaited_and_one_that_never_comes_makes_the_request_again() {
    let delivery = delivery(change(Kind::Fired, Level::Warning));
    let mut message = look("r-1", Look { of: Step::Create, before: 0 });
    let mut looks = 0;
    while request(&message).method == Method::Get {
        looks += 1;
        assert!(looks < 100, "it looks for ever");
        let body = r#"{"message":"Request not found. It might not be processed, yet."}"#;
        let ask = Asked { delivery: &delivery, message: &message, handle: None };
        let Verdict::Wait { message: next, after } = sink().classify(&ask, &http(404, body)) else {
            panic!()
        };
        assert_eq!(after.as_secs(), 1);
        message = *next;
    }
    assert_eq!((asked(&message).as_str(), looks), (CREATE, 61));
    assert_eq!(message, sink().render(&delivery, None), "the same bytes as before");
}

#[test]
fn a_digest_lives_by_its_own_alias_and_says_how_much_of_it_is_left() {
    assert_eq!(walk(&digest(36, false), None, done).0, [CREATE, LOOK]);
    let said = walk(&digest(12, false), Some("d"), done).0;
    assert_eq!(said[0], "Put /v2/alerts/d/priority?identifierType=alias");
    let note = request::message(&sink(), Step::Note, &digest(12, false));
    assert!(request(&note).body.contains("12 of 37 alerts are open"));
    let close = sink().render(&digest(0, true), Some(&Handle("d".to_owned())));
    assert_eq!(asked(&close), "Post /v2/alerts/d/close?identifierType=alias");
    assert!(request(&close).body.contains("the last of 37 alerts ended, not all proven recovered"));
}

#[test]
fn levels_have_the_priorities_that_the_settings_give_them() {
    let priority = |level| {
        let message = sink().render(&delivery(change(Kind::Fired, level)), None);
        let body: Value = serde_json::from_str(&request(&message).body).unwrap();
        body["priority"].as_str().unwrap().to_owned()
    };
    assert_eq!(Level::ALL.map(priority), ["P5", "P2", "P1"]);
}

#[test]
fn its_answers_mean_what_they_say() {
    let delivery = delivery(resolved(Ending::Cleared));
    let handle = Handle("k".to_owned());
    let close = sink().render(&delivery, Some(&handle));
    let of_create = look("r", Look { of: Step::Create, before: 0 });
    let table = [
        (&close, 404, r#"{"message":"Alert with [k] could not be found"}"#, "accepted"),
        (&close, 404, "no such page", "misconfigured"),
        (&close, 422, r#"{"message":"Request body is not processable"}"#, "never"),
        (&close, 422, r#"{"message":"Key format is not valid!"}"#, "misconfigured"),
        (&close, 202, "{}", "misconfigured"),
        (&of_create, 200, "<html>", "misconfigured"),
        (&of_create, 401, "{}", "misconfigured"),
        (&of_create, 503, "{}", "later"),
        (&of_create, 200, r#"{"data":{"isSuccess":false,"status":"Not processed yet"}}"#, "wait"),
    ];
    for (message, status, body, verdict) in table {
        let ask = Asked { delivery: &delivery, message, handle: Some(&handle) };
        assert_eq!(sink().classify(&ask, &http(status, body)).name(), verdict, "{status} {body}");
    }
}

#[test]
fn a_request_id_leads_nowhere_else() {
    let delivery = delivery(change(Kind::Fired, Level::Warning));
    let message = sink().render(&delivery, None);
    let ask = Asked { delivery: &delivery, message: &message, handle: None };
    for id in ["../../x", "..", "", "a?b", "a#b"] {
        let taken = http(202, &format!("{{\"requestId\":{id:?}}}"));
        assert_eq!(sink().classify(&ask, &taken).name(), "misconfigured", "{id}");
    }
}

#[test]
fn too_many_tags_are_a_complaint() {
    let tags = format!("{{ api_key: k, url: x, tags: [{}] }}", vec!["t"; 21].join(", "));
    let sink: Opsgenie = serde_saphyr::from_str(&tags).unwrap();
    assert_eq!(sink.complaints().len(), 2);
}

#[test]
fn in_place_of_what_was_refused_goes_the_same_in_few_words() {
    let over = delivery(resolved(Ending::Cleared));
    let opened = sink().render(&over, None);
    assert_eq!(asked(&sink().render_instead(&over, &opened)), CREATE, "it was never opened");
    let look = look("r", Look { of: Step::Close, before: 3 });
    assert_eq!(asked(&sink().render_instead(&over, &look)), CLOSE);
}
