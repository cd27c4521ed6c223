//! What is sent: the changes of one evaluation for one sink, as data that every sink renders in its own way.

use std::{cmp::Reverse, collections::BTreeMap};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{
    Ending, Entity, Facts, Kind, Level, Number, Time, Transition, Unit, identity, published::Published,
};

/// The message that one evaluation causes at one sink. Its JSON is the webhook's body: names are added, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    pub version: u8,
    /// The same on every attempt: the `Idempotency-Key`.
    pub notification_id: String,
    pub rule: String,
    pub summary: String,
    /// The author's own title, in place of the summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub cluster: String,
    /// The tick that was judged.
    pub at: Time,
    pub status: Status,
    /// The highest of its alerts.
    pub level: Level,
    /// The whole in plain text, for people.
    pub text: String,
    pub labels: BTreeMap<String, String>,
    pub runbook: Option<String>,
    pub alerts: Vec<Change>,
    /// Readings as metrics, for a sink that `publish` names: such a notification has no alerts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Published>,
    /// How late it comes, said before anything else: `delivered 47m late`. What else has to be said is each alert's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// At a sink with a message per alert: these alerts are too many, and share this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// A test message, marked as such.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// Many alerts that fired at once and share one message, which lives as long as one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// The same for its whole life: an alias, a `dedup_key`.
    pub id: String,
    /// How many alerts it began with.
    pub of: usize,
    /// How many of them are open after this.
    pub open: usize,
    /// One of them ended without a proof: it never turns green.
    pub unproven: bool,
    /// The worst of those that are open and of which there is no news, as they stand: what an edited message names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Firing,
    /// Only if every alert in it is.
    Resolved,
}

/// One alert's change as one sink is told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub alert_key: String,
    pub episode_id: String,
    pub event_id: String,
    pub kind: Kind,
    pub level: Level,
    pub previous_level: Option<Level>,
    pub entity: Entity,
    pub value: Option<Number>,
    pub unit: Option<Unit>,
    pub threshold: Option<Number>,
    pub since: Time,
    pub peak: Option<Number>,
    /// Why it ended: `cleared`, `vanished`, `no_data`, `rule_removed`, `rule_changed`, `disabled`, `not_applicable`, `sink_removed`.
    pub reason: Option<Ending>,
    pub facts: Facts,
    /// What is behind it, in one sentence.
    pub cause: Option<String>,
    /// What to do about it, in one sentence.
    pub next_step: Option<String>,
    /// The rule author's own words, rendered from `message`.
    pub message: Option<String>,
    /// The links in `message`: each stands there as `text (url)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// The tick that told it.
    pub at: Time,
    /// What else has to be said first: `told late`, `last seen at 10:02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Earlier episodes of this alert that came and went while nothing could be delivered, and are told only here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
    /// It fired and ended while nothing could be delivered: that it fired is told only here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub came_and_went: bool,
    /// How often it fired before: `7th time in 30 days, median 14m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedent: Option<String>,
}

/// Whole episodes that are counted, and not told one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    pub episodes: u32,
    /// The first of them fired then.
    pub from: Time,
    /// The last of them ended then.
    pub to: Time,
}

/// The worst entity first; what happened to one entity stays together, in the order in which it happened.
pub fn in_reading_order(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|change| (change.at, change.kind != Kind::Resolved));
    let mut by_entity: BTreeMap<Entity, Vec<Change>> = BTreeMap::new();
    for change in changes {
        by_entity.entry(change.entity.clone()).or_default().push(change);
    }
    let mut groups: Vec<Vec<Change>> = by_entity.into_values().collect();
    groups.sort_by_key(|group| group.last().map(|last| (last.kind == Kind::Resolved, Reverse(last.level))));
    groups.into_iter().flatten().collect()
}

/// A link in an author's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub text: String,
    pub url: String,
}

impl Link {
    /// Where a sink has no links of its own.
    pub fn plain(&self) -> String {
        if self.text == self.url { self.url.clone() } else { format!("{} ({})", self.text, self.url) }
    }
}

impl Change {
    /// The change of `transition` under its identities, without words yet.
    pub fn new(rule: &str, cluster: &str, transition: &Transition) -> Self {
        let alert_key = identity::alert_key(rule, cluster, &transition.entity);
        let episode_id = identity::episode_id(&alert_key, transition.since);
        let event_id = identity::event_id(&episode_id, transition.kind, transition.n);
        let reading = transition.reading.as_ref();
        Self {
            alert_key,
            episode_id,
            event_id,
            kind: transition.kind,
            level: transition.level,
            previous_level: transition.previous_level,
            entity: transition.entity.clone(),
            value: reading.map(|reading| reading.value),
            unit: reading.map(|reading| reading.unit),
            threshold: transition.threshold,
            since: transition.since,
            peak: transition.peak,
            reason: transition.ending,
            facts: reading.map(|reading| reading.facts.clone()).unwrap_or_default(),
            cause: None,
            next_step: None,
            message: None,
            links: Vec::new(),
            at: transition.at,
            note: None,
            passed: None,
            came_and_went: false,
            precedent: None,
        }
    }

    /// Proven to be over: the only thing that is green.
    pub fn is_cleared(&self) -> bool {
        self.kind == Kind::Resolved && self.reason == Some(Ending::Cleared)
    }

    pub fn show_value(&self) -> Option<String> {
        Some(self.unit?.show(self.value?))
    }

    pub fn show_threshold(&self) -> Option<String> {
        Some(self.unit?.show(self.threshold?))
    }

    pub fn show_peak(&self) -> Option<String> {
        Some(self.unit?.show(self.peak?))
    }
}

/// One notification for one sink: a row of the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    pub sink: String,
    /// Within a lane of a sink, a later delivery never overtakes an earlier one.
    pub lane: String,
    pub notification: Notification,
    /// The zone in which people read times.
    pub zone: Tz,
}

impl Delivery {
    /// In the lane of its rule.
    pub fn of_rule(sink: impl Into<String>, notification: Notification, zone: Tz) -> Self {
        let lane = format!("{}\n{}", notification.rule, notification.cluster);
        Self { sink: sink.into(), lane, notification, zone }
    }

    /// In a lane of its own: numbers neither wait for alerts nor hold them up.
    pub fn of_readings(sink: impl Into<String>, notification: Notification, zone: Tz) -> Self {
        let lane = format!("{}\n{}\nreadings", notification.rule, notification.cluster);
        Self { sink: sink.into(), lane, notification, zone }
    }

    /// Events, which are told one after the other, whatever else there is to tell.
    pub fn is_of_events(&self) -> bool {
        self.notification.alerts.iter().any(|change| change.kind == Kind::Happened)
    }

    /// It only tells of what has ended: whoever hears it late is not left with something open.
    pub fn opens_nothing(&self) -> bool {
        self.notification.alerts.iter().all(|change| change.kind == Kind::Resolved)
    }

    /// Its lane is that of its only alert: what is sent there is one message per episode.
    pub fn is_of_one_alert(&self) -> bool {
        matches!(&self.notification.alerts[..], [only] if only.alert_key == self.lane)
    }
}

/// What a service gave back for an alert, to find it again (Slack's channel and ts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(pub String);

/// What one sink was last told of one alert. Stored whole, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub episode_id: String,
    /// `None`: it would have been told, but was withheld.
    pub level: Option<Level>,
    /// What it would have been told, while something withholds it.
    pub withheld: Option<Withheld>,
    pub event_id: String,
    /// When the sink was last shown this alert, whatever it was.
    #[serde(default)]
    pub shown: Option<Time>,
    /// It was said that it flaps, and not yet that it settled.
    #[serde(default)]
    pub flapping: bool,
    /// It has no message of its own there.
    #[serde(default)]
    pub digest: Option<InDigest>,
}

/// A share in a [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InDigest {
    pub id: String,
    pub of: usize,
    pub unproven: bool,
}

/// News that waits for whatever withholds it to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    pub by: By,
    pub change: Box<Change>,
}

/// What withholds news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// For people.
    pub words: String,
    /// The silence, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
    /// A matter of seconds: what it withholds does not come late.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_brief: bool,
}

/// A sink that was not told of a change when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    pub sink: String,
    pub by: By,
}

/// What a sink does not know yet: the difference between an alert and what the sink was told.
///
/// `open` is the alert's episode and told level, if it has one; `wanted` whether the rule tells this sink of that level.
pub fn news(open: Option<(&str, Level)>, told: Option<&Told>, wanted: bool) -> Option<Kind> {
    let known = told.and_then(|told| told.level.map(|level| (told.episode_id.as_str(), level)));
    match (open, known) {
        (None, None) => None,
        (None, Some(_)) => Some(Kind::Resolved),
        (Some(_), None) => wanted.then_some(Kind::Fired),
        (Some((episode, _)), Some((old, _))) if episode != old => Some(Kind::Resolved),
        (Some((_, level)), Some((_, known))) if level < known => Some(Kind::Lowered),
        (Some((_, level)), Some((_, known))) if level > known => wanted.then_some(Kind::Raised),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(level: Option<Level>) -> Told {
        Told {
            episode_id: "e".to_owned(),
            level,
            withheld: None,
            event_id: String::new(),
            shown: None,
            flapping: false,
            digest: None,
        }
    }

    #[test]
    fn a_sink_hears_first_that_it_fired_whatever_others_heard_before() {
        assert_eq!(news(Some(("e", Level::Critical)), None, true), Some(Kind::Fired));
        assert_eq!(news(Some(("e", Level::Critical)), Some(&told(None)), true), Some(Kind::Fired));
        assert_eq!(news(Some(("e", Level::Critical)), None, false), None);
    }

    #[test]
    fn whoever_was_told_hears_that_it_got_better_or_ended_even_where_the_level_is_not_theirs() {
        let critical = told(Some(Level::Critical));
        assert_eq!(news(Some(("e", Level::Warning)), Some(&critical), false), Some(Kind::Lowered));
        assert_eq!(news(None, Some(&critical), false), Some(Kind::Resolved));
        assert_eq!(news(None, None, true), None, "recovery is told only where firing was");
    }
}
