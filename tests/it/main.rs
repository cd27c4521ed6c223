//! The integration tests: one binary, so that everything is linked once and engines can be shared.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with the demo; each uses a part")]
mod support;

mod compose;
mod engines_start;
