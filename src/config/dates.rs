//! Dates as people write them: `2026-03-03 22:00` in a zone, or a whole day.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::model::Time;

/// Which end of a day is meant where only a day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Begin,
    End,
}

/// An instant with its own offset, a time of a day in `zone`, or a day's begin or end there.
pub fn parse(text: &str, zone: Tz, edge: Edge) -> Result<Time, String> {
    if let Ok(instant) = text.parse::<chrono::DateTime<chrono::FixedOffset>>() {
        return Ok(instant.to_utc());
    }
    let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    if let Some(local) = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        return Ok(instant(local, zone));
    }
    let wrong = || format!("`{text}` is no date; write `2026-03-03 22:00`, or `2026-03-03` for a whole day");
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())?;
    let day = if edge == Edge::End { day.checked_add_days(Days::new(1)).ok_or_else(wrong)? } else { day };
    Ok(instant(day.and_time(chrono::NaiveTime::MIN), zone))
}

/// The first of two in autumn; in spring, an hour that there is not is the one after it.
fn instant(local: NaiveDateTime, zone: Tz) -> Time {
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
    found.map_or_else(|| local.and_utc(), |found| found.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, edge: Edge) -> String {
        parse(text, Tz::Europe__Copenhagen, edge).unwrap().format("%d %H:%M").to_string()
    }

    #[test]
    fn dates_are_those_of_their_zone_and_a_day_is_a_whole_one() {
        assert_eq!(read("2026-03-03 22:00", Edge::Begin), "03 21:00");
        assert_eq!(read("2026-03-03T22:00:00+00:00", Edge::Begin), "03 22:00");
        assert_eq!(read("2026-07-03", Edge::Begin), "02 22:00");
        assert_eq!(read("2026-07-03", Edge::End), "03 22:00");
        assert_eq!(read("2026-03-29 02:30", Edge::Begin), "29 01:30", "an hour that there is not");
        assert_eq!(read("2026-10-25 02:30", Edge::Begin), "25 00:30", "the first of two");
        assert!(parse("tomorrow", Tz::UTC, Edge::Begin).unwrap_err().contains("2026-03-03 22:00"));
    }
}
