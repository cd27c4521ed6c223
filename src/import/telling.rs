//! How often, when, to whom, at which level: what all types have in common.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    old::{Old, shown},
    part::{Part, Silence},
    report::RuleReport,
};

/// The level of a rule, by ElastAlert's priority: 1 is the highest, 2 the usual.
pub fn level(old: &Old<'_>) -> &'static str {
    match old.get("priority").and_then(Value::as_i64) {
        Some(..=1) => "critical",
        None | Some(2) => "warning",
        Some(3..) => "info",
    }
}

/// `every 1m`, or the hours that `limit_execution` leaves.
pub fn schedule(old: &Old<'_>, report: &mut RuleReport) -> Result<Value, String> {
    let every = old.run_every()?;
    let Some(cron) = old.text("limit_execution") else {
        return Ok(Value::from(format!("every {}", shown(every))));
    };
    report.differs(format!(
        "`limit_execution`: it looks at the times of `{cron}` in UTC, each look by its own window; ElastAlert looks every {} during them, and after a pause at all of the pause",
        shown(every)
    ));
    Ok(json!({ "cron": cron, "timezone": "UTC" }))
}

/// `repeat` where the rule says `realert`: a lasting match is told again after so long.
pub fn repeat(old: &Old<'_>, report: &mut RuleReport) -> Result<Option<String>, String> {
    if old.own("exponential_realert").is_some() {
        report.differs("`exponential_realert`: reminders come at the even pace of `realert`");
    }
    if old.own("realert_key").is_some() {
        report.differs("`realert_key`: every rule tells for itself");
    }
    match old.own_span("realert")? {
        Some(realert) if realert.is_zero() => {
            report.differs("`realert: 0`: ElastAlert tells every match; here a lasting one is told once");
            Ok(None)
        }
        Some(realert) => Ok(Some(shown(realert.max(old.run_every()?)))),
        None => Ok(None),
    }
}

/// Matches that ElastAlert would gather.
pub fn aggregation(old: &Old<'_>, report: &mut RuleReport) -> Result<(), String> {
    let Some(aggregation) = old.own("aggregation") else { return Ok(()) };
    if let Some(cron) = aggregation.get("schedule") {
        report.differs(format!(
            "`aggregation`: nothing is gathered until {cron}; the alerts of one look are one message"
        ));
        return Ok(());
    }
    let span = super::old::span("aggregation", aggregation)?;
    if !span.is_zero() {
        report.differs(format!(
            "`aggregation`: nothing is gathered for {}; the alerts of one look are one message, at once",
            shown(span)
        ));
    }
    Ok(())
}

/// Thresholds with how long the alert stays open.
pub fn levels(old: &Old<'_>, part: &Part) -> Result<Value, String> {
    let hold = if part.holds { old.own_span("realert")?.unwrap_or_default() } else { Duration::ZERO };
    let when = Value::from(part.when.clone());
    let level = level(old).to_owned();
    let long = json!({ "when": when, "recover_for": shown(hold) });
    let mut levels = Map::new();
    levels.insert(level, if hold.is_zero() { when } else { long });
    Ok(Value::Object(levels))
}

pub fn no_data(old: &Old<'_>, part: &Part) -> Value {
    match part.silence {
        Silence::Clear => Value::from("resolve"),
        Silence::Fires => Value::from(format!("fire {}", level(old))),
    }
}

/// Whose it is, and how the old rule was called.
pub fn labels(old: &Old<'_>) -> Map<String, Value> {
    let mut labels = Map::new();
    for key in ["owner", "category"] {
        labels.extend(
            old.shown(key).filter(|text| !text.is_empty()).map(|text| (key.to_owned(), Value::from(text))),
        );
    }
    if old.own("priority").is_some() {
        labels.extend(old.shown("priority").map(|text| ("priority".to_owned(), Value::from(text))));
    }
    labels
}

/// One line: the description's first, else the name. Of two rules the low one says its bound: "too many" would be untrue of it.
pub fn summary(old: &Old<'_>, part: &Part) -> String {
    if part.is_low {
        return format!("{}: {}", old.name(), part.when);
    }
    let description =
        old.text("description").and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
    description.map_or_else(|| old.name(), |line| line.trim().to_owned())
}
