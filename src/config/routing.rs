//! Whom, when and not, as it was meant.

use super::{Rule, RuleSet, place::Place, routes_lint};
use crate::model::{Time, inhibition::Inhibition, maintenance::Maintenance, matcher::Matcher, route::Route};

/// What a rule's `notify` says to go by the routes.
pub const ROUTES: &str = "routes";

/// Who is told beside the sinks that rules name, and what withholds it.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// The last one takes everything.
    pub routes: Vec<Route>,
    pub maintenance: Vec<Maintenance>,
    /// The built-in ones first.
    pub inhibit: Vec<Inhibition>,
    /// Every list of matchers, for what only the rules can show.
    pub(super) written: Vec<Written>,
}

/// Whether some alert of these rules, or one of highwater's own, could fulfil all of them.
pub fn could_match(matchers: &[Matcher], set: &RuleSet) -> bool {
    routes_lint::could_match_any(matchers, set)
}

/// The same of one rule.
pub fn could_match_rule(matchers: &[Matcher], rule: &Rule) -> bool {
    routes_lint::could_match(matchers, rule)
}

/// Whether no alert of these rules could escape them.
pub fn matches_everything(matchers: &[Matcher], set: &RuleSet) -> bool {
    routes_lint::match_all(matchers, set)
}

/// Matchers where they were written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub what: &'static str,
    pub place: Place,
    pub matchers: Vec<Matcher>,
}

impl Routing {
    /// The maintenance windows that are open at `now`, and their ends.
    pub fn open_windows(&self, now: Time) -> Vec<(&Maintenance, Time)> {
        self.maintenance.iter().filter_map(|window| Some((window, window.open_until(now)?))).collect()
    }
}
