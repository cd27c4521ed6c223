use super::*;
use crate::model::heartbeat::Sign;

#[tokio::test]
async fn a_sign_of_life_that_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let at = |text: &str| text.parse::<Time>().unwrap();
    let clock = Clock::standing_at(at("2026-11-21T10:00:00Z"));
    let (store, _) = Store::open(&path, clock.clone()).unwrap();
    assert_eq!(store.pings("backup").await.unwrap(), Default::default());
    store.hear("backup", Sign::Started).await.unwrap();
    clock.turn_to(at("2026-11-21T10:05:00Z"));
    store.hear("backup", Sign::Alive).await.unwrap();
    store.hear("other", Sign::Failed).await.unwrap();
    store.close().await.unwrap();
    let (store, opening) = Store::open(&path, clock).unwrap();
    assert_eq!(opening, Opening::default());
    let pings = store.pings("backup").await.unwrap();
    assert_eq!((pings.alive, pings.started, pings.failed), (Some(at("2026-11-21T10:05:00Z")), None, None));
    assert_eq!(pings.took.unwrap().as_secs(), 300);
    assert_eq!(store.pings("other").await.unwrap().failed, Some(at("2026-11-21T10:05:00Z")));
    assert_eq!(Reader::open(&path).unwrap().pings("backup").unwrap(), pings);
}
