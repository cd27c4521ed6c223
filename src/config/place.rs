//! Where something was written: a file, a variable, a flag.

use std::ops::Range;

/// A stretch of one source, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub source: u32,
    pub start: u32,
    pub len: u32,
}

impl Place {
    pub fn new(source: u32, start: usize, len: usize) -> Self {
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { source, start: short(start), len: short(len) }
    }

    pub fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }
}

/// What kind of place a text came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    File,
    Environment,
    CommandLine,
    BuiltIn,
}

/// One text that was read, as complaints may show it: literal secrets are blotted out.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
    pub origin: Origin,
    /// Where its lines end: every rule of a large file is asked for its line.
    breaks: Vec<usize>,
}

/// Everything that was read, in the order of reading.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// The number by which places refer to it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>, origin: Origin) -> u32 {
        let text = text.into();
        let breaks = text.match_indices('\n').map(|(at, _)| at).collect();
        self.list.push(Source { name: name.into(), text, origin, breaks });
        u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn get(&self, source: u32) -> Option<&Source> {
        self.list.get(source as usize)
    }

    /// Line and column, from one.
    pub fn line_and_column(&self, place: Place) -> (usize, usize) {
        let Some(source) = self.get(place.source) else { return (1, 1) };
        let start = place.start as usize;
        let start = if source.text.is_char_boundary(start) { start } else { source.text.len() };
        let lines_before = source.breaks.partition_point(|at| *at < start);
        let line_start = source.breaks[..lines_before].last().map_or(0, |at| at + 1);
        let column = source.text[line_start..start].chars().count();
        (lines_before + 1, column + 1)
    }

    /// Replaces what its lines say by keys of secrets, so that no complaint shows it. No byte moves.
    pub fn blot_lines(&mut self, source: u32) {
        let Some(source) = self.list.get_mut(source as usize) else { return };
        source.text = super::blot::blot_lines(&source.text);
    }

    /// Replaces a secret by stars, so that no complaint shows it.
    pub fn blot(&mut self, place: Place) {
        let Some(source) = self.list.get_mut(place.source as usize) else { return };
        let Some(secret) = source.text.get(place.range()) else { return };
        let stars: String = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        source.text.replace_range(place.range(), &stars);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let mut sources = Sources::default();
        let text = "a: ø\n\n  b: 1\n";
        let source = sources.add("a.yaml", text, Origin::File);
        let at = |start| sources.line_and_column(Place::new(source, start, 1));
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(text.find('\n').unwrap()), (1, 5), "a break ends its own line");
        assert_eq!(at(text.find('b').unwrap()), (3, 3));
        assert_eq!(at(text.len()), (4, 1));
        assert_eq!(at(text.find('ø').unwrap() + 1), (4, 1), "inside a character: the end");
        assert_eq!(at(1000), (4, 1), "beyond the end: the end");
        assert_eq!(sources.line_and_column(Place::new(7, 0, 0)), (1, 1));
    }
}
