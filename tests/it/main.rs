//! The integration tests: one binary, so that everything is linked once and engines can be shared.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with the demo; each uses a part")]
mod support;

mod architecture;
mod compose;
mod engines_start;
