//! What people asked not to be told of for a while.

use serde::{Deserialize, Serialize};

use super::{
    Entity, Time, identity,
    matcher::{self, Labels, Matcher},
};

/// Nothing is told of the alerts that it matches until it ends; what still fires then is told then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The same for the same matchers, so that asking again prolongs it.
    pub id: String,
    /// In order, each once; of none, it matches everything.
    pub matchers: Vec<Matcher>,
    pub until: Time,
    pub reason: String,
    pub who: String,
    pub created: Time,
}

/// Why, who, and from when to when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub until: Time,
    pub reason: String,
    pub who: String,
    pub created: Time,
}

impl Silence {
    pub fn new(mut matchers: Vec<Matcher>, terms: Terms) -> Self {
        matchers.sort();
        matchers.dedup();
        let texts: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let id = format!("{:08x}", identity::spread(&texts) >> 32);
        let Terms { until, reason, who, created } = terms;
        Self { id, matchers, until, reason, who, created }
    }

    /// Matchers of one rule, or of those of its entities that carry these labels.
    pub fn matchers_of(rule: &str, entity: Option<&Entity>) -> Vec<Matcher> {
        let mut matchers = vec![Matcher::equal("rule", rule)];
        for (name, value) in entity.into_iter().flat_map(Entity::labels) {
            // these names are the alert's own
            let name = match name {
                "rule" | "cluster" | "level" => format!("entity.{name}"),
                name => name.to_owned(),
            };
            matchers.push(Matcher::equal(&name, value));
        }
        matchers.sort();
        matchers
    }

    pub fn covers(&self, labels: &Labels<'_>, now: Time) -> bool {
        self.holds(now) && matcher::all_match(&self.matchers, labels)
    }

    pub fn holds(&self, now: Time) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Level;

    fn silence(matchers: Vec<Matcher>) -> Silence {
        let (until, created) = ("2026-03-02T12:00:00Z".parse().unwrap(), Time::UNIX_EPOCH);
        Silence::new(matchers, Terms { until, reason: "x".to_owned(), who: "ada".to_owned(), created })
    }

    #[test]
    fn the_same_matchers_in_any_order_are_the_same_silence() {
        let (a, b) = (Matcher::equal("a", "1"), Matcher::equal("b", "2"));
        let one = silence(vec![a.clone(), b.clone()]);
        assert_eq!(one, silence(vec![b.clone(), a.clone(), b]));
        assert_ne!(one.id, silence(vec![a]).id);
        assert_eq!(one.id.len(), 8);
    }

    #[test]
    fn a_silence_of_an_entity_covers_those_that_carry_its_labels_and_ends() {
        let silence = silence(Silence::matchers_of("disk", Some(&Entity::of("level", "a"))));
        let labels = BTreeMap::new();
        let covers = |rule, entity: &Entity, at: &str| {
            let seen = Labels {
                rule,
                cluster: "main",
                check: "",
                level: Some(Level::Info),
                entity,
                labels: &labels,
            };
            silence.covers(&seen, at.parse().unwrap())
        };
        let more = Entity::new([("level", "a"), ("node", "es-1")]);
        assert!(covers("disk", &more, "2026-03-02T11:59:59Z"));
        assert!(!covers("disk", &more, "2026-03-02T12:00:00Z"), "it is over");
        assert!(!covers("disk", &Entity::of("level", "b"), "2026-03-02T11:00:00Z"));
        assert!(!covers("other", &more, "2026-03-02T11:00:00Z"));
    }
}
