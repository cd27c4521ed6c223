//! Hours of a week in a zone: when a route is active.

use std::fmt;

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;

use super::Time;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A whole day, in minutes.
const DAY: u32 = 24 * 60;

/// Days and hours of a week; hours over midnight belong to the day on which they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    days: [bool; 7],
    /// Minutes of the day; an end that is not after its begin is on the next day.
    spans: Vec<(u32, u32)>,
    zone: Tz,
    text: String,
}

impl Hours {
    /// `mon-fri` and `08:00-18:00`, or lists of them; what is left out is every day, or the whole day.
    pub fn parse(days: Option<&str>, hours: Option<&str>, zone: Tz) -> Result<Self, String> {
        let words: Vec<&str> = [days, hours].into_iter().flatten().map(str::trim).collect();
        let text = format!("{} {zone}", words.join(" ")).trim().to_owned();
        let days = days.map_or(Ok([true; 7]), parse_days)?;
        let spans = hours.map_or(Ok(vec![(0, DAY)]), parse_hours)?;
        Ok(Self { days, spans, zone, text })
    }

    pub fn holds(&self, now: Time) -> bool {
        let local = now.with_timezone(&self.zone);
        let today = local.weekday().num_days_from_monday() as usize;
        let yesterday = (today + 6) % 7;
        let minute = local.hour() * 60 + local.minute();
        self.spans.iter().any(|(from, to)| {
            if from < to {
                return self.days[today] && (*from..*to).contains(&minute);
            }
            self.days[today] && minute >= *from || self.days[yesterday] && minute < *to
        })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

fn parse_days(text: &str) -> Result<[bool; 7], String> {
    let wrong = || format!("`{text}` are no days; write `mon-fri`, or `mon,wed,sat-sun`");
    let day = |name: &str| {
        let name = name.trim().to_lowercase();
        DAYS.iter().position(|day| *day == name).ok_or_else(wrong)
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (day(from)?, day(to)?);
        let length = (to + 7 - from) % 7;
        for step in 0..=length {
            days[(from + step) % 7] = true;
        }
    }
    Ok(days)
}

fn parse_hours(text: &str) -> Result<Vec<(u32, u32)>, String> {
    let wrong = || format!("`{text}` are no hours; write `08:00-18:00`, or `08:00-12:00,13:00-17:00`");
    let mut spans = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
        if from == to || from == DAY {
            return Err(format!("`{part}` is no time at all; the whole day is `00:00-24:00`"));
        }
        spans.push((from, to));
    }
    Ok(spans)
}

/// `08:30`, up to `24:00`.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() == 2);
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPENHAGEN: Tz = Tz::Europe__Copenhagen;

    fn holds(days: Option<&str>, hours: Option<&str>, at: &str) -> bool {
        Hours::parse(days, hours, COPENHAGEN).unwrap().holds(at.parse().unwrap())
    }

    #[test]
    fn office_hours_are_those_of_their_zone_in_winter_and_in_summer() {
        let office = (Some("mon-fri"), Some("08:00-18:00"));
        // Friday 6 March 2026, UTC+1; Friday 3 July 2026, UTC+2
        for (at, expected) in [
            ("2026-03-06T06:59:59Z", false),
            ("2026-03-06T07:00:00Z", true),
            ("2026-03-06T16:59:59Z", true),
            ("2026-03-06T17:00:00Z", false),
            ("2026-03-07T10:00:00Z", false),
            ("2026-07-03T06:00:00Z", true),
            ("2026-07-03T16:00:00Z", false),
        ] {
            assert_eq!(holds(office.0, office.1, at), expected, "{at}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = (Some("fri"), Some("22:00-06:00"));
        for (at, expected) in [
            ("2026-03-06T20:59:00Z", false),
            ("2026-03-06T21:00:00Z", true),
            ("2026-03-07T04:59:00Z", true),
            ("2026-03-07T05:00:00Z", false),
            ("2026-03-07T22:00:00Z", false),
            ("2026-03-06T03:00:00Z", false),
        ] {
            assert_eq!(holds(night.0, night.1, at), expected, "{at}");
        }
    }

    #[test]
    fn days_may_be_a_list_and_go_over_the_end_of_the_week() {
        let days = parse_days("Sat-mon, wed").unwrap();
        assert_eq!(days, [true, false, true, false, false, true, true]);
        assert!(holds(None, Some("08:00-09:00,23:00-24:00"), "2026-03-06T22:30:00Z"));
        assert!(holds(Some("fri"), None, "2026-03-06T22:30:00Z"));
    }

    #[test]
    fn what_is_no_time_says_what_would_be_one() {
        for (days, hours, hint) in [
            (Some("weekdays"), None, "mon-fri"),
            (Some("mon-"), None, "mon-fri"),
            (None, Some("8-18"), "08:00-18:00"),
            (None, Some("08:00"), "08:00-18:00"),
            (None, Some("08:00-25:00"), "08:00-18:00"),
            (None, Some("08:00-08:00"), "00:00-24:00"),
            (None, Some("24:00-08:00"), "00:00-24:00"),
        ] {
            let said = Hours::parse(days, hours, COPENHAGEN).unwrap_err();
            assert!(said.contains(hint), "{said}");
        }
    }
}
