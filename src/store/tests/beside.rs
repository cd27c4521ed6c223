//! Other processes beside the daemon.

use super::*;

fn mute(entity: Option<Entity>, until: i64) -> Mute {
    let (rule, reason, who) = ("storage".to_owned(), "disks are being swapped".to_owned(), "anna".to_owned());
    Mute { rule, entity, until: at(until), reason, who, created: at(0) }
}

#[tokio::test]
async fn a_reader_sees_what_the_daemon_committed() {
    let house = House::new();
    let store = house.open();
    let alerts = vec![(node(1), Some(firing(91.0))), (node(2), Some(Alert::default()))];
    let filled = Turn {
        alerts,
        history: vec![transition(1, 60), transition(2, 30)],
        deliveries: vec![delivery(SINK, "storage", "x"), delivery(SINK, "storage", "y")],
        ..turn("storage", 60)
    };
    store.commit(filled).await.unwrap();
    let dead = DeliveryKey { sink: SINK.to_owned(), id: "x".to_owned() };
    store.settle(&dead, Settlement::Dead { why: "410".to_owned() }).await.unwrap();

    let reader = Reader::open(&house.path()).unwrap();
    let open = reader.alerts().unwrap();
    assert_eq!(open.len(), 1, "the quiet one is not shown");
    assert_eq!((open[0].entity.clone(), open[0].card.summary.as_str()), (node(1), "storage speaks"));
    let past: Vec<_> = reader.history(at(0)).unwrap().iter().map(|past| past.transition.at).collect();
    assert_eq!(past, [at(30), at(60)]);
    assert_eq!(reader.history(at(31)).unwrap().len(), 1);
    assert_eq!(reader.runs(Some("storage"), at(0)).unwrap().len(), 1);
    assert_eq!(reader.runs(Some("another"), at(0)).unwrap(), []);
    assert_eq!(reader.depth().unwrap()[0].queued, 1);
    assert_eq!(reader.dead_letters().unwrap()[0].answer.as_deref(), Some("410"));
    assert_eq!(reader.load().unwrap(), store.load().await.unwrap());
}

#[tokio::test]
async fn a_mute_written_beside_the_daemon_is_seen_by_it_and_ends_by_itself() {
    let house = House::new();
    let store = house.open();
    let mutes = Mutes::open(&house.path()).unwrap();
    mutes.mute(&mute(None, 60)).unwrap();
    mutes.mute(&mute(Some(node(1)), 120)).unwrap();
    assert_eq!(store.mutes(at(0)).await.unwrap(), [mute(None, 60), mute(Some(node(1)), 120)]);
    assert_eq!(store.mutes(at(60)).await.unwrap(), [mute(Some(node(1)), 120)]);
    mutes.mute(&mute(Some(node(1)), 90)).unwrap();
    assert_eq!(Reader::open(&house.path()).unwrap().mutes(at(100)).unwrap(), [], "the new one replaced it");

    assert!(mutes.unmute("storage", Some(&node(1))).unwrap());
    assert!(!mutes.unmute("storage", Some(&node(1))).unwrap());
    assert_eq!(mutes.active(at(0)).unwrap(), [mute(None, 60)]);
    assert!(mutes.unmute("storage", None).unwrap());
    store.commit(turn("storage", 60)).await.unwrap();
    store.close().await.unwrap();
    house.open();
}

#[test]
fn a_mute_of_a_rule_covers_every_entity_and_that_of_an_entity_only_itself() {
    assert!(mute(None, 60).covers("storage", &node(9), at(0)));
    assert!(mute(Some(node(1)), 60).covers("storage", &node(1), at(0)));
    assert!(!mute(Some(node(1)), 60).covers("storage", &node(2), at(0)));
    assert!(!mute(None, 60).covers("other", &node(1), at(0)));
    assert!(!mute(None, 60).covers("storage", &node(1), at(60)));
}

#[test]
fn there_is_nothing_to_read_or_mute_before_the_first_daemon() {
    let house = House::new();
    for error in [Reader::open(&house.path()).err(), Mutes::open(&house.path()).err()] {
        assert!(matches!(error, Some(StoreError::Missing { .. })));
    }
    assert!(!house.path().exists(), "and nothing is made by looking");
}
