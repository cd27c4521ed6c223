//! What a one-shot look comes to: the worst of all alerts, and its exit code.

use clap::ValueEnum;
use serde::Serialize;

use crate::model::Level;

/// In the order that decides the exit code: a critical alert is known whatever else is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Worst {
    #[default]
    Clear,
    Info,
    Warning,
    Unknown,
    Critical,
}

impl From<Level> for Worst {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Critical => Self::Critical,
        }
    }
}

/// From which level on an alert makes the exit code 1; critical is always 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Info,
    #[default]
    Warning,
    Critical,
}

impl Worst {
    pub const fn exit_code(self, fail_on: FailOn) -> u8 {
        match (self, fail_on) {
            (Self::Critical, _) => 2,
            (Self::Unknown, _) => 3,
            (Self::Warning, FailOn::Info | FailOn::Warning) | (Self::Info, FailOn::Info) => 1,
            (Self::Warning | Self::Info | Self::Clear, _) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_follows_one_order() {
        use Worst::{Clear, Critical, Info, Unknown, Warning};
        let codes =
            |fail_on: FailOn| [Clear, Info, Warning, Unknown, Critical].map(|worst| worst.exit_code(fail_on));
        assert_eq!(codes(FailOn::Warning), [0, 0, 1, 3, 2]);
        assert_eq!(codes(FailOn::Info), [0, 1, 1, 3, 2]);
        assert_eq!(codes(FailOn::Critical), [0, 0, 0, 3, 2]);
        assert!(Critical > Unknown && Unknown > Warning);
    }
}
