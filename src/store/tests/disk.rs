//! Folder, lock and schema.

use super::{schema::MIGRATIONS, *};

#[test]
fn one_store_serves_one_daemon() {
    let house = House::new();
    for _ in 0..12 {
        let gate = std::sync::Barrier::new(8);
        let open = || {
            gate.wait();
            Store::open(&house.path(), clock())
        };
        let opened: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let refused = opened.iter().filter(|opened| matches!(opened, Err(StoreError::Locked { .. }))).count();
        assert_eq!(refused, 7);
        let winner = opened.into_iter().find_map(Result::ok).unwrap().0;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(winner.close()).unwrap();
    }
}

#[tokio::test]
async fn after_close_everything_is_in_one_file_and_nothing_more_is_taken() {
    let house = House::new();
    let store = house.open();
    let (turned, closed) = futures::join!(store.commit(turn("a", 1)), store.close());
    turned.unwrap();
    closed.unwrap();
    assert!(matches!(store.commit(turn("a", 2)).await, Err(StoreError::Closed)));
    assert!(!house.folder.path().join("highwater.db-wal").exists());
    assert_eq!(house.open().load().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_checkpoint_empties_the_log() {
    let house = House::new();
    let store = house.open();
    store.commit(turn("a", 1)).await.unwrap();
    let log = house.folder.path().join("highwater.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0);
    store.checkpoint().await.unwrap();
    store.load().await.unwrap();
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    assert!(store.size().await.unwrap() > 4096);
}

#[cfg(unix)]
#[tokio::test]
async fn folder_and_files_are_for_one_users_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("var/lib/highwater.db");
    let (store, _) = Store::open(&path, clock()).unwrap();
    store.commit(turn("a", 1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for file in ["highwater.db", "highwater.db-wal", "highwater.db-shm", "highwater.db.lock"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::open(&folder.path().join("file/highwater.db"), clock()).unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert!(error.to_string().contains("hint: "));
}

/// A store of this version, closed, with one turn in it.
fn old_store(house: &House) -> Connection {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = house.open();
    runtime.block_on(store.commit(turn("a", 1))).unwrap();
    runtime.block_on(store.close()).unwrap();
    Connection::open(house.path()).unwrap()
}

#[test]
fn an_older_store_is_brought_forward_in_one_transaction_or_stays_as_it_is() {
    let house = House::new();
    let db = old_store(&house);
    let count =
        |db: &Connection| db.query_row("SELECT count(*) FROM rules", [], |row| row.get::<_, u32>(0)).unwrap();

    let halfway = [MIGRATIONS[0], "CREATE TABLE halfway (a); CREATE TABLE rules (again);"];
    assert!(schema::migrate(&db, &house.path(), &halfway).is_err());
    assert_eq!(schema::version(&db).unwrap(), 1);
    assert!(
        db.query_row("SELECT * FROM halfway", [], |_| Ok(()))
            .unwrap_err()
            .to_string()
            .contains("no such table")
    );

    let forward = [MIGRATIONS[0], "ALTER TABLE rules ADD COLUMN colour TEXT;"];
    assert_eq!(schema::migrate(&db, &house.path(), &forward).unwrap(), Some(1));
    assert_eq!((schema::version(&db).unwrap(), count(&db)), (2, 1));
    assert_eq!(schema::migrate(&db, &house.path(), &forward).unwrap(), None, "once is enough");
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let house = House::new();
    let db = old_store(&house);
    schema::migrate(&db, &house.path(), &[MIGRATIONS[0], "CREATE TABLE more (a INTEGER) STRICT;"]).unwrap();
    drop(db);
    let before = std::fs::read(house.path()).unwrap();
    let refused = Store::open(&house.path(), clock()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 2, known: 1, .. }), "{refused}");
    assert!(matches!(Reader::open(&house.path()), Err(StoreError::Newer { .. })));
    assert!(std::fs::read(house.path()).unwrap() == before);
}

#[test]
fn somebody_elses_database_is_refused_and_left_alone() {
    let house = House::new();
    Connection::open(house.path()).unwrap().execute_batch("CREATE TABLE songs (title)").unwrap();
    let refused = Store::open(&house.path(), clock()).unwrap_err();
    assert!(matches!(refused, StoreError::Foreign { .. }), "{refused}");
    let db = Connection::open(house.path()).unwrap();
    assert_eq!(
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0)).unwrap(),
        1
    );
}

#[test]
fn every_table_has_the_columns_that_are_written() {
    let db = place::in_memory().unwrap();
    for table in schema::TABLES {
        let select = db.prepare(&format!("SELECT * FROM {}", table.name)).unwrap();
        let mut columns = table.columns.to_vec();
        columns.push("sum");
        assert_eq!(select.column_names().collect::<Vec<_>>(), columns, "{}", table.name);
    }
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
    let tables: u32 = db.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(tables as usize, schema::TABLES.len());
}
