//! Standard output and standard error: colours where somebody looks, and one place where writing may fail.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};

use super::{args::Colour, stop::Stop};

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    choice: ColorChoice,
    /// Columns of the terminal; `None` in a pipe, where nothing is cut or wrapped.
    pub width: Option<usize>,
}

impl Out {
    pub fn new(colour: Colour) -> Self {
        let choice = match colour {
            Colour::Auto => AutoStream::choice(&io::stdout()),
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
        };
        Self { choice, width: width() }
    }

    /// Whether colours are shown.
    pub fn coloured(&self) -> bool {
        !matches!(self.choice, ColorChoice::Never)
    }

    /// Writes all of `text` and makes sure that it went out.
    pub fn print(&self, text: &str) -> Result<(), Stop> {
        let mut to = io::stdout().lock();
        let text = harmless(text);
        if self.coloured() {
            to.write_all(text.as_bytes())?;
        } else {
            write!(to, "{}", strip_str(&text))?;
        }
        Ok(to.flush()?)
    }

    /// Words beside the output. If even these cannot be written, there is nowhere left to say so.
    pub fn note(text: &str) {
        let mut to = AutoStream::auto(io::stderr());
        drop(to.write_all(harmless(text).as_bytes()));
    }
}

/// The last place that every word passes: of all that steers a terminal only colours are left, as they are ours. The rest is spelt out
/// as JSON spells it, so that it can be seen, and a program reads what was written.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = colour(rest).unwrap_or(c.len_utf8());
        let (part, behind) = rest.split_at(length);
        let stays = length > 1 || matches!(c, '\n' | '\t') || !c.is_control();
        if stays && !matches!(c, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.push_str(part);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
        rest = behind;
    }
    out
}

/// How long the colour is that stands first: `ESC [ 1 ; 31 m`.
fn colour(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    codes[end..].starts_with('m').then_some(end + 3)
}

/// `COLUMNS`, where it is set, else what the terminal says.
fn width() -> Option<usize> {
    let set = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let shown = || io::stdout().is_terminal().then(|| comfy_table::Table::new().width()).flatten();
    set.or_else(|| shown().map(usize::from)).map(|columns: usize| columns.max(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_colours_steers_the_terminal() {
        let text = "\u{1b}[1;31mcritical\u{1b}[0m of d\u{1b}[2J is\t100\n";
        assert_eq!(harmless(text), "\u{1b}[1;31mcritical\u{1b}[0m of d\\u001b[2J is\t100\n");
        assert_eq!(
            harmless("\u{1b}]0;title\u{7}\u{9b}2J\r\u{202e}"),
            "\\u001b]0;title\\u0007\\u009b2J\\u000d\\u202e"
        );
        assert_eq!(harmless("\u{1b}["), "\\u001b[");
    }

    #[test]
    fn a_program_reads_what_a_document_said() {
        let said = serde_json::json!({ "service": "d\u{9b}2J\u{7f}\u{202e}é" });
        let read: serde_json::Value = serde_json::from_str(&harmless(&said.to_string())).unwrap();
        assert_eq!(read, said);
    }
}
