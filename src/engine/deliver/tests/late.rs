//! What waited: merged for people, in turn for services, and marked as late.

use super::*;
use crate::model::{Ending, samples::at};

fn told(id: &str, kind: Kind, minute: u32) -> Delivery {
    let mut one = delivery("chat", id);
    let notification = &mut one.notification;
    let alert = &mut notification.alerts[0];
    (alert.kind, alert.event_id, alert.since, alert.at) = (kind, id.to_owned(), at(10, 2), at(10, minute));
    alert.reason = (kind == Kind::Resolved).then_some(Ending::Cleared);
    notification.at = at(10, minute);
    one
}

async fn came_and_went(sink: Arc<dyn Sink>, chat: &Receiver) -> Vec<String> {
    let store = Store::in_memory(Clock::system()).unwrap();
    store.commit(turn(vec![told("r/1", Kind::Fired, 2)])).await.unwrap();
    store.commit(turn(vec![told("r/2", Kind::Resolved, 31)])).await.unwrap();
    let bench = Bench::over(store, quick(), vec![("chat", sink)], SOON);
    bench.drained("chat").await;
    chat.seen().into_iter().map(|attempt| attempt.body).collect()
}

#[tokio::test]
async fn an_alert_that_came_and_went_while_chat_was_down_is_one_message() {
    let chat = Receiver::start(|_| Reply::text(200, "ok")).await;
    let slack = sink("slack: { webhook_url: \"RECEIVER/services/T0/B0/x\" }", &chat);
    let sent = came_and_went(slack, &chat).await;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains("fired 10:02, recovered 10:31, delivered late"), "{}", sent[0]);
}

#[tokio::test]
async fn a_service_gets_trigger_then_resolve() {
    let chat = Receiver::start(|_| Reply::status(200)).await;
    let sent = came_and_went(webhook(&chat), &chat).await;
    assert_eq!(sent.len(), 2);
    assert!(sent[0].contains("\"fired\"") && sent[1].contains("\"resolved\""));
    assert_eq!(chat.ids(), ["r/1", "r/2"]);
}

#[tokio::test]
async fn what_is_begun_is_never_merged() {
    let chat = Receiver::start(|n| if n == 0 { Reply::status(429) } else { Reply::text(200, "ok") }).await;
    let slack = sink("slack: { webhook_url: \"RECEIVER/services/T0/B0/x\" }", &chat);
    let bench = Bench::new(Delays { first: Duration::from_millis(400), ..quick() }, vec![("chat", slack)]);
    bench.store.commit(turn(vec![told("r/1", Kind::Fired, 2)])).await.unwrap();
    chat.wait_for(1).await;
    bench.store.commit(turn(vec![told("r/2", Kind::Raised, 4)])).await.unwrap();
    bench.store.commit(turn(vec![told("r/3", Kind::Resolved, 31)])).await.unwrap();
    bench.drained("chat").await;
    let seen = chat.seen();
    assert_eq!(seen[1].body, seen[0].body, "the second attempt sends what the first one sent");
    assert_eq!(seen.len(), 3, "what came after it is one message");
    assert!(seen[2].body.contains("RECOVERED"), "{}", seen[2].body);
}

#[tokio::test]
async fn a_message_that_is_old_when_it_is_first_sent_says_so_in_its_first_line_and_stays_so() {
    let hook = Receiver::start(|n| Reply::status(if n < 2 { 503 } else { 200 })).await;
    let clock = Clock::standing_at(Clock::system().now() - Duration::from_secs(47 * 60));
    let store = Store::in_memory(clock).unwrap();
    store.commit(turn(vec![delivery("hook", "r/1")])).await.unwrap();
    let bench = Bench::over(store, quick(), vec![("hook", webhook(&hook))], SOON);
    bench.drained("hook").await;
    let seen = hook.seen();
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    assert!(body["text"].as_str().unwrap().starts_with("delivered 47m late\n"), "{body}");
    assert!(seen.iter().all(|attempt| attempt.body == seen[0].body));
}

#[tokio::test]
async fn a_message_in_time_says_nothing_of_its_age() {
    let hook = Receiver::start(|_| Reply::status(200)).await;
    let bench = Bench::new(quick(), vec![("hook", webhook(&hook))]);
    bench.put("hook", &["r/1"]).await;
    bench.drained("hook").await;
    assert!(!hook.seen()[0].body.contains("late"));
}
