//! Whom, when and not, as it is typed. Doc comments here are the reference that operators read.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use crate::model::span::Span;

/// One way to somebody. Routes are asked in their order; the last one, without `match`, is the default.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteForm {
    /// Conditions that all have to hold, like `team="search"` or `level=~"warning|critical"`: `=`, `!=`, `=~` or `!~` over `rule`, `level`, `cluster`, `check`, the entity's labels and the rule's labels. A regular expression has to match the whole. Left out: every alert.
    #[serde(rename = "match")]
    pub matchers: Option<Vec<At<String>>>,
    /// Only alerts of this level or a worse one.
    pub at_least: Option<At<String>>,
    /// Sinks to tell.
    pub notify: Vec<At<String>>,
    /// `true`: the routes below are asked, too.
    #[serde(rename = "continue", default)]
    pub goes_on: bool,
    /// Hours of the week. Outside of them its sinks wait, and hear of what still fires when the hours begin; meanwhile the routes below are asked. Recoveries are told at once. Left out: always.
    pub active: Option<ActiveForm>,
}

/// Hours of the week.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActiveForm {
    /// `mon-fri`, or `mon,wed,sat-sun`. Left out: every day.
    pub days: Option<At<String>>,
    /// `08:00-18:00`, or `08:00-12:00,13:00-17:00`; `22:00-06:00` belongs to the day on which it begins. Left out: the whole day.
    pub hours: Option<At<String>>,
    /// An IANA name like `Europe/Copenhagen`. Left out: `display.timezone`.
    pub timezone: Option<At<String>>,
}

/// A time at which work is announced: what breaks meanwhile is told afterwards, if it is still broken.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceForm {
    /// What people call it.
    pub name: At<String>,
    /// When it begins, again and again: five fields, or six with seconds first. Together with `for`.
    pub cron: Option<At<String>>,
    /// When it begins, once: `2026-03-03 22:00`, or a day.
    pub from: Option<At<String>>,
    /// When it ends: `2026-03-04 02:00`, or the last day.
    pub to: Option<At<String>>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub lasts: Option<At<Span>>,
    /// An IANA name like `Europe/Copenhagen`. Left out: `display.timezone`.
    pub timezone: Option<At<String>>,
    /// Which alerts, as in `routes`. `match: []` means all of them, and has to be written.
    #[serde(rename = "match")]
    pub matchers: Option<Vec<At<String>>>,
}

/// Alerts that speak for others: while one that `when` matches fires, those that `silences` matches are withheld.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitForm {
    /// The alerts that speak, as in `match` of `routes`.
    pub when: At<Vec<At<String>>>,
    /// The alerts that are withheld meanwhile.
    pub silences: At<Vec<At<String>>>,
    /// Labels that both must have alike.
    #[serde(default)]
    pub equal: Vec<At<String>>,
}

/// When coming and going is too much.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlappingForm {
    /// So many; firing and ending count one each. Left out: 5.
    pub changes: Option<At<u64>>,
    /// Within this time. Left out: 1h.
    pub within: Option<At<Span>>,
    /// It settled when nothing changed for so long. Left out: half of `within`.
    pub settle: Option<At<Span>>,
}
