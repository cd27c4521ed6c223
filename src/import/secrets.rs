//! Secrets of the old files: only where they stood is kept, and the variable that has to hold them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// A variable that the new settings ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    pub name: String,
    /// Where its value stood, never the value.
    pub from: String,
}

/// The variables so far. Equal values share one.
#[derive(Default)]
pub struct Variables {
    by_value: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    listed: Vec<Variable>,
}

impl std::fmt::Debug for Variables {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "Variables({:?})", self.listed)
    }
}

impl Variables {
    /// A reference in place of a value; `key` is where it stood, and names the variable.
    pub fn reference(&mut self, value: &str, key: &str, file: &str) -> String {
        let name = match variable_of(value) {
            Some(name) => self.as_it_was(name, key, file),
            None => self.named(value, key, file),
        };
        format!("${{env:{name}}}")
    }

    /// A variable for what the old files do not hold themselves: `from` says where it is.
    pub fn ask_for(&mut self, name: &str, from: &str) -> String {
        let name = self.as_it_was(name, from, "");
        format!("${{env:{name}}}")
    }

    pub fn listed(&self) -> Vec<Variable> {
        self.listed.clone()
    }

    fn as_it_was(&mut self, name: &str, key: &str, file: &str) -> String {
        if self.taken.insert(name.to_owned()) {
            self.list(name, key, file);
        }
        name.to_owned()
    }

    fn named(&mut self, value: &str, key: &str, file: &str) -> String {
        if let Some(name) = self.by_value.get(value) {
            return name.clone();
        }
        let base: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        let mut name = base.clone();
        let mut n = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        self.by_value.insert(value.to_owned(), name.clone());
        self.list(&name, key, file);
        name
    }

    fn list(&mut self, name: &str, key: &str, file: &str) {
        let from = if file.is_empty() { key.to_owned() } else { format!("`{key}` of {file}") };
        self.listed.push(Variable { name: name.to_owned(), from });
    }
}

/// ElastAlert fills `$NAME` and `${NAME}` in from the environment: then the variable is there already.
pub fn variable_of(value: &str) -> Option<&str> {
    let name = value.trim().strip_prefix('$')?;
    let name = name.strip_prefix('{').map_or(Some(name), |name| name.strip_suffix('}'))?;
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(fine) && !name.starts_with(|c: char| c.is_ascii_digit()))
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_becomes_a_variable_and_equal_ones_share_it() {
        let mut variables = Variables::default();
        assert_eq!(variables.reference("hunter2", "es_password", "a.yaml"), "${env:ES_PASSWORD}");
        assert_eq!(variables.reference("hunter2", "es_password", "b.yaml"), "${env:ES_PASSWORD}");
        assert_eq!(variables.reference("other", "es_password", "b.yaml"), "${env:ES_PASSWORD_2}");
        assert_eq!(variables.reference("${SLACK}", "slack_webhook_url", "b.yaml"), "${env:SLACK}");
        assert_eq!(variables.reference("$SLACK", "slack_webhook_url", "b.yaml"), "${env:SLACK}");
        let listed = format!("{variables:?}");
        assert!(!listed.contains("hunter2") && listed.contains("`es_password` of a.yaml"), "{listed}");
        assert_eq!(variables.listed().len(), 3);
    }

    #[test]
    fn a_text_around_a_variable_is_no_variable() {
        for text in ["https://$HOST/x", "$", "${}", "${A", "$1", "a$B"] {
            assert_eq!(variable_of(text), None, "{text}");
        }
    }
}
