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
}

/// Everything that was read, in the order of reading.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// The number by which places refer to it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>, origin: Origin) -> u32 {
        self.list.push(Source { name: name.into(), text: text.into(), origin });
        u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn get(&self, source: u32) -> Option<&Source> {
        self.list.get(source as usize)
    }

    /// Line and column, from one.
    pub fn line_and_column(&self, place: Place) -> (usize, usize) {
        let text = self.get(place.source).map_or("", |source| source.text.as_str());
        let before = text.get(..place.start as usize).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// Replaces a secret by stars, so that no complaint shows it.
    pub fn blot(&mut self, place: Place) {
        let Some(source) = self.list.get_mut(place.source as usize) else { return };
        let Some(secret) = source.text.get(place.range()) else { return };
        let stars: String = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        source.text.replace_range(place.range(), &stars);
    }
}
