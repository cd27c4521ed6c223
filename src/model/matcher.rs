//! Which alerts are meant: `team="search"`, `level=~"warning|critical"`, as Alertmanager writes them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Entity, Level};

/// What a regular expression may take once it is compiled.
const REGEX_BYTES: usize = 1 << 20;

/// What matchers look at: one alert, by the names that its people know.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    pub rule: &'a str,
    pub cluster: &'a str,
    /// The kind of its check.
    pub check: &'a str,
    /// The told level, while there is one.
    pub level: Option<Level>,
    pub entity: &'a Entity,
    /// The rule's own.
    pub labels: &'a BTreeMap<String, String>,
}

impl Labels<'_> {
    /// `rule`, `cluster` and `level` first, then the entity's labels, then the rule's; what is not there is empty, as in
    /// Alertmanager. `entity.x` and `label.x` say which is meant.
    pub fn get(&self, name: &str) -> &str {
        match name {
            "rule" => return self.rule,
            "cluster" => return self.cluster,
            "level" => return self.level.map_or("", Level::name),
            _ => {}
        }
        let own = |name: &str| self.labels.get(name).map(String::as_str);
        let found = self.entity.get(name).or_else(|| own(name));
        let found = found.or_else(|| self.entity.get(name.strip_prefix("entity.")?));
        let found = found.or_else(|| own(name.strip_prefix("label.")?));
        found.unwrap_or(if name == "check" { self.check } else { "" })
    }
}

/// One condition on one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: String,
    pub op: MatchOp,
    pub value: String,
    /// Of `=~` and `!~`: the value, anchored at both ends.
    regex: Option<Regex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Like,
    Unlike,
}

impl MatchOp {
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Like => "=~",
            Self::Unlike => "!~",
        }
    }
}

impl Matcher {
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, String> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Like | MatchOp::Unlike => Some(anchored(value)?),
        };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), regex })
    }

    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), op: MatchOp::Equal, value: value.to_owned(), regex: None }
    }

    pub fn not_equal(name: &str, value: &str) -> Self {
        Self { op: MatchOp::NotEqual, ..Self::equal(name, value) }
    }

    /// Whether a label of this value is meant.
    pub fn accepts(&self, value: &str) -> bool {
        let like = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.op {
            MatchOp::Equal => value == self.value,
            MatchOp::NotEqual => value != self.value,
            MatchOp::Like => like(),
            MatchOp::Unlike => !like(),
        }
    }

    pub fn matches(&self, labels: &Labels<'_>) -> bool {
        self.accepts(labels.get(&self.name))
    }
}

/// Whether all of them match; of none, everything does.
pub fn all_match(matchers: &[Matcher], labels: &Labels<'_>) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

/// The first that does not match, for those who ask why.
pub fn first_miss<'m>(matchers: &'m [Matcher], labels: &Labels<'_>) -> Option<&'m Matcher> {
    matchers.iter().find(|matcher| !matcher.matches(labels))
}

/// `rule="disk", node="es-1"`; of none, `everything`.
pub fn show(matchers: &[Matcher]) -> String {
    if matchers.is_empty() {
        return "everything".to_owned();
    }
    matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(", ")
}

fn anchored(value: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(&format!("^(?:{value})$")).size_limit(REGEX_BYTES).build();
    built.map_err(|error| {
        let words = error.to_string();
        let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("`{value}` is not a regular expression: {last}")
    })
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl PartialOrd for Matcher {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Matcher {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.name, self.op, &self.value).cmp(&(&other.name, other.op, &other.value))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(to, "{}{}\"{value}\"", self.name, self.op.sign())
    }
}

impl FromStr for Matcher {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let strange = || {
            format!("`{text}` is no matcher; write one like `team=\"search\"`, with `=`, `!=`, `=~` or `!~`")
        };
        let at = text.find(['=', '!', '~']).ok_or_else(strange)?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        let ops = [MatchOp::Like, MatchOp::Unlike, MatchOp::NotEqual, MatchOp::Equal];
        let op = ops.into_iter().find(|op| rest.starts_with(op.sign())).ok_or_else(strange)?;
        let fine = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '{' | '}' | ',');
        if name.is_empty() || !name.chars().all(fine) {
            return Err(strange());
        }
        let value = unquoted(rest[op.sign().len()..].trim()).ok_or_else(|| {
            format!(
                "`{text}` is no matcher; its value stands between double quotes: `{name}{}\"…\"`",
                op.sign()
            )
        })?;
        let matcher = Self::new(name, op, &value)?;
        refuse_unknown_level(&matcher)?;
        Ok(matcher)
    }
}

/// A value with its quotes, or a plain word without any.
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        let plain = !text.contains(['"', '\'', ',', '{', '}', '=']) && !text.contains(char::is_whitespace);
        return plain.then(|| text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut value = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                c @ ('"' | '\\') => value.push(c),
                // a regular expression's own
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    Some(value)
}

/// There are three levels: a slip of the finger can be told at once.
fn refuse_unknown_level(matcher: &Matcher) -> Result<(), String> {
    let levels = Level::ALL.map(Level::name);
    let known = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => levels.contains(&matcher.value.as_str()),
        MatchOp::Like | MatchOp::Unlike => {
            matcher.regex.as_ref().is_some_and(|regex| levels.iter().any(|level| regex.is_match(level)))
        }
    };
    if matcher.name != "level" || known {
        return Ok(());
    }
    Err(format!(
        "`{matcher}` names no level; they are `info`, `warning` and `critical`, and the whole of one has to match"
    ))
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(text: &str, labels: &Labels<'_>) -> bool {
        text.parse::<Matcher>().unwrap().matches(labels)
    }

    #[test]
    fn a_matcher_looks_at_rule_level_cluster_entity_and_labels() {
        let entity = Entity::new([("node", "es-1"), ("team", "ops")]);
        let labels = BTreeMap::from([("team".to_owned(), "search".to_owned())]);
        let (level, check) = (Some(Level::Warning), "storage");
        let seen = Labels { rule: "disk", cluster: "main", check, level, entity: &entity, labels: &labels };
        for text in [
            "rule=\"disk\"",
            "rule = disk",
            "level=~\"warning|critical\"",
            "cluster!=\"logs\"",
            "node=~\"es-.\"",
            "node!~\"es\"",
            "team=\"ops\"",
            "entity.team=\"ops\"",
            "label.team=\"search\"",
            "label.team=~\"sea\\w+\"",
            "gone=\"\"",
            "check=storage",
        ] {
            assert!(matches(text, &seen), "{text}");
        }
        for text in ["team=\"search\"", "node=~\"es\"", "node!=\"es-1\"", "gone=~\".+\"", "level=\"info\""] {
            assert!(!matches(text, &seen), "{text}");
        }
    }

    #[test]
    fn what_is_no_matcher_says_what_would_be_one() {
        for (text, hint) in [
            ("team", "`team=\"search\"`"),
            ("=\"search\"", "`team=\"search\"`"),
            ("team='search'", "double quotes"),
            ("team=\"search", "double quotes"),
            ("{team=\"search\"}", "`team=\"search\"`"),
            ("team=a,b=c", "double quotes"),
            ("team==search", "double quotes"),
            ("node=~\"es-(\"", "regular expression"),
            ("level=\"warn\"", "`warning`"),
            ("level=~\"warn\"", "the whole of one"),
        ] {
            let said = text.parse::<Matcher>().unwrap_err();
            assert!(said.contains(hint), "{text}: {said}");
        }
    }

    #[test]
    fn a_regular_expression_that_would_fill_the_memory_is_refused() {
        assert!("node=~\"(?:a{1000}){1000}\"".parse::<Matcher>().unwrap_err().contains("size limit"));
    }

    proptest! {
        #[test]
        fn a_matcher_is_read_as_it_is_written(name in "[a-z][a-z._-]{0,8}", value in "[ -~\n]{0,12}") {
            let matcher = Matcher::equal(&name, &value);
            prop_assume!(name != "level");
            let read: Matcher = matcher.to_string().parse().unwrap();
            prop_assert_eq!(read, matcher);
        }

        #[test]
        fn equality_belongs_to_exactly_one_of_two_opposite_matchers(value in "[a-c]{0,3}", seen in "[a-c]{0,3}") {
            for (one, other) in [(MatchOp::Equal, MatchOp::NotEqual), (MatchOp::Like, MatchOp::Unlike)] {
                let (one, other) = (Matcher::new("x", one, &value).unwrap(), Matcher::new("x", other, &value).unwrap());
                prop_assert_ne!(one.accepts(&seen), other.accepts(&seen));
                prop_assert_eq!(one.accepts(&seen), value == seen);
            }
        }
    }
}
