//! What is given on the command line: durations, labels, settings.

use std::time::Duration;

use crate::model::{Entity, span::Span};

pub fn duration(text: &str) -> Result<Duration, String> {
    Span::parse(text).map(|span| span.0)
}

/// One that does something.
pub fn lasting(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("`{text}` is no time at all; write `15m`, `2h` or `3d`")),
        span => Ok(span),
    }
}

pub fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` sets nothing; write `server.listen=127.0.0.1:0`")),
    }
}

pub fn entity(text: &str) -> Result<Entity, String> {
    let mut labels = Vec::new();
    for part in text.split(',') {
        match part.split_once('=') {
            Some((name, value)) if !name.is_empty() => labels.push((name, value)),
            _ => return Err(no_label(part, labels.last().copied())),
        }
    }
    Ok(Entity::new(labels))
}

/// Mostly the rest of a value with a comma in it, or of a rule's name with a blank.
fn no_label(part: &str, before: Option<(&str, &str)>) -> String {
    let meant = match before {
        Some((name, value)) => {
            let value = format!("{value},{part}");
            format!("of a value that holds a comma, `mute` takes `--match '{name}={value:?}'`")
        }
        None => format!("a rule's name that holds a blank is quoted: `'highwater-blind {part}'`"),
    };
    format!("`{part}` is no label; write `node=es-1`, or `a=1,b=2`; {meant}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_written_as_it_is_shown() {
        assert_eq!(entity("index=a,shard=0").unwrap().to_string(), "index=a,shard=0");
        assert_eq!(entity("service=a=b").unwrap().get("service"), Some("a=b"));
        assert!(entity("es-1").unwrap_err().contains("node=es-1"));
        assert!(entity("=1").is_err());
    }

    #[test]
    fn what_is_no_label_says_what_was_probably_meant() {
        let comma = entity("service=a,b").unwrap_err();
        assert!(comma.ends_with(r#"`--match 'service="a,b"'`"#), "{comma}");
        let matcher: crate::model::matcher::Matcher = r#"service="a,b""#.parse().unwrap();
        assert_eq!(matcher.value, "a,b");
        let blank = entity("http-5xx").unwrap_err();
        assert!(blank.ends_with("quoted: `'highwater-blind http-5xx'`"), "{blank}");
    }

    #[test]
    fn nothing_is_muted_for_no_time_and_not_for_ever() {
        assert_eq!(lasting("2h").unwrap(), Duration::from_secs(7200));
        assert!(lasting("0s").unwrap_err().contains("no time at all"));
        assert!(lasting("1000000000d").unwrap_err().contains("3650d"));
        assert!(duration("0s").is_ok());
    }
}
