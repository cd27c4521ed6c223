//! From YAML text to a [`Node`], within limits: whatever the text is, this ends soon, in little memory, and never in a panic.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_saphyr::{Location, Options, Spanned, budget::BudgetBreach};

use super::{
    complaint::Complaint,
    node::{Key, Node, Seen, Value},
    place::Place,
};

/// Bytes of one file.
pub const MAX_FILE: usize = 1024 * 1024;
/// Half of what the smallest stack of a thread bears.
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 100_000;
const MAX_ALIASES: usize = 100;
/// Parts of the text that aliases may repeat.
const MAX_REPEATED: usize = 20_000;

pub fn parse(text: &str, source: u32) -> Result<Node, Complaint> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(Complaint::error("the file is empty").at(Place::new(source, 0, 0)));
    }
    let parsed: Result<Read, _> = serde_saphyr::from_str_with_options(text, options());
    match parsed {
        Ok(Read(mut node)) => {
            settle(&mut node, text, source);
            Ok(node)
        }
        Err(error) => Err(complain(error.without_snippet(), text, source)),
    }
}

fn options() -> Options {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        max_documents: 1,
        max_nodes: MAX_NODES,
        max_aliases: MAX_ALIASES,
        max_anchors: MAX_ALIASES,
        max_recorded_anchor_events: MAX_REPEATED,
        max_merge_keys: MAX_ALIASES,
    };
    serde_saphyr::options! {
        budget: budget,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED },
        strict_booleans: true,
        with_snippet: false,
    }
}

/// As the parser gives it: places without their source, and numbers without their text.
struct Read(Node);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Raw>::deserialize(from)?;
        Ok(Self(Node { place: place(&spanned.defined), value: spanned.value.0 }))
    }
}

fn place(location: &Location) -> Place {
    let span = location.span();
    let number = |part: Option<u64>| usize::try_from(part.unwrap_or(0)).unwrap_or(0);
    Place::new(0, number(span.byte_offset()), number(span.byte_len()))
}

struct Raw(Value);

impl Raw {
    fn scalar(text: impl Into<String>, seen: Seen) -> Self {
        Self(Value::Scalar { text: text.into(), seen })
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> de::Visitor<'de> for AnyValue {
    type Value = Raw;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::scalar("", Seen::Nothing))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::scalar(value.to_string(), Seen::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::scalar(value.to_string(), Seen::Int(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Raw, E> {
        let seen = i64::try_from(value).map_or(Seen::Uint(value), Seen::Int);
        Ok(Raw::scalar(value.to_string(), seen))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::scalar(value.to_string(), Seen::Float(value)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::scalar(text, Seen::Text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(Raw(Value::List(items)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut from: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = from.next_key::<Spanned<String>>()? {
            let Read(value) = from.next_value()?;
            entries.push((Key { place: place(&key.defined), text: key.value }, value));
        }
        Ok(Raw(Value::Map(entries)))
    }
}

/// Numbers the places, and gives numbers back their text.
fn settle(node: &mut Node, text: &str, source: u32) {
    node.place.source = source;
    match &mut node.value {
        Value::Scalar { seen: Seen::Text, .. } => {}
        Value::Scalar { text: scalar, seen } => {
            let written = text.get(node.place.range()).unwrap_or("").trim();
            if *seen == Seen::Nothing && !written.is_empty() {
                *seen = Seen::Null;
            }
            if !written.is_empty() {
                written.clone_into(scalar);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| settle(item, text, source)),
        Value::Map(entries) => {
            for (key, value) in entries {
                key.place.source = source;
                settle(value, text, source);
            }
        }
    }
}

fn complain(error: &serde_saphyr::Error, text: &str, source: u32) -> Complaint {
    let place = error.location().map_or(Place::new(source, 0, 0), |location| locate(&location, text, source));
    let special = bare_comparator(text, place).or_else(|| tab(error, text, source));
    special.unwrap_or_else(|| word(error)).at(place)
}

/// The scanner's own errors know their line and column only.
fn locate(location: &Location, text: &str, source: u32) -> Place {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len())
        && len > 0
    {
        return Place::new(source, usize::try_from(start).unwrap_or(0), usize::try_from(len).unwrap_or(1));
    }
    let line = usize::try_from(location.line()).unwrap_or(1).max(1) - 1;
    let column = usize::try_from(location.column()).unwrap_or(1).max(1) - 1;
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(before..).unwrap_or("");
    let within: usize = rest.chars().take(column).map(char::len_utf8).sum();
    Place::new(source, (before + within).min(text.len()), 1)
}

fn word(error: &serde_saphyr::Error) -> Complaint {
    use serde_saphyr::Error;
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            Complaint::error(format!("`{key}` is written twice")).hint("keep one of them")
        }
        Error::DuplicateMappingKey { .. } => Complaint::error("a key is written twice"),
        Error::UnknownAnchor { .. } => Complaint::error("this alias names no anchor")
            .hint("a text that begins with `*` has to be quoted"),
        Error::MultipleDocuments { .. } => second_document(),
        Error::Budget { breach, .. } => over_budget(breach),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => aliases(),
        Error::AliasError { error, .. } => word(error),
        Error::RecursiveReferencesRequireWeakTypes { .. } => Complaint::error("this alias holds itself"),
        other => scanner(&without_position(&other.to_string())),
    }
}

fn scanner(text: &str) -> Complaint {
    if text.contains("recursion limit") {
        return too_deep();
    }
    let complaint = Complaint::error(text);
    if text.contains("anchor or alias") {
        return complaint.hint("a text that begins with `*` or `&` has to be quoted");
    }
    complaint
}

/// The scanner blames what stands before the tab.
fn tab(error: &serde_saphyr::Error, text: &str, source: u32) -> Option<Complaint> {
    if !error.to_string().contains("tab") {
        return None;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(at) = line[..indent].find('\t') {
            let complaint =
                Complaint::error("a tab stands where YAML wants spaces").hint("indent with spaces");
            return Some(complaint.at(Place::new(source, start + at, 1)));
        }
        start += line.len();
    }
    None
}

fn too_deep() -> Complaint {
    Complaint::error(format!("it is nested deeper than {MAX_DEPTH} levels"))
}

fn second_document() -> Complaint {
    Complaint::error("a second YAML document begins here").hint("one document a file: drop the `---`")
}

fn aliases() -> Complaint {
    Complaint::error("its aliases repeat too much").hint("write the repeated parts out")
}

fn over_budget(breach: &BudgetBreach) -> Complaint {
    match breach {
        BudgetBreach::Documents { .. } => second_document(),
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::RecordedAnchorEvents { .. }
        | BudgetBreach::RecordedAnchorBytes { .. }
        | BudgetBreach::MergeKeys { .. } => aliases(),
        _ => Complaint::error("it has too many parts").hint("split it into several files"),
    }
}

/// The complaint has its own line and column.
fn without_position(text: &str) -> String {
    let text = text.lines().next().unwrap_or("this is not YAML");
    let cut = ["at line", "line "].iter().filter_map(|mark| text.find(mark)).min();
    let text = cut.map_or(text, |cut| &text[..cut]);
    text.trim().trim_end_matches([',', ':', '(', '.']).trim().replace("; ", ", ")
}

/// `warning: > 10%` begins a block of text in YAML, which nobody means.
fn bare_comparator(text: &str, place: Place) -> Option<Complaint> {
    let start = place.range().start.min(text.len());
    let line_start = text.get(..start)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(line_start..)?.lines().next()?;
    let written = line.split([':', '{', ',', '[']).find(|part| {
        let value = part.trim();
        value.strip_prefix('>').is_some_and(|rest| {
            let rest = rest.trim_start_matches('=').trim_start();
            rest.starts_with(|first: char| first.is_alphanumeric())
        })
    })?;
    let value = written.trim().trim_end_matches('}').trim_end();
    let words = value.strip_prefix(">=").map_or("above", |_| "at least");
    let number = value.trim_start_matches(['>', '=']).trim_start();
    Some(
        Complaint::error("a bare `>` begins a block of text in YAML")
            .hint(format!("quote it: `\"{value}\"`, or write `{words} {number}`")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> (String, Seen) {
        let node = parse(&format!("a: {text}\n"), 0).unwrap();
        match &node.get("a").unwrap().value {
            Value::Scalar { text, seen } => (text.clone(), *seen),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_scalar_keeps_its_text() {
        assert_eq!(scalar("0123456").0, "0123456");
        assert_eq!(scalar("1.10"), ("1.10".to_owned(), Seen::Float(1.1)));
        assert_eq!(scalar("true"), ("true".to_owned(), Seen::Bool(true)));
        assert_eq!(scalar("no"), ("no".to_owned(), Seen::Text));
        assert_eq!(scalar("1_800"), ("1_800".to_owned(), Seen::Int(1800)));
        assert_eq!(scalar("\"5\""), ("5".to_owned(), Seen::Text));
        assert_eq!(scalar("~").1, Seen::Null);
        assert_eq!(scalar("").1, Seen::Nothing);
        assert_eq!(scalar("18446744073709551615").1, Seen::Uint(u64::MAX));
    }

    #[test]
    fn places_are_bytes_of_the_text() {
        let text = "\u{feff}größe: [ä, bb]\n";
        let node = parse(text, 7).unwrap();
        let (key, value) = node.entry("größe").unwrap();
        assert_eq!(&text[key.place.range()], "größe");
        let Value::List(items) = &value.value else { panic!("{value:?}") };
        assert_eq!(&text[items[1].place.range()], "bb");
        assert_eq!(items[1].place.source, 7);
    }

    #[test]
    fn an_alias_bomb_is_an_error_at_once() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..10 {
            let alias = format!("*a{}, ", n - 1).repeat(9);
            text.push_str(&format!("a{n}: &a{n} [{}]\n", alias.trim_end_matches(", ")));
        }
        let begun = std::time::Instant::now();
        let complaint = parse(&text, 0).unwrap_err();
        assert!(complaint.message.contains("aliases"), "{complaint:?}");
        assert!(complaint.place.unwrap().start > 0);
        // a second is meant; a build that is not optimized, beside other tests, gets more
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(if cfg!(debug_assertions) { 15 } else { 1 })
        );
    }

    #[test]
    fn deep_nesting_is_an_error() {
        for deep in ["[".repeat(5000), "{a: ".repeat(5000), "- ".repeat(5000)] {
            assert!(parse(&deep, 0).is_err());
        }
    }
}
