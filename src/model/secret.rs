//! Where a secret is found. The secret itself never enters the pure rooms, nor any file of ours.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Text with references in it, as typed: `${env:NAME}`, `${file:/path}`, or plain text around and between them.
///
/// It is looked up when it is needed (`config::secrets`), so a changed file counts at the next use.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    pub parts: Vec<Part>,
}

/// A piece of a [`Secret`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Part {
    Literal(String),
    Env(String),
    File(String),
}

impl Secret {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, reference) = rest.split_at(start);
            push_literal(&mut parts, before);
            let end =
                reference.find('}').ok_or("`${` without its `}`; write `${env:NAME}` or `${file:/path}`")?;
            parts.push(parse_reference(&reference[2..end])?);
            rest = &reference[end + 1..];
        }
        push_literal(&mut parts, rest);
        Ok(Self { parts })
    }

    pub fn literal(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Literal(text.into())] }
    }

    /// Nothing of it is looked up elsewhere: for a password, an error.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_)))
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
}

fn parse_reference(inside: &str) -> Result<Part, String> {
    match inside.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(Part::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Ok(Part::File(path.to_owned())),
        _ => Err(format!("`${{{inside}}}` names no secret; write `${{env:NAME}}` or `${{file:/path}}`")),
    }
}

/// References are shown, literals never.
impl fmt::Display for Secret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(_) => to.write_str("<hidden>")?,
                Part::Env(name) => write!(to, "${{env:{name}}}")?,
                Part::File(path) => write!(to, "${{file:{path}}}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Secret({self})")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "`${env:NAME}` or `${file:/path}`; a file is read again when it changes" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_shown_but_literals_are_not() {
        let secret = Secret::parse("https://hooks/${env:PATH_PART}?k=${file:/run/k}").unwrap();
        assert_eq!(secret.parts.len(), 4);
        assert_eq!(format!("{secret:?}"), "Secret(<hidden>${env:PATH_PART}<hidden>${file:/run/k})");
    }

    #[test]
    fn a_reference_to_nothing_says_what_to_write() {
        assert!(Secret::parse("${vault:x}").unwrap_err().contains("${env:NAME}"));
        assert!(Secret::parse("${env:").is_err());
    }
}
