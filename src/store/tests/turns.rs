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
    assert_eq!(opening.complaint(), None);
    let stored = store.load().await.unwrap().remove(&turn.key).unwrap();
    let alerts = turn.alerts.into_iter().map(|(entity, alert)| (entity, alert.unwrap())).collect();
    assert_eq!(stored.state, crate::model::RuleState { alerts, blind: turn.blind });
    assert_eq!((stored.card, stored.watermark, stored.owed), (turn.card, turn.watermark, turn.owed));
    assert_eq!(stored.memory, turn.memory);
    assert_eq!(stored.told[&node(1)]["alerts"], told("episode"));
    assert_eq!(store.history(at(60)).await.unwrap()[0].transition, turn.history[0]);
}
