//! How long to wait before what.

use std::time::Duration;

use crate::config::settings::DeliverySettings;

/// How long to wait before what.
#[derive(Clone, Debug)]
pub struct Delays {
    /// The back-off after the first failure; it doubles.
    pub first: Duration,
    /// The longest back-off.
    pub most: Duration,
    /// Between two attempts at a misconfigured sink.
    pub probe: Duration,
    /// The longest that a service's `Retry-After` is believed.
    pub believed: Duration,
    /// A delivery that no attempt could settle for so long is a dead letter.
    pub give_up_after: Duration,
    /// A message that is older than this when it is first sent says so first.
    pub stale_after: Duration,
    /// But not before it was tried for so long since the start.
    pub at_least: Duration,
    /// Before the store is asked again after an error.
    pub store: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(60),
            probe: Duration::from_secs(60),
            believed: Duration::from_secs(3600),
            give_up_after: Duration::from_secs(24 * 3600),
            stale_after: Duration::from_secs(600),
            at_least: Duration::from_secs(600),
            store: Duration::from_secs(1),
        }
    }
}

impl Delays {
    pub fn of(settings: &DeliverySettings) -> Self {
        let DeliverySettings { give_up_after, stale_after, .. } = *settings;
        Self { give_up_after, stale_after, ..Self::default() }
    }

    /// Anything up to twice as long as before, with full jitter: `luck` is from 0 to 1.
    pub fn back_off(&self, attempts_before: u32, luck: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempts_before.min(16));
        doubled.min(self.most).mul_f64(luck.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_to_its_cap_and_luck_takes_any_part_of_it() {
        let delays = Delays::default();
        let longest: Vec<u64> = (0..9).map(|n| delays.back_off(n, 1.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(delays.back_off(u32::MAX, 0.5).as_secs(), 30);
        assert_eq!(delays.back_off(3, 0.0), Duration::ZERO);
    }
}
