//! A delivery that is more than one request takes. What a request carries travels with it, so that the next one is known
//! after a restart, too, and nothing is rendered twice.

use crate::sinks::{Message, Request};

/// A delivery is sent in no more than this: the engine follows a delivery for twenty requests, and one or two are needed to
/// make what is missing.
const MOST: usize = 16;
/// From here on each alert is told in short.
const WHOLE: usize = 8;

const HEADER: &str = "X-Highwater-Part";

/// Some of a delivery's alerts, in the order in which they are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// How many requests came before.
    pub number: usize,
    pub from: usize,
    /// The first that is not in it.
    pub to: usize,
    /// Of the plain and small form.
    pub plain: bool,
    /// What was missing has been made for it.
    pub again: bool,
}

impl Part {
    /// What a message carries; nothing yet, where it does not say.
    pub fn of(message: &Message) -> Self {
        let Message::Http(Request { headers, .. }) = message else { return Self::default() };
        let said = headers.iter().find(|(name, _)| name == HEADER).map(|(_, said)| said.as_str());
        let mut words = said.unwrap_or_default().split([' ', '-']);
        let mut number = || words.next().and_then(|word| word.parse::<usize>().ok()).unwrap_or_default();
        let (number, from, to) = (number().saturating_sub(1), number().saturating_sub(1), number());
        let words: Vec<&str> = words.collect();
        Self { number, from, to, plain: words.contains(&"plain"), again: words.contains(&"again") }
    }

    /// `2 8001-10000 plain`: the second request, with these alerts.
    pub fn header(self) -> (String, String) {
        let plain = if self.plain { " plain" } else { "" };
        let again = if self.again { " again" } else { "" };
        let Self { number, from, to, .. } = self;
        (HEADER.to_owned(), format!("{} {}-{to}{plain}{again}", number + 1, from + 1))
    }

    pub const fn next(self) -> Self {
        Self { number: self.number + 1, from: self.to, to: self.to, plain: self.plain, again: false }
    }

    pub const fn is_last(self) -> bool {
        self.number + 1 >= MOST
    }

    pub const fn is_short(self) -> bool {
        self.plain || self.number >= WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::Method;

    #[test]
    fn a_message_says_what_it_carries() {
        for (number, from, to) in [(0, 0, 1), (1, 8000, 10_000), (15, 0, 0)] {
            for (plain, again) in [(false, false), (true, false), (false, true), (true, true)] {
                let part = Part { number, from, to, plain, again };
                let headers = vec![part.header()];
                let (path, body) = (String::new(), String::new());
                let message = Message::Http(Request { method: Method::Post, path, headers, body });
                assert_eq!(Part::of(&message), part);
            }
        }
        assert_eq!(Part::of(&Message::Line(String::new())), Part::default());
    }
}
