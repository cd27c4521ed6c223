//! Rule files as they are typed. Doc comments here are the reference that operators read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    at::{At, TextOr},
    missing::MissingForm,
    routes_form::FlappingForm,
    schedule::ScheduleForm,
};
use crate::{
    checks,
    model::{Level, span::Span},
};

/// A rule file: any number of rules, and what holds for all of them.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only its schema is used: the file is read rule by rule, so that one mistake does not hide others"
)]
pub struct RuleFile {
    /// Fills in what the rules of this file leave out.
    pub defaults: Option<DefaultsForm>,
    /// The rules.
    pub rules: Vec<RuleForm>,
}

/// One rule: what to check, how often, at which levels, whom to tell.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleForm {
    /// Stable identity: state is kept under it. `highwater-*` is reserved.
    pub id: At<String>,
    /// `false` keeps the rule in the file but not running; what it had open is closed. Once enabled again it goes on from its place:
    /// `documents` tells what came meanwhile, `new_term` and `change` know what they knew. A rule that is taken out forgets.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// One line for people: what is wrong when this fires. Left out: the id.
    pub summary: Option<String>,
    /// What to look at: exactly one kind.
    pub check: At<checks::Kind>,
    /// The levels and their thresholds. Left out: the check's own, where it has some.
    pub levels: Option<At<LevelsForm>>,
    #[doc = "Names of clusters; `all` for `elasticsearch_unreachable`. Left out: the only one."]
    pub clusters: Option<At<TextOr<Vec<At<String>>>>>,
    /// When to look: `every 5m`, or a cron expression. Every rule needs one, of its own or from `defaults`.
    pub schedule: Option<ScheduleForm>,
    /// Looks more often while an alert is firing.
    pub schedule_while_firing: Option<ScheduleForm>,
    /// Looks more often while an alert is pending or recovering, or the last look proved nothing. Left out: the schedule, at most 1m.
    pub schedule_while_unsettled: Option<ScheduleForm>,
    /// An entity that was asked about and has no number: `keep`, `resolve`, `fire LEVEL`, or `{ keep: 1h, then: fire LEVEL }`.
    pub no_data: Option<MissingForm>,
    /// An entity that is gone, with the same words. Left out: `{ keep: 10m, then: resolve }`.
    pub absent: Option<MissingForm>,
    /// When evaluation keeps failing, the rule itself raises an alert.
    pub blind: Option<BlindForm>,
    /// Sinks to tell, or `routes`; a level's own `notify` replaces it. Left out: the routes, where the settings have some.
    pub notify: Option<Vec<At<String>>>,
    /// Where its readings go as metrics after every look, whatever their level: sinks that keep numbers (`cloudwatch_metrics`, `statsd`, `elasticsearch`), and `/metrics` for highwater's own page. What levels say in words is a number there, the worse the larger: `green` 0, `yellow` 1, `red` 2; `fine` 0, `strained` 1, `down` 2 of a condition; `up` 0, `down` 1; `reachable` 0, `unreachable` 1. Left out: nowhere.
    pub publish: Option<Vec<At<String>>>,
    /// A reminder so often while it fires. Left out: none.
    pub repeat: Option<At<Span>>,
    /// An alert that comes and goes too often is told once, as flapping, and then once when it settled: `off`, or `{ changes: 5, within: 1h }`, which is what holds where nothing is written.
    pub flapping: Option<At<TextOr<FlappingForm>>>,
    /// Goes with every notification.
    pub labels: Option<BTreeMap<String, At<String>>>,
    /// A link for those who are woken.
    pub runbook: Option<At<String>>,
    /// Your own title of a message, in place of the summary: a template as `message`, speaking of the worst alert in it.
    pub title: Option<At<String>>,
    /// Your own words about one alert: a template over `entity`, `value`, `threshold`, `unit`, `level`, `facts`, `rule`, `cluster`, `since`, `peak` and more, with the helpers `human_bytes`, `duration`, `percent` and `link(url, text)`.
    pub message: Option<At<String>>,
    /// How long after its end a window is judged, so that late documents are in. Left out: 30s. Only for checks over stored documents.
    pub query_delay: Option<At<Span>>,
    /// How far back missed windows are still judged. Left out: 1h.
    pub max_catch_up: Option<At<Span>>,
}

/// Fills in what rules leave out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultsForm {
    /// Names of clusters.
    pub clusters: Option<At<TextOr<Vec<At<String>>>>>,
    /// When to look.
    pub schedule: Option<ScheduleForm>,
    /// Looks more often while an alert is firing.
    pub schedule_while_firing: Option<ScheduleForm>,
    /// Looks more often while something is undecided.
    pub schedule_while_unsettled: Option<ScheduleForm>,
    /// What missing data means.
    pub no_data: Option<MissingForm>,
    /// What it means that an entity is gone.
    pub absent: Option<MissingForm>,
    /// When evaluation keeps failing.
    pub blind: Option<BlindForm>,
    /// Sinks to tell.
    pub notify: Option<Vec<At<String>>>,
    /// Where readings go as metrics.
    pub publish: Option<Vec<At<String>>>,
    /// A reminder so often while it fires.
    pub repeat: Option<At<Span>>,
    /// When coming and going is too much.
    pub flapping: Option<At<TextOr<FlappingForm>>>,
    /// Joined with the rule's own labels, which win.
    pub labels: Option<BTreeMap<String, At<String>>>,
    /// A link for those who are woken.
    pub runbook: Option<At<String>>,
    /// Your own title of a message.
    pub title: Option<At<String>>,
    /// Your own words about one alert.
    pub message: Option<At<String>>,
    /// How long after its end a window is judged.
    pub query_delay: Option<At<Span>>,
    /// How far back missed windows are still judged.
    pub max_catch_up: Option<At<Span>>,
}

/// Levels, each a text like `at least 90%, clear below 88%, for 2m`, or its long form.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelsForm {
    /// Worth knowing.
    pub info: Option<At<TextOr<LevelForm>>>,
    /// Worth looking at today.
    pub warning: Option<At<TextOr<LevelForm>>>,
    /// Worth waking somebody.
    pub critical: Option<At<TextOr<LevelForm>>>,
}

impl LevelsForm {
    /// Those that are written, from the mildest to the worst.
    pub fn written(&self) -> Vec<(Level, &At<TextOr<LevelForm>>)> {
        let all =
            [(Level::Info, &self.info), (Level::Warning, &self.warning), (Level::Critical, &self.critical)];
        all.into_iter().filter_map(|(level, form)| form.as_ref().map(|form| (level, form))).collect()
    }
}

/// One level in its long form.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelForm {
    /// The threshold: `at least 90%`, `below 50GB`, `at least watermark.low - 5%`, `red`.
    pub when: At<String>,
    /// What ends it: `below 88%`. Left out: as soon as `when` does not hold.
    pub clear: Option<At<String>>,
    /// How long it has to last before it is told.
    #[serde(rename = "for")]
    pub fire_after: Option<Span>,
    /// How long it has to be clear before that is told.
    #[serde(rename = "recover_for")]
    pub recover_after: Option<Span>,
    /// Sinks to tell of this level, in place of the rule's.
    pub notify: Option<Vec<At<String>>>,
}

/// When a rule that cannot see says so itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlindForm {
    /// After so long of nothing but looks that proved nothing. Left out: 5m.
    pub after: Option<Span>,
    /// Left out: warning.
    pub level: Option<At<String>>,
}

fn yes() -> bool {
    true
}
