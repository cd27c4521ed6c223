//! Whom an alert is told to: routes in their order, each with its matchers, its level floor and its hours.

use super::{
    Level, Time,
    hours::Hours,
    matcher::{self, Labels, Matcher},
};

/// One way to somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub matchers: Vec<Matcher>,
    /// A milder alert is not this route's.
    pub at_least: Option<Level>,
    /// Sinks; never empty.
    pub notify: Vec<String>,
    /// The routes below are asked, too.
    pub goes_on: bool,
    /// Left out: always.
    pub active: Option<Hours>,
}

impl Route {
    /// Takes every alert at every hour.
    pub fn takes_everything(&self) -> bool {
        self.matchers.is_empty() && self.at_least.is_none() && self.active.is_none()
    }

    /// `team="search", at least warning`
    pub fn show(&self) -> String {
        match self.at_least {
            None => matcher::show(&self.matchers),
            Some(level) if self.matchers.is_empty() => format!("at least {level}"),
            Some(level) => format!("{}, at least {level}", matcher::show(&self.matchers)),
        }
    }

    pub fn ask(&self, labels: &Labels<'_>, now: Time) -> Answer<'_> {
        if let Some(miss) = matcher::first_miss(&self.matchers, labels) {
            return Answer::Other(miss);
        }
        if let Some(floor) = self.at_least.filter(|floor| labels.level.is_none_or(|level| level < *floor)) {
            return Answer::Milder(floor);
        }
        match &self.active {
            Some(hours) if !hours.holds(now) => Answer::Asleep(hours),
            _ => Answer::Taken,
        }
    }
}

/// What a route says of an alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer<'r> {
    /// Its sinks are told.
    Taken,
    /// It would be this route's, but not at this hour: its sinks hear when the hour comes, and the routes below are asked.
    Asleep(&'r Hours),
    /// This matcher does not match.
    Other(&'r Matcher),
    /// The alert is below the route's floor.
    Milder(Level),
    /// A route above has taken it.
    NotAsked,
}

/// What every route says, in their order.
pub fn walk<'r>(routes: &'r [Route], labels: &Labels<'_>, now: Time) -> Vec<Answer<'r>> {
    let mut taken = false;
    let ask = |route: &'r Route| {
        if taken {
            return Answer::NotAsked;
        }
        let answer = route.ask(labels, now);
        taken = answer == Answer::Taken && !route.goes_on;
        answer
    };
    routes.iter().map(ask).collect()
}

/// A sink that an alert is routed to, and the hours that keep it waiting.
pub type Whom<'r> = (&'r str, Option<&'r Hours>);

/// The sinks of a walk, each once; who is told by one route does not wait for another's hours.
pub fn whom<'r>(routes: &'r [Route], labels: &Labels<'_>, now: Time) -> Vec<Whom<'r>> {
    let mut found: Vec<Whom<'r>> = Vec::new();
    for (route, answer) in routes.iter().zip(walk(routes, labels, now)) {
        let waits = match answer {
            Answer::Taken => None,
            Answer::Asleep(hours) => Some(hours),
            _ => continue,
        };
        for sink in &route.notify {
            match found.iter_mut().find(|(known, _)| known == sink) {
                Some((_, hours)) => *hours = hours.filter(|_| waits.is_some()),
                None => found.push((sink, waits)),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::model::Entity;

    const NOON: &str = "2026-03-06T12:00:00Z";
    const NIGHT: &str = "2026-03-06T23:00:00Z";

    fn route(matchers: &[&str], notify: &[&str]) -> Route {
        Route {
            matchers: matchers.iter().map(|text| text.parse().unwrap()).collect(),
            at_least: None,
            notify: notify.iter().map(|sink| (*sink).to_owned()).collect(),
            goes_on: false,
            active: None,
        }
    }

    fn by_day() -> Option<Hours> {
        Some(Hours::parse(Some("mon-fri"), Some("08:00-18:00"), Tz::UTC).unwrap())
    }

    /// `bot`, or `bot later`.
    fn told(routes: &[Route], team: &str, level: Level, at: &str) -> Vec<String> {
        let own = BTreeMap::from([("team".to_owned(), team.to_owned())]);
        let (entity, level) = (Entity::empty(), Some(level));
        let labels =
            Labels { rule: "disk", cluster: "main", check: "storage", level, entity: &entity, labels: &own };
        let found = whom(routes, &labels, at.parse().unwrap());
        found
            .into_iter()
            .map(|(sink, waits)| sink.to_owned() + if waits.is_some() { " later" } else { "" })
            .collect()
    }

    #[test]
    fn the_first_route_that_matches_takes_it_and_the_default_the_rest() {
        let routes = [route(&["team=\"search\""], &["bot", "genie"]), route(&[], &["journal"])];
        assert_eq!(told(&routes, "search", Level::Info, NOON), ["bot", "genie"]);
        assert_eq!(told(&routes, "shop", Level::Info, NOON), ["journal"]);
    }

    #[test]
    fn a_route_that_goes_on_adds_and_a_floor_lets_milder_ones_pass() {
        let mut first = route(&["team=\"search\""], &["bot"]);
        (first.goes_on, first.at_least) = (true, Some(Level::Warning));
        let routes = [first, route(&[], &["journal"])];
        assert_eq!(told(&routes, "search", Level::Critical, NOON), ["bot", "journal"]);
        assert_eq!(told(&routes, "search", Level::Warning, NOON), ["bot", "journal"]);
        assert_eq!(told(&routes, "search", Level::Info, NOON), ["journal"]);
    }

    #[test]
    fn a_route_outside_its_hours_hears_later_and_the_routes_below_are_asked() {
        let routes = [Route { active: by_day(), ..route(&[], &["bot"]) }, route(&[], &["journal"])];
        assert_eq!(told(&routes, "search", Level::Info, NOON), ["bot"]);
        assert_eq!(told(&routes, "search", Level::Info, NIGHT), ["bot later", "journal"]);
    }

    #[test]
    fn who_is_told_by_one_route_does_not_wait_for_the_hours_of_another() {
        let asleep = || Route { active: by_day(), ..route(&[], &["bot"]) };
        let awake = || Route { goes_on: true, ..route(&[], &["bot"]) };
        assert_eq!(told(&[asleep(), awake()], "search", Level::Info, NIGHT), ["bot"]);
        assert_eq!(told(&[awake(), asleep()], "search", Level::Info, NIGHT), ["bot"]);
    }

    fn any_route() -> impl Strategy<Value = Route> {
        let matchers = prop::sample::subsequence(vec!["team=\"a\"", "team!=\"b\"", "rule=\"disk\""], 0..3);
        let level = prop::option::of(prop::sample::select(Level::ALL.to_vec()));
        let sinks = prop::sample::subsequence(vec!["x", "y", "z"], 1..3);
        (matchers, level, sinks, any::<bool>(), any::<bool>()).prop_map(
            |(matchers, at_least, sinks, goes_on, by_hours)| Route {
                at_least,
                goes_on,
                active: by_day().filter(|_| by_hours),
                ..route(&matchers, &sinks)
            },
        )
    }

    proptest! {
        #[test]
        fn with_a_default_somebody_is_always_told(
            mut routes in prop::collection::vec(any_route(), 0..6),
            team in "[abc]", level in prop::sample::select(Level::ALL.to_vec()), night in any::<bool>(),
        ) {
            routes.push(route(&[], &["journal"]));
            let now = told(&routes, &team, level, if night { NIGHT } else { NOON });
            prop_assert!(now.iter().any(|sink| !sink.ends_with("later")), "{now:?}");
            let names: std::collections::BTreeSet<_> = now.iter().collect();
            prop_assert_eq!(names.len(), now.len(), "each once");
        }
    }
}
