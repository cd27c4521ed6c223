//! Lanes, attempts, and what is left of a delivery.

use super::*;

fn key(id: &str) -> DeliveryKey {
    DeliveryKey { sink: SINK.to_owned(), id: id.to_owned() }
}

async fn store_with(deliveries: &[(&str, &str)]) -> Store {
    let store = Store::in_memory(clock()).unwrap();
    for (tick, (rule, id)) in (0..).zip(deliveries) {
        let turn = Turn { deliveries: vec![delivery(SINK, rule, id)], ..turn(rule, tick) };
        store.commit(turn).await.unwrap();
    }
    store
}

async fn heads(store: &Store, seconds: i64) -> Vec<String> {
    store.heads(SINK, at(seconds)).await.unwrap().into_iter().map(|queued| queued.key.id).collect()
}

fn accepted() -> Settlement {
    Settlement::Accepted { handles: BTreeMap::new() }
}

fn retry(seconds: i64) -> Settlement {
    Settlement::Retry { due: at(seconds), why: "503".to_owned(), anew: false }
}

#[tokio::test]
async fn a_later_delivery_never_overtakes_an_earlier_one_of_its_lane() {
    let store = store_with(&[("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")]).await;
    assert_eq!(heads(&store, 0).await, ["a1", "b1"]);
    store.settle(&key("a1"), retry(60)).await.unwrap();
    assert_eq!(heads(&store, 0).await, ["b1"], "a1 waits, and a2 behind it");
    assert_eq!(heads(&store, 60).await, ["a1", "b1"]);
    store.settle(&key("b1"), accepted()).await.unwrap();
    assert_eq!(store.next_due(SINK, None).await.unwrap(), Some(at(60)), "a2 was due before, but is no head");
    assert_eq!(store.next_due(SINK, Some(at(59))).await.unwrap(), Some(at(60)));
    assert_eq!(store.next_due(SINK, Some(at(60))).await.unwrap(), None);
    store.settle(&key("a1"), accepted()).await.unwrap();
    assert_eq!(heads(&store, 60).await, ["a2"]);
    store.settle(&key("a2"), Settlement::Dead { why: "invalid_payload".to_owned() }).await.unwrap();
    assert_eq!(heads(&store, 60).await, ["a3"], "a dead letter blocks nobody");
    store
        .settle(&key("a3"), Settlement::Held { due: at(120), why: "403".to_owned(), anew: false })
        .await
        .unwrap();
    assert_eq!(heads(&store, 119).await, [""; 0]);
    let held = store.heads(SINK, at(120)).await.unwrap().remove(0);
    assert_eq!((held.state, held.attempts, held.answer.as_deref()), (State::Held, 1, Some("403")));
}

#[tokio::test]
async fn a_sink_sees_only_its_own_and_every_sink_has_its_own_lanes() {
    let store = Store::in_memory(clock()).unwrap();
    let both = vec![delivery(SINK, "a", "x"), delivery("other", "a", "x")];
    store.commit(Turn { deliveries: both, ..turn("a", 0) }).await.unwrap();
    store.settle(&key("x"), retry(600)).await.unwrap();
    assert_eq!(store.heads("other", at(0)).await.unwrap().len(), 1);
    assert_eq!(store.next_due("nobody", None).await.unwrap(), None);
}

#[tokio::test]
async fn a_replay_finds_its_delivery_there_and_leaves_it() {
    let store = store_with(&[("a", "a1")]).await;
    store.settle(&key("a1"), retry(60)).await.unwrap();
    let mut again = delivery(SINK, "a", "a1");
    again.notification.text = "rewritten".to_owned();
    store.commit(Turn { deliveries: vec![again], ..turn("a", 9) }).await.unwrap();
    let queued = store.heads(SINK, at(60)).await.unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!(
        (queued[0].attempts, queued[0].delivery.notification.text.as_str()),
        (1, "es-1 is nearly full")
    );
}

#[tokio::test]
async fn every_attempt_sends_what_the_first_one_sent() {
    let store = store_with(&[("a", "a1")]).await;
    let first = Message::json("", "{}".to_owned());
    store.freeze(&key("a1"), &first, None).await.unwrap();
    store.freeze(&key("a1"), &Message::Line("another".to_owned()), None).await.unwrap();
    store.settle(&key("a1"), retry(1)).await.unwrap();
    assert_eq!(store.heads(SINK, at(1)).await.unwrap()[0].message, Some(first));
}

#[tokio::test]
async fn what_was_delivered_is_forgotten_and_its_handle_found_again() {
    let store = store_with(&[("a", "fired"), ("a", "resolved")]).await;
    let change = delivery(SINK, "a", "").notification.alerts.remove(0);
    let handle = Handle("C1/171".to_owned());
    let handles = [(change.episode_id.clone(), handle.clone())].into();
    let told = told(&change.episode_id);
    let teller = |told: &Told, tick| Turn {
        told: vec![(node(1), SINK.to_owned(), Some(told.clone()))],
        ..turn("a", tick)
    };
    store.commit(teller(&told, 10)).await.unwrap();
    store.settle(&key("fired"), Settlement::Accepted { handles }).await.unwrap();
    assert_eq!(waiting(&store).await, ["resolved"]);
    assert_eq!(store.heads(SINK, at(0)).await.unwrap()[0].handle, Some(handle.clone()));

    store.commit(teller(&told, 11)).await.unwrap();
    let kept = store.heads(SINK, at(0)).await.unwrap().remove(0).handle;
    assert_eq!(kept, Some(handle), "a turn that knows of no handle does not lose it");

    store.prune(at(1) + KEPT).await.unwrap();
    assert!(store.heads(SINK, at(0)).await.unwrap()[0].handle.is_some(), "its episode is open");
    let closed = Turn { told: vec![(node(1), SINK.to_owned(), None)], ..turn("a", 12) };
    store.commit(closed).await.unwrap();
    store.prune(at(1) + KEPT).await.unwrap();
    assert_eq!(store.heads(SINK, at(0)).await.unwrap()[0].handle, None);
}

#[tokio::test]
async fn only_what_waits_can_be_settled() {
    let store = store_with(&[("a", "a1")]).await;
    store.settle(&key("a1"), accepted()).await.unwrap();
    let unknown = store.settle(&key("a1"), accepted()).await.unwrap_err();
    assert_eq!(unknown.to_string(), "no delivery `a1` waits for sink `hook`");
}

#[tokio::test]
async fn depth_counts_what_waits_and_dead_letters_apart() {
    let store = store_with(&[("a", "a1"), ("b", "b1"), ("c", "c1"), ("d", "d1")]).await;
    store.settle(&key("b1"), Settlement::Dead { why: String::new() }).await.unwrap();
    store.settle(&key("c1"), Settlement::Held { due: at(9), why: String::new(), anew: false }).await.unwrap();
    let depth = Depth { sink: SINK.to_owned(), queued: 2, held: 1, dead: 1, oldest: Some(at(0)) };
    assert_eq!(store.depth().await.unwrap(), [depth]);
}

#[tokio::test]
async fn of_a_foreign_answer_one_short_line_is_kept() {
    let store = store_with(&[("a", "a1")]).await;
    let why = format!("no\nservice\u{1b}[31m{}", "ü".repeat(400));
    store.settle(&key("a1"), Settlement::Retry { due: at(0), why, anew: false }).await.unwrap();
    let answer = store.heads(SINK, at(0)).await.unwrap().remove(0).answer.unwrap();
    assert!(answer.starts_with("no service [31mü") && answer.len() <= 256 && answer.len() > 250, "{answer}");
}
