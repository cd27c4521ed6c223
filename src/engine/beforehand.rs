//! What can be told of a rule before its first look, without asking anybody.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    checks::{Check, Look, Memory},
    clock::Clock,
    config::{RuleSet, Settings},
    elastic::Elastic,
    engine::start::reveal,
    kubernetes::Kubernetes,
    model::{Time, Window, kubernetes::Access, query::Question},
};

/// Clusters that could not even be asked: a certificate's file or a secret that is not there.
pub fn unusable_clusters(settings: &Settings) -> Vec<String> {
    let mut unusable = Vec::new();
    for (name, cluster) in &settings.clusters {
        if let Err(why) = Elastic::new(cluster, Clock::system(), &reveal()) {
            unusable.push(format!("cluster `{name}`: {why}"));
        }
    }
    unusable
}

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::load_with;

    #[test]
    fn a_certificate_that_is_not_there_is_told_before_anybody_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("highwater.yaml");
        let said = |tls: &str| {
            let text =
                format!("clusters: {{ main: {{ urls: [\"https://127.0.0.1:9200\"], tls: {tls} }} }}\n");
            std::fs::write(&path, text).unwrap();
            unusable_clusters(&load_with(std::slice::from_ref(&path), &[], &BTreeMap::new(), false).unwrap())
        };
        let missing = said("{ ca: /nope.pem }");
        assert_eq!(missing.len(), 1);
        assert!(
            missing[0].starts_with("cluster `main`: ") && missing[0].contains("/nope.pem"),
            "{missing:?}"
        );
        assert_eq!(said("{}"), Vec::<String>::new());
    }
}
