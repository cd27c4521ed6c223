//! What a reading is about.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// An ordered set of labels, e.g. `node=es-data-1`. The empty entity stands for a whole rule that found nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entity(BTreeMap<String, String>);

impl Entity {
    pub fn new<N: Into<String>, V: Into<String>>(labels: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    pub fn of(name: &str, value: impl Into<String>) -> Self {
        Self::new([(name, value.into())])
    }

    pub const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One spelling for one entity: every part carries its length, so no two entities share it.
    pub fn canonical(&self) -> String {
        self.labels().map(|(n, v)| format!("{}:{n}={}:{v};", n.len(), v.len())).collect()
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.labels().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(to, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_print_alike_are_still_different_entities() {
        let one = Entity::new([("a", "1,b=2")]);
        let two = Entity::new([("a", "1"), ("b", "2")]);
        assert_eq!(one.to_string(), two.to_string());
        assert_ne!(one.canonical(), two.canonical());
    }
}
