//! What a reading is about.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

/// An ordered set of labels, e.g. `node=es-data-1`. The empty entity stands for a whole rule that found nobody.
///
/// Sorted by name, each name once. Clones share it: a look at many entities copies none of them.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Entity(Arc<[(String, String)]>);

impl Entity {
    pub fn new<N: Into<String>, V: Into<String>>(labels: impl IntoIterator<Item = (N, V)>) -> Self {
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self::from(labels.collect::<BTreeMap<String, String>>())
    }

    pub fn of(name: &str, value: impl Into<String>) -> Self {
        Self::new([(name, value.into())])
    }

    pub fn empty() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.labels().find(|(label, _)| *label == name).map(|(_, value)| value)
    }

    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One spelling for one entity: every part carries its length, so no two entities share it.
    pub fn canonical(&self) -> String {
        self.labels().map(|(n, v)| format!("{}:{n}={}:{v};", n.len(), v.len())).collect()
    }
}

impl From<BTreeMap<String, String>> for Entity {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(labels.into_iter().collect())
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.labels())
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("Entity").field(&self.labels().collect::<BTreeMap<_, _>>()).finish()
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
    fn labels_stand_in_one_order_and_are_written_as_a_map() {
        let entity = Entity::new([("shard", "3"), ("index", "a"), ("shard", "4")]);
        let written = serde_json::to_string(&entity).unwrap();
        assert_eq!(written, r#"{"index":"a","shard":"4"}"#);
        assert_eq!(serde_json::from_str::<Entity>(&written).unwrap(), entity);
        assert_eq!(entity.get("shard"), Some("4"));
    }

    #[test]
    fn labels_that_print_alike_are_still_different_entities() {
        let one = Entity::new([("a", "1,b=2")]);
        let two = Entity::new([("a", "1"), ("b", "2")]);
        assert_eq!(one.to_string(), two.to_string());
        assert_ne!(one.canonical(), two.canonical());
    }
}
