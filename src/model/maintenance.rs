//! Times at which work is announced: what breaks meanwhile is told afterwards, if it is still broken.

use std::time::Duration;

use super::{
    Schedule, Time,
    matcher::{self, Labels, Matcher},
};

/// A window in which the alerts that it matches are withheld.
#[derive(Clone, Debug, PartialEq)]
pub struct Maintenance {
    pub name: String,
    pub matchers: Vec<Matcher>,
    pub when: When,
}

#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Begins at every tick, and lasts so long.
    Again { begins: Schedule, lasts: Duration },
    /// Once; `to` is not in it.
    Once { from: Time, to: Time },
}

impl Maintenance {
    /// The end of the window that is open at `now`.
    pub fn open_until(&self, now: Time) -> Option<Time> {
        match &self.when {
            When::Once { from, to } => Some(*to).filter(|to| *from <= now && now < *to),
            When::Again { begins, lasts } => {
                let end = begins.latest_at(now)? + *lasts;
                Some(end).filter(|end| now < *end)
            }
        }
    }

    pub fn covers(&self, labels: &Labels<'_>) -> bool {
        matcher::all_match(&self.matchers, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schedule::CronSchedule;

    fn window(when: When) -> Maintenance {
        Maintenance { name: "patch night".to_owned(), matchers: Vec::new(), when }
    }

    fn open_until(window: &Maintenance, at: &str) -> Option<String> {
        window.open_until(at.parse().unwrap()).map(|end| end.format("%d %H:%M").to_string())
    }

    #[test]
    fn a_patch_night_is_open_from_its_hour_for_its_length_in_its_zone() {
        let begins = Schedule::Cron(CronSchedule::parse("0 22 * * tue", "Europe/Copenhagen").unwrap());
        let night = window(When::Again { begins, lasts: Duration::from_secs(3 * 3600) });
        // Tuesday 3 March 2026, UTC+1
        for (at, expected) in [
            ("2026-03-03T20:59:59Z", None),
            ("2026-03-03T21:00:00Z", Some("04 00:00")),
            ("2026-03-03T23:59:59Z", Some("04 00:00")),
            ("2026-03-04T00:00:00Z", None),
            ("2026-07-07T20:00:00Z", Some("07 23:00")),
        ] {
            assert_eq!(open_until(&night, at).as_deref(), expected, "{at}");
        }
    }

    #[test]
    fn a_window_of_dates_is_open_once_and_its_end_is_outside() {
        let (from, to) = ("2026-03-03T22:00:00Z".parse().unwrap(), "2026-03-04T02:00:00Z".parse().unwrap());
        let once = window(When::Once { from, to });
        for (at, expected) in [
            ("2026-03-03T21:59:59Z", None),
            ("2026-03-03T22:00:00Z", Some("04 02:00")),
            ("2026-03-04T02:00:00Z", None),
        ] {
            assert_eq!(open_until(&once, at).as_deref(), expected, "{at}");
        }
    }
}
