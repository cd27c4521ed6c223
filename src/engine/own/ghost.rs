use std::{collections::BTreeMap, sync::Arc};

use super::check::{OwnCheck, policy, unscheduled};
use crate::{
    config::{
        Rule, RuleKey,
        rule::{Publish, Source},
    },
    model::Unit,
    store::turn::Card,
};

/// A rule that is gone from its files, as far as closing its alerts needs it.
pub fn ghost(key: &RuleKey, card: &Card) -> Rule {
    Rule {
        id: key.rule.clone(),
        summary: card.summary.clone(),
        clusters: vec![key.cluster.clone()],
        kind: "gone",
        check: Arc::new(OwnCheck { unit: Unit::Count, next_step: "" }),
        timing: unscheduled(),
        policy: policy(None),
        notify: Vec::new(),
        notify_by_level: BTreeMap::new(),
        publish: Publish::default(),
        repeat: None,
        flapping: None,
        labels: card.labels.clone(),
        runbook: card.runbook.clone(),
        title: None,
        message: None,
        fingerprint: card.fingerprint.clone(),
        source: Source::default(),
    }
}
