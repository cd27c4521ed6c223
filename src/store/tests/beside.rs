//! Other processes beside the daemon.

use super::*;

fn silence(entity: Option<Entity>, until: i64) -> Silence {
    silence_until(Silence::matchers_of("storage", entity.as_ref()), at(until))
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
async fn a_silence_written_beside_the_daemon_is_seen_by_it_and_ends_by_itself() {
    let house = House::new();
    let store = house.open();
    let silences = Silences::open(&house.path()).unwrap();
    silences.put(&silence(None, 60)).unwrap();
    silences.put(&silence(Some(node(1)), 120)).unwrap();
    let everything = silence_until(vec!["team=~\"a\\\\d|\\\"b\\\"\"".parse().unwrap()], at(300));
    silences.put(&everything).unwrap();
    let written = [silence(None, 60), silence(Some(node(1)), 120), everything.clone()];
    assert_eq!(store.notice_others(at(0)).await.unwrap(), written, "the next to end first");
    assert_eq!(store.notice_others(at(60)).await.unwrap(), written[1..]);
    assert!(silences.end(&everything.id).unwrap());
    silences.put(&silence(Some(node(1)), 90)).unwrap();
    assert_eq!(
        Reader::open(&house.path()).unwrap().silences(at(100)).unwrap(),
        [],
        "the new one replaced it"
    );

    assert!(silences.end(&silence(Some(node(1)), 90).id).unwrap());
    assert!(!silences.end(&silence(Some(node(1)), 90).id).unwrap());
    assert_eq!(silences.active(at(0)).unwrap(), [silence(None, 60)]);
    store.commit(turn("storage", 60)).await.unwrap();
    store.close().await.unwrap();
    house.open();
}

#[test]
fn there_is_nothing_to_read_or_silence_before_the_first_daemon() {
    let house = House::new();
    for error in [Reader::open(&house.path()).err(), Silences::open(&house.path()).err()] {
        assert!(matches!(error, Some(StoreError::Missing { .. })));
    }
    assert!(!house.path().exists(), "and nothing is made by looking");
}
