//! Colours by meaning.

use owo_colors::OwoColorize;

use crate::model::{Level, wording::calm};

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
    /// `text` as one line in its colour; whoever prints takes it off again where nobody would see it. Nothing else in it steers a
    /// terminal: parts of it may come from documents.
    pub fn paint(self, text: &str) -> String {
        let text = calm(text);
        match self {
            Self::Critical => text.red().bold().to_string(),
            Self::Warning => text.yellow().bold().to_string(),
            Self::Info => text.cyan().bold().to_string(),
            Self::Unknown => text.magenta().bold().to_string(),
            Self::Waiting => text.yellow().to_string(),
            Self::Clear => text.green().to_string(),
            Self::Quiet => text.dimmed().to_string(),
            Self::Plain => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_painted_holds_no_colour_and_no_line_of_its_own() {
        let reason = Tone::Quiet.paint("muted: x\u{1b}[31mred\u{7}\nfine: all is well");
        assert_eq!(anstream::adapter::strip_str(&reason).to_string(), "muted: x[31mred fine: all is well");
        assert_eq!(reason.matches('\u{1b}').count(), 2, "{reason:?}");
    }
}
