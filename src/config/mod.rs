//! Settings and rule files: read, checked once, and turned into types that cannot hold a wrong value.

pub mod at;
pub mod complaint;
pub mod level;
pub mod missing;
pub mod near;
pub mod node;
pub mod place;
pub mod read;
pub mod rule;
pub mod schedule;
pub mod settings;
pub mod template;
pub mod yaml;

pub use rule::{Rule, RuleKey, RuleSet};
pub use settings::Settings;
