//! Notifications for tests.

use chrono::TimeZone as _;

use super::{
    Ending, Entity, Facts, Kind, Level, Number, Time, Unit,
    notification::{Change, Notification, Status},
    published::Published,
};

pub fn at(hour: u32, minute: u32) -> Time {
    chrono::Utc.with_ymd_and_hms(2026, 11, 21, hour, minute, 0).unwrap()
}

pub fn change(kind: Kind, level: Level) -> Change {
    Change {
        alert_key: "k".to_owned(),
        episode_id: "e".to_owned(),
        event_id: "v".to_owned(),
        kind,
        level,
        previous_level: None,
        entity: Entity::of("node", "es-1"),
        value: Some(Number::Float(91.24)),
        unit: Some(Unit::Percent),
        threshold: Some(Number::Int(90)),
        since: at(9, 2),
        peak: Some(Number::Float(93.0)),
        reason: None,
        facts: Facts::default().with("used_bytes", 430_u64 << 30).with("free_bytes", 40_u64 << 30),
        cause: None,
        next_step: None,
        message: None,
        links: Vec::new(),
        at: at(9, 16),
        note: None,
        passed: None,
        came_and_went: false,
        precedent: None,
    }
}

pub fn resolved(reason: Ending) -> Change {
    Change { reason: Some(reason), ..change(Kind::Resolved, Level::Critical) }
}

pub fn notification(alerts: Vec<Change>) -> Notification {
    let over = alerts.iter().all(|change| change.kind == Kind::Resolved);
    Notification {
        version: 1,
        notification_id: "n".to_owned(),
        rule: "elasticsearch-storage".to_owned(),
        summary: "Disk used on a data node".to_owned(),
        title: None,
        cluster: "main".to_owned(),
        at: at(9, 16),
        status: if over { Status::Resolved } else { Status::Firing },
        level: alerts.iter().map(|change| change.level).max().unwrap(),
        text: String::new(),
        labels: [].into(),
        runbook: Some("https://runbooks/disk".to_owned()),
        alerts,
        readings: Vec::new(),
        note: None,
        digest: None,
        test: false,
    }
}

/// Readings of nodes by their values, the first of them critical.
pub fn readings(nodes: &[(&str, Number)]) -> Notification {
    let reading = |(n, (node, value)): (usize, &(&str, Number))| Published {
        id: format!("r{n}"),
        entity: Entity::of("node", *node),
        value: *value,
        unit: Unit::Percent,
        level: (n == 0).then_some(Level::Critical),
        at: at(9, 16),
    };
    let readings = nodes.iter().enumerate().map(reading).collect();
    Notification { alerts: Vec::new(), readings, ..notification(vec![change(Kind::Fired, Level::Info)]) }
}
