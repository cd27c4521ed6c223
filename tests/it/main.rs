//! The integration tests: one binary, so that everything is linked once and engines can be shared.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it was wrong")]
#![expect(clippy::print_stderr, reason = "a test that does not run says so")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with the demo; each uses a part")]
mod support;

mod amazon;
mod architecture;
mod canaries;
mod cli;
mod compose;
mod dead_letters;
mod elastalert;
mod elastic;
mod engines_documents;
mod engines_events;
mod engines_history;
mod engines_hosts;
mod engines_live;
mod engines_merged;
mod engines_names;
mod engines_outage;
mod engines_partial;
mod engines_queries;
mod engines_ratio;
mod engines_start;
mod engines_trends;
mod groups;
mod held_back;
mod kills;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod mail;
mod many;
mod pagers;
mod probes;
mod publish;
mod readme;
mod sink_trouble;
mod slack_bot;
mod zeebe;
mod zeebe_kept;
