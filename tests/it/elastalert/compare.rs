//! Whether two tools found the same, within one look.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{documents, past::Ours, theirs::Theirs};

type Times = BTreeSet<DateTime<Utc>>;

/// One rule of both.
#[derive(Debug)]
pub struct Compared {
    pub rule: String,
    pub kind: String,
    pub verdict: String,
    /// Looks with a match of ElastAlert's, and episodes of ours.
    pub matches: usize,
    pub episodes: usize,
    /// Matches for which nothing of ours was up, and episodes that began without a match, each within one look.
    pub missed: Vec<String>,
    pub extra: Vec<String>,
}

impl Compared {
    pub fn all(report: &Value, theirs: &Theirs, ours: &Ours) -> Vec<Self> {
        let rules = report["rules"].as_array().expect("a list of rules");
        rules.iter().map(|rule| Self::one(rule, theirs, ours)).collect()
    }

    fn one(report: &Value, theirs: &Theirs, ours: &Ours) -> Self {
        let text = |name: &str| report[name].as_str().expect("a text").to_owned();
        let rule = text("name");
        let mut matched: BTreeMap<String, Times> = BTreeMap::new();
        for (at, group) in theirs.matches.get(&rule).into_iter().flatten() {
            matched.entry(plain(group.as_deref())).or_default().insert(*at);
        }
        let keyed = matched.keys().any(|group| !group.is_empty());
        let mut up: BTreeMap<String, Times> = BTreeMap::new();
        let ids = report["rules"].as_array().expect("ids").iter().filter_map(Value::as_str);
        for (group, times) in ids.filter_map(|id| ours.get(id)).flatten() {
            // new terms are entities here; there they are one rule, unless it has a key
            let group = if text("type") == "new_term" && !keyed { "" } else { group };
            up.entry(group.to_owned()).or_default().extend(times);
        }
        let mut compared = Self {
            rule,
            kind: text("type"),
            verdict: text("verdict"),
            matches: 0,
            episodes: 0,
            missed: Vec::new(),
            extra: Vec::new(),
        };
        let groups: BTreeSet<&String> = matched.keys().chain(up.keys()).collect();
        let none = Times::new();
        for group in groups {
            compared.group(group, matched.get(group).unwrap_or(&none), up.get(group).unwrap_or(&none));
        }
        compared
    }

    fn group(&mut self, group: &str, matched: &Times, up: &Times) {
        let step = self.step();
        let from = documents::start() + TimeDelta::minutes(documents::COMPARED);
        let near = |times: &Times, at: DateTime<Utc>| times.range(at - step..=at + step).next().is_some();
        let named = |at: &DateTime<Utc>| format!("{} {group}", at.format("%H:%M"));
        let compared = matched.iter().filter(|at| **at >= from);
        self.matches += compared.clone().count();
        self.missed.extend(compared.filter(|at| !near(up, **at)).map(named));
        let begins = |at: &&DateTime<Utc>| **at >= from && !up.contains(&(**at - step));
        let began: Vec<&DateTime<Utc>> = up.iter().filter(begins).collect();
        self.episodes += began.len();
        self.extra.extend(began.into_iter().filter(|at| !near(matched, **at)).map(named));
    }

    /// How often it looks.
    fn step(&self) -> TimeDelta {
        TimeDelta::minutes(if self.rule == "any-dsl" { 2 } else { 1 })
    }
}

/// ElastAlert's name for no group at all is `all`; of several keys it joins the values now with a blank, now without.
fn plain(group: Option<&str>) -> String {
    group.filter(|group| *group != "all").unwrap_or_default().replace(", ", ",")
}

/// One line of the table; of what is missed and extra, with the first few.
fn line(one: &Compared, examples: bool) -> String {
    let listed = |list: &Vec<String>| {
        let few = list.iter().take(4).cloned().collect::<Vec<_>>().join("; ");
        if list.is_empty() || !examples { list.len().to_string() } else { format!("{} ({few})", list.len()) }
    };
    let Compared { rule, kind, verdict, matches, episodes, missed, extra } = one;
    let (missed, extra) = (listed(missed), listed(extra));
    format!("| {rule} | {kind} | {verdict} | {matches} | {episodes} | {missed} | {extra} |\n")
}

pub fn table(all: &[Compared]) -> String {
    let head =
        "| rule | type | verdict | matches | episodes | missed | extra |\n|---|---|---|---|---|---|---|\n";
    let lines = all.iter().map(|one| line(one, true));
    [head.to_owned()].into_iter().chain(lines).collect()
}

/// What the guide says otherwise, or not at all.
pub fn not_in(guide: &str, all: &[Compared]) -> Vec<String> {
    all.iter().map(|one| line(one, false)).filter(|line| !guide.contains(line.as_str())).collect()
}
