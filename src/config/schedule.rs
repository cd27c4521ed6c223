//! When a rule looks, as people write it: `every 1m`, or a cron expression with its zone.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    at::{At, TextOr},
    complaint::Complaint,
};
use crate::model::{Schedule, Time, identity, schedule::CronSchedule, span::Span};

/// Calendar points.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronForm {
    /// Five fields, or six with seconds first.
    pub cron: At<String>,
    /// An IANA name like `Europe/Copenhagen`; left out: `display.timezone` of the settings.
    pub timezone: Option<At<String>>,
}

/// `every 5m`, or `{ cron: "*/5 8-17 * * mon-fri", timezone: Europe/Copenhagen }`.
pub type ScheduleForm = At<TextOr<CronForm>>;

/// Finer than this the clocks of machines do not agree.
const FINEST: Duration = Duration::from_secs(1);
/// Coarser is a slip of the hand, and would overflow calendars.
const COARSEST: Duration = Duration::from_secs(366 * 86_400);

pub fn parse(form: &ScheduleForm, zone: &str) -> Result<Schedule, Complaint> {
    match &form.value {
        TextOr::Text(text) => every(text).map(Schedule::Every).map_err(|why| form.error(why)),
        TextOr::Long(long) => {
            let zone_form = long.timezone.as_ref();
            let zone = zone_form.map_or(zone, |zone| zone.value.as_str());
            let cron = CronSchedule::parse(&long.cron.value, zone).map_err(|why| {
                let blamed = zone_form.filter(|_| why.starts_with("unknown time zone")).unwrap_or(&long.cron);
                blamed.error(why.trim_end_matches('.'))
            })?;
            Ok(Schedule::Cron(cron))
        }
    }
}

fn every(text: &str) -> Result<Duration, String> {
    let Some(length) = text.trim().strip_prefix("every ") else {
        return Err(format!(
            "`{text}` is not a schedule; write `every 5m`, or `{{ cron: \"*/5 * * * *\", timezone: UTC }}`"
        ));
    };
    let Span(length) = Span::parse(length.trim())?;
    if length < FINEST || length.subsec_nanos() > 0 {
        return Err(format!("`{text}` is too fine; schedules are whole seconds, from `every 1s`"));
    }
    if length > COARSEST {
        return Err(format!("`{text}` is too coarse; the longest is `every 366d`"));
    }
    Ok(length)
}

/// The time from one tick to the next; of a calendar, at one fixed instant.
pub fn step(schedule: &Schedule) -> Duration {
    match schedule {
        Schedule::Every(step) => *step,
        cron @ Schedule::Cron(_) => {
            let probe = Time::from_timestamp(1_700_000_000, 0).unwrap_or_default();
            cron.next_after(probe).map_or(Duration::ZERO, |next| cron.distance_at(next))
        }
    }
}

/// While something is undecided, a slow rule looks every minute.
pub fn while_unsettled(schedule: &Schedule) -> Schedule {
    const MINUTE: Duration = Duration::from_secs(60);
    match schedule {
        Schedule::Every(step) => Schedule::Every((*step).min(MINUTE)),
        Schedule::Cron(_) => Schedule::Every(MINUTE),
    }
}

/// The same for all rules of one cluster and schedule, so that they share their instant; others look at other instants.
pub fn offset(cluster: &str, schedule: &Schedule) -> Duration {
    let most = (step(schedule) / 10).min(Duration::from_secs(5));
    let most = u64::try_from(most.as_millis()).unwrap_or(0);
    let spread = identity::spread(&[cluster, &schedule.to_string()]);
    Duration::from_millis(spread.checked_rem(most).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_bounded_and_shared_by_equal_schedules() {
        for seconds in [1, 10, 60, 43_200] {
            let schedule = Schedule::Every(Duration::from_secs(seconds));
            let offset = offset("main", &schedule);
            assert!(offset <= (Duration::from_secs(seconds) / 10).min(Duration::from_secs(5)));
            assert_eq!(offset, super::offset("main", &Schedule::Every(Duration::from_secs(seconds))));
        }
        let minute = Schedule::Every(Duration::from_secs(60));
        let spread: std::collections::BTreeSet<_> =
            (0..100).map(|n| offset(&format!("cluster {n}"), &minute)).collect();
        assert!(spread.len() > 90, "{}", spread.len());
    }

    #[test]
    fn a_slow_rule_looks_every_minute_while_unsettled_and_a_fast_one_as_it_does() {
        let every = |seconds| Schedule::Every(Duration::from_secs(seconds));
        assert_eq!(while_unsettled(&every(43_200)), every(60));
        assert_eq!(while_unsettled(&every(15)), every(15));
        let cron = CronSchedule::parse("0 9 * * *", "Europe/Copenhagen").unwrap();
        assert_eq!(while_unsettled(&Schedule::Cron(cron)), every(60));
    }
}
