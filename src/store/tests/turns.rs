//! What a turn leaves, and what it may not do.

use super::*;

fn full_turn() -> Turn {
    let blind =
        Blind { rule: Some(unreachable_since(1)), entities: [(node(7), unreachable_since(2))].into() };
    Turn {
        owed: vec![at(30), at(40)],
        blind,
        memory: Memory(serde_json::json!({ "seen": [1, "b"] })),
        alerts: vec![(node(1), Some(firing(0.1 + 0.2))), (Entity::empty(), Some(firing(90.0)))],
        told: vec![(node(1), "alerts".to_owned(), Some(told("episode")))],
        history: vec![transition(1, 60)],
        ..turn("storage", 60)
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("var/highwater.db");
    let (store, opening) = Store::open(&path, clock()).unwrap();
    assert_eq!(opening, Opening::default());
    let turn = full_turn();
    store.commit(turn.clone()).await.unwrap();
    store.close().await.unwrap();

    let (store, opening) = Store::open(&path, clock()).unwrap();
    assert_eq!(opening, Opening::default());
    let stored = store.load().await.unwrap().remove(&turn.key).unwrap();
    let alerts = turn.alerts.into_iter().map(|(entity, alert)| (entity, alert.unwrap())).collect();
    assert_eq!(stored.state, crate::model::RuleState { alerts, blind: turn.blind, course: turn.course });
    assert_eq!((stored.card, stored.watermark, stored.owed), (turn.card, turn.watermark, turn.owed));
    assert_eq!(stored.memory, turn.memory);
    assert_eq!(stored.told[&node(1)]["alerts"], told("episode"));
    assert_eq!(store.history(at(60)).await.unwrap()[0].transition, turn.history[0]);
}

#[tokio::test]
async fn the_watermark_never_goes_back_and_a_refused_turn_leaves_nothing() {
    let store = Store::in_memory(clock()).unwrap();
    store.commit(turn("storage", 60)).await.unwrap();
    store.commit(turn("storage", 60)).await.expect("a reminder moves no watermark");

    let late = Turn { alerts: vec![(node(1), Some(firing(99.0)))], ..turn("storage", 59) };
    let refused = store.commit(late).await.unwrap_err();
    assert!(matches!(refused, StoreError::WatermarkBack { .. }), "{refused}");
    let never = Turn { watermark: None, ..turn("storage", 61) };
    assert!(store.commit(never).await.is_err(), "what was judged cannot become never judged");

    let stored = store.load().await.unwrap().remove(&RuleKey::new("storage", "main")).unwrap();
    assert_eq!(stored.watermark, Some(at(60)));
    assert!(stored.state.alerts.is_empty());
}

#[tokio::test]
async fn turns_that_wait_together_are_one_transaction_and_a_refused_one_harms_no_other() {
    let house = House::new();
    let store = house.open();
    store.commit(turn("r0", 100)).await.unwrap();
    let before = commits(&store).await;

    let (release, held) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel::<()>();
    let blocker = store.ask(Kind::Read, move |_| Ok(begin.send(()).is_ok() && held.recv().is_ok()));
    let mut blocker = Box::pin(async { blocker.await.map(drop) }) as futures::future::BoxFuture<'_, _>;
    assert!(futures::poll!(&mut blocker).is_pending());
    // from here on whatever comes has to wait, and is taken together
    begun.recv().unwrap();
    let mut waiting = vec![blocker];
    for n in 0..40 {
        // the first of them goes back, and is refused
        waiting.push(Box::pin(store.commit(turn(&format!("r{n}"), 50))));
    }
    let mut all = futures::future::join_all(waiting);
    assert!(futures::poll!(&mut all).is_pending());
    release.send(()).unwrap();
    let answers = all.await;
    assert!(matches!(answers[1], Err(StoreError::WatermarkBack { .. })));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 40);
    assert_eq!(commits(&store).await, before + 1);
    assert_eq!(store.load().await.unwrap().len(), 40);
}

#[tokio::test]
async fn turns_that_belong_together_are_written_all_or_not_at_all() {
    let store = Store::in_memory(clock()).unwrap();
    store.commit(turn("b", 60)).await.unwrap();
    assert!(store.commit_all(vec![turn("a", 60), turn("b", 1), turn("c", 60)]).await.is_err());
    let known: Vec<_> = store.load().await.unwrap().into_keys().map(|key| key.rule).collect();
    assert_eq!(known, ["b"]);
}

#[tokio::test]
async fn ticks_that_go_alike_are_one_stretch() {
    let store = Store::in_memory(clock()).unwrap();
    let run = |tick, outcome, reason: Option<&str>| Run::one(at(tick), outcome, reason.map(str::to_owned));
    let runs = vec![
        run(0, Outcome::Complete, None),
        run(60, Outcome::Complete, None),
        run(120, Outcome::Indeterminate, Some("2 of 7 shards failed")),
        run(180, Outcome::Indeterminate, Some("nobody answers")),
    ];
    store.commit(Turn { runs, ..turn("storage", 180) }).await.unwrap();
    let more =
        vec![run(240, Outcome::Indeterminate, Some("nobody answers")), run(300, Outcome::Complete, None)];
    store.commit(Turn { runs: more, ..turn("storage", 300) }).await.unwrap();

    let stretches = store.runs(at(0)).await.unwrap();
    let told: Vec<_> = stretches.iter().map(|s| (s.from, s.to, s.n, s.outcome.name())).collect();
    let expected = [
        (at(0), at(60), 2, "complete"),
        (at(120), at(120), 1, "indeterminate"),
        (at(180), at(240), 2, "indeterminate"),
        (at(300), at(300), 1, "complete"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_rule_that_is_gone_leaves_its_deliveries_and_its_past() {
    let store = Store::in_memory(clock()).unwrap();
    store.commit(full_turn()).await.unwrap();
    let gone = Turn {
        deliveries: vec![delivery(SINK, "storage", "closing")],
        forget_rule: true,
        ..turn("storage", 120)
    };
    store.commit(gone).await.unwrap();
    assert!(store.load().await.unwrap().is_empty());
    assert_eq!(waiting(&store).await, ["closing"]);
    assert_eq!(store.history(at(0)).await.unwrap().len(), 1);
    store.commit(turn("storage", 10)).await.expect("a rule of that name starts afresh");
}

#[tokio::test]
async fn alerts_and_what_was_told_are_forgotten_one_by_one() {
    let store = Store::in_memory(clock()).unwrap();
    store.commit(full_turn()).await.unwrap();
    let quiet = Turn {
        alerts: vec![(node(1), None)],
        told: vec![(node(1), "alerts".to_owned(), None)],
        ..turn("storage", 120)
    };
    store.commit(quiet).await.unwrap();
    let stored = store.load().await.unwrap().remove(&RuleKey::new("storage", "main")).unwrap();
    assert_eq!(stored.state.alerts.into_keys().collect::<Vec<_>>(), [Entity::empty()]);
    assert!(stored.told.is_empty());
}

#[tokio::test]
async fn what_is_older_than_thirty_days_is_forgotten_and_open_things_never() {
    let store = Store::in_memory(clock()).unwrap();
    let filled = Turn {
        deliveries: vec![delivery(SINK, "storage", "late"), delivery("other", "storage", "poison")],
        ..full_turn()
    };
    store.commit(filled).await.unwrap();
    let poison = DeliveryKey { sink: "other".to_owned(), id: "poison".to_owned() };
    store.settle(&poison, Settlement::Dead { why: "400".to_owned() }).await.unwrap();

    store.prune(at(59) + KEPT).await.unwrap();
    assert_eq!(store.history(at(0)).await.unwrap().len(), 1);
    store.prune(at(61) + KEPT).await.unwrap();
    assert!(store.history(at(0)).await.unwrap().is_empty());
    assert!(store.runs(at(0)).await.unwrap().is_empty());
    let expected = Depth { sink: SINK.to_owned(), queued: 1, oldest: Some(at(0)), ..Depth::default() };
    assert_eq!(store.depth().await.unwrap(), [expected]);
    let stored = store.load().await.unwrap();
    assert_eq!(stored[&RuleKey::new("storage", "main")].state.alerts.len(), 2);
}
