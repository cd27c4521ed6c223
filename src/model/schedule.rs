//! When a rule looks: points on a fixed grid, found by arithmetic alone, so that a restart or another replica lands on the same ones.

use std::{fmt, str::FromStr, time::Duration};

use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};

use super::{
    Time,
    time::{elapsed, floor_to},
};

/// A grid of ticks.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Every so long, aligned to the epoch.
    Every(Duration),
    Cron(CronSchedule),
}

/// Calendar points, true to their zone through daylight saving time.
#[derive(Clone)]
pub struct CronSchedule {
    pub text: String,
    pub zone: Tz,
    cron: Box<Cron>,
}

impl PartialEq for CronSchedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.zone) == (&other.text, other.zone)
    }
}

impl fmt::Debug for CronSchedule {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.text, self.zone)
    }
}

impl CronSchedule {
    /// Five or six fields (the sixth, first, is seconds). An expression that never comes true is an error.
    pub fn parse(text: &str, zone: &str) -> Result<Self, String> {
        let zone = Tz::from_str(zone).map_err(|_| {
            format!("unknown time zone `{zone}`; write an IANA name like `Europe/Copenhagen` or `UTC`")
        })?;
        lint_cron(text)?;
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron =
            parser.parse(text).map_err(|error| format!("`{text}` is not a cron expression: {error}"))?;
        let probe = Time::from_timestamp(1_700_000_000, 0).unwrap_or_default().with_timezone(&zone);
        cron.find_next_occurrence(&probe, false).map_err(|_| format!("`{text}` never comes true"))?;
        Ok(Self { text: text.to_owned(), zone, cron: Box::new(cron) })
    }

    fn next_after(&self, at: Time) -> Option<Time> {
        let found = self.cron.find_next_occurrence(&at.with_timezone(&self.zone), false).ok()?;
        Some(found.to_utc()).filter(|next| *next > at)
    }

    fn latest_at(&self, at: Time) -> Option<Time> {
        let found = self.cron.find_previous_occurrence(&at.with_timezone(&self.zone), true).ok()?;
        Some(found.to_utc()).filter(|latest| *latest <= at)
    }
}

/// What the parser takes but nobody means: `*/90` minutes (it would run hourly), and a list with spaces (one field too many).
fn lint_cron(text: &str) -> Result<(), String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if !matches!(fields.len(), 5 | 6) && !text.starts_with('@') {
        return Err(format!(
            "`{text}` has {} fields; a cron expression has 5, or 6 with seconds first",
            fields.len()
        ));
    }
    if fields.iter().any(|field| field.starts_with(',') || field.ends_with(',')) {
        return Err(format!("`{text}` has a space inside a list; write `1,2,3`"));
    }
    let limits = if fields.len() == 6 { &[60, 60, 24, 32, 13, 8][..] } else { &[60, 24, 32, 13, 8][..] };
    for (field, limit) in fields.iter().zip(limits) {
        let step = field.split_once('/').and_then(|(_, step)| step.parse::<u32>().ok());
        if let Some(step) = step.filter(|step| step >= limit) {
            return Err(format!(
                "`{field}` steps over its whole range; `every {step}m` may be what is meant"
            ));
        }
    }
    Ok(())
}

impl Schedule {
    /// The first tick after `at`.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        match self {
            Self::Every(step) => Some(floor_to(at, *step) + *step),
            Self::Cron(cron) => cron.next_after(at),
        }
    }

    /// The last tick that is not after `at`.
    pub fn latest_at(&self, at: Time) -> Option<Time> {
        match self {
            Self::Every(step) => Some(floor_to(at, *step)),
            Self::Cron(cron) => cron.latest_at(at),
        }
    }

    /// From `at` to the tick after it.
    pub fn distance_at(&self, at: Time) -> Duration {
        self.next_after(at).map_or(Duration::ZERO, |next| elapsed(at, next))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(step) => write!(to, "every {}", super::span::show(*step)),
            Self::Cron(cron) => write!(to, "cron {} ({})", cron.text, cron.zone),
        }
    }
}

/// Everything that decides when one rule looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    pub schedule: Schedule,
    pub while_firing: Option<Schedule>,
    pub while_unsettled: Schedule,
    /// How long after its tick a window is judged; zero for checks of a present state.
    pub query_delay: Duration,
    /// The same for all rules that could share a question, so that they share its instant.
    pub offset: Duration,
    /// How far back missed windows are still judged.
    pub max_catch_up: Duration,
    /// Judges a window of stored documents rather than a present state.
    pub windowed: bool,
}

/// How closely a rule wants to look now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    pub firing: bool,
    /// An alert pending or recovering, the last look indeterminate, or not yet judged since start.
    pub unsettled: bool,
}

impl Timing {
    /// The tick after `at`, on the finest grid that applies.
    pub fn next_after(&self, at: Time, attention: Attention) -> Option<Time> {
        self.grids(attention).filter_map(|grid| grid.next_after(at)).min()
    }

    /// The latest tick that is not after `at`, on the finest grid that applies.
    pub fn latest_at(&self, at: Time, attention: Attention) -> Option<Time> {
        self.grids(attention).filter_map(|grid| grid.latest_at(at)).max()
    }

    fn grids(&self, attention: Attention) -> impl Iterator<Item = &Schedule> {
        let firing = self.while_firing.as_ref().filter(|_| attention.firing);
        let unsettled = Some(&self.while_unsettled).filter(|_| attention.unsettled);
        [Some(&self.schedule), firing, unsettled].into_iter().flatten()
    }

    /// How long after its tick a look is due.
    pub fn lag(&self) -> Duration {
        self.offset + self.query_delay
    }

    /// The most that one step between two looks may add to an age: the larger of a minute and twice the unsettled grid.
    pub fn reach(&self, at: Time) -> Duration {
        let step = match &self.while_unsettled {
            Schedule::Every(step) => *step,
            cron @ Schedule::Cron(_) => cron.distance_at(at),
        };
        Duration::from_secs(60).max(step * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn intervals_lie_on_a_grid_from_the_epoch() {
        let every = Schedule::Every(Duration::from_secs(300));
        assert_eq!(every.next_after(at("2026-01-01T00:03:00Z")), Some(at("2026-01-01T00:05:00Z")));
        assert_eq!(every.next_after(at("2026-01-01T00:05:00Z")), Some(at("2026-01-01T00:10:00Z")));
        assert_eq!(every.latest_at(at("2026-01-01T00:05:00Z")), Some(at("2026-01-01T00:05:00Z")));
    }

    #[test]
    fn cron_is_true_to_its_zone_on_both_days_of_change() {
        let daily = Schedule::Cron(CronSchedule::parse("30 9 * * *", "Europe/Berlin").unwrap());
        assert_eq!(daily.next_after(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T07:30:00Z")));
        assert_eq!(daily.next_after(at("2026-10-24T12:00:00Z")), Some(at("2026-10-25T08:30:00Z")));
        assert_eq!(daily.latest_at(at("2026-10-25T08:30:00Z")), Some(at("2026-10-25T08:30:00Z")));
    }

    #[test]
    fn a_time_that_the_spring_change_skips_runs_once_and_one_that_autumn_repeats_runs_once() {
        let night = Schedule::Cron(CronSchedule::parse("30 2 * * *", "Europe/Berlin").unwrap());
        for (from, to) in [
            ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
            ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ] {
            let mut count = 0;
            let mut tick = at(from);
            while let Some(next) = night.next_after(tick).filter(|next| *next < at(to)) {
                (tick, count) = (next, count + 1);
            }
            assert_eq!(count, 1, "between {from} and {to}");
        }
    }

    #[test]
    fn five_minute_cron_has_no_hole_through_the_autumn_change() {
        let cron = Schedule::Cron(CronSchedule::parse("*/5 * * * *", "Europe/Berlin").unwrap());
        let mut tick = at("2026-10-24T23:00:00Z");
        while tick < at("2026-10-25T03:00:00Z") {
            let next = cron.next_after(tick).unwrap();
            assert_eq!(elapsed(tick, next), Duration::from_secs(300), "after {tick}");
            tick = next;
        }
    }

    #[test]
    fn what_a_cron_parser_takes_but_nobody_means_is_an_error() {
        for text in ["*/90 * * * *", "1,2, 3 * * * *", "0 0 31 2 *", "* * *"] {
            assert!(CronSchedule::parse(text, "UTC").is_err(), "{text}");
        }
        assert!(CronSchedule::parse("* * * * *", "Mars/Olympus").unwrap_err().contains("IANA"));
    }
}
