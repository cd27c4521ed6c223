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
        if self.coloured() {
            to.write_all(text.as_bytes())?;
        } else {
            write!(to, "{}", strip_str(text))?;
        }
        Ok(to.flush()?)
    }

    /// Words beside the output. If even these cannot be written, there is nowhere left to say so.
    pub fn note(text: &str) {
        let mut to = AutoStream::auto(io::stderr());
        drop(to.write_all(text.as_bytes()));
    }
}

/// `COLUMNS`, where it is set, else what the terminal says.
fn width() -> Option<usize> {
    let set = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let shown = || io::stdout().is_terminal().then(|| comfy_table::Table::new().width()).flatten();
    set.or_else(|| shown().map(usize::from)).map(|columns: usize| columns.max(40))
}
