//! Settings and rule files: read, checked once, and turned into types that cannot hold a wrong value.

mod at;
mod blot;
pub mod complaint;
mod dates;
mod defaults;
mod files;
mod flapping;
mod layers;
mod level;
mod lint;
pub mod load;
mod missing;
mod mistakes;
pub mod near;
mod node;
pub mod place;
mod plain;
mod read;
pub mod reference;
mod routes_build;
mod routes_form;
mod routes_lint;
pub mod routing;
pub mod rule;
mod rule_build;
mod rule_form;
mod schedule;
mod scripts;
pub mod secrets;
pub mod settings;
mod settings_build;
mod settings_form;
mod settings_load;
mod texts;
mod thresholds;
mod wrong;
mod yaml;

#[cfg(test)]
mod tests;

pub use complaint::{Complaint, Complaints};
pub use load::{Loaded, load_rules, rules_hash};
pub use plain::plain;
pub use routing::Routing;
pub use rule::{Rule, RuleKey, RuleSet};
pub use secrets::{Revealed, Secrets};
pub use settings::Settings;
pub use settings_load::{load, load_with};
