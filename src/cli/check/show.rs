//! The report as a table: the worst first, the clear in one line per rule, and a last line in words.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use chrono_tz::Tz;

use super::{
    report::{AlertReport, Report, RuleReport, State},
    worst::Worst,
};
use crate::{
    cli::{
        paint::Tone,
        table::{Row, Table},
        words,
    },
    model::{Level, Time, span, time::elapsed},
    store::Outcome,
};

/// Alerts of one rule that are shown one by one; the others are counted.
const SHOWN: usize = 30;

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub width: Option<usize>,
    pub zone: Tz,
    pub took: Duration,
}

pub fn table(report: &Report, view: View) -> String {
    let clusters = report.rules.iter().any(|rule| rule.cluster != report.rules[0].cluster);
    let mut rows: Vec<Ranked> = report.rules.iter().flat_map(|rule| rows_of(rule, view.zone)).collect();
    rows.sort_by(|a, b| a.order().cmp(&b.order()));
    said_once(&mut rows);
    let mut header = vec!["state", "rule", "entity", "value", "threshold", "since"];
    if clusters {
        header.insert(2, "cluster");
    }
    let (entity, value) = if clusters { (3, 4) } else { (2, 3) };
    let mut table = Table::new(header, &[value]).flexible(&[(entity, 14), (1, 21), (entity, 8), (1, 8)]);
    for mut ranked in rows {
        if clusters {
            ranked.row.cells.insert(2, ranked.cluster);
        }
        table.push(ranked.row);
    }
    let rows = if table.is_empty() { String::new() } else { table.render(view.width) + "\n" };
    rows + &last_line(report, view) + "\n"
}

/// A row and its place.
struct Ranked {
    rank: u8,
    rule: String,
    cluster: String,
    row: Row,
}

impl Ranked {
    fn new(rank: u8, of: &RuleReport, row: Row) -> Self {
        Self { rank, rule: of.rule.clone(), cluster: of.cluster.clone(), row }
    }

    /// Rows that say the same reason stand together.
    fn order(&self) -> (u8, &[String], &str, &str) {
        let reason = if self.rank == UNKNOWN { self.row.notes.as_slice() } else { &[] };
        (self.rank, reason, &self.rule, &self.cluster)
    }
}

const UNKNOWN: u8 = 1;
const PENDING: u8 = 4;
const NOT_APPLICABLE: u8 = 5;
const CLEAR: u8 = 6;

const fn rank(level: Level) -> u8 {
    match level {
        Level::Critical => 0,
        Level::Warning => 2,
        Level::Info => 3,
    }
}

fn rows_of(rule: &RuleReport, zone: Tz) -> Vec<Ranked> {
    let mut rows = Vec::new();
    let alone = rule.outcome == Outcome::Indeterminate;
    if alone {
        rows.push(Ranked::new(UNKNOWN, rule, blank(Tone::Unknown, "unknown", rule, reasons_of(rule))));
    }
    if rule.outcome == Outcome::NotApplicable {
        let notes = rule.reason.clone().into_iter().collect();
        rows.push(Ranked::new(NOT_APPLICABLE, rule, blank(Tone::Quiet, "n/a", rule, notes)));
    }
    let (mut told, clear): (Vec<&AlertReport>, Vec<&AlertReport>) =
        rule.alerts.iter().partition(|alert| alert.state != State::Inactive);
    if alone {
        told.retain(|alert| alert.state != State::Unknown);
    }
    told.sort_by_key(|alert| Reverse((alert.worst(), alert.value)));
    for alert in told.iter().take(SHOWN) {
        rows.push(Ranked::new(rank_of(alert), rule, alert_row(rule, alert, zone)));
    }
    if told.len() > SHOWN {
        let more = format!("{} more", told.len() - SHOWN);
        let rank = told.get(SHOWN).map_or(PENDING, |alert| rank_of(alert));
        rows.push(Ranked::new(rank, rule, Row::new(Tone::Quiet, ["…", &rule.rule, &more, "", "", ""])));
    }
    let judged = matches!(rule.outcome, Outcome::Complete | Outcome::NoData);
    if judged && (!clear.is_empty() || told.is_empty()) {
        rows.push(Ranked::new(CLEAR, rule, clear_row(rule, &clear, !told.is_empty())));
    }
    rows
}

fn rank_of(alert: &AlertReport) -> u8 {
    match (alert.state, alert.level) {
        (State::Firing | State::Recovering, Some(level)) => rank(level),
        (State::Unknown, _) => UNKNOWN,
        _ => PENDING,
    }
}

fn blank(tone: Tone, state: &str, rule: &RuleReport, notes: Vec<String>) -> Row {
    Row { notes, ..Row::new(tone, [state, &rule.rule, "", "", "", ""]) }
}

/// Why, and what would accept it.
fn reasons_of(rule: &RuleReport) -> Vec<String> {
    let accept = rule.accept.as_ref().map(|accept| format!("to accept this: {accept}"));
    let reason = rule.reason.as_ref().map(|reason| match &rule.unreachable {
        Some(whom) => unreachable(whom, reason),
        None => reason.clone(),
    });
    reason.into_iter().chain(accept).collect()
}

/// Whom nobody could ask, said once.
fn unreachable(whom: &str, reason: &str) -> String {
    match reason {
        _ if reason.starts_with("cannot be reached") => format!("{whom} {reason}"),
        _ if reason.contains("cannot be reached") => format!("{whom}: {reason}"),
        _ => format!("{whom} cannot be reached: {reason}"),
    }
}

fn alert_row(rule: &RuleReport, alert: &AlertReport, zone: Tz) -> Row {
    let (tone, state) = match (alert.state, alert.level) {
        (State::Firing, Some(level)) => (level.into(), level.name()),
        (State::Recovering, _) => (Tone::Clear, "recovering"),
        (State::Unknown, _) => (Tone::Unknown, "unknown"),
        _ => (Tone::Waiting, "pending"),
    };
    let entity = named(rule, alert);
    let value = alert.show_value().unwrap_or_else(|| "–".to_owned());
    let limit = alert.limit.clone().unwrap_or_default();
    let since = alert.since.map(|since| show_since(since, rule.at, zone)).unwrap_or_default();
    let notes = [&alert.reason, &alert.cause, &alert.waits].into_iter().flatten().cloned().collect();
    Row { notes, ..Row::new(tone, [state, &rule.rule, &entity, &value, &limit, &since]) }
}

/// One line for all that is well: how many, and who is nearest to its threshold.
fn clear_row(rule: &RuleReport, clear: &[&AlertReport], others: bool) -> Row {
    let worst = nearest(clear);
    let entity = match (clear, worst) {
        ([], _) => "nothing to judge".to_owned(),
        ([one], _) if !others => named(rule, one),
        (_, None) => counted(clear, others),
        (_, Some(worst)) => format!("{}, worst {}", counted(clear, others), values(worst)),
    };
    let value = worst.and_then(AlertReport::show_value).unwrap_or_default();
    let limit = worst.and_then(|alert| alert.limit.clone()).unwrap_or_default();
    let silent: Vec<&String> = clear.iter().filter_map(|alert| alert.reason.as_ref()).collect();
    let notes = silent.first().map(|reason| (*reason).clone()).into_iter().collect();
    Row { notes, ..Row::new(Tone::Clear, ["clear", &rule.rule, &entity, &value, &limit, ""]) }
}

/// The cluster itself needs no name.
fn named(rule: &RuleReport, alert: &AlertReport) -> String {
    let whole = alert.entity.get("cluster") == Some(&rule.cluster) && alert.entity.labels().count() == 1;
    if whole { String::new() } else { alert.entity.to_string() }
}

fn nearest<'a>(clear: &[&'a AlertReport]) -> Option<&'a AlertReport> {
    let distance = |alert: &AlertReport| Some((alert.value?.as_f64() - alert.threshold?.as_f64()).abs());
    let measured = clear.iter().filter_map(|alert| Some((distance(alert)?, *alert)));
    measured.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, alert)| alert)
}

/// `3 nodes`, `2 other nodes`.
fn counted(clear: &[&AlertReport], others: bool) -> String {
    let labels: Vec<&str> =
        clear.first().map(|alert| alert.entity.labels().map(|(name, _)| name).collect()).unwrap_or_default();
    let name = match labels.as_slice() {
        [only] => only,
        [.., last] if *last == "shard" => "shard",
        _ => "group",
    };
    let other = if others { "other " } else { "" };
    let plural = if clear.len() == 1 { "" } else { "s" };
    format!("{} {other}{name}{plural}", clear.len())
}

fn values(alert: &AlertReport) -> String {
    alert.entity.labels().map(|(_, value)| value).collect::<Vec<_>>().join("/")
}

/// Unknown for the same reason: the reason stands once, below the last of them.
fn said_once(rows: &mut [Ranked]) {
    for at in 1..rows.len() {
        let (before, after) = rows.split_at_mut(at);
        let (Some(before), Some(after)) = (before.last_mut(), after.first()) else { continue };
        if before.rank == UNKNOWN && after.rank == UNKNOWN && before.row.notes == after.row.notes {
            before.row.notes.clear();
        }
    }
}

/// `now`, `10:02 (14m)`, `18 Nov 10:02 (3d)`.
pub fn show_since(since: Time, now: Time, zone: Tz) -> String {
    let ago = elapsed(since, now);
    if ago < Duration::from_secs(1) {
        return "now".to_owned();
    }
    format!("{} ({})", words::clock(since, now, zone), span::show(ago))
}

fn last_line(report: &Report, view: View) -> String {
    let counts = counts(report);
    let order = ["critical", "unknown", "warning", "info", "pending", "not applicable", "clear"];
    let parts = order.iter().filter_map(|word| {
        let count = counts.get(word)?;
        Some(tone_of(word).paint(&format!("{count} {word}")))
    });
    let mut parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        parts.push("no rules".to_owned());
    }
    let found = parts.join(", ");
    let took = format!("checked in {:.1} s · exit {}", view.took.as_secs_f64(), report.exit_code);
    let length = anstream::adapter::strip_str(&found).to_string().chars().count() + took.chars().count() + 3;
    let between = if view.width.is_some_and(|width| length > width) { "\n" } else { " · " };
    format!("{found}{between}{}", Tone::Quiet.paint(&took))
}

fn tone_of(word: &str) -> Tone {
    match word {
        "critical" => Tone::Critical,
        "warning" => Tone::Warning,
        "info" => Tone::Info,
        "unknown" => Tone::Unknown,
        "pending" => Tone::Waiting,
        "clear" => Tone::Clear,
        _ => Tone::Quiet,
    }
}

/// Alerts by level; rules that are clear, unknown or not applicable as a whole.
fn counts(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for rule in &report.rules {
        for alert in &rule.alerts {
            let word = match (alert.state, alert.level) {
                (State::Firing | State::Recovering, Some(level)) => level.name(),
                (State::Unknown, _) if rule.outcome != Outcome::Indeterminate => "unknown",
                (State::Pending, _) => "pending",
                _ => continue,
            };
            *counts.entry(word).or_default() += 1;
        }
        let whole = match rule.outcome {
            Outcome::Indeterminate => "unknown",
            Outcome::NotApplicable => "not applicable",
            _ if rule.worst() == Worst::Clear && !has_pending(rule) => "clear",
            _ => continue,
        };
        *counts.entry(whole).or_default() += 1;
    }
    counts
}

fn has_pending(rule: &RuleReport) -> bool {
    rule.alerts.iter().any(|alert| alert.state == State::Pending)
}
