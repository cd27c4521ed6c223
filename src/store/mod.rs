//! The memory: alerts, what was told, the outbox and the outcomes, in one SQLite file and one transaction per turn.

pub mod turn;

pub use turn::{Outcome, Run, Stored, Turn};
