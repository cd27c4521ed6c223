//! Flipped bits and cut files: either everything that was committed is there, or it is said that it is not.

use std::fs;

use super::*;

/// How many flips, and how many cuts. Each opens a store, so what suffices for pure functions is too much here.
fn cases() -> usize {
    let asked = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(0).clamp(200, 10_000)
}

async fn fill(store: &Store) {
    for n in 0..40 {
        let rule = format!("rule-{}", n % 7);
        let filled = Turn {
            alerts: (0..6).map(|m| (node(10 * m + n), Some(firing(80.0 + f64::from(n))))).collect(),
            told: vec![(node(n), SINK.to_owned(), Some(told("episode")))],
            deliveries: vec![delivery(SINK, &rule, &format!("d{n}"))],
            history: vec![transition(n, i64::from(n))],
            ..turn(&rule, i64::from(n) * 60)
        };
        store.commit(filled).await.unwrap();
    }
    let handles = delivery(SINK, "rule-0", "").notification.alerts.into_iter();
    let handles = handles.map(|change| (change.alert_key, Handle("C1/17".to_owned()))).collect();
    let first = DeliveryKey { sink: SINK.to_owned(), id: "d0".to_owned() };
    store.settle(&first, Settlement::Accepted { handles }).await.unwrap();
}

/// Everything that a store holds, as text.
async fn content(store: &Store) -> String {
    let everything = store.ask(Kind::Read, |db| {
        let mut text = String::new();
        for table in schema::TABLES.into_iter().filter(|table| table.name != "store") {
            let mut select = db.prepare(&format!("SELECT * FROM {}", table.name))?;
            let width = select.column_count();
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                for column in 0..width {
                    text += &format!("{:?} ", row.get_ref(column)?);
                }
            }
        }
        Ok(text)
    });
    everything.await.unwrap()
}

/// The files of a store, as they lie on the disk of a daemon that was killed (with a log) or closed (without).
struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    fn of(folder: &Path) -> Self {
        let names = ["highwater.db", "highwater.db-wal", "highwater.db.lock"];
        let read = |name: &str| Some((name.to_owned(), fs::read(folder.join(name)).ok()?));
        Self(names.into_iter().filter_map(read).collect())
    }

    /// With one fault in the database or its log.
    fn with(&self, random: &mut fastrand::Rng, cut: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let hit = random.usize(..self.0.len() - 1);
        for (at, (name, bytes)) in self.0.iter().enumerate() {
            let mut bytes = bytes.clone();
            if at == hit && cut {
                bytes.truncate(random.usize(..bytes.len()));
            } else if at == hit {
                let length = bytes.len();
                // every second one into a header, where most of the meaning is
                let reach = if random.bool() { length.min(256) } else { length };
                bytes[random.usize(..reach)] ^= random.u8(1..);
            }
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }
}

#[derive(Debug, Default)]
struct Tally {
    whole: usize,
    quarantined: usize,
    older: usize,
}

impl Tally {
    async fn open(&mut self, folder: &Path, expected: &str) {
        let path = folder.join("highwater.db");
        let damaged = fs::read(&path).unwrap();
        let (store, opening) = Store::open(&path, clock()).expect("a damaged store never stops the daemon");
        match opening {
            Opening { quarantined: Some(aside), .. } => {
                self.quarantined += 1;
                assert!(
                    aside.file_name().unwrap().to_string_lossy().starts_with("highwater.db.damaged-2023")
                );
                assert!(aside.exists() || damaged.is_empty());
                assert!(store.load().await.unwrap().is_empty());
            }
            Opening { missing: 1.., .. } => self.older += 1,
            _ => {
                self.whole += 1;
                assert!(content(&store).await == expected, "content changed and nobody was told");
            }
        }
        store.commit(turn("afterwards", 0)).await.expect("and it works");
        store.close().await.unwrap();
        let again = Store::open(&path, clock()).unwrap().1;
        assert_eq!(again.complaint(), None, "what was told once is not told at every start");
    }
}

async fn try_all(files: &Files, expected: &str, seed: u64) -> Tally {
    let mut tally = Tally::default();
    for case in 0..cases() {
        let mut random = fastrand::Rng::with_seed(seed + case as u64);
        for cut in [false, true] {
            tally.open(files.with(&mut random, cut).path(), expected).await;
        }
    }
    tally
}

#[tokio::test]
async fn damage_to_a_closed_store_is_never_silent() {
    let house = House::new();
    let store = house.open();
    fill(&store).await;
    let expected = content(&store).await;
    store.close().await.unwrap();
    let tally = try_all(&Files::of(house.folder.path()), &expected, 1).await;
    assert!(tally.quarantined > cases(), "{tally:?}");
    eprintln!("closed: {tally:?}");
}

#[tokio::test]
async fn damage_to_the_files_of_a_killed_daemon_is_never_silent() {
    let house = House::new();
    let store = house.open();
    fill(&store).await;
    store.checkpoint().await.unwrap();
    store.commit(turn("late", 9)).await.unwrap();
    store.commit(turn("later", 9)).await.unwrap();
    let expected = content(&store).await;
    let tally = try_all(&Files::of(house.folder.path()), &expected, 1_000_000).await;
    assert!(tally.quarantined > 0 && tally.older > 0, "{tally:?}");
    eprintln!("killed: {tally:?}");
}

#[tokio::test]
async fn a_log_that_somebody_removed_is_missed() {
    let house = House::new();
    let store = house.open();
    fill(&store).await;
    store.checkpoint().await.unwrap();
    store.commit(turn("late", 9)).await.unwrap();
    let files = Files::of(house.folder.path());
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files.0.iter().filter(|(name, _)| !name.ends_with("-wal")) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let (_store, opening) = Store::open(&folder.path().join("highwater.db"), clock()).unwrap();
    assert_eq!(opening.missing, 1);
    let told = opening.complaint().unwrap();
    assert_eq!(told, "the store is older than it should be: its last 1 commits are gone");
}

#[tokio::test]
async fn what_is_no_database_at_all_is_moved_aside_whole() {
    let house = House::new();
    fs::write(house.path(), "hello, I am a text\n".repeat(400)).unwrap();
    let (_store, opening) = Store::open(&house.path(), clock()).unwrap();
    let aside = opening.quarantined.clone().unwrap();
    assert!(fs::read_to_string(&aside).unwrap().starts_with("hello"));
    assert!(opening.complaint().unwrap().contains(&*aside.to_string_lossy()));
}
