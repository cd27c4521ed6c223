//! Alerts that are told only when it is known whether another speaks for them: which of two rules that look at one instant is
//! judged first must not decide what people hear.

use std::time::Duration;

use crate::{
    config::{Rule, RuleKey, routing},
    engine::{Engine, schedule::wake_at, tell, watch::Watch},
    model::{Time, inhibition::Inhibition, time::elapsed},
};

/// A look that should have begun so long ago is waited for no longer.
const PATIENCE: Duration = Duration::from_secs(30);

impl Engine {
    /// A rule whose look is under way, or due this instant, and may end in an alert that speaks for those of `watch`. Asked
    /// only where there are `news`, or something may have to be told without a look.
    pub(super) fn undecided(&self, watch: &Watch, news: bool) -> Option<String> {
        let (rules, now) = (self.rules(), self.clock.now());
        let on_cluster = rules.rules.values().filter(|rule| rule.clusters.contains(&watch.key.cluster));
        let is_about_to_look =
            |rule: &Rule| self.is_about_to_look(&RuleKey::new(&rule.id, &watch.key.cluster), now);
        let inhibit = &self.settings.routing.inhibit;
        undecided(inhibit, (watch, news), on_cluster.map(|rule| &**rule), is_about_to_look)
    }

    fn is_about_to_look(&self, key: &RuleKey, now: Time) -> bool {
        let Some(watch) = self.watch(key) else { return false };
        let Ok(watch) = watch.try_lock() else { return true };
        is_due(&watch, now)
    }
}

/// The first of these rules that may speak for alerts of `watch`, and is about to look.
pub(super) fn undecided<'r>(
    inhibit: &[Inhibition],
    (watch, news): (&Watch, bool),
    rules: impl Iterator<Item = &'r Rule>,
    is_about_to_look: impl Fn(&Rule) -> bool,
) -> Option<String> {
    if inhibit.is_empty() || !(news || tell::waits(watch)) {
        return None;
    }
    let mut others = rules.filter(|rule| rule.id != watch.key.rule);
    let speaks = |rule: &Rule| inhibit.iter().any(|inhibition| could_speak(inhibition, rule, &watch.rule));
    others.find(|rule| speaks(rule) && is_about_to_look(rule)).map(|rule| rule.id.clone())
}

pub(super) fn is_due(watch: &Watch, now: Time) -> bool {
    let due = wake_at(&watch.rule.timing, &watch.progress(now), now);
    due.is_some_and(|due| due <= now && elapsed(due, now) < PATIENCE)
}

/// On one cluster: rules of other clusters could only speak for these where people say so, and then are not waited for.
fn could_speak(inhibition: &Inhibition, speaker: &Rule, target: &Rule) -> bool {
    routing::could_match_rule(&inhibition.when, speaker)
        && routing::could_match_rule(&inhibition.silences, target)
}
