//! What the texts of rule authors and operators are told of an alert.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Ending, Entity, Facts, Kind, Level, Number, Time, Unit,
    notification::{Change, Notification},
    span, wording,
};

/// What a rule's `message` may speak of.
pub const NAMES: [&str; 25] = [
    "at",
    "cause",
    "cluster",
    "entity",
    "facts",
    "kind",
    "labels",
    "lasted",
    "level",
    "next_step",
    "peak",
    "peak_number",
    "previous_level",
    "reason",
    "rule",
    "runbook",
    "since",
    "status",
    "summary",
    "threshold",
    "threshold_number",
    "unit",
    "value",
    "value_number",
    "count",
];

/// The rule's own words, which only a sink's template may speak of: it comes after them.
pub const OWN_WORDS: &str = "message";

/// One alert, as a template sees it. Values are as people read them, `91 %`; the same as numbers are beside them.
#[derive(Clone, Debug, Serialize)]
pub struct Context<'a> {
    pub rule: &'a str,
    pub cluster: &'a str,
    pub summary: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub runbook: Option<&'a str>,
    pub entity: &'a Entity,
    pub kind: Kind,
    pub status: &'static str,
    pub level: Level,
    pub previous_level: Option<Level>,
    pub reason: Option<Ending>,
    pub value: Option<String>,
    pub value_number: Option<Number>,
    pub threshold: Option<String>,
    pub threshold_number: Option<Number>,
    pub peak: Option<String>,
    pub peak_number: Option<Number>,
    pub unit: Option<Unit>,
    pub facts: &'a Facts,
    pub cause: Option<&'a str>,
    pub next_step: Option<&'a str>,
    pub since: Time,
    pub at: Time,
    pub lasted: String,
    /// How many alerts the same notification tells.
    pub count: usize,
    pub message: Option<&'a str>,
}

/// What is the same for all alerts of a rule.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub rule: &'a str,
    pub cluster: &'a str,
    pub summary: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub runbook: Option<&'a str>,
    pub count: usize,
}

impl<'a> About<'a> {
    pub fn of(notification: &'a Notification) -> Self {
        Self {
            rule: &notification.rule,
            cluster: &notification.cluster,
            summary: &notification.summary,
            labels: &notification.labels,
            runbook: notification.runbook.as_deref(),
            count: notification.alerts.len(),
        }
    }
}

impl<'a> Context<'a> {
    pub fn of(about: About<'a>, change: &'a Change) -> Self {
        Self {
            rule: about.rule,
            cluster: about.cluster,
            summary: about.summary,
            labels: about.labels,
            runbook: about.runbook,
            entity: &change.entity,
            kind: change.kind,
            status: if change.kind == Kind::Resolved { "resolved" } else { "firing" },
            level: change.level,
            previous_level: change.previous_level,
            reason: change.reason,
            value: change.show_value(),
            value_number: change.value,
            threshold: change.show_threshold(),
            threshold_number: change.threshold,
            peak: change.show_peak(),
            peak_number: change.peak,
            unit: change.unit,
            facts: &change.facts,
            cause: change.cause.as_deref(),
            next_step: change.next_step.as_deref(),
            since: change.since,
            at: change.at,
            lasted: span::show(wording::lasted(change)),
            count: about.count,
            message: change.message.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{samples, template};

    #[test]
    fn every_name_is_given() {
        let notification = samples::notification(vec![samples::resolved(Ending::Cleared)]);
        let context = Context::of(About::of(&notification), &notification.alerts[0]);
        for name in NAMES.into_iter().chain([OWN_WORDS]) {
            let text = format!("{{{{ {name} }}}}");
            template::render(&text, &context, template::Form::Text)
                .unwrap_or_else(|why| panic!("{name}: {why}"));
        }
        let given = serde_json::to_value(&context).unwrap();
        assert_eq!(given.as_object().unwrap().len(), NAMES.len() + 1);
    }
}
