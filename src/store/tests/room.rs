//! What is superseded, what is merged, and how little may wait.

use super::*;
use crate::model::{identity, samples};

/// One change of the alert of node `n`, whose episode began at minute `since`.
fn change(n: u32, since: u32, kind: Change, minute: u32) -> notification::Change {
    let ending = (kind == Change::Resolved).then_some(crate::model::Ending::Cleared);
    let (alert_key, episode_id) = (format!("k{n}"), format!("e{n}-{since}"));
    let event_id = format!("{episode_id}-{}-{minute}", kind.name());
    notification::Change {
        alert_key,
        episode_id,
        event_id,
        entity: node(n),
        since: samples::at(9, since),
        at: samples::at(9, minute),
        reason: ending,
        ..samples::change(kind, Level::Warning)
    }
}

fn of(changes: Vec<notification::Change>) -> Delivery {
    let ids: Vec<String> = changes.iter().map(|change| change.event_id.clone()).collect();
    let mut notification = samples::notification(changes);
    notification.notification_id = identity::notification_id(SINK, ids.iter().map(String::as_str));
    Delivery::of_rule(SINK, notification, chrono_tz::UTC)
}

fn lone(change: notification::Change) -> Delivery {
    let lane = change.alert_key.clone();
    Delivery { lane, ..of(vec![change]) }
}

async fn put(store: &Store, minute: u32, deliveries: Vec<Delivery>) {
    store.commit(Turn { deliveries, ..turn("a", i64::from(minute)) }).await.unwrap();
}

/// What waits, in order, in words.
async fn told(store: &Store) -> Vec<String> {
    let select = "SELECT delivery FROM deliveries WHERE state <> 'dead' ORDER BY seq";
    let found = store.ask(Kind::Read, move |db| {
        let mut select = db.prepare(select)?;
        let rows = select.query_map([], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    let mut told = Vec::new();
    for delivery in found.await.unwrap() {
        let delivery: Delivery = serde_json::from_str(&delivery).unwrap();
        let words = delivery
            .notification
            .alerts
            .iter()
            .map(|one| format!("{} {} {}", one.kind.name(), one.episode_id, one.at.format("%M")));
        told.push(words.collect::<Vec<_>>().join(", "));
    }
    told
}

async fn begin(store: &Store) -> DeliveryKey {
    let head = store.heads(SINK, at(0)).await.unwrap().remove(0);
    store.freeze(&head.key, &Message::json("", "{}".to_owned()), None).await.unwrap();
    head.key
}

#[tokio::test]
async fn a_newer_update_replaces_one_that_is_not_begun() {
    let store = Store::in_memory(clock()).unwrap();
    put(&store, 1, vec![of(vec![change(1, 0, Change::Updated, 1), change(2, 0, Change::Updated, 1)])]).await;
    put(&store, 2, vec![of(vec![change(1, 0, Change::Updated, 2)])]).await;
    assert_eq!(
        told(&store).await,
        ["updated e1-0 02, updated e2-0 01"],
        "of the other alert nothing newer is known"
    );
    begin(&store).await;
    put(&store, 3, vec![of(vec![change(1, 0, Change::Updated, 3)])]).await;
    assert_eq!(told(&store).await.len(), 2, "what is begun keeps its bytes");
}

#[tokio::test]
async fn updates_and_reminders_never_keep_news_waiting() {
    let store = Store::in_memory(clock()).unwrap();
    put(&store, 1, vec![lone(change(1, 0, Change::Updated, 1))]).await;
    put(&store, 2, vec![lone(change(1, 0, Change::Reminded, 2))]).await;
    assert_eq!(told(&store).await, ["reminded e1-0 02"]);
    put(&store, 3, vec![lone(change(1, 0, Change::Resolved, 3))]).await;
    put(&store, 4, vec![lone(change(1, 4, Change::Fired, 4))]).await;
    put(&store, 5, vec![lone(change(1, 4, Change::Updated, 5))]).await;
    assert_eq!(
        told(&store).await,
        ["resolved e1-0 03", "fired e1-4 04"],
        "an update beside news says nothing new"
    );
}

#[tokio::test]
async fn an_update_that_failed_makes_way_for_news_and_one_that_is_under_way_does_not() {
    let store = Store::in_memory(clock()).unwrap();
    put(&store, 1, vec![lone(change(1, 0, Change::Updated, 1))]).await;
    let key = begin(&store).await;
    put(&store, 2, vec![lone(change(1, 0, Change::Resolved, 2))]).await;
    assert_eq!(told(&store).await.len(), 2);
    store.settle(&key, Settlement::Retry { due: at(600), why: "503".to_owned(), anew: false }).await.unwrap();
    put(&store, 3, vec![lone(change(1, 3, Change::Fired, 3))]).await;
    assert_eq!(told(&store).await, ["resolved e1-0 02", "fired e1-3 03"]);
    assert_eq!(store.heads(SINK, at(0)).await.unwrap().len(), 1, "and it is due at once");
}

#[tokio::test]
async fn what_is_said_of_others_in_one_reminder_stays() {
    let store = Store::in_memory(clock()).unwrap();
    put(&store, 1, vec![of(vec![change(1, 0, Change::Reminded, 1), change(2, 0, Change::Reminded, 1)])])
        .await;
    put(&store, 2, vec![of(vec![change(1, 0, Change::Resolved, 2)])]).await;
    assert_eq!(told(&store).await, ["reminded e2-0 01", "resolved e1-0 02"]);
}

#[tokio::test]
async fn what_waits_in_a_lane_is_merged_in_its_first_place_and_what_is_begun_is_not() {
    let store = Store::in_memory(clock()).unwrap();
    put(&store, 1, vec![of(vec![change(1, 1, Change::Fired, 1)])]).await;
    begin(&store).await;
    put(
        &store,
        2,
        vec![
            of(vec![change(2, 2, Change::Fired, 2)]),
            Delivery { lane: "other".to_owned(), ..of(vec![change(9, 2, Change::Fired, 2)]) },
        ],
    )
    .await;
    put(&store, 3, vec![of(vec![change(2, 2, Change::Resolved, 3), change(1, 1, Change::Resolved, 3)])])
        .await;
    let head = store.heads(SINK, at(0)).await.unwrap().remove(0);
    assert_eq!(head.behind, 2);
    let first = store.merge(SINK, &head.delivery.lane).await.unwrap().unwrap();
    assert_eq!(first.key, head.key, "what is begun stays first");
    assert_eq!(told(&store).await, ["fired e1-1 01", "resolved e1-1 03, resolved e2-2 03", "fired e9-2 02"]);
    store.settle(&head.key, Settlement::Accepted { handles: BTreeMap::new() }).await.unwrap();
    let next = store.heads(SINK, at(0)).await.unwrap().remove(0);
    assert_eq!((next.behind, next.created, next.attempts), (0, at(0), 0));
}

fn bounds(rows: usize, for_people: bool) -> Bounds {
    let for_people = for_people.then(|| SINK.to_owned()).into_iter().collect();
    Bounds { rows, for_people, ..Bounds::default() }
}

/// Alerts of ten nodes that flap while nobody takes anything, with a reminder now and then.
async fn flap(store: &Store, rounds: u32) {
    for round in 0..rounds {
        for n in 0..10 {
            let minute = round * 2 + 1;
            let second = if round % 3 == 2 { Change::Reminded } else { Change::Resolved };
            put(store, minute, vec![lone(change(n, minute, Change::Fired, minute))]).await;
            put(store, minute, vec![lone(change(n, minute, second, minute + 1))]).await;
            if second == Change::Reminded {
                put(store, minute, vec![lone(change(n, minute, Change::Resolved, minute + 1))]).await;
            }
        }
    }
    for n in 0..10 {
        put(store, 59, vec![lone(change(n, 59, Change::Fired, 59))]).await;
    }
}

#[tokio::test]
async fn a_pager_that_takes_nothing_keeps_the_newest_trigger_and_resolve_of_every_alert_within_bounds() {
    let store = Store::in_memory(clock()).unwrap().within(bounds(40, false));
    flap(&store, 20).await;
    let rows = told(&store).await;
    assert!(rows.len() <= 40, "{}", rows.len());
    for n in 0..10 {
        let of_it: Vec<&String> = rows.iter().filter(|row| row.contains(&format!(" e{n}-"))).collect();
        assert_eq!(of_it.last().unwrap().as_str(), format!("fired e{n}-59 59"));
        let fired = of_it.iter().filter(|row| row.starts_with("fired")).count();
        let resolved = of_it.iter().filter(|row| row.starts_with("resolved")).count();
        assert_eq!(fired, resolved + 1, "{of_it:?}");
    }
}

#[tokio::test]
async fn every_episode_that_is_not_told_line_by_line_is_counted() {
    for for_people in [false, true] {
        let store = Store::in_memory(clock()).unwrap().within(bounds(15, for_people));
        flap(&store, 20).await;
        let mut episodes = 0;
        for n in 0..10 {
            let queued = store.merge(SINK, &format!("k{n}")).await.unwrap().unwrap();
            let [only] = &queued.delivery.notification.alerts[..] else { panic!() };
            assert_eq!(only.episode_id, format!("e{n}-59"));
            episodes += 1 + only.passed.map_or(0, |passed| passed.episodes);
        }
        assert_eq!(episodes, 10 * 21);
    }
}

#[tokio::test]
async fn beyond_its_bounds_only_updates_and_reminders_of_what_is_open_are_dropped() {
    let store = Store::in_memory(clock()).unwrap().within(bounds(10, true));
    put(&store, 1, (0..10).map(|n| lone(change(n, 0, Change::Reminded, 1))).collect()).await;
    put(&store, 2, (10..25).map(|n| lone(change(n, 2, Change::Fired, 2))).collect()).await;
    let rows = told(&store).await;
    assert_eq!(rows.len(), 15);
    assert!(rows.iter().all(|row| row.starts_with("fired")), "{rows:?}");
}

#[tokio::test]
async fn bytes_are_bounded_too() {
    let bounds = Bounds { bytes: 20_000, ..bounds(10_000, false) };
    let store = Store::in_memory(clock()).unwrap().within(bounds);
    flap(&store, 20).await;
    let bytes: i64 = store
        .ask(Kind::Read, |db| {
            Ok(db.query_row("SELECT sum(length(delivery)) FROM deliveries", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert!(bytes < 40_000, "{bytes} bytes of ten alerts' newest news");
}

#[tokio::test]
async fn of_very_many_dead_letters_the_newest_are_kept() {
    let store = Store::in_memory(clock()).unwrap().within(bounds(5, false));
    for n in 0..12 {
        put(&store, n, vec![lone(change(n, n, Change::Fired, n))]).await;
        let head = store.heads(SINK, at(0)).await.unwrap().remove(0);
        store.settle(&head.key, Settlement::Dead { why: "answered 400".to_owned() }).await.unwrap();
    }
    put(&store, 12, vec![lone(change(12, 12, Change::Fired, 12))]).await;
    assert_eq!(store.depth().await.unwrap()[0].dead, 5);
    assert_eq!(told(&store).await, ["fired e12-12 12"]);
}

/// What node `n` read at `minute`, for a sink that keeps numbers.
fn numbers(n: u32, minute: u32) -> Delivery {
    let mut notification = samples::readings(&[("es", crate::model::Number::Int(i64::from(minute)))]);
    notification.rule = format!("rule-{n}");
    notification.notification_id = format!("numbers-{n}-{minute}");
    Delivery::of_readings(SINK, notification, chrono_tz::UTC)
}

#[tokio::test]
async fn readings_wait_in_order_and_make_room_for_alerts_when_there_is_too_little() {
    let store = Store::in_memory(clock()).unwrap().within(bounds(10, false));
    for minute in 0..6 {
        put(&store, minute, vec![numbers(1, minute)]).await;
    }
    assert_eq!(told(&store).await.len(), 6, "none replaces another");
    put(&store, 7, (0..9).map(|n| lone(change(n, 7, Change::Fired, 7))).collect()).await;
    let rows = told(&store).await;
    assert_eq!(rows.iter().filter(|row| row.starts_with("fired")).count(), 9, "{rows:?}");
    assert_eq!(rows.len(), 10, "the newest readings stay as long as there is room");
    let heads = store.heads(SINK, at(9)).await.unwrap();
    let left = heads.iter().find(|head| !head.delivery.notification.readings.is_empty()).unwrap();
    assert_eq!(left.key.id, "numbers-1-5");
}
