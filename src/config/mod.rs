//! Settings and rule files: read, checked once, and turned into types that cannot hold a wrong value.

pub mod rule;
pub mod settings;

pub use rule::{Rule, RuleKey, RuleSet};
pub use settings::Settings;
