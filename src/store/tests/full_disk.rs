//! A disk that fails while the daemon runs: nothing is lost while the process lives, and it returns by itself.

use std::{fs, process::Command, time::Duration};

use super::*;

/// Turns the clock until the store is back on its disk.
async fn wait_for_return(store: &Store, clock: &Clock) {
    for n in 0..500 {
        clock.turn_to(at(1000 + 10 * n));
        store.depth().await.unwrap();
        if store.health().is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still in memory: {:?}", store.health());
}

fn numbered(n: i64) -> Turn {
    let id = format!("d{n:05}");
    let alerts = vec![(node(n as u32), Some(firing(80.0)))];
    Turn { alerts, deliveries: vec![delivery(SINK, "storage", &id)], ..turn("storage", n) }
}

async fn commit_numbers(store: &Store, numbers: std::ops::Range<i64>) {
    for n in numbers {
        store.commit(numbered(n)).await.unwrap();
    }
}

async fn assert_holds(store: &Store, numbers: std::ops::Range<i64>) {
    let ids: Vec<_> = numbers.clone().map(|n| format!("d{n:05}")).collect();
    assert_eq!(waiting(store).await, ids);
    let stored = store.load().await.unwrap().remove(&RuleKey::new("storage", "main")).unwrap();
    assert_eq!(stored.watermark, Some(at(numbers.end - 1)));
    assert_eq!(stored.state.alerts.len(), numbers.count());
}

/// The connection may grow its file no further: to SQLite a full disk.
async fn let_it_grow_by(store: &Store, pages: i64) {
    let limit = store.ask(Kind::Read, move |db| {
        let now: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok(db.pragma_update_and_check(None, "max_page_count", now + pages, |_| Ok(()))?)
    });
    limit.await.unwrap();
}

#[tokio::test]
async fn a_disk_that_is_full_at_any_page_loses_nothing() {
    for pages in 0..12 {
        let house = House::new();
        let store = house.open();
        commit_numbers(&store, 0..5).await;
        let_it_grow_by(&store, pages).await;
        commit_numbers(&store, 5..80).await;
        let health = store.health();
        assert!(health.in_memory.as_ref().is_some_and(|away| away.why.contains("full")), "{health:?}");
        assert_holds(&store, 0..80).await;

        let first = DeliveryKey { sink: SINK.to_owned(), id: "d00000".to_owned() };
        store.settle(&first, Settlement::Accepted { handles: BTreeMap::new() }).await.unwrap();
        wait_for_return(&store, &house.clock).await;
        store.commit(numbered(80)).await.unwrap();
        drop(store);
        let store = reopened(&house).await;
        let ids: Vec<_> = (1..=80).map(|n| format!("d{n:05}")).collect();
        assert_eq!(waiting(&store).await, ids);
    }
}

/// Once the thread of a dropped store has let go.
async fn reopened(house: &House) -> Store {
    for _ in 0..500 {
        match Store::open(&house.path(), house.clock.clone()) {
            Err(StoreError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => {
                let (store, opening) = opened.unwrap();
                assert_eq!(opening.complaint(), None);
                return store;
            }
        }
    }
    panic!("the lock was never given back");
}

#[tokio::test]
async fn a_store_that_somebody_else_holds_is_done_without_and_a_silence_written_meanwhile_stays() {
    let house = House::new();
    let store = house.open();
    commit_numbers(&store, 0..3).await;
    let intruder = Connection::open(house.path()).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    commit_numbers(&store, 3..6).await;
    assert!(!store.health().is_ok());
    intruder.execute_batch("ROLLBACK").unwrap();
    let silence = silence_until(Silence::matchers_of("storage", None), at(9000));
    Silences::open(&house.path()).unwrap().put(&silence).unwrap();
    wait_for_return(&store, &house.clock).await;
    assert_holds(&store, 0..6).await;
    assert_eq!(store.notice_others(at(0)).await.unwrap(), [silence]);
}

async fn run_sql(store: &Store, sql: &'static str) {
    store.ask(Kind::Read, move |db| Ok(db.execute_batch(sql)?)).await.unwrap();
}

#[tokio::test]
async fn what_was_done_while_the_disk_could_not_even_be_read_is_done_again_on_it() {
    let house = House::new();
    let store = house.open();
    commit_numbers(&store, 0..4).await;
    run_sql(&store, "ALTER TABLE alerts RENAME TO out_of_reach").await;
    commit_numbers(&store, 4..9).await;
    assert!(!store.health().is_ok());
    let disk = Connection::open(house.path()).unwrap();
    disk.execute_batch("ALTER TABLE out_of_reach RENAME TO alerts").unwrap();
    wait_for_return(&store, &house.clock).await;
    assert_eq!(store.health().quarantined, None);
    assert_holds(&store, 0..9).await;
}

#[tokio::test]
async fn a_file_that_turns_out_damaged_while_the_daemon_runs_is_moved_aside_and_said() {
    let house = House::new();
    let store = house.open();
    commit_numbers(&store, 0..4).await;
    run_sql(&store, "DROP TABLE alerts").await;
    commit_numbers(&store, 4..9).await;
    wait_for_return(&store, &house.clock).await;
    assert!(store.health().quarantined.is_some_and(|aside| aside.exists()));
    assert_holds(&store, 4..9).await;
    store.close().await.unwrap();
    assert_holds(&house.open(), 4..9).await;
}

#[tokio::test]
async fn closing_while_the_disk_has_recovered_brings_everything_home() {
    let house = House::new();
    let store = house.open();
    let_it_grow_by(&store, 0).await;
    commit_numbers(&store, 0..40).await;
    assert!(!store.health().is_ok());
    store.close().await.unwrap();
    assert_holds(&house.open(), 0..40).await;
}

const TMPFS: &str = "HIGHWATER_TEST_TMPFS";

/// A real file system of 2 MiB, in a mount namespace of its own: root or not, and gone with the process.
#[test]
fn a_real_full_file_system_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@""#;
    let mut child = Command::new("unshare");
    child.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(folder.path());
    if !child.arg("true").status().is_ok_and(|status| status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no mount namespace here");
        return eprintln!("not run: a mount namespace is needed for a small file system");
    }
    let mut child = Command::new("unshare");
    child.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(folder.path());
    child.arg(std::env::current_exe().unwrap()).args(["--ignored", "--exact", "--nocapture"]);
    child.arg("store::tests::full_disk::on_a_small_file_system").env(TMPFS, folder.path());
    let out = child.output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[tokio::test]
#[ignore = "the child of `a_real_full_file_system_loses_nothing`"]
async fn on_a_small_file_system() {
    let Some(folder) = std::env::var_os(TMPFS) else { return };
    let (clock, path) = (clock(), Path::new(&folder).join("highwater.db"));
    let (store, _) = Store::open(&path, clock.clone()).unwrap();
    commit_numbers(&store, 0..20).await;
    let filler = Path::new(&folder).join("filler");
    let full = fs::write(&filler, vec![1; 4 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    commit_numbers(&store, 20..60).await;
    assert!(!store.health().is_ok(), "the disk is full");
    clock.turn_to(at(500));
    assert_holds(&store, 0..60).await;
    assert!(!store.health().is_ok(), "the way back was tried too early to work");
    fs::remove_file(&filler).unwrap();
    wait_for_return(&store, &clock).await;
    store.close().await.unwrap();

    fs::write(&filler, vec![1; 4 << 20]).unwrap_err();
    clock.turn_to(at(0));
    let (store, opening) = Store::open(&path, clock.clone()).unwrap();
    assert_eq!((opening.complaint(), store.health().is_ok()), (None, false), "it starts on a full disk");
    assert_holds(&store, 0..60).await;
    commit_numbers(&store, 60..70).await;
    fs::remove_file(filler).unwrap();
    wait_for_return(&store, &clock).await;
    store.close().await.unwrap();
    assert_holds(&Store::open(&path, clock).unwrap().0, 0..70).await;
}
