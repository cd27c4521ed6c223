//! What withholds news: silences, maintenance and inhibition, as they are at one moment. Hours of routes and flapping are a
//! sink's own; [`super::subject`] adds them.

use chrono_tz::Tz;

use crate::model::{
    Time,
    inhibition::{Name, Speakers},
    maintenance::Maintenance,
    matcher::Labels,
    notification::By,
    silence::Silence,
    wording,
};

/// The rule of the alert that says that a silence ends: the silence itself does not withhold it.
pub const ENDING: &str = "highwater-silence-ending";

/// All that withholds at one moment.
#[derive(Clone, Debug)]
pub struct Causes<'a> {
    pub now: Time,
    pub zone: Tz,
    pub silences: &'a [Silence],
    /// The windows that are open, and when they end.
    pub windows: Vec<(&'a Maintenance, Time)>,
    pub speakers: &'a Speakers,
    /// A rule that is looking at this instant, and whose alert may come to speak for these.
    pub undecided: Option<String>,
}

/// Why nothing is told of an alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause<'a> {
    Silence(&'a Silence),
    Maintenance(&'a Maintenance, Time),
    /// That alert speaks for it.
    Inhibition(&'a Name),
}

impl<'a> Causes<'a> {
    pub fn of(&self, labels: &Labels<'_>) -> Option<Cause<'a>> {
        let of_itself = |silence: &Silence| {
            labels.rule.strip_prefix(ENDING).is_some_and(|id| id.trim_start() == silence.id)
        };
        let mut silences = self.silences.iter().filter(|silence| silence.covers(labels, self.now));
        if let Some(silence) = silences.find(|silence| !of_itself(silence)) {
            return Some(Cause::Silence(silence));
        }
        if let Some((window, end)) = self.windows.iter().find(|(window, _)| window.covers(labels)) {
            return Some(Cause::Maintenance(window, *end));
        }
        self.speakers.for_alert(labels).map(Cause::Inhibition)
    }
}

impl Cause<'_> {
    pub fn by(&self, now: Time, zone: Tz) -> By {
        let silence = match self {
            Self::Silence(silence) => Some(silence.id.clone()),
            _ => None,
        };
        By { words: self.words(now, zone), silence, is_brief: false }
    }

    pub fn words(&self, now: Time, zone: Tz) -> String {
        match self {
            Self::Silence(silence) => {
                let until = wording::when(silence.until, now, zone);
                format!("muted by {} until {until}: {}", silence.who, silence.reason)
            }
            Self::Maintenance(window, end) => {
                format!("maintenance {} until {}", window.name, wording::when(*end, now, zone))
            }
            Self::Inhibition((rule, cluster, entity)) => {
                let of: Vec<String> = entity
                    .labels()
                    .filter(|(name, _)| *name != "cluster")
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                let of = if of.is_empty() { String::new() } else { format!(" ({})", of.join(",")) };
                format!("inhibited by {rule} on {cluster}{of}")
            }
        }
    }
}
