//! Amounts as people write them: `85`, `1_800_000_000`, `64MB`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Number;

/// An amount of storage, like `64MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Bytes {
    pub const fn megabytes(count: u64) -> Self {
        Self(count << 20)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if number(&text).is_ok() {
            return Err(de::Error::custom(format!("`{text}` has no unit; write one like `{text}MB`")));
        }
        let Number::Int(bytes) = bytes(&text).map_err(de::Error::custom)? else {
            return Err(de::Error::custom("whole bytes are wanted"));
        };
        u64::try_from(bytes).map(Self).map_err(|_| de::Error::custom("a positive amount is wanted"))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}MB", self.0 >> 20))
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "an amount of storage with its unit, like `64MB`" })
    }
}

/// `85`, `0.5`, `1_800_000_000`
pub fn number(text: &str) -> Result<Number, String> {
    let digits = text.replace('_', "");
    let plain = digits.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit())
        && !text.ends_with('_')
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let wrong = || format!("`{text}` is not a number; write one like `85` or `1_800_000_000`");
    if !plain {
        return Err(wrong());
    }
    match digits.parse::<i64>() {
        Ok(whole) => Ok(Number::Int(whole)),
        Err(_) => digits.parse().ok().and_then(Number::finite).ok_or_else(wrong),
    }
}

/// Powers of 1024, as Elasticsearch counts them.
pub fn bytes(text: &str) -> Result<Number, String> {
    const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase().replace("IB", "B");
    let wrong = || format!("`{text}` is not an amount of storage; write one like `50GB` or `1.5TB`");
    let power = UNITS.iter().position(|known| *known == unit).ok_or_else(wrong)?;
    let count = number(digits.trim()).map_err(|_| wrong())?;
    Ok(whole_or_part(count.as_f64() * 1024_f64.powi(i32::try_from(power).unwrap_or(0))))
}

pub fn whole_or_part(value: f64) -> Number {
    if value.fract() == 0.0 && value.abs() < 9e15 { Number::Int(value as i64) } else { Number::Float(value) }
}
