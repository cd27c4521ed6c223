//! Matchers that no loaded rule can ever fulfil: allowed, but hardly meant.

use std::{collections::BTreeMap, sync::Arc};

use super::{Rule, complaint::Complaint, complaint::Report, routing::Routing};
use crate::model::{
    Level,
    matcher::{self, Matcher},
};

/// Warns of every list of matchers that no alert of these rules, nor one of highwater's own, can fulfil.
pub fn warn(routing: &Routing, rules: &BTreeMap<String, Arc<Rule>>, report: &mut Report) {
    for written in &routing.written {
        let own = written.matchers.iter().any(|matcher| matcher.name == "rule" && could_be_own(matcher));
        if own || rules.values().any(|rule| could_match(&written.matchers, rule)) {
            continue;
        }
        let shown = matcher::show(&written.matchers);
        report.add(
            Complaint::warning(format!("no rule has alerts that this {} could match: {shown}", written.what))
                .hint("is a name or a value misspelt? matchers see `rule`, `level`, `cluster`, `check`, the rule's labels and the entity's")
                .at(written.place),
        );
    }
}

/// Whether highwater's own alerts could be meant: their ids are made of names that nobody knows beforehand.
fn could_be_own(matcher: &Matcher) -> bool {
    let names = ["store", "reload", "late", "blind x", "dead-letter x", "sink-misconfigured x"];
    matcher.value.contains("highwater")
        || names.iter().any(|name| matcher.accepts(&format!("highwater-{name}")))
}

/// Whether some alert of `rule` could fulfil all of them.
fn could_match(matchers: &[Matcher], rule: &Rule) -> bool {
    let fits = |matcher: &Matcher, cluster: &str, level: Level| match matcher.name.as_str() {
        "rule" => matcher.accepts(&rule.id),
        "cluster" => matcher.accepts(cluster),
        "level" => matcher.accepts(level.name()),
        name => could_be(matcher, name, rule),
    };
    rule.clusters.iter().any(|cluster| {
        let mut levels = rule.policy.levels.iter().map(|policy| policy.level);
        levels.any(|level| matchers.iter().all(|matcher| fits(matcher, cluster, level)))
    })
}

/// What an entity is called is not known beforehand; which labels it has, is.
fn could_be(matcher: &Matcher, name: &str, rule: &Rule) -> bool {
    let of_entity = name.strip_prefix("entity.").unwrap_or(name);
    if rule.check.groups().iter().any(|group| group == of_entity) {
        return true;
    }
    let own = rule.labels.get(name.strip_prefix("label.").unwrap_or(name)).map(String::as_str);
    matcher.accepts(own.unwrap_or(if name == "check" { rule.kind } else { "" }))
}
