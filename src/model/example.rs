//! Made-up notifications: what a template is tried on before there is a real one.

use std::collections::BTreeMap;

use super::{
    Ending, Entity, Kind, Level, Number, Reading, Time, Transition, Unit,
    notification::{Change, Digest, Notification, Status},
};

/// One that fires, one that is over, a test and a digest: a template may go another way for each.
pub fn notifications() -> Vec<Notification> {
    let fired = notification(Kind::Fired, Level::Warning);
    let digest = Digest { id: "example".to_owned(), of: 11, open: 11, unproven: false, standing: Vec::new() };
    vec![
        Notification { test: true, ..fired.clone() },
        Notification { digest: Some(digest), note: Some("told late".to_owned()), ..fired.clone() },
        fired,
        notification(Kind::Raised, Level::Critical),
        notification(Kind::Resolved, Level::Info),
    ]
}

fn notification(kind: Kind, level: Level) -> Notification {
    let transition = Transition {
        entity: Entity::of("node", "es-1"),
        kind,
        level,
        previous_level: (kind == Kind::Raised).then_some(Level::Warning),
        since: Time::UNIX_EPOCH,
        at: Time::UNIX_EPOCH,
        n: 0,
        reading: Some(Reading::new(Number::Int(91), Unit::Percent)),
        threshold: Some(Number::Int(85)),
        peak: Some(Number::Int(91)),
        ending: (kind == Kind::Resolved).then_some(Ending::Cleared),
    };
    Notification {
        version: 1,
        notification_id: "example".to_owned(),
        rule: "example".to_owned(),
        summary: "an \"example\"".to_owned(),
        title: None,
        cluster: "main".to_owned(),
        at: Time::UNIX_EPOCH,
        status: if kind == Kind::Resolved { Status::Resolved } else { Status::Firing },
        level,
        text: "an\nexample".to_owned(),
        labels: BTreeMap::new(),
        runbook: None,
        alerts: vec![Change::new("example", "main", &transition)],
        readings: Vec::new(),
        note: None,
        digest: None,
        test: false,
    }
}
