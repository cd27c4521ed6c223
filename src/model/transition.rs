//! A change worth telling.

use serde::{Deserialize, Serialize};

use super::{Entity, Level, Number, Reading, Time};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Fired,
    Raised,
    Lowered,
    Resolved,
    Reminded,
    /// No news: the newest facts of an alert that still fires, for sinks that keep a message up to date.
    Updated,
    /// No alert: something that happened once, told once and never over.
    Happened,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Raised => "raised",
            Self::Lowered => "lowered",
            Self::Resolved => "resolved",
            Self::Reminded => "reminded",
            Self::Updated => "updated",
            Self::Happened => "happened",
        }
    }
}

/// Why an alert ended. Only `Cleared` is proven, and only it is shown green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Cleared,
    Vanished,
    NoData,
    RuleRemoved,
    RuleChanged,
    Disabled,
    NotApplicable,
    SinkRemoved,
}

impl Ending {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Vanished => "vanished",
            Self::NoData => "no_data",
            Self::RuleRemoved => "rule_removed",
            Self::RuleChanged => "rule_changed",
            Self::Disabled => "disabled",
            Self::NotApplicable => "not_applicable",
            Self::SinkRemoved => "sink_removed",
        }
    }

    /// How a message says it first, when it is not a proven recovery.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Cleared => "recovered",
            Self::Vanished => "gone, not proven recovered",
            Self::NoData => "closed for lack of data, not proven recovered",
            Self::RuleRemoved => "closed because its rule was removed",
            Self::RuleChanged => "closed because its rule was changed",
            Self::Disabled => "closed because its rule was disabled",
            Self::NotApplicable => "closed because its cluster cannot answer this at all",
            Self::SinkRemoved => "closed because its sink was removed",
        }
    }
}

/// A change of one alert that is worth telling: the difference between before and after one look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    pub entity: Entity,
    pub kind: Kind,
    /// The told level; of a resolved alert, the level it had.
    pub level: Level,
    pub previous_level: Option<Level>,
    /// The first breach of the episode.
    pub since: Time,
    /// The tick that told it.
    pub at: Time,
    /// How many changes of this episode were told before.
    pub n: u32,
    pub reading: Option<Reading>,
    pub threshold: Option<Number>,
    pub peak: Option<Number>,
    /// Why it ended; on other kinds `None`.
    pub ending: Option<Ending>,
}
