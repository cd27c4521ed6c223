//! The store from outside: what is committed is there, whatever happens to the process, the disk or the file.

mod beside;
mod damage;
mod disk;
mod figures;
mod full_disk;
mod heartbeats;
mod kills;
mod letters;
mod outbox;
mod room;
mod turns;

use super::{turn::*, *};
use crate::{
    checks::Memory,
    model::{
        Alert, Entity, Kind as Change, Latch, Level, Number, Reading, Reason, Transition, Unit,
        blind::{Blind, Since},
        notification::{self, Delivery, Handle, Notification, Status, Told},
        reason::Cause,
        silence::Terms,
        time::Course,
    },
};

pub(super) fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

pub(super) fn clock() -> Clock {
    Clock::standing_at(at(0))
}

pub(super) fn node(n: u32) -> Entity {
    Entity::of("node", format!("es-{n}"))
}

pub(super) fn firing(value: f64) -> Alert {
    let reading = Reading::new(Number::Float(value), Unit::Percent).fact("used", 12_345_678_901_u64);
    Alert {
        latches: [(Level::Warning, Latch::Firing)].into(),
        level: Some(Level::Warning),
        since: Some(at(0)),
        peak: Some(reading.value),
        latest: Some(reading),
        seen: Some(at(0)),
        told: 1,
        told_at: Some(at(0)),
        ..Alert::default()
    }
}

pub(super) fn turn(rule: &str, tick: i64) -> Turn {
    Turn {
        key: RuleKey::new(rule, "main"),
        card: Card { summary: format!("{rule} speaks"), ..Card::default() },
        runs: vec![Run::one(at(tick), Outcome::Complete, None)],
        watermark: Some(at(tick)),
        owed: Vec::new(),
        blind: Blind::default(),
        course: Course::default(),
        memory: Memory::default(),
        alerts: Vec::new(),
        told: Vec::new(),
        deliveries: Vec::new(),
        history: Vec::new(),
        untold: BTreeMap::new(),
        forget_rule: false,
    }
}

pub(super) fn transition(n: u32, tick: i64) -> Transition {
    Transition {
        entity: node(n),
        kind: Change::Fired,
        level: Level::Warning,
        previous_level: None,
        since: at(0),
        at: at(tick),
        n: 0,
        reading: None,
        threshold: None,
        peak: None,
        ending: None,
    }
}

pub(super) fn delivery(sink: &str, rule: &str, id: &str) -> Delivery {
    let change = notification::Change::new(rule, "main", &transition(1, 0));
    let notification = Notification {
        version: 1,
        notification_id: id.to_owned(),
        rule: rule.to_owned(),
        summary: String::new(),
        title: None,
        cluster: "main".to_owned(),
        at: at(0),
        status: Status::Firing,
        level: Level::Warning,
        text: "es-1 is nearly full".to_owned(),
        labels: BTreeMap::new(),
        runbook: None,
        alerts: vec![change],
        readings: Vec::new(),
        note: None,
        digest: None,
        test: false,
    };
    Delivery::of_rule(sink, notification, chrono_tz::UTC)
}

fn silence_until(matchers: Vec<crate::model::matcher::Matcher>, until: Time) -> Silence {
    let (reason, who) = ("disks are being swapped".to_owned(), "anna".to_owned());
    Silence::new(matchers, Terms { until, reason, who, created: at(0) })
}

pub(super) fn told(episode: &str) -> Told {
    let event_id = "event".to_owned();
    Told {
        episode_id: episode.to_owned(),
        level: Some(Level::Warning),
        withheld: None,
        event_id,
        shown: None,
        flapping: false,
        digest: None,
    }
}

pub(super) const SINK: &str = "hook";

/// A store in a folder of its own.
pub(super) struct House {
    pub folder: tempfile::TempDir,
    pub clock: Clock,
}

impl House {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: clock() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("highwater.db")
    }

    pub fn open(&self) -> Store {
        let (store, opening) = Store::open(&self.path(), self.clock.clone()).unwrap();
        assert_eq!(opening.complaint(), None);
        store
    }
}

/// The ids that wait for [`SINK`], whether due or not.
pub(super) async fn waiting(store: &Store) -> Vec<String> {
    let ids = "SELECT id FROM deliveries WHERE state <> 'dead' ORDER BY seq";
    let found = store.ask(Kind::Read, move |db| {
        let mut select = db.prepare(ids)?;
        let ids = select.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<Result<Vec<String>, _>>()?)
    });
    found.await.unwrap()
}

pub(super) async fn commits(store: &Store) -> i64 {
    store.ask(Kind::Read, schema::commits).await.unwrap()
}

pub(super) fn unreachable_since(seconds: i64) -> Since {
    Since { at: at(seconds), reason: Reason::new(Cause::Unreachable, "nobody answers"), rung: false }
}
