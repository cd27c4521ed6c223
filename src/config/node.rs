//! What a YAML file says, with the place of every part, before anyone asks what it means.

use super::place::Place;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub place: Place,
    pub value: Value,
}

/// A scalar keeps its text: what it *is* is for the reader to say, so a password `0123456` stays one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar { text: String, seen: Seen },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// How YAML itself takes a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// Nothing was written.
    Nothing,
    /// `null` or `~`.
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text,
    /// From a variable or a flag, where nothing is quoted: whatever is asked for.
    Any,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub place: Place,
    pub text: String,
}

impl Node {
    /// A text that nobody wrote into a file.
    pub fn any(text: impl Into<String>, place: Place) -> Self {
        Self { place, value: Value::Scalar { text: text.into(), seen: Seen::Any } }
    }

    pub fn empty_map(place: Place) -> Self {
        Self { place, value: Value::Map(Vec::new()) }
    }

    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar { seen: Seen::Nothing, .. } => "nothing",
            Value::Scalar { seen: Seen::Null, .. } => "null",
            Value::Scalar { seen: Seen::Bool(_), .. } => "true or false",
            Value::Scalar { seen: Seen::Int(_) | Seen::Uint(_) | Seen::Float(_), .. } => "a number",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    pub fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar { seen: Seen::Nothing | Seen::Null, .. })
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    pub fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(key, value)| (key, value))
    }

    /// Where a complaint about the whole points: a map is known by its first key.
    pub fn head(&self) -> Place {
        match &self.value {
            Value::Map(entries) => entries.first().map_or(self.place, |(key, _)| key.place),
            Value::List(items) => items.first().map_or(self.place, Self::head),
            Value::Scalar { .. } => self.place,
        }
    }
}
