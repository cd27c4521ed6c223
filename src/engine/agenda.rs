//! When each rule is to be looked at next.

use std::collections::{BTreeSet, HashMap};

use crate::{config::RuleKey, model::Time};

/// Due times, soonest first; one per rule. A rule goes back in when its look is over, so it never overlaps itself.
#[derive(Debug, Default)]
pub struct Agenda {
    order: BTreeSet<(Time, RuleKey)>,
    due: HashMap<RuleKey, Time>,
}

impl Agenda {
    /// Sets when the rule is due; an earlier plan for it is dropped.
    pub fn put(&mut self, due: Time, key: RuleKey) {
        if let Some(before) = self.due.insert(key.clone(), due) {
            self.order.remove(&(before, key.clone()));
        }
        self.order.insert((due, key));
    }

    /// Everything that is due by `until`, soonest first.
    pub fn take_until(&mut self, until: Time) -> Vec<(Time, RuleKey)> {
        let mut taken = Vec::new();
        while let Some(entry) = self.order.first().filter(|(at, _)| *at <= until).cloned() {
            self.order.remove(&entry);
            self.due.remove(&entry.1);
            taken.push(entry);
        }
        taken
    }

    pub fn due_at(&self, key: &RuleKey) -> Option<Time> {
        self.due.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_due_once_however_often_it_is_put() {
        let at = |seconds| Time::from_timestamp(seconds, 0).unwrap();
        let mut agenda = Agenda::default();
        agenda.put(at(10), RuleKey::new("a", "main"));
        agenda.put(at(5), RuleKey::new("a", "main"));
        agenda.put(at(7), RuleKey::new("b", "main"));
        let order: Vec<String> = agenda.take_until(at(20)).into_iter().map(|(_, key)| key.rule).collect();
        assert_eq!(order, ["a", "b"]);
        assert!(agenda.take_until(at(100)).is_empty());
    }
}
