//! Many sinks of which some are ill, and many lanes: what it costs the others.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::Bounds;

/// The whole size is for optimized builds, and for `HIGHWATER_FULL=1`.
fn full() -> bool {
    !cfg!(debug_assertions) || std::env::var_os("HIGHWATER_FULL").is_some()
}

/// Of the sinks `s00` to `s49`.
fn is_well(sink: &str) -> bool {
    !sink.ends_with(['0', '1', '2'])
}

/// The part of them that is at least as short as `of`, from 0 to 1.
fn percentile(mut times: Vec<Duration>, of: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * of) as usize]
}

/// Five hang, five fail, five ask for an hour, until they are mended.
async fn fifteen_of_fifty_are_ill(mended: &Arc<AtomicBool>) -> Vec<Receiver> {
    let mut receivers = Vec::new();
    for n in 0..50 {
        let mended = mended.clone();
        let receiver = Receiver::start(move |_| match n % 10 {
            _ if mended.load(Ordering::Relaxed) => Reply::status(200),
            0 => Reply::hang(),
            1 => Reply::status(500),
            2 => Reply::retry_after(3600),
            _ => Reply::status(200),
        });
        receivers.push(receiver.await);
    }
    receivers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifteen_ill_sinks_of_fifty_delay_none_of_the_others_and_get_all_in_order_afterwards() {
    let (rounds, rules) = if full() { (60, 4) } else { (16, 2) };
    let mended = Arc::new(AtomicBool::new(false));
    let receivers = fifteen_of_fifty_are_ill(&mended).await;
    let names: Vec<String> = (0..50).map(|n| format!("s{n:02}")).collect();
    let sinks = |receivers: &[Receiver]| -> Vec<(&str, Arc<dyn Sink>)> {
        names.iter().zip(receivers).map(|(name, receiver)| (name.as_str(), webhook(receiver))).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { rows: 20, ..Bounds::default() };
    let store = Store::open(&folder.path().join("store.db"), Clock::system()).unwrap().0.within(bounds);
    // the hour is believed for a moment, so that the end of the test can wait for it
    let believed = Duration::from_secs(if full() { 15 } else { 8 });
    let delays = Delays { believed, ..quick() };
    let mut bench = Bench::over(store, delays.clone(), sinks(&receivers), Duration::from_secs(2));
    let mut committed = BTreeMap::new();
    for round in 0..rounds {
        for rule in 0..rules {
            let id = format!("r{rule}/{round:03}");
            let kind = if round % 2 == 0 { Kind::Fired } else { Kind::Resolved };
            let deliveries = names.iter().map(|sink| of_episode(sink, &id, kind, round / 2)).collect();
            bench.store.commit(turn(deliveries)).await.unwrap();
            committed.insert(id, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(if full() { 100 } else { 250 })).await;
        // a machine that is busy otherwise would have the outbox merge what waits for those that are well
        while bench.store.depth().await.unwrap().iter().any(|depth| is_well(&depth.sink) && depth.queued > 10)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut times = Vec::new();
    for n in (0..50).filter(|n| n % 10 > 2) {
        bench.drained(&names[n]).await;
        let seen = receivers[n].seen();
        assert_eq!(seen.len(), rounds * rules, "{}", names[n]);
        times.extend(seen.iter().map(|attempt| attempt.at.saturating_duration_since(committed[&attempt.id])));
    }
    let (median, worst) = (percentile(times.clone(), 0.5), percentile(times.clone(), 0.99));
    eprintln!(
        "{} deliveries of 35 sinks: median {median:?}, 99th percentile {worst:?} after commit",
        times.len()
    );
    for n in (0..50).filter(|n| n % 10 <= 2) {
        let waiting = bench.depth(&names[n]).await.queued;
        assert!(waiting > 0 && waiting <= 20, "{} holds {waiting}", names[n]);
        let asked = receivers[n].seen().len();
        assert!(n % 10 != 2 || asked <= 4, "{} was asked {asked} times within its hour", names[n]);
    }
    // of a build that is not optimized, SQLite among it, only that it is no deadline of an ill sink is told
    let most = if cfg!(debug_assertions) { 15 } else { 1 };
    assert!(worst <= Duration::from_secs(most), "{worst:?}");

    mended.store(true, Ordering::Relaxed);
    bench.stop().await;
    let bench = Bench::over(bench.store.clone(), delays, sinks(&receivers), Duration::from_secs(2));
    for n in (0..50).filter(|n| n % 10 <= 2) {
        bench.drained(&names[n]).await;
        assert_in_order(&receivers[n], rounds);
    }
}

fn of_episode(sink: &str, id: &str, kind: Kind, episode: usize) -> Delivery {
    let mut delivery = delivery(sink, id);
    let alert = &mut delivery.notification.alerts[0];
    alert.alert_key = delivery.notification.rule.clone();
    (alert.kind, alert.event_id) = (kind, id.to_owned());
    alert.episode_id = format!("{}/{episode:03}", alert.alert_key);
    alert.reason = (kind == Kind::Resolved).then_some(crate::model::Ending::Cleared);
    delivery
}

/// Of each alert, every message that was taken is later than the one before it, and the last one is the last that happened.
fn assert_in_order(receiver: &Receiver, rounds: usize) {
    let mut stories: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for attempt in receiver.seen() {
        let body: serde_json::Value = serde_json::from_str(&attempt.body).unwrap();
        for alert in body["alerts"].as_array().unwrap() {
            let part = |name: &str| alert[name].as_str().unwrap().to_owned();
            stories.entry(part("alert_key")).or_default().push((part("episode_id"), part("kind")));
        }
    }
    for (alert, mut story) in stories {
        story.dedup();
        let last = (format!("{alert}/{:03}", (rounds - 1) / 2), "resolved".to_owned());
        assert_eq!(story.last(), Some(&last));
        assert!(story.is_sorted(), "{alert}: {story:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_lanes_that_wait_are_found_quickly() {
    let lanes = if full() { 10_000 } else { 2_000 };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.db"), Clock::system()).unwrap().0;
    let deliveries: Vec<Delivery> = (0..lanes).map(|n| delivery("hook", &format!("r{n}/1"))).collect();
    let started = Instant::now();
    store.commit(turn(deliveries)).await.unwrap();
    let inserted = started.elapsed();
    let now = Clock::system().now();
    let started = Instant::now();
    assert_eq!(store.heads("hook", now).await.unwrap().len(), 256);
    let heads = started.elapsed();
    let started = Instant::now();
    assert!(store.next_due("hook", None).await.unwrap().is_some());
    let due = started.elapsed();
    eprintln!("{lanes} lanes: committed in {inserted:?}, heads in {heads:?}, next due in {due:?}");
    assert!(heads + due < Duration::from_millis(500), "{heads:?} and {due:?}");
}
