//! Finite numbers and their units. 64-bit integers stay integers.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A finite number: never NaN, never infinite, and never a rounded integer.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// `None` for NaN and the infinities: they are *no data*, and are never compared.
    pub fn finite(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Float(value))
    }

    /// Counts above `i64::MAX` do not exist; one that claims so is held at the top.
    pub fn count(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => compare_floats(a, b),
            (Self::Int(a), Self::Float(b)) => compare_mixed(a, b),
            (Self::Float(a), Self::Int(b)) => compare_mixed(b, a).reverse(),
        }
    }
}

/// Both are finite by construction; `-0.0` equals `0.0`.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// Exact even above 2^53: whole parts are compared as integers, then the fraction decides.
fn compare_mixed(a: i64, b: f64) -> Ordering {
    if b >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if b < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    let whole = b.trunc();
    a.cmp(&(whole as i64)).then_with(|| compare_floats(whole, b))
}

impl fmt::Display for Number {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => to.write_str(&group_thousands(*value)),
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                to.write_str(&group_thousands(*value as i64))
            }
            Self::Float(value) => write!(to, "{}", (value * 100.0).round() / 100.0),
        }
    }
}

fn group_thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    if value < 0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(value) => to.serialize_i64(*value),
            Self::Float(value) => to.serialize_f64(*value),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(from)?;
        if let Some(value) = number.as_i64() {
            return Ok(Self::Int(value));
        }
        number.as_f64().and_then(Self::finite).ok_or_else(|| de::Error::custom("a finite number is needed"))
    }
}

/// What a value counts. The names are those of the JSON that sinks and `check --format json` write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Percent,
    Bytes,
    Documents,
    Shards,
    /// Green 0, yellow 1, red 2.
    Health,
    /// Reachable 0, unreachable 1.
    Reachability,
    /// Fine 0, strained 1, down 2.
    Condition,
    Pods,
    /// Up 0, down 1.
    Liveness,
    Seconds,
    /// A plain count or ratio.
    Count,
    /// How many times as much: `3x`.
    Factor,
}

impl Unit {
    /// `value` as people read it: `91.2 %`, `430 GB`, `red`.
    pub fn show(self, value: Number) -> String {
        match self {
            Self::Percent => format!("{value} %"),
            Self::Bytes => show_bytes(value.as_f64()),
            Self::Documents if value == Number::Int(1) => "1 document".to_owned(),
            Self::Documents => format!("{value} documents"),
            Self::Shards => format!("{value} shards"),
            Self::Health => health_word(value).to_owned(),
            Self::Reachability => if value.as_f64() >= 1.0 { "unreachable" } else { "reachable" }.to_owned(),
            Self::Condition => condition_word(value).to_owned(),
            Self::Pods if value == Number::Int(1) => "1 pod".to_owned(),
            Self::Pods => format!("{value} pods"),
            Self::Liveness => if value.as_f64() >= 1.0 { "down" } else { "up" }.to_owned(),
            Self::Seconds => {
                crate::model::span::show(std::time::Duration::from_secs_f64(value.as_f64().max(0.0)))
            }
            Self::Count => value.to_string(),
            Self::Factor => format!("{value}x"),
        }
    }
}

fn health_word(value: Number) -> &'static str {
    match value.as_f64() {
        v if v >= 2.0 => "red",
        v if v >= 1.0 => "yellow",
        _ => "green",
    }
}

fn condition_word(value: Number) -> &'static str {
    match value.as_f64() {
        v if v >= 2.0 => "down",
        v if v >= 1.0 => "strained",
        _ => "fine",
    }
}

/// Powers of 1024 with the names that Elasticsearch uses (`gb` is 1024³ bytes).
pub fn show_bytes(bytes: f64) -> String {
    let mut size = bytes;
    for unit in ["B", "KB", "MB", "GB", "TB"] {
        if size.abs() < 1024.0 {
            return format!("{} {unit}", round_to_three_digits(size));
        }
        size /= 1024.0;
    }
    format!("{} PB", round_to_three_digits(size))
}

fn round_to_three_digits(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.places$}");
    if places == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_above_two_to_the_53_are_compared_exactly() {
        let exact = Number::Int((1 << 53) + 1);
        assert!(exact > Number::Float((1_i64 << 53) as f64));
        assert!(Number::Int(i64::MAX) < Number::Float(9.3e18));
        assert_eq!(Number::Int(5), Number::Float(5.0));
        assert!(Number::Int(5) < Number::Float(5.5));
        assert!(Number::Int(-5) > Number::Float(-5.5));
    }

    #[test]
    fn what_is_not_a_number_is_no_number() {
        assert!(Number::finite(f64::NAN).is_none());
        assert!(Number::finite(f64::INFINITY).is_none());
    }

    #[test]
    fn values_read_as_people_write_them() {
        assert_eq!(Unit::Percent.show(Number::Float(91.234)), "91.23 %");
        assert_eq!(Unit::Bytes.show(Number::Int(50 << 30)), "50 GB");
        assert_eq!(Unit::Documents.show(Number::Int(1_800_000_001)), "1,800,000,001 documents");
        assert_eq!(Unit::Health.show(Number::Int(2)), "red");
        assert_eq!(Unit::Factor.show(Number::Float(0.25)), "0.25x");
    }
}
