//! How fast it is. Not judged here: `cargo test --release --lib store::tests::figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

#[tokio::test]
#[ignore = "figures, not a judgement"]
async fn ten_thousand_alerts_load() {
    let house = House::new();
    let store = house.open();
    let alerts = (0..10_000).map(|n| (node(n), Some(firing(f64::from(n))))).collect();
    let told = (0..10_000).map(|n| (node(n), SINK.to_owned(), Some(told("episode")))).collect();
    let started = Instant::now();
    store.commit(Turn { alerts, told, ..turn("storage", 0) }).await.unwrap();
    eprintln!("one turn of 10,000 alerts commits in {:?}", started.elapsed());
    store.close().await.unwrap();

    let started = Instant::now();
    let store = house.open();
    let opened = started.elapsed();
    let found = store.load().await.unwrap();
    eprintln!("opens in {opened:?}, loads in {:?}", started.elapsed() - opened);
    assert_eq!(found[&RuleKey::new("storage", "main")].state.alerts.len(), 10_000);
}

#[tokio::test]
#[ignore = "figures, not a judgement"]
async fn commits_in_a_second() {
    for lanes in [1, 4, 32, 256] {
        let house = House::new();
        let store = house.open();
        let each = 2_000 / lanes;
        let started = Instant::now();
        let writers = (0..lanes).map(|lane| {
            let store = store.clone();
            async move {
                for n in 0..each {
                    let rule = format!("r{lane}");
                    let deliveries = vec![delivery(SINK, &rule, &format!("{lane}:{n}"))];
                    let alerts = vec![(node(1), Some(firing(80.0)))];
                    store.commit(Turn { alerts, deliveries, ..turn(&rule, n) }).await.unwrap();
                }
            }
        });
        futures::future::join_all(writers).await;
        let turns = f64::from(u32::try_from(lanes * each).unwrap());
        eprintln!("{lanes} at a time: {:.0} turns/s", turns / started.elapsed().as_secs_f64());
        assert!(commits(&store).await > 0);
    }
}
