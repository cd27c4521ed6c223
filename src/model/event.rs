//! Something that happened once: told once, and never over.

use serde_json::Value;

use super::{Entity, Facts, Kind, Level, Time, identity, notification::Change};

/// The most bytes of what is known of one event; of more only its words are kept.
const MOST: usize = 200_000;
/// The most characters of these words.
const WORDS: usize = 10_000;
/// Where documents say what they are about, the first that is there.
const MESSAGES: [&str; 5] = ["message", "errorMessage", "error.message", "event.original", "title"];

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What tells it apart from every other of its rule, however often it is seen.
    pub name: String,
    pub at: Time,
    pub level: Level,
    pub entity: Entity,
    /// What is known of it: the fields of a document, in their order.
    pub facts: Facts,
    /// About how many bytes these are.
    pub size: usize,
}

impl Event {
    /// Never larger than what every sink and the store can take: what is too large is told by its words alone.
    #[must_use]
    pub fn new(name: String, at: Time, (level, entity): (Level, Entity), facts: Facts) -> Self {
        let size = serde_json::to_string(&facts).map_or(0, |json| json.len());
        if size <= MOST {
            return Self { name, at, level, entity, facts, size };
        }
        let words = message(&facts).map(|words| words.chars().take(WORDS).collect::<String>());
        let mut short = Facts::default();
        for name in ["_index", "_id"] {
            short = facts.get(name).cloned().map_or(short.clone(), |value| short.with(name, value));
        }
        let short = words.map_or(short.clone(), |words| short.with("message", words));
        let facts = short.with("left_out", format!("{size} bytes, which is too much to be told"));
        Self { name, at, level, entity, facts, size: WORDS }
    }

    /// The same event has the same ids, whoever sees it and however often.
    pub fn change(&self, rule: &str, cluster: &str) -> Change {
        let id = identity::happened_id(rule, cluster, &self.name);
        Change {
            alert_key: id.clone(),
            episode_id: id.clone(),
            event_id: id,
            kind: Kind::Happened,
            level: self.level,
            previous_level: None,
            entity: self.entity.clone(),
            value: None,
            unit: None,
            threshold: None,
            since: self.at,
            peak: None,
            reason: None,
            facts: self.facts.clone(),
            cause: None,
            next_step: None,
            message: None,
            links: Vec::new(),
            at: self.at,
            note: None,
            passed: None,
            came_and_went: false,
            precedent: None,
        }
    }
}

/// What a document says of itself, in its own words.
pub fn message(facts: &Facts) -> Option<&str> {
    MESSAGES.iter().find_map(|name| field(&facts.0, name)?.as_str()).filter(|text| !text.trim().is_empty())
}

/// A field by its dotted name, however a document nests it.
pub fn field<'a>(fields: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(name) {
        return Some(value);
    }
    let mut from = 0;
    while let Some(dot) = name[from..].find('.').map(|dot| from + dot) {
        let inner = fields.get(&name[..dot]).and_then(Value::as_object);
        if let Some(value) = inner.and_then(|inner| field(inner, &name[dot + 1..])) {
            return Some(value);
        }
        from = dot + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(value: Value) -> Facts {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_field_is_found_however_a_document_nests_it() {
        for document in [
            json!({ "a": { "b": { "c": 1 } } }),
            json!({ "a.b.c": 1 }),
            json!({ "a.b": { "c": 1 } }),
            json!({ "a": { "b.c": 1 } }),
        ] {
            assert_eq!(field(document.as_object().unwrap(), "a.b.c"), Some(&json!(1)), "{document}");
        }
        assert_eq!(field(json!({ "a": 1 }).as_object().unwrap(), "a.b"), None);
    }

    #[test]
    fn a_document_that_is_too_large_is_told_by_its_words() {
        let large = facts(json!({ "message": "m".repeat(300_000), "_index": "logs", "_id": "1" }));
        let event = Event::new("x".to_owned(), Time::default(), (Level::Info, Entity::empty()), large);
        assert_eq!(message(&event.facts).map(str::len), Some(WORDS));
        assert_eq!((event.facts.text("_index"), event.facts.text("_id")), (Some("logs"), Some("1")));
        assert!(event.facts.text("left_out").unwrap().starts_with("300"));
    }

    #[test]
    fn the_same_event_has_the_same_ids_and_another_has_others() {
        let event = |name: &str| {
            let about = (Level::Info, Entity::empty());
            Event::new(name.to_owned(), Time::default(), about, Facts::default()).change("r", "c").event_id
        };
        assert_eq!(event("a"), event("a"));
        assert_ne!(event("a"), event("b"));
    }
}
