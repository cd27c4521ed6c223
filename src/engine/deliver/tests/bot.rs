//! A sink that edits: what is asked after which answer, across failures and restarts.

use serde_json::Value;

use super::*;

const BOT: &str = "slack: { token: x, channel: \"#alerts\", api_url: \"RECEIVER/api\" }";

fn taken() -> Reply {
    Reply::text(200, r#"{"ok":true,"channel":"C7","ts":"1711.0001"}"#)
}

fn of_kind(id: &str, kind: Kind) -> Delivery {
    let mut delivery = delivery("bot", id);
    delivery.notification.alerts[0].kind = kind;
    delivery
}

/// Of an alert of its own.
fn of_alert(id: &str, kind: Kind, alert: &str) -> Delivery {
    let mut delivery = of_kind(id, kind);
    let change = &mut delivery.notification.alerts[0];
    (change.alert_key, change.episode_id) = (alert.to_owned(), alert.to_owned());
    delivery
}

/// What waits for one another would be merged.
async fn one_by_one(bench: &Bench, kinds: &[(&str, Kind)]) {
    for (id, kind) in kinds {
        bench.store.commit(turn(vec![of_kind(id, *kind)])).await.unwrap();
        bench.drained("bot").await;
    }
}

fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.seen().iter().map(|attempt| serde_json::from_str(&attempt.body).unwrap()).collect()
}

fn steps(receiver: &Receiver) -> Vec<String> {
    let step = |body: Value| body["metadata"]["event_payload"]["step"].as_str().unwrap_or("plain").to_owned();
    bodies(receiver).into_iter().map(step).collect()
}

fn is_marked(body: &Value) -> bool {
    body["text"].as_str().unwrap().starts_with("_May be a repeat")
}

#[tokio::test]
async fn what_comes_after_the_first_message_edits_it_by_what_the_service_gave_back() {
    let receiver = Receiver::start(|_| taken()).await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    let kinds = [("r/1", Kind::Fired), ("r/2", Kind::Updated), ("r/3", Kind::Raised)];
    one_by_one(&bench, &kinds).await;
    assert_eq!(steps(&receiver), ["post", "edit", "edit", "reply"]);
    let bodies = bodies(&receiver);
    assert!(bodies[1..3].iter().all(|edit| edit["channel"] == "C7" && edit["ts"] == "1711.0001"));
    assert_eq!(bodies[3]["thread_ts"], "1711.0001");
}

#[tokio::test]
async fn an_answer_that_is_lost_marks_the_next_attempt_and_one_that_refuses_does_not() {
    let script = [Reply::retry_after(1), Reply::cut(), Reply::status(503)];
    let receiver = Receiver::start(move |n| script.get(n).cloned().unwrap_or_else(taken)).await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    bench.put("bot", &["r/1"]).await;
    bench.drained("bot").await;
    let marked: Vec<bool> = bodies(&receiver).iter().map(is_marked).collect();
    assert_eq!(marked, [false, false, true, true]);
}

#[tokio::test]
async fn what_was_clearly_refused_is_sent_again_as_it_was_by_the_next_run() {
    let replies = [
        Reply::status(500),
        Reply::status(429),
        Reply::html(200),
        Reply::text(200, "{"),
        Reply::text(200, r#"{"ok":false,"error":"not_in_channel"}"#),
    ];
    futures::future::join_all(replies.map(assert_same_bytes_in_the_next_run)).await;
}

async fn assert_same_bytes_in_the_next_run(refusal: Reply) {
    let answer = refusal.clone();
    let first = Receiver::start(move |_| answer.clone()).await;
    let store = Store::in_memory(Clock::system()).unwrap();
    let delays = Delays { probe: Duration::from_secs(1), ..quick() };
    let mut bench = Bench::over(store.clone(), delays, vec![("bot", sink(BOT, &first))], SOON);
    bench.put("bot", &["r/1"]).await;
    // a further attempt is begun and ended too, and the next is a second away
    let twice = async {
        let soon = Clock::system().now() + SOON;
        while store.heads("bot", soon).await.unwrap()[0].attempts < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, twice).await.unwrap();
    bench.lanes.take().unwrap().stop(Duration::ZERO).await;
    let second = Receiver::start(|_| taken()).await;
    let next = Bench::over(store, quick(), vec![("bot", sink(BOT, &second))], SOON);
    next.drained("bot").await;
    assert_eq!(second.seen()[0].body, first.seen()[0].body, "after {refusal:?}");
}

#[tokio::test]
async fn a_further_attempt_that_nobody_saw_the_end_of_marks_the_next_runs_first() {
    let first = Receiver::start(|n| if n == 0 { Reply::status(503) } else { Reply::hang() }).await;
    let store = Store::in_memory(Clock::system()).unwrap();
    let patience = Duration::from_secs(60);
    let mut bench = Bench::over(store.clone(), quick(), vec![("bot", sink(BOT, &first))], patience);
    bench.put("bot", &["r/1"]).await;
    first.wait_for(2).await;
    bench.lanes.take().unwrap().stop(Duration::ZERO).await;
    let second = Receiver::start(|_| taken()).await;
    let next = Bench::over(store, quick(), vec![("bot", sink(BOT, &second))], SOON);
    next.drained("bot").await;
    let marked: Vec<bool> = bodies(&first).iter().chain(&bodies(&second)).map(is_marked).collect();
    assert_eq!(marked, [false, false, true]);
}

#[tokio::test]
async fn a_message_that_an_earlier_run_may_have_sent_says_so() {
    let hung = Receiver::start(|_| Reply::hang()).await;
    let store = Store::in_memory(Clock::system()).unwrap();
    let mut bench =
        Bench::over(store.clone(), quick(), vec![("bot", sink(BOT, &hung))], Duration::from_secs(60));
    bench.put("bot", &["r/1"]).await;
    hung.wait_for(1).await;
    bench.lanes.take().unwrap().stop(Duration::ZERO).await;
    let receiver = Receiver::start(|_| taken()).await;
    let next = Bench::over(store, quick(), vec![("bot", sink(BOT, &receiver))], SOON);
    next.drained("bot").await;
    let (before, after) = (&bodies(&hung)[0], &bodies(&receiver)[0]);
    assert!(!is_marked(before) && is_marked(after), "{after}");
    assert_eq!(before["metadata"], after["metadata"]);
}

#[tokio::test]
async fn a_reply_is_tried_again_without_the_edit_before_it_even_after_a_restart() {
    let first = Receiver::start(|n| match n {
        0 | 1 => taken(),
        2 => Reply::text(200, r#"{"ok":false,"error":"ratelimited"}"#),
        _ => Reply::hang(),
    })
    .await;
    let store = Store::in_memory(Clock::system()).unwrap();
    let mut bench =
        Bench::over(store.clone(), quick(), vec![("bot", sink(BOT, &first))], Duration::from_secs(60));
    one_by_one(&bench, &[("r/1", Kind::Fired)]).await;
    bench.store.commit(turn(vec![of_kind("r/2", Kind::Raised)])).await.unwrap();
    first.wait_for(4).await;
    bench.lanes.take().unwrap().stop(Duration::ZERO).await;
    assert_eq!(steps(&first), ["post", "edit", "reply", "reply"]);
    let second = Receiver::start(|_| taken()).await;
    let next = Bench::over(store.clone(), quick(), vec![("bot", sink(BOT, &second))], SOON);
    next.drained("bot").await;
    assert_eq!(steps(&second), ["reply"]);
    assert!(is_marked(&bodies(&second)[0]), "the last one was under way when the first run ended");
    assert_eq!(bodies(&second)[0]["thread_ts"], "1711.0001");
}

#[tokio::test]
async fn a_message_that_somebody_deleted_is_posted_anew_and_edited_from_then_on() {
    let receiver = Receiver::start(|n| match n {
        1 => Reply::text(200, r#"{"ok":false,"error":"message_not_found"}"#),
        2 => Reply::text(200, r#"{"ok":true,"channel":"C7","ts":"1711.0002"}"#),
        _ => taken(),
    })
    .await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    let kinds = [("r/1", Kind::Fired), ("r/2", Kind::Updated), ("r/3", Kind::Updated)];
    one_by_one(&bench, &kinds).await;
    assert_eq!(steps(&receiver), ["post", "edit", "post", "edit"]);
    assert_eq!(bodies(&receiver)[3]["ts"], "1711.0002");
}

#[tokio::test]
async fn blocks_that_are_refused_are_left_out_once_and_what_follows_edits_the_plain_message() {
    let receiver = Receiver::start(|n| match n {
        0 => Reply::text(200, r#"{"ok":false,"error":"invalid_blocks"}"#),
        _ => taken(),
    })
    .await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    let kinds = [("r/1", Kind::Fired), ("r/2", Kind::Updated)];
    one_by_one(&bench, &kinds).await;
    assert_eq!(steps(&receiver), ["post", "plain", "edit"]);
    assert_eq!(bench.depth("bot").await.dead, 0);
    assert_eq!(bodies(&receiver)[2]["ts"], "1711.0001");
}

/// By the method that is asked, and how often it was asked before.
async fn by_method(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Receiver {
    let asked: Mutex<BTreeMap<String, usize>> = Mutex::default();
    Receiver::by_path(move |path| {
        let method = path.rsplit('.').next().unwrap_or_default();
        let mut asked = asked.lock().unwrap();
        let before = asked.entry(method.to_owned()).or_default();
        *before += 1;
        script(method, *before - 1)
    })
    .await
}

#[tokio::test]
async fn a_limit_on_edits_holds_up_no_message_and_one_on_messages_no_edit() {
    let limited = |method: &'static str| {
        by_method(move |asked, n| match (asked == method, n) {
            (true, 1) => Reply::retry_after(3600),
            _ => taken(),
        })
    };
    let receiver = limited("update").await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    let kinds = [("a/1", Kind::Fired), ("a/2", Kind::Updated)];
    one_by_one(&bench, &kinds).await;
    bench.store.commit(turn(vec![of_kind("a/3", Kind::Updated)])).await.unwrap();
    receiver.wait_for(3).await;
    bench.store.commit(turn(vec![of_alert("b/1", Kind::Fired, "b")])).await.unwrap();
    receiver.wait_for(4).await;
    bench.store.commit(turn(vec![of_alert("c/1", Kind::Fired, "c")])).await.unwrap();
    receiver.wait_for(5).await;
    assert_eq!(steps(&receiver), ["post", "edit", "edit", "post", "post"]);

    let receiver = limited("postMessage").await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    one_by_one(&bench, &[("a/1", Kind::Fired)]).await;
    bench.store.commit(turn(vec![of_alert("b/1", Kind::Fired, "b")])).await.unwrap();
    receiver.wait_for(2).await;
    // what waits for one another would be merged
    for (id, kind, asked) in [("a/2", Kind::Updated, 3), ("a/3", Kind::Raised, 4)] {
        bench.store.commit(turn(vec![of_kind(id, kind)])).await.unwrap();
        receiver.wait_for(asked).await;
    }
    let waits = async {
        // after what the service has asked for
        let soon = Clock::system().now() + Duration::from_secs(7200);
        let reply_waits = |queued: &crate::store::Queued| queued.steps > 0 && !queued.under_way;
        while !bench.store.heads("bot", soon).await.unwrap().iter().any(reply_waits) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, waits).await.unwrap();
    assert_eq!(steps(&receiver), ["post", "post", "edit", "edit"], "the reply waits for its turn");
}

#[tokio::test]
async fn a_reply_keeps_the_pace_of_messages_and_its_edit_is_not_made_again() {
    let receiver = Receiver::start(|_| taken()).await;
    let bench = Bench::new(quick(), vec![("bot", sink(BOT, &receiver))]);
    one_by_one(&bench, &[("a/1", Kind::Fired)]).await;
    bench.store.commit(turn(vec![of_kind("a/2", Kind::Raised)])).await.unwrap();
    bench.drained("bot").await;
    assert_eq!(steps(&receiver), ["post", "edit", "reply"]);
    assert!(bodies(&receiver).iter().all(|body| !is_marked(body)));
    let seen = receiver.seen();
    assert!(seen[2].at - seen[0].at >= Duration::from_millis(950), "{:?}", seen[2].at - seen[0].at);
}
