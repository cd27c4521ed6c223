//! A bot's deliveries, step by step: what is asked after which answer, and what is left of it.

mod answers;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    model::{
        Ending, Kind, Level,
        notification::{Change, Digest, Notification, Status},
        samples::{change, notification, resolved},
    },
    sinks,
};

fn bot() -> Arc<dyn Sink> {
    sink(Slack::BOT)
}

fn sink(yaml: &str) -> Arc<dyn Sink> {
    serde_saphyr::from_str::<sinks::Kind>(yaml).unwrap().into_sink()
}

fn delivery(mut notification: Notification) -> Delivery {
    notification.text = crate::model::wording::text(&notification, chrono_tz::UTC);
    Delivery::of_rule("alerts", notification, chrono_tz::UTC)
}

fn of(change: Change) -> Delivery {
    delivery(notification(vec![change]))
}

fn raised() -> Delivery {
    of(Change { previous_level: Some(Level::Warning), ..change(Kind::Raised, Level::Critical) })
}

fn digest(alerts: Vec<Change>, open: usize, unproven: bool) -> Delivery {
    let standing = vec![change(Kind::Updated, Level::Critical); open.min(3)];
    let status = if open == 0 { Status::Resolved } else { Status::Firing };
    let digest = Some(Digest { id: "d".to_owned(), of: 12, open, unproven, standing });
    delivery(Notification { digest, status, ..notification(alerts) })
}

fn known() -> Handle {
    Handle("C7/1711.0001".to_owned())
}

fn http(status: u16, body: &str) -> Answer {
    Answer::Http { status, retry_after: None, body: body.to_owned() }
}

fn ok() -> Answer {
    http(200, r#"{"ok":true,"channel":"C7","ts":"1711.0002"}"#)
}

fn error(word: &str) -> Answer {
    http(200, &json!({ "ok": false, "error": word }).to_string())
}

fn body(message: &Message) -> Value {
    let Message::Http(request) = message else { panic!("{message:?}") };
    serde_json::from_str(&request.body).unwrap()
}

fn step(message: &Message) -> String {
    body(message)["metadata"]["event_payload"]["step"].as_str().unwrap_or("plain").to_owned()
}

/// The steps that were asked for, one answer each, and the last verdict with the handle that is then known.
fn walk(
    sink: &Arc<dyn Sink>,
    delivery: &Delivery,
    handle: Option<Handle>,
    answers: &[Answer],
) -> (Vec<Message>, Verdict, Option<Handle>) {
    let (mut asked, mut handle, mut message) =
        (Vec::new(), handle.clone(), sink.render(delivery, handle.as_ref()));
    for answer in answers {
        asked.push(message.clone());
        let verdict = sink.classify(&Asked { delivery, message: &message, handle: handle.as_ref() }, answer);
        match verdict {
            Verdict::Then { handle: given, message: next } => (handle, message) = (given.or(handle), *next),
            Verdict::Accepted { handle: given } => {
                assert_eq!(asked.len(), answers.len(), "accepted too early");
                let handle = given.or(handle);
                return (asked, Verdict::Accepted { handle: handle.clone() }, handle);
            }
            other => {
                assert_eq!(asked.len(), answers.len(), "{other:?} too early");
                return (asked, other, handle);
            }
        }
    }
    panic!("one more is asked for: {message:?}");
}

fn steps(
    delivery: &Delivery,
    handle: Option<Handle>,
    answers: &[Answer],
) -> (Vec<String>, &'static str, Option<String>) {
    let (asked, verdict, handle) = walk(&bot(), delivery, handle, answers);
    (asked.iter().map(step).collect(), verdict.name(), handle.map(|handle| handle.0))
}

#[test]
fn edits_and_replies_are_what_they_always_were() {
    let fired =
        Change { cause: Some("the index `logs` grew".to_owned()), ..change(Kind::Fired, Level::Critical) };
    let lives = [
        ("edit_updated", of(Change { kind: Kind::Updated, ..fired.clone() })),
        ("edit_raised", raised()),
        ("edit_recovered", of(resolved(Ending::Cleared))),
        ("edit_vanished", of(resolved(Ending::Vanished))),
        ("edit_digest", digest(vec![resolved(Ending::Cleared)], 11, false)),
        ("edit_digest_over", digest(vec![resolved(Ending::Cleared)], 0, false)),
    ];
    for (name, delivery) in lives {
        let mut message = bot().render(&delivery, Some(&known()));
        let mut shown = Vec::new();
        loop {
            shown.push(serde_json::to_string_pretty(&body(&message)).unwrap());
            let asked = Asked { delivery: &delivery, message: &message, handle: Some(&known()) };
            let Verdict::Then { message: next, .. } = bot().classify(&asked, &ok()) else { break };
            message = *next;
        }
        insta::assert_snapshot!(format!("slack_{name}"), shown.join("\n\n"));
    }
}

#[test]
fn the_first_message_is_posted_to_the_channel_of_the_settings_and_remembered_by_id_and_ts() {
    let (asked, _, handle) = walk(&bot(), &of(change(Kind::Fired, Level::Warning)), None, &[ok()]);
    let Message::Http(request) = &asked[0] else { panic!() };
    assert_eq!(request.path, "/chat.postMessage");
    let body = body(&asked[0]);
    assert_eq!(
        (&body["channel"], &body["thread_ts"], &body["ts"]),
        (&json!("#alerts"), &Value::Null, &Value::Null)
    );
    assert_eq!((&body["link_names"], &body["parse"]), (&json!(false), &json!("none")));
    assert_eq!(handle, Some(Handle("C7/1711.0002".to_owned())));
}

#[test]
fn a_raised_level_edits_the_message_then_tells_the_thread_and_the_channel() {
    let (asked, verdict, handle) = walk(&bot(), &raised(), Some(known()), &[ok(), ok()]);
    let (edit, reply) = (body(&asked[0]), body(&asked[1]));
    assert_eq!((step(&asked[0]), step(&asked[1])), ("edit".to_owned(), "reply".to_owned()));
    assert_eq!((&edit["channel"], &edit["ts"]), (&json!("C7"), &json!("1711.0001")));
    assert_eq!(edit["attachments"][0]["color"], "#d7263d");
    assert_eq!((&reply["channel"], &reply["thread_ts"]), (&json!("C7"), &json!("1711.0001")));
    assert_eq!(reply["reply_broadcast"], true);
    assert!(reply["text"].as_str().unwrap().contains("raised from warning to critical"), "{reply}");
    assert_eq!((verdict.name(), handle), ("accepted", Some(known())), "a reply's own ts is not the alert's");
}

#[test]
fn only_what_nobody_may_miss_is_told_beside_the_edit() {
    let one = |change| steps(&of(change), Some(known()), &[ok()]).0;
    let two = |delivery: &Delivery| steps(delivery, Some(known()), &[ok(), ok()]).0;
    assert_eq!(one(change(Kind::Updated, Level::Critical)), ["edit"]);
    assert_eq!(one(change(Kind::Lowered, Level::Warning)), ["edit"]);
    for ending in [Ending::Cleared, Ending::Vanished] {
        assert_eq!(two(&of(resolved(ending))), ["edit", "reply"]);
    }
    let reminded = of(change(Kind::Reminded, Level::Critical));
    assert_eq!(two(&reminded), ["edit", "reply"]);
    let (asked, ..) = walk(&bot(), &reminded, Some(known()), &[ok(), ok()]);
    assert_eq!(body(&asked[1])["reply_broadcast"], false);
}

#[test]
fn replies_can_be_switched_off_one_by_one() {
    let with =
        |switch: &str| sink(&format!("slack: {{ token: \"${{env:T}}\", channel: C1, {switch}: false }}"));
    let count = |sink: &Arc<dyn Sink>, delivery: &Delivery, n: usize| {
        walk(sink, delivery, Some(known()), &vec![ok(); n]).0.len()
    };
    let over = of(resolved(Ending::Cleared));
    let (no_raise, no_end) = (with("reply_when_raised"), with("reply_when_recovered"));
    assert_eq!((count(&no_raise, &raised(), 1), count(&no_raise, &over, 2)), (1, 2));
    assert_eq!((count(&no_end, &raised(), 2), count(&no_end, &over, 1)), (2, 1));
}

#[test]
fn an_end_is_green_only_where_it_is_proven_and_says_how_long_and_how_high() {
    for (ending, colour) in
        [(Ending::Cleared, "#2eb67d"), (Ending::Vanished, "#9e9e9e"), (Ending::NoData, "#9e9e9e")]
    {
        let edit = body(&bot().render(&of(resolved(ending)), Some(&known())));
        assert_eq!(edit["attachments"][0]["color"], colour, "{ending:?}");
        let text = edit["text"].as_str().unwrap();
        assert!(text.contains("peak 93 %") && text.contains("after 14m"), "{text}");
        assert_eq!(text.starts_with("*RECOVERED"), ending == Ending::Cleared, "{text}");
    }
}

#[test]
fn a_message_that_cannot_be_edited_is_posted_anew_and_that_one_is_edited_from_then_on() {
    for word in
        ["message_not_found", "cant_update_message", "edit_window_closed", "is_archived", "channel_not_found"]
    {
        let told = steps(&raised(), Some(known()), &[error(word), ok()]);
        assert_eq!(
            told,
            (vec!["edit".to_owned(), "post".to_owned()], "accepted", Some("C7/1711.0002".to_owned())),
            "{word}"
        );
    }
    let update = of(change(Kind::Updated, Level::Warning));
    assert_eq!(steps(&update, None, &[ok()]).0, ["post"], "its handle was lost");
}

#[test]
fn where_the_channel_itself_is_gone_the_new_post_says_so() {
    let (asked, verdict, _) =
        walk(&bot(), &raised(), Some(known()), &[error("is_archived"), error("is_archived")]);
    assert_eq!(asked.len(), 2);
    let Verdict::Misconfigured { why } = verdict else { panic!("{verdict:?}") };
    assert_eq!(why, "Slack says `is_archived`; unarchive the channel, or name another");
}

#[test]
fn a_reply_that_the_thread_does_not_take_becomes_a_message_and_the_edit_is_not_repeated() {
    for word in
        ["thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked", "msg_too_long"]
    {
        let (steps, verdict, handle) = steps(&raised(), Some(known()), &[ok(), error(word), ok()]);
        assert_eq!((steps.join(" "), verdict), ("edit reply notice".to_owned(), "accepted"), "{word}");
        assert_eq!(
            handle,
            Some(known().0),
            "{word}: the alert's own message is still the one that is edited"
        );
    }
}

#[test]
fn a_reply_that_has_to_wait_is_all_that_is_tried_again() {
    for (answer, verdict) in [
        (error("ratelimited"), "later"),
        (http(503, ""), "later"),
        (Answer::Lost("no answer in time".to_owned()), "later"),
        (error("token_revoked"), "misconfigured"),
    ] {
        let (asked, last, handle) = walk(&bot(), &raised(), Some(known()), &[ok(), answer]);
        assert_eq!((last.name(), handle), (verdict, Some(known())));
        // what the store kept is the reply, and the next attempt goes on from there
        let delivery = raised();
        let again = Asked { delivery: &delivery, message: &asked[1], handle: Some(&known()) };
        assert_eq!(bot().classify(&again, &ok()), Verdict::Accepted { handle: None });
    }
}

#[test]
fn an_edit_whose_blocks_are_refused_is_made_in_plain_text_and_the_reply_follows() {
    let (asked, verdict, _) = walk(&bot(), &raised(), Some(known()), &[error("invalid_blocks"), ok(), ok()]);
    let steps: Vec<String> = asked.iter().map(step).collect();
    assert_eq!((steps.join(" "), verdict.name()), ("edit plain_edit reply".to_owned(), "accepted"));
    let plain = body(&asked[1]);
    assert_eq!((&plain["ts"], &plain["attachments"]), (&json!("1711.0001"), &json!([])));
}

#[test]
fn a_digest_counts_what_is_left_and_is_green_only_when_all_of_it_is_proven() {
    let edit = |delivery: &Delivery| body(&bot().render(delivery, Some(&known())));
    let some = edit(&digest(vec![resolved(Ending::Cleared)], 11, false));
    assert!(some["text"].as_str().unwrap().ends_with("11 of 12 alerts still fire"), "{some}");
    assert_eq!(some["attachments"][0]["color"], "#d7263d");
    let lines = some["attachments"][0]["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(lines.contains("still critical") && lines.contains("recovered"), "{lines}");
    let all = edit(&digest(vec![resolved(Ending::Cleared)], 0, false));
    assert_eq!(all["attachments"][0]["color"], "#2eb67d");
    assert!(all["text"].as_str().unwrap().starts_with("*RECOVERED"), "{all}");
    let unproven = edit(&digest(vec![resolved(Ending::Cleared)], 0, true));
    assert_eq!(unproven["attachments"][0]["color"], "#9e9e9e");
    assert!(unproven["text"].as_str().unwrap().starts_with("*CLOSED, not all proven"), "{unproven}");
}

#[test]
fn a_digest_replies_when_one_of_it_is_raised_and_when_all_of_it_is_over() {
    let one_ended = digest(vec![resolved(Ending::Cleared)], 11, false);
    assert_eq!(steps(&one_ended, Some(known()), &[ok()]).0, ["edit"]);
    let one_raised = digest(vec![change(Kind::Raised, Level::Critical)], 12, false);
    assert_eq!(steps(&one_raised, Some(known()), &[ok(), ok()]).0, ["edit", "reply"]);
    let all_over = digest(vec![resolved(Ending::Cleared)], 0, false);
    assert_eq!(steps(&all_over, Some(known()), &[ok(), ok()]).0, ["edit", "reply"]);
}

#[test]
fn either_a_webhook_or_a_token_with_its_channel_and_nothing_by_halves() {
    let table = [
        ("{}", "it needs either `token` and `channel`"),
        ("{ webhook_url: \"${env:U}\", token: \"${env:T}\", channel: C1 }", "are two ways to the same"),
        ("{ token: \"${env:T}\" }", "needs its `channel`"),
        ("{ token: \"${env:T}\", channel: \"#a b\" }", "is no channel"),
        ("{ token: \"${env:T}\", channel: \"#\" }", "is no channel"),
        ("{ webhook_url: \"${env:U}\", edit_every: 5m }", "`edit_every` is for a bot"),
        ("{ webhook_url: \"${env:U}\", channel: \"#a\" }", "`channel` is for a bot"),
        ("{ token: \"${env:T}\", channel: C1, edit_every: 10ms }", "too often"),
        ("{ token: \"${env:T}\", channel: C1, api_url: slack.com }", "`api_url` has to start with"),
    ];
    for (settings, words) in table {
        let complaints = sink(&format!("slack: {settings}")).complaints();
        assert!(complaints.len() == 1 && complaints[0].contains(words), "{settings}: {complaints:?}");
    }
    for settings in
        ["{ token: \"${env:T}\", channel: alerts }", "{ token: \"${env:T}\", channel: C1, edit_every: 1m }"]
    {
        assert!(sink(&format!("slack: {settings}")).complaints().is_empty(), "{settings}");
    }
}

#[test]
fn a_bot_shows_a_firing_alert_anew_every_five_minutes_or_as_often_as_told_and_a_webhook_never() {
    assert_eq!(bot().refresh(), Some(Duration::from_secs(300)));
    let often = sink("slack: { token: \"${env:T}\", channel: C1, edit_every: 1m }");
    assert_eq!(often.refresh(), Some(Duration::from_secs(60)));
    assert_eq!(sink(Slack::EXAMPLE).refresh(), None);
}

#[test]
fn how_often_it_came_before_is_a_line_of_the_message() {
    let precedent = Some("7th time in 30 days, median 14m".to_owned());
    let fired = Change { precedent, ..change(Kind::Fired, Level::Critical) };
    let body = body(&bot().render(&of(fired), None));
    assert!(body["attachments"].to_string().contains("7th time in 30 days, median 14m"), "{body}");
}
