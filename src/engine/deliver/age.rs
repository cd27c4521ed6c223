//! How long a delivery has waited, what is said of it, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

use super::Delays;
use crate::{
    model::{Time, notification::Delivery, span, time::elapsed, wording},
    store::Queued,
};

const BEFORE: &str = "delivered ";
const AFTER: &str = " late";

/// How long a delivery has been waiting: what the wall clock said when it was first tried here, and what has passed since. A wall
/// clock that leaps ahead meanwhile makes nothing older.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    before: Duration,
    tried: Instant,
}

impl Age {
    pub fn of(queued: &Queued, now: Time) -> Self {
        Self { before: elapsed(queued.since, now), tried: Instant::now() }
    }

    /// Old enough to be given up; after a leap of the clock, or a long time of nobody running, it is still tried for a while.
    pub fn is_spent(self, delays: &Delays) -> bool {
        let here = self.tried.elapsed();
        self.before + here >= delays.give_up_after && here >= delays.at_least.min(delays.give_up_after)
    }
}

/// `delivered 47m late`, first in the message: before what has to be said anyway, and in place of an earlier age.
pub fn note(delivery: &mut Delivery, age: Duration) {
    let notification = &mut delivery.notification;
    let late = format!("{BEFORE}{}{AFTER}", span::show(age));
    let other = notification.note.as_deref().map(without_age).filter(|other| !other.is_empty());
    notification.note = Some(other.map_or_else(|| late.clone(), |other| format!("{late}; {other}")));
    notification.text = wording::text(notification, delivery.zone);
}

pub fn is_noted(delivery: &Delivery) -> bool {
    delivery.notification.note.as_deref().is_some_and(|note| without_age(note) != note)
}

fn without_age(note: &str) -> &str {
    let (first, rest) = note.split_once("; ").unwrap_or((note, ""));
    if first.starts_with(BEFORE) && first.ends_with(AFTER) { rest } else { note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Kind, Level,
        samples::{change, notification},
    };

    #[test]
    fn the_age_stands_first_once_and_keeps_what_has_to_be_said_anyway() {
        let mut delivery = Delivery::of_rule(
            "chat",
            notification(vec![change(Kind::Fired, Level::Critical)]),
            chrono_tz::UTC,
        );
        assert!(!is_noted(&delivery));
        note(&mut delivery, Duration::from_secs(47 * 60));
        assert_eq!(delivery.notification.note.as_deref(), Some("delivered 47m late"));
        delivery.notification.note = Some("told late: patch night is over".to_owned());
        assert!(!is_noted(&delivery));
        for minutes in [47, 61] {
            note(&mut delivery, Duration::from_secs(minutes * 60));
        }
        let said = "delivered 1h 1m late; told late: patch night is over";
        assert_eq!(delivery.notification.note.as_deref(), Some(said));
        assert!(delivery.notification.text.starts_with(said) && is_noted(&delivery));
    }
}
