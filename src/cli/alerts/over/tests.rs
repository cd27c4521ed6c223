use anstream::adapter::strip_str;

use super::*;
use crate::{
    cli::alerts::waiting::tests::turn,
    clock::Clock,
    model::{
        Alert, Latch, Level,
        notification::{By, Delivery, Told},
        samples::{at, change, notification, resolved},
    },
    store::{DeliveryKey, Settlement, Store, Turn},
};

/// A store with one closed alert, of which `deliveries` wait and `told` is remembered.
struct House {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    store: Store,
}

impl House {
    async fn with(turn: Turn) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("highwater.db");
        let (store, _) = Store::open(&path, Clock::standing_at(at(9, 16))).unwrap();
        store.commit(turn).await.unwrap();
        Self { _folder: folder, path, store }
    }

    fn over(&self) -> Vec<Over> {
        let store = Reader::open(&self.path).unwrap();
        read(&store, &store.load().unwrap(), &store.alerts().unwrap()).unwrap()
    }

    fn notes(&self) -> Vec<String> {
        let rows = self.over().into_iter().map(|over| over.row(at(9, 30), chrono_tz::UTC));
        rows.flat_map(|row| row.notes).map(|note| strip_str(&note).to_string()).collect()
    }
}

fn to(sink: &str, change: Change) -> Delivery {
    let mut whole = notification(vec![change.clone()]);
    whole.notification_id = format!("{sink} {}", change.kind.name());
    Delivery::of_rule(sink, whole, chrono_tz::UTC)
}

#[tokio::test]
async fn a_recovery_that_waits_for_a_sink_is_listed_until_it_is_taken() {
    let ended = to("hook", resolved(Ending::Cleared));
    let key = DeliveryKey::of(&ended);
    let house = House::with(turn(vec![ended])).await;
    let why = "answered 503".to_owned();
    house.store.settle(&key, Settlement::Retry { due: at(9, 20), why, anew: false }).await.unwrap();
    assert_eq!(house.notes(), ["its recovery waits for sink hook since 09:16 UTC: answered 503"]);
    let json = house.over()[0].as_json();
    assert_eq!((&json["state"], &json["reason"]), (&json!("over"), &json!("cleared")));
    assert_eq!(json["waiting"][0]["kinds"], json!(["resolved"]));
    house.store.settle(&key, Settlement::Accepted { handles: [].into() }).await.unwrap();
    assert_eq!(house.over(), []);
}

#[tokio::test]
async fn what_came_and_went_while_a_sink_was_down_is_one_row() {
    let both = vec![to("hook", change(Kind::Fired, Level::Critical)), to("hook", resolved(Ending::Vanished))];
    let house = House::with(turn(both)).await;
    assert_eq!(house.over().len(), 1);
    assert_eq!(house.over()[0].state().1, "vanished");
    assert_eq!(house.notes(), ["that it fired and its end wait for sink hook since 09:16 UTC"]);
}

#[tokio::test]
async fn a_withheld_recovery_is_listed_and_what_is_open_is_not() {
    let ended = resolved(Ending::Cleared);
    let by = By { words: "muted by ada".to_owned(), silence: None, is_brief: false };
    let withheld = Some(Withheld { by, change: Box::new(ended.clone()) });
    let told = Told {
        episode_id: ended.episode_id.clone(),
        level: Some(Level::Critical),
        withheld,
        event_id: "e".to_owned(),
        shown: None,
        flapping: false,
        digest: None,
    };
    let told = vec![(ended.entity.clone(), "ear".to_owned(), Some(told))];
    let house = House::with(Turn { told: told.clone(), ..turn(Vec::new()) }).await;
    assert_eq!(house.notes(), ["withheld from ear: muted by ada"]);
    assert_eq!(house.over()[0].as_json()["withheld"][0]["by"], "muted by ada");

    let mut firing = Alert { since: Some(ended.since), level: Some(Level::Critical), ..Alert::default() };
    firing.latches.insert(Level::Critical, Latch::Firing);
    let alerts = vec![(ended.entity.clone(), Some(firing))];
    let open = Turn { alerts, told, ..turn(Vec::new()) };
    assert_eq!(House::with(open).await.over(), [], "an open alert says so itself");
}
