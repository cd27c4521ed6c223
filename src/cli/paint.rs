//! Colours by meaning.

use owo_colors::OwoColorize;

use crate::model::Level;

/// What a piece of text is, for the eye.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    Critical,
    Warning,
    Info,
    Unknown,
    Waiting,
    Clear,
    Quiet,
    #[default]
    Plain,
}

impl From<Level> for Tone {
    fn from(level: Level) -> Self {
        match level {
            Level::Critical => Self::Critical,
            Level::Warning => Self::Warning,
            Level::Info => Self::Info,
        }
    }
}

impl Tone {
    /// `text` with its colour; whoever prints takes it off again where nobody would see it.
    pub fn paint(self, text: &str) -> String {
        match self {
            Self::Critical => text.red().bold().to_string(),
            Self::Warning => text.yellow().bold().to_string(),
            Self::Info => text.cyan().bold().to_string(),
            Self::Unknown => text.magenta().bold().to_string(),
            Self::Waiting => text.yellow().to_string(),
            Self::Clear => text.green().to_string(),
            Self::Quiet => text.dimmed().to_string(),
            Self::Plain => text.to_owned(),
        }
    }
}
