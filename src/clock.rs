//! The only `now()`.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::Utc;

use crate::model::Time;

/// The wall clock, or one that a simulated world turns by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    turned: Option<Arc<AtomicI64>>,
}

impl Clock {
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until it is [turned](Self::turn_to).
    pub fn standing_at(at: Time) -> Self {
        Self { turned: Some(Arc::new(AtomicI64::new(at.timestamp_millis()))) }
    }

    pub fn turn_to(&self, at: Time) {
        if let Some(turned) = &self.turned {
            turned.store(at.timestamp_millis(), Ordering::SeqCst);
        }
    }

    pub fn now(&self) -> Time {
        match &self.turned {
            None => Utc::now(),
            Some(turned) => Time::from_timestamp_millis(turned.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }
}
