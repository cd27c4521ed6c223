//! Colours and lines of a terminal; none where nobody looks.

use std::{fmt::Display, io::IsTerminal, sync::LazyLock};

/// As wide as text is pleasant to read.
pub const WIDTH: usize = 96;

pub fn is_coloured() -> bool {
    static COLOURED: LazyLock<bool> = LazyLock::new(|| {
        let forced = std::env::var("CLICOLOR_FORCE").is_ok_and(|forced| forced != "0");
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|no| !no.is_empty());
        !unwanted && (forced || std::io::stdout().is_terminal())
    });
    *COLOURED
}

fn code(code: &str, text: impl Display) -> String {
    if is_coloured() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}

pub fn bold(text: impl Display) -> String {
    code("1", text)
}

pub fn dim(text: impl Display) -> String {
    code("2", text)
}

pub fn cyan(text: impl Display) -> String {
    code("36", text)
}

/// Text in a colour as Slack writes it: `#d7263d`.
pub fn in_colour(colour: &str, text: impl Display) -> String {
    let part = |at: usize| colour.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    match (part(1), part(3), part(5)) {
        (Some(red), Some(green), Some(blue)) => code(&format!("38;2;{red};{green};{blue}"), text),
        _ => text.to_string(),
    }
}

/// A new part of the story.
pub fn chapter(title: &str) {
    println!("\n{}", bold(title));
}

/// What is done, and by whom.
pub fn narrate(text: &str) {
    let now = chrono::Local::now().format("%H:%M:%S");
    println!("\n{} {} {text}", dim(now), cyan("▸"));
}

/// Words into lines of at most `width` characters.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && longer > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}
