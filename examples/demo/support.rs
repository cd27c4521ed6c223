//! What the demo shares with the integration tests: real engines.

#[path = "../../tests/support/engine/mod.rs"]
pub mod engine;
#[path = "../../tests/support/not_run.rs"]
pub mod not_run;
