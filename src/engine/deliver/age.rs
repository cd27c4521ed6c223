//! How long a delivery has waited, what is said of it, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

use super::Delays;
use crate::{
    model::{Time, notification::Delivery, span, time::elapsed, wording},
    store::Queued,
};

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

/// `delivered 47m late`, first in the message and in place of an earlier age.
pub fn note(delivery: &mut Delivery, age: Duration) {
    let notification = &mut delivery.notification;
    notification.note = Some(format!("delivered {} late", span::show(age)));
    notification.text = wording::text(notification, delivery.zone);
}

pub const fn is_noted(delivery: &Delivery) -> bool {
    delivery.notification.note.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Kind, Level,
        samples::{change, notification},
    };

    #[test]
    fn the_age_stands_first_and_once() {
        let mut delivery = Delivery::of_rule(
            "chat",
            notification(vec![change(Kind::Fired, Level::Critical)]),
            chrono_tz::UTC,
        );
        assert!(!is_noted(&delivery));
        note(&mut delivery, Duration::from_secs(47 * 60));
        assert!(delivery.notification.text.starts_with("delivered 47m late\n") && is_noted(&delivery));
        note(&mut delivery, Duration::from_secs(61 * 60));
        assert_eq!(delivery.notification.note.as_deref(), Some("delivered 1h 1m late"));
        assert_eq!(delivery.notification.text.matches(" late").count(), 1);
    }
}
