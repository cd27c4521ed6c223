//! What services that call people have in common: one alert of theirs for one of ours, or for a whole digest.

use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::model::{
    Kind, Level,
    notification::{Change, Delivery, Notification, Status},
    span, wording,
};

/// The most characters of one detail.
const DETAIL: usize = 500;

/// A delivery as a pager sees it: its changes are those of one alert, or of one digest.
pub struct Page<'a> {
    pub notification: &'a Notification,
    /// The newest of its changes; none in an empty notification.
    pub change: Option<&'a Change>,
    zone: Tz,
}

impl<'a> Page<'a> {
    pub fn of(delivery: &'a Delivery) -> Self {
        let notification = &delivery.notification;
        Self { notification, change: notification.alerts.last(), zone: delivery.zone }
    }

    /// The same for the whole life of the alert, or of the digest.
    pub fn key(&self) -> &'a str {
        match (&self.notification.digest, self.change) {
            (Some(digest), _) => &digest.id,
            (None, Some(change)) => &change.alert_key,
            (None, None) => &self.notification.notification_id,
        }
    }

    pub fn level(&self) -> Level {
        match (&self.notification.digest, self.change) {
            (None, Some(change)) => change.level,
            _ => self.notification.level,
        }
    }

    /// What it is about has ended.
    pub fn is_over(&self) -> bool {
        match (&self.notification.digest, self.change) {
            (Some(digest), _) => digest.open == 0,
            (None, Some(change)) => change.kind == Kind::Resolved,
            (None, None) => self.notification.status == Status::Resolved,
        }
    }

    /// What happened, where it is one alert's.
    pub fn kind(&self) -> Option<Kind> {
        self.change.filter(|_| self.notification.digest.is_none()).map(|change| change.kind)
    }

    /// In one line: `Disk used on a data node (main): node=es-1: 91.2 %, threshold 90 %, since 10:02 CET`.
    pub fn headline(&self) -> String {
        let notification = self.notification;
        let title =
            format!("{} ({})", neutral(wording::subject(notification)), neutral(&notification.cluster));
        let test = if notification.test { "TEST: " } else { "" };
        let note = notification.note.iter().map(|note| format!("{}: ", neutral(note))).collect::<String>();
        match (&notification.digest, self.change) {
            (Some(digest), _) => format!("{note}{test}{} alerts in one: {title}", digest.of),
            (None, Some(change)) => {
                format!("{note}{test}{title}: {}", neutral(&wording::line(change, self.zone)))
            }
            (None, None) => format!("{note}{test}{title}"),
        }
    }

    /// The whole in plain text; of a digest first how much of it is left.
    pub fn text(&self) -> String {
        let text = neutral(&self.notification.text);
        let Some(digest) = &self.notification.digest else { return text };
        let doubt = if digest.unproven { ", not all proven recovered" } else { "" };
        match digest.open {
            0 => format!("the last of {} alerts ended{doubt}\n{text}", digest.of),
            open => format!("{open} of {} alerts are open\n{text}", digest.of),
        }
    }

    /// Entity, or the cluster where it has none.
    pub fn source(&self) -> String {
        match self.change.filter(|change| self.notification.digest.is_none() && !change.entity.is_empty()) {
            Some(change) => neutral(&wording::entity(change)),
            None => neutral(&self.notification.cluster),
        }
    }

    /// Rule, numbers, entity, facts and labels as text by name: as many as fit into so many characters, and how many do not.
    pub fn details(&self, most: usize) -> Map<String, Value> {
        let all = self.every_detail();
        let mut details = Map::new();
        let (mut used, mut left_out) = (0, 0);
        for (name, value) in all {
            let (name, value) = (wording::cut(&neutral(&name), 100), wording::cut(&neutral(&value), DETAIL));
            let size = name.chars().count() + value.chars().count();
            if value.is_empty() || details.contains_key(&name) {
                continue;
            }
            if used + size > most.saturating_sub(50) {
                left_out += 1;
                continue;
            }
            used += size;
            details.insert(name, Value::String(value));
        }
        if left_out > 0 {
            details.insert("left out".to_owned(), Value::String(format!("{left_out} details")));
        }
        details
    }

    fn every_detail(&self) -> Vec<(String, String)> {
        let notification = self.notification;
        let mut all = vec![
            ("rule".to_owned(), notification.rule.clone()),
            ("cluster".to_owned(), notification.cluster.clone()),
            ("level".to_owned(), self.level().to_string()),
        ];
        let mut add = |name: &str, value: Option<String>| {
            all.extend(value.map(|value| (name.to_owned(), value)));
        };
        add("runbook", notification.runbook.clone());
        if let Some(digest) = &notification.digest {
            add("alerts", Some(digest.of.to_string()));
            add("open", Some(digest.open.to_string()));
        } else if let Some(change) = self.change {
            add("value", change.show_value());
            add("threshold", change.show_threshold());
            add("since", Some(change.since.to_rfc3339()));
            add("peak", change.show_peak());
            add("lasted", (change.kind == Kind::Resolved).then(|| span::show(wording::lasted(change))));
            add("reason", change.reason.map(|reason| reason.words().to_owned()));
            add("cause", change.cause.clone());
            add("next step", change.next_step.clone());
            add("message", change.message.clone());
            all.extend(change.entity.labels().map(|(name, value)| (name.to_owned(), value.to_owned())));
            all.extend(wording::facts(change));
        }
        let labels = notification.labels.iter();
        all.extend(labels.map(|(name, value)| (name.clone(), value.clone())));
        all
    }
}

/// Lines that steer nothing, and hold no tag and no mention, whether a service escapes what it shows or does not.
pub fn neutral(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(wording::clean).collect();
    lines.join("\n").replace('<', "‹").replace('>', "›")
}
