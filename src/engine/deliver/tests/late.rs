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

const SLACK: &str = "slack: { webhook_url: \"RECEIVER/services/T0/B0/x\" }";

/// Chat answers its first message by `script`, and what came meanwhile waits behind it.
async fn meanwhile(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Vec<String> {
    let chat = Receiver::start(move |n| match script(n) {
        // nothing is tried again before all that comes meanwhile is there
        Reply::Answer { status, headers, body, .. } if n == 0 => {
            Reply::Answer { after: Duration::from_millis(100), status, headers, body }
        }
        reply => reply,
    })
    .await;
    let bench = Bench::new(quick(), vec![("chat", sink(SLACK, &chat))]);
    bench.store.commit(turn(vec![told("r/1", Kind::Fired, 2)])).await.unwrap();
    chat.wait_for(1).await;
    bench.store.commit(turn(vec![told("r/2", Kind::Raised, 4)])).await.unwrap();
    bench.store.commit(turn(vec![told("r/3", Kind::Resolved, 31)])).await.unwrap();
    bench.drained("chat").await;
    chat.seen().into_iter().map(|attempt| attempt.body).collect()
}

#[tokio::test]
async fn what_may_have_arrived_is_never_merged() {
    let sent = meanwhile(|n| if n == 0 { Reply::status(504) } else { Reply::text(200, "ok") }).await;
    let (first, second) = (body(&sent[0]), body(&sent[1]));
    assert_eq!(second["attachments"], first["attachments"], "what the first attempt said");
    assert!(second["text"].as_str().unwrap().contains("May be a repeat"), "{second}");
    assert_eq!(sent.len(), 3, "what came after it is one message");
    assert!(sent[2].contains("RECOVERED"), "{}", sent[2]);
}

#[tokio::test]
async fn what_surely_did_not_arrive_is_one_message_with_what_came_after_it() {
    for refusal in [Reply::status(429), Reply::status(503), Reply::html(502)] {
        let sent = meanwhile(move |n| if n == 0 { refusal.clone() } else { Reply::text(200, "ok") }).await;
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert!(sent[0].contains("FIRING") || sent[0].contains("CRITICAL"), "{}", sent[0]);
        assert!(sent[1].contains("fired 10:02, recovered 10:31, delivered late"), "{}", sent[1]);
        assert!(!sent[1].contains("May be a repeat"), "{}", sent[1]);
    }
}

#[tokio::test]
async fn an_outage_in_which_nobody_listens_ends_with_one_message_however_often_it_was_tried() {
    let gone = Receiver::gone().await;
    let address = gone.address;
    let bench = Bench::new(quick(), vec![("chat", sink(SLACK, &gone))]);
    for (id, kind, minute) in [("r/1", Kind::Fired, 2), ("r/2", Kind::Raised, 4), ("r/3", Kind::Resolved, 31)]
    {
        bench.store.commit(turn(vec![told(id, kind, minute)])).await.unwrap();
        let tried = bench.count("chat", "later");
        let again = async {
            while bench.count("chat", "later") < tried + 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, again).await.unwrap();
    }
    let chat = Receiver::at(address, |_| Reply::text(200, "ok")).await;
    bench.drained("chat").await;
    let sent = chat.seen();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.contains("fired 10:02, recovered 10:31, delivered late"), "{}", sent[0].body);
}

fn body(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// 47 minutes ago.
fn long_ago() -> Clock {
    Clock::standing_at(Clock::system().now() - Duration::from_secs(47 * 60))
}

#[tokio::test]
async fn a_message_that_is_old_when_it_is_first_sent_says_so_in_its_first_line_and_stays_so() {
    let hook = Receiver::start(|n| Reply::status(if n < 2 { 500 } else { 200 })).await;
    let store = Store::in_memory(long_ago()).unwrap();
    store.commit(turn(vec![delivery("hook", "r/1")])).await.unwrap();
    let bench = Bench::over(store, quick(), vec![("hook", webhook(&hook))], SOON);
    bench.drained("hook").await;
    let seen = hook.seen();
    let body = body(&seen[0].body);
    assert!(body["text"].as_str().unwrap().starts_with("delivered 47m late\n"), "{body}");
    assert!(seen.iter().all(|attempt| attempt.body == seen[0].body));
}

/// `script` answers a message that was in time when it was first tried, and waits until it is late.
async fn grows_old(refusal: Reply) -> Vec<String> {
    let clock = long_ago();
    let later = clock.clone();
    let chat = Receiver::start(move |n| {
        if n == 0 {
            later.turn_to(Clock::system().now());
            return refusal.clone();
        }
        Reply::text(200, "ok")
    })
    .await;
    let store = Store::in_memory(clock.clone()).unwrap();
    let at_once = Delays { first: Duration::ZERO, most: Duration::ZERO, ..quick() };
    let mut bench = Bench::by_clock(clock, store, at_once, vec![("chat", sink(SLACK, &chat))], SOON);
    bench.put("chat", &["r/1"]).await;
    bench.drained("chat").await;
    bench.stop().await;
    chat.seen().into_iter().map(|attempt| body(&attempt.body)["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_message_that_grew_old_while_it_was_tried_says_so_whatever_was_answered() {
    let refused = grows_old(Reply::status(503)).await;
    assert!(!refused[0].contains("late") && refused[1].starts_with("_delivered 47m late_"), "{refused:?}");
    let lost = grows_old(Reply::status(504)).await;
    assert!(!lost[0].contains("late") && lost[1].contains("_delivered 47m late_"), "{lost:?}");
    assert!(lost[1].starts_with("_May be a repeat"), "{lost:?}");
}

#[tokio::test]
async fn a_message_in_time_says_nothing_of_its_age() {
    let hook = Receiver::start(|_| Reply::status(200)).await;
    let bench = Bench::new(quick(), vec![("hook", webhook(&hook))]);
    bench.put("hook", &["r/1"]).await;
    bench.drained("hook").await;
    assert!(!hook.seen()[0].body.contains("late"));
}
