//! Dead letters, handled beside the daemon; and what the store knows of each sink.

use super::*;

const WHY: (&str, &str) = ("anna", "the channel is back");

fn key(id: &str) -> DeliveryKey {
    DeliveryKey { sink: SINK.to_owned(), id: id.to_owned() }
}

async fn house_with_dead(ids: &[&str]) -> (House, Store) {
    let house = House::new();
    let store = house.open();
    for (tick, id) in (0..).zip(ids) {
        store.commit(Turn { deliveries: vec![delivery(SINK, "a", id)], ..turn("a", tick) }).await.unwrap();
        store.freeze(&key(id), &Message::json("", "{}".to_owned()), None).await.unwrap();
        store.settle(&key(id), Settlement::Dead { why: "answered 400".to_owned() }).await.unwrap();
    }
    (house, store)
}

#[tokio::test]
async fn a_retried_letter_waits_again_to_be_rendered_anew_and_the_daemon_notices() {
    let (house, store) = house_with_dead(&["x"]).await;
    store.notice_others(at(0)).await.unwrap();
    let mut arrivals = store.arrivals();
    arrivals.mark_unchanged();
    store.notice_others(at(0)).await.unwrap();
    assert!(!arrivals.has_changed().unwrap(), "nobody wrote");
    let letters = Letters::open(&house.path()).unwrap();
    let dead = letters.dead(Some(SINK)).unwrap();
    letters.handle(&dead, Deed::Retried, WHY, at(60)).unwrap();
    store.notice_others(at(0)).await.unwrap();
    assert!(arrivals.has_changed().unwrap());
    let head = store.heads(SINK, at(60)).await.unwrap().remove(0);
    assert_eq!((head.key, head.message, head.attempts, head.created), (key("x"), None, 0, at(0)));
    assert_eq!(store.depth().await.unwrap()[0].oldest, Some(at(60)), "it waits since then");
    assert_eq!(letters.dead(None).unwrap(), []);
    let done = Reader::open(&house.path()).unwrap().deeds(at(0)).unwrap().remove(0);
    assert_eq!(
        (done.who.as_str(), done.reason.as_str(), done.deed, done.at),
        ("anna", WHY.1, Deed::Retried, at(60))
    );
    assert_eq!((done.key, done.answer.as_deref()), (key("x"), Some("answered 400")));
}

#[tokio::test]
async fn what_is_left_for_a_sink_that_is_gone_is_put_away_whether_it_waits_or_was_given_up() {
    let (house, store) = house_with_dead(&["x"]).await;
    for (id, sink, tick) in [("y", SINK, 10), ("z", SINK, 11), ("x", "another", 12)] {
        store.commit(Turn { deliveries: vec![delivery(sink, "a", id)], ..turn("a", tick) }).await.unwrap();
    }
    store.freeze(&key("y"), &Message::json("", "{}".to_owned()), None).await.unwrap();
    let why = "answered 404".to_owned();
    store.settle(&key("y"), Settlement::Held { due: at(90), why, anew: false }).await.unwrap();
    let letters = Letters::open(&house.path()).unwrap();
    let ids = |left: Vec<Queued>| left.into_iter().map(|one| one.key.id).collect::<Vec<_>>();
    assert_eq!(ids(letters.clear(SINK, WHY, at(60)).unwrap()), ["x", "y", "z"]);
    assert_eq!(ids(letters.clear(SINK, WHY, at(61)).unwrap()), Vec::<String>::new());
    let depths = store.depth().await.unwrap();
    let sinks: Vec<(&str, u32)> = depths.iter().map(|depth| (depth.sink.as_str(), depth.queued)).collect();
    assert_eq!(sinks, [("another", 1)]);
    let mut done = Reader::open(&house.path()).unwrap().deeds(at(0)).unwrap();
    done.sort_by(|one, other| one.key.cmp(&other.key));
    let said = |done: &Done| (done.key.clone(), done.deed, done.at, done.answer.clone());
    let dropped =
        |id: &str, answer: Option<&str>| (key(id), Deed::Dropped, at(60), answer.map(str::to_owned));
    let expected =
        [dropped("x", Some("answered 400")), dropped("y", Some("answered 404")), dropped("z", None)];
    assert_eq!(done.iter().map(said).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_dropped_letter_is_gone_and_its_record_stays_over_a_restart() {
    let (house, store) = house_with_dead(&["x", "y"]).await;
    let letters = Letters::open(&house.path()).unwrap();
    let dead = letters.dead(Some(SINK)).unwrap();
    assert_eq!(letters.dead(Some("another")).unwrap(), []);
    letters.handle(&dead[..1], Deed::Dropped, WHY, at(60)).unwrap();
    store.close().await.unwrap();
    let store = house.open();
    assert_eq!(store.depth().await.unwrap()[0].dead, 1);
    assert_eq!(Reader::open(&house.path()).unwrap().deeds(at(0)).unwrap().len(), 1);
    store.prune(at(61) + KEPT).await.unwrap();
    assert_eq!(Reader::open(&house.path()).unwrap().deeds(at(0)).unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_writes_all_the_time_is_waited_for() {
    let ids: Vec<String> = (0..100).map(|at| format!("n{at}")).collect();
    let (house, store) = house_with_dead(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let busy = tokio::spawn({
        let store = store.clone();
        async move {
            for tick in 1_000.. {
                store.commit(turn("busy", tick)).await.unwrap();
            }
        }
    });
    let path = house.path();
    let handled =
        tokio::task::spawn_blocking(move || {
            let letters = Letters::open(&path).unwrap();
            letters.dead(None).unwrap().into_iter().try_for_each(|letter| {
                letters.handle(std::slice::from_ref(&letter), Deed::Dropped, WHY, at(60))
            })
        });
    handled.await.unwrap().unwrap();
    busy.abort();
    assert_eq!(Reader::open(&house.path()).unwrap().deeds(at(0)).unwrap().len(), ids.len());
}

#[tokio::test]
async fn letters_are_handled_all_or_none() {
    let (house, _store) = house_with_dead(&["x", "y"]).await;
    let letters = Letters::open(&house.path()).unwrap();
    let dead = letters.dead(None).unwrap();
    letters.handle(&dead[..1], Deed::Dropped, WHY, at(60)).unwrap();
    let refused = letters.handle(&dead, Deed::Retried, WHY, at(61)).unwrap_err();
    assert!(matches!(refused, StoreError::NoSuchLetter { .. }), "{refused}");
    assert_eq!(letters.dead(None).unwrap().len(), 1, "the other one was left alone");
}

#[tokio::test]
async fn a_letter_knows_whether_its_sink_still_believes_its_alert_open() {
    let (house, store) = house_with_dead(&["x"]).await;
    let letters = Letters::open(&house.path()).unwrap();
    let letter = letters.dead(None).unwrap().remove(0);
    assert!(!letters.is_open(&letter.delivery).unwrap());
    let told = told(&letter.delivery.notification.alerts[0].episode_id);
    let turn = Turn { told: vec![(node(1), SINK.to_owned(), Some(told))], ..turn("a", 9) };
    store.commit(turn).await.unwrap();
    assert!(letters.is_open(&letter.delivery).unwrap());
}

#[tokio::test]
async fn the_store_knows_what_each_sink_is_like_and_how_much_it_takes() {
    let house = House::new();
    let store = house.open();
    let put = async |id: &str, tick: i64| {
        store.commit(Turn { deliveries: vec![delivery(SINK, "a", id)], ..turn("a", tick) }).await.unwrap();
    };
    let account = |now: i64| Reader::open(&house.path()).unwrap().accounts(at(now)).unwrap().remove(0);
    for n in 0..3 {
        let id = format!("d{n}");
        put(&id, n).await;
        house.clock.turn_to(at(n * 1800));
        store.settle(&key(&id), Settlement::Accepted { handles: BTreeMap::new() }).await.unwrap();
    }
    let working = account(3601);
    assert_eq!(
        (working.condition, working.answer.as_deref(), working.per_hour),
        (Condition::Working, None, 2)
    );
    put("late", 9).await;
    house.clock.turn_to(at(3700));
    store
        .settle(
            &key("late"),
            Settlement::Retry { due: at(3800), why: "answered 503".to_owned(), anew: false },
        )
        .await
        .unwrap();
    let failing = account(3701);
    assert_eq!((failing.condition, failing.answer.as_deref()), (Condition::Failing, Some("answered 503")));
    assert_eq!((failing.taken, failing.answered), (Some(at(3600)), at(3700)));
    store
        .settle(&key("late"), Settlement::Held { due: at(3800), why: "answered 404".to_owned(), anew: false })
        .await
        .unwrap();
    assert_eq!(account(3701).condition, Condition::Misconfigured);
}
