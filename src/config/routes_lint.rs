//! Matchers that no loaded rule can ever fulfil: allowed, but hardly meant.

use super::{
    Rule, RuleSet,
    complaint::{Complaint, Report},
    routing::Routing,
};
use crate::model::{
    Level,
    matcher::{self, Matcher},
};

/// Warns of every list of matchers that no alert of these rules, nor one of highwater's own, can fulfil.
pub fn warn(routing: &Routing, set: &RuleSet, report: &mut Report) {
    for written in routing.written.iter().filter(|written| !could_match_any(&written.matchers, set)) {
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
    let names = [
        "store",
        "reload",
        "late",
        "blind x",
        "dead-letter x",
        "sink-gone x",
        "sink-misconfigured x",
        "outbox x",
    ];
    matcher.value.contains("highwater")
        || names.iter().any(|name| matcher.accepts(&format!("highwater-{name}")))
}

/// Whether some alert of `rule` could fulfil all of them.
pub fn could_match(matchers: &[Matcher], rule: &Rule) -> bool {
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

/// Whether some alert of these rules, or one of highwater's own, could fulfil all of them.
pub fn could_match_any(matchers: &[Matcher], set: &RuleSet) -> bool {
    let own = matchers.iter().any(|matcher| matcher.name == "rule" && could_be_own(matcher));
    own || set.rules.values().any(|rule| could_match(matchers, rule))
}

/// Whether no alert of these rules could escape them.
pub fn match_all(matchers: &[Matcher], set: &RuleSet) -> bool {
    let takes = |matcher: &Matcher, rule: &Rule, cluster: &str, level: Level| match matcher.name.as_str() {
        "rule" => matcher.accepts(&rule.id),
        "cluster" => matcher.accepts(cluster),
        "level" => matcher.accepts(level.name()),
        name => match rule.labels.get(name.strip_prefix("label.").unwrap_or(name)) {
            Some(value) => matcher.accepts(value),
            // whatever an entity may be called
            None => ["", "a", "another", "0"].iter().all(|value| matcher.accepts(value)),
        },
    };
    set.rules.values().all(|rule| {
        let levels = || rule.policy.levels.iter().map(|policy| policy.level);
        let all = |cluster: &String| {
            levels().all(|level| matchers.iter().all(|matcher| takes(matcher, rule, cluster, level)))
        };
        rule.clusters.iter().all(all)
    })
}
