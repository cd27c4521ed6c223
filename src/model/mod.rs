//! What alerting *is*, as plain data and pure functions: no clock, network, disk, environment or randomness.
//!
//! Time always comes in as an argument. The state machine is in [`step()`] (a whole observation) and [`alert`] (one entity).

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod address;
pub mod alert;
pub mod amount;
pub mod author;
pub mod blind;
pub mod condition;
pub mod entity;
pub mod event;
pub mod example;
pub mod fetch;
pub mod filter;
pub mod flapping;
pub mod heartbeat;
pub mod hours;
pub mod identity;
pub mod inhibition;
#[cfg(test)]
mod judging;
pub mod kubernetes;
pub mod latch;
pub mod level;
pub mod maintenance;
pub mod matcher;
pub mod merge;
pub mod near;
pub mod notification;
pub mod number;
pub mod observation;
pub mod policy;
pub mod precedent;
pub mod published;
pub mod query;
pub mod reading;
pub mod reason;
pub mod route;
#[cfg(test)]
pub(crate) mod samples;
pub mod schedule;
pub mod secret;
pub mod signing;
pub mod silence;
pub mod span;
pub mod step;
pub mod tally;
pub mod template;
pub mod time;
pub mod transition;
pub mod window;
pub mod wording;

pub use alert::{Alert, step_alert};
pub use condition::{Bound, Condition, Op, Scale};
pub use entity::Entity;
pub use event::Event;
pub use latch::Latch;
pub use level::Level;
pub use number::{Number, Unit};
pub use observation::{Finding, Observation, Others};
pub use policy::{LevelPolicy, Missing, Policy, Verdict};
pub use reading::{Facts, Limit, Reading, Side};
pub use reason::{Cause, Reason};
pub use schedule::{Attention, Schedule, Timing};
pub use step::{RuleState, step};
pub use time::{Tick, Time};
pub use transition::{Ending, Kind, Transition};
pub use window::Window;
