//! What can be told of a rule before its first look, without asking anybody.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    checks::{Check, Look, Memory},
    config::RuleSet,
    kubernetes::Kubernetes,
    model::{Time, Window, kubernetes::Access, query::Question},
};

/// Kubeconfigs that cannot be used, by rule: what would make them blind from the first look on.
pub fn unusable_kubeconfigs(set: &RuleSet) -> Vec<String> {
    let mut unusable = Vec::new();
    for rule in set.rules.values() {
        for why in accesses(&*rule.check).iter().filter_map(Kubernetes::mistake) {
            unusable.push(format!("rule `{}`: {why}", rule.id));
        }
    }
    unusable
}

fn accesses(check: &dyn Check) -> BTreeSet<Access> {
    if check.elsewhere().is_none() {
        return BTreeSet::new();
    }
    let at = Time::default();
    let window = Window::ending(at, Duration::ZERO);
    let look = Look { cluster: String::new(), window, asked: at, timeout: Duration::from_secs(1) };
    let asked =
        check.queries(&look, &Memory::default()).into_iter().filter_map(|query| match query.question {
            Question::Kubernetes(listing) => Some(listing.access),
            _ => None,
        });
    asked.collect()
}
