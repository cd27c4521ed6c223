//! Alerts that speak for others: while one that `when` matches fires, those that `silences` matches are withheld.

use std::collections::BTreeMap;

use super::{
    Entity,
    matcher::{self, Labels, Matcher},
};

/// One alert's name: rule, cluster and entity.
pub type Name = (String, String, Entity);

#[derive(Clone, Debug, PartialEq)]
pub struct Inhibition {
    pub when: Vec<Matcher>,
    pub silences: Vec<Matcher>,
    /// Labels that both must have alike.
    pub equal: Vec<String>,
}

impl Inhibition {
    /// A cluster that does not answer speaks for all of its rules; a red one for whatever else says that it is not well.
    pub fn built_in() -> Vec<Self> {
        let equal = vec!["cluster".to_owned()];
        let unreachable = "elasticsearch-unreachable";
        let health = || Matcher::equal("check", "cluster_health");
        vec![
            Self {
                when: vec![Matcher::equal("rule", unreachable)],
                silences: vec![Matcher::not_equal("rule", unreachable)],
                equal: equal.clone(),
            },
            Self {
                when: vec![health(), Matcher::equal("level", "critical")],
                silences: vec![health(), Matcher::not_equal("level", "critical")],
                equal,
            },
        ]
    }

    /// What both must have alike.
    fn key(&self, labels: &Labels<'_>) -> Vec<String> {
        self.equal.iter().map(|name| labels.get(name).to_owned()).collect()
    }
}

type IsOneOfThem = bool;

/// At which inhibition, under which labels, and who.
type Entry = (usize, Vec<String>, Name);

/// Who speaks for others at present.
#[derive(Clone, Debug, Default)]
pub struct Speakers {
    inhibitions: Vec<Inhibition>,
    /// Of every inhibition: by the labels that have to be alike. Whoever could be withheld by the same inhibition does not
    /// speak for its like, or two could silence each other.
    by: Vec<BTreeMap<Vec<String>, BTreeMap<Name, IsOneOfThem>>>,
    /// Where the alerts of a rule are entered.
    entered: BTreeMap<(String, String), Vec<Entry>>,
}

impl Speakers {
    pub fn new(inhibitions: Vec<Inhibition>) -> Self {
        let by = inhibitions.iter().map(|_| BTreeMap::new()).collect();
        Self { inhibitions, by, entered: BTreeMap::new() }
    }

    /// What fires of one rule on one cluster now, in place of what fired of it before.
    pub fn replace<'a>(&mut self, rule: &str, cluster: &str, firing: impl Iterator<Item = Labels<'a>>) {
        let key = (rule.to_owned(), cluster.to_owned());
        for (at, equal, name) in self.entered.remove(&key).unwrap_or_default() {
            if let Some(speakers) = self.by[at].get_mut(&equal) {
                speakers.remove(&name);
            }
            self.by[at].retain(|_, speakers| !speakers.is_empty());
        }
        let mut entered = Vec::new();
        for labels in firing {
            for (at, inhibition) in self.inhibitions.iter().enumerate() {
                if !matcher::all_match(&inhibition.when, &labels) {
                    continue;
                }
                let (equal, name) = (inhibition.key(&labels), name_of(&labels));
                let is_one = matcher::all_match(&inhibition.silences, &labels);
                self.by[at].entry(equal.clone()).or_default().insert(name.clone(), is_one);
                entered.push((at, equal, name));
            }
        }
        if !entered.is_empty() {
            self.entered.insert(key, entered);
        }
    }

    /// Who speaks for this alert, if somebody does: never itself.
    pub fn for_alert(&self, labels: &Labels<'_>) -> Option<&Name> {
        let own = name_of(labels);
        for (inhibition, by) in self.inhibitions.iter().zip(&self.by) {
            if by.is_empty() || !matcher::all_match(&inhibition.silences, labels) {
                continue;
            }
            let Some(speakers) = by.get(&inhibition.key(labels)) else { continue };
            let is_one = matcher::all_match(&inhibition.when, labels);
            let mut others = speakers.iter().filter(|(name, other)| **name != own && !(is_one && **other));
            if let Some((name, _)) = others.next() {
                return Some(name);
            }
        }
        None
    }
}

fn name_of(labels: &Labels<'_>) -> Name {
    (labels.rule.to_owned(), labels.cluster.to_owned(), labels.entity.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Level;

    fn labels<'a>(
        (rule, cluster, check): (&'a str, &'a str, &'a str),
        level: Level,
        entity: &'a Entity,
        labels: &'a BTreeMap<String, String>,
    ) -> Labels<'a> {
        Labels { rule, cluster, check, level: Some(level), entity, labels }
    }

    #[test]
    fn a_cluster_that_does_not_answer_speaks_for_its_own_rules_only() {
        let (entity, none) = (Entity::empty(), BTreeMap::new());
        let of = |rule, cluster| labels((rule, cluster, "x"), Level::Critical, &entity, &none);
        let mut speakers = Speakers::new(Inhibition::built_in());
        assert_eq!(speakers.for_alert(&of("disk", "main")), None);
        let guard = of("elasticsearch-unreachable", "main");
        speakers.replace(guard.rule, guard.cluster, [guard].into_iter());
        assert_eq!(speakers.for_alert(&of("disk", "main")).unwrap().0, "elasticsearch-unreachable");
        assert_eq!(speakers.for_alert(&of("disk", "logs")), None);
        assert_eq!(speakers.for_alert(&guard), None, "never for itself");
        speakers.replace(guard.rule, guard.cluster, std::iter::empty());
        assert_eq!(speakers.for_alert(&of("disk", "main")), None);
    }

    #[test]
    fn a_red_cluster_speaks_for_its_yellow_but_not_for_its_disks() {
        let (a, b, none) = (Entity::of("index", "a"), Entity::of("index", "b"), BTreeMap::new());
        let health = "cluster_health";
        let red = labels(("health", "main", health), Level::Critical, &a, &none);
        let mut speakers = Speakers::new(Inhibition::built_in());
        speakers.replace("health", "main", [red].into_iter());
        for (rule, check, level, withheld) in [
            ("health", health, Level::Warning, true),
            ("yellow", health, Level::Warning, true),
            ("health", health, Level::Critical, false),
            ("disk", "storage", Level::Warning, false),
        ] {
            let found = speakers.for_alert(&labels((rule, "main", check), level, &b, &none));
            assert_eq!(found.is_some(), withheld, "{rule} {level}");
        }
    }

    proptest! {
        /// Whatever the inhibitions: of alerts that fire, not all are withheld, if every inhibition withholds its own like.
        #[test]
        fn alerts_cannot_silence_each_other(rules in prop::collection::btree_set("[a-d]", 1..4)) {
            let inhibition = Inhibition { when: Vec::new(), silences: Vec::new(), equal: Vec::new() };
            let (entity, none) = (Entity::empty(), BTreeMap::new());
            let mut speakers = Speakers::new(vec![inhibition]);
            for rule in &rules {
                let of = labels((rule, "main", ""), Level::Info, &entity, &none);
                speakers.replace(rule, "main", [of].into_iter());
            }
            for rule in &rules {
                let of = labels((rule, "main", ""), Level::Info, &entity, &none);
                prop_assert_eq!(speakers.for_alert(&of), None);
            }
        }

        #[test]
        fn who_speaks_does_not_depend_on_the_order_of_rules(
            order in Just(vec!["a", "b", "c", "d"]).prop_shuffle(), target in "[a-e]",
        ) {
            let inhibition = Inhibition {
                when: vec!["rule=~\"a|c\"".parse().unwrap()],
                silences: vec!["rule!=\"d\"".parse().unwrap()],
                equal: vec!["cluster".to_owned()],
            };
            let (entity, none) = (Entity::empty(), BTreeMap::new());
            let said = |order: &[&str]| {
                let mut speakers = Speakers::new(vec![inhibition.clone()]);
                for rule in order {
                    let of = labels((rule, "main", ""), Level::Info, &entity, &none);
                    speakers.replace(rule, "main", [of].into_iter());
                }
                speakers.for_alert(&labels((&target, "main", ""), Level::Info, &entity, &none)).cloned()
            };
            prop_assert_eq!(said(&order), said(&["a", "b", "c", "d"]));
        }
    }
}
