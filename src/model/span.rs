//! Durations as people write and read them: `90s`, `15m`, `1h 30m`, `7d`.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration with its unit; one without is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// The longest that is taken: beyond ten years it is a slip, and no calendar's end is near.
pub const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

impl Span {
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{text}` has no unit; write `{text}s`, `{text}m` or `{text}h`"));
        }
        if text.contains('M') {
            return Err(format!("`{text}` would mean months; write `m` for minutes, or `30d`"));
        }
        let span = humantime::parse_duration(text).map_err(|_| {
            format!("`{text}` is not a duration; write one like `90s`, `15m`, `1h30m` or `7d`")
        })?;
        if span > LONGEST {
            return Err(format!("`{text}` is longer than ten years; at most `3650d` is taken"));
        }
        Ok(Self(span))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&show(self.0))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "a duration with its unit, like `90s`, `15m`, `1h30m` or `7d`" })
    }
}

/// The two largest units that matter: `2d 3h`, `14m`, `1m 30s`, `250ms`.
pub fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds == 0 && span.subsec_millis() > 0 {
        return format!("{}ms", span.subsec_millis());
    }
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, size) in units {
        if rest >= size {
            parts.push(format!("{}{name}", rest / size));
            rest %= size;
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_without_a_unit_says_what_would_have_been_right() {
        assert!(Span::parse("5").unwrap_err().contains("`5m`"));
        assert!(Span::parse("1M").unwrap_err().contains("months"));
        assert_eq!(Span::parse("1h30m").unwrap().0.as_secs(), 5400);
    }

    #[test]
    fn ten_years_are_the_longest_that_is_taken() {
        assert_eq!(Span::parse("3650d").unwrap().0, LONGEST);
        let refused = Span::parse("100000000d").unwrap_err();
        assert_eq!(refused, "`100000000d` is longer than ten years; at most `3650d` is taken");
        assert!(Span::parse("3650d 1s").is_err());
        assert!(Span::parse("99999999999999999999y").unwrap_err().contains("not a duration"));
    }

    #[test]
    fn spans_read_in_their_two_largest_units() {
        assert_eq!(show(Duration::from_secs(90)), "1m 30s");
        assert_eq!(show(Duration::from_secs(86_400 * 2 + 3 * 3600 + 5)), "2d 3h");
        assert_eq!(show(Duration::from_secs(3600 + 5)), "1h");
        assert_eq!(show(Duration::ZERO), "0s");
    }
}
