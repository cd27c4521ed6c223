//! Thresholds as people write them: `at least 85%`, `< 50GB`, `>= watermark.low - 5%, clear below 80%`, `red for 1m`.

use std::time::Duration;

use crate::model::{
    Bound, Condition, Number, Op, Scale, Unit,
    amount::{bytes, number, whole_or_part},
    condition::Margin,
    span::Span,
};

/// One level's text, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub when: Condition,
    pub clear: Option<Condition>,
    pub fire_after: Option<Duration>,
    pub recover_after: Option<Duration>,
}

/// What may follow the condition.
const CLAUSES: [&str; 3] = ["for", "recover_for", "clear"];

/// `at least 90% for 2m, recover_for 5m, clear below 88%`
pub fn parse(text: &str, scale: Scale) -> Result<Written, String> {
    let words: Vec<&str> =
        text.split([',', ' ', '\t', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect();
    let first = words.iter().position(|word| CLAUSES.contains(word)).unwrap_or(words.len());
    let when = condition(&words[..first].join(" "), scale)?;
    let mut written = Written { when, clear: None, fire_after: None, recover_after: None };
    let mut rest = &words[first..];
    while let Some((clause, after)) = rest.split_first() {
        let end = after.iter().position(|word| CLAUSES.contains(word)).unwrap_or(after.len());
        written.add(clause, &after[..end].join(" "), scale)?;
        rest = &after[end..];
    }
    Ok(written)
}

impl Written {
    fn add(&mut self, clause: &str, value: &str, scale: Scale) -> Result<(), String> {
        let twice = match clause {
            "for" => self.fire_after.replace(duration(value)?).is_some(),
            "recover_for" => self.recover_after.replace(duration(value)?).is_some(),
            _ => self.clear.replace(clear(value, scale)?).is_some(),
        };
        if twice { Err(format!("`{clause}` is said twice")) } else { Ok(()) }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    if text.is_empty() {
        return Err("a duration is missing; write one like `for 2m`".to_owned());
    }
    Span::parse(text).map(|span| span.0)
}

/// What ends a level: it names its own comparator, for a bare number would leave open which side is meant.
pub fn clear(text: &str, scale: Scale) -> Result<Condition, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("`clear` without a threshold; write one like `clear below 86%`".to_owned());
    }
    if text == "green" && scale == Scale::Health {
        return Ok(Condition::new(Op::AtMost, Bound::Value(Number::Int(0))));
    }
    if comparator(text).is_none() {
        return Err(format!(
            "`clear {text}` names no comparator; write `clear below {text}` or `clear above {text}`"
        ));
    }
    condition(text, scale)
}

/// A comparator and a threshold; where a word says it all, the word.
pub fn condition(text: &str, scale: Scale) -> Result<Condition, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("a threshold is missing; write one like `{}`", example(scale)));
    }
    let Some((op, rest)) = comparator(text) else {
        return match worded(text, scale) {
            Some(number) => Ok(Condition::new(Op::AtLeast, Bound::Value(number))),
            None => Err(format!("`{text}` names no comparator; write one like `{}`", example(scale))),
        };
    };
    let bound = bound(rest.trim(), scale)?;
    let op = if matches!(bound, Bound::Free(_)) { op.mirrored() } else { op };
    Ok(Condition::new(op, bound))
}

fn comparator(text: &str) -> Option<(Op, &str)> {
    let known = [
        ("at least", Op::AtLeast),
        ("at most", Op::AtMost),
        ("above", Op::Above),
        ("below", Op::Below),
        (">=", Op::AtLeast),
        ("<=", Op::AtMost),
        (">", Op::Above),
        ("<", Op::Below),
    ];
    known.into_iter().find_map(|(word, op)| {
        let rest = text.strip_prefix(word)?;
        let whole = !word.ends_with(char::is_alphabetic) || rest.is_empty() || rest.starts_with(' ');
        whole.then_some((op, rest))
    })
}

fn example(scale: Scale) -> &'static str {
    match scale {
        Scale::Health => "red",
        Scale::Reachability => "unreachable",
        Scale::Condition => "down",
        Scale::Room(Unit::Pods) => "at least 1",
        Scale::Liveness => "down",
        Scale::Fullness => "at least 85%",
        Scale::Percent => "above 10%",
        Scale::Room(_) => "below 500",
        Scale::Amount(Unit::Bytes) => "above 50GB",
        Scale::Amount(Unit::Seconds) => "above 15m",
        Scale::Amount(_) => "above 1_000",
        Scale::Factor => "above 3x",
    }
}

fn worded(text: &str, scale: Scale) -> Option<Number> {
    match (scale, text) {
        (Scale::Health, "green") => Some(Number::Int(0)),
        (Scale::Health, "yellow") | (Scale::Reachability, "unreachable") | (Scale::Liveness, "down") => {
            Some(Number::Int(1))
        }
        (Scale::Condition, "strained") => Some(Number::Int(1)),
        (Scale::Health, "red") | (Scale::Condition, "down") => Some(Number::Int(2)),
        _ => None,
    }
}

fn bound(text: &str, scale: Scale) -> Result<Bound, String> {
    if text.is_empty() {
        return Err(format!("a number is missing after the comparator; write one like `{}`", example(scale)));
    }
    if let Some(number) = worded(text, scale) {
        return Ok(Bound::Value(number));
    }
    match scale {
        Scale::Health => Err(format!("`{text}` is no health; write `yellow` or `red`")),
        Scale::Reachability => Err(format!("`{text}` says nothing here; write `unreachable`")),
        Scale::Condition => Err(format!("`{text}` is no condition; write `strained` or `down`")),
        Scale::Liveness => Err(format!("`{text}` says nothing here; write `down`")),
        Scale::Fullness => fullness(text),
        Scale::Percent => percent(text).map(Bound::Value),
        Scale::Room(unit) if text.ends_with('%') => {
            percent(text).map(Bound::Share).map_err(|why| format!("{why}, or an amount of {}", name(unit)))
        }
        Scale::Room(unit) | Scale::Amount(unit) => amount(text, unit).map(Bound::Value),
        Scale::Factor => factor(text).map(Bound::Value),
    }
}

fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Shards => "shards",
        Unit::Pods => "pods",
        Unit::Documents => "documents",
        Unit::Bytes => "bytes",
        _ => "what is counted",
    }
}

const MARKS: [&str; 3] = ["watermark.low", "watermark.high", "watermark.flood_stage"];

fn fullness(text: &str) -> Result<Bound, String> {
    if text.starts_with("watermark") {
        return mark(text);
    }
    if text.ends_with('%') {
        return percent(text).map(Bound::Value);
    }
    if number(text).is_ok() {
        return Err(format!("`{text}` has no unit; write `{text}%` for used, or `{text}GB` for free"));
    }
    bytes(text).map(Bound::Free)
}

fn mark(text: &str) -> Result<Bound, String> {
    let (name, margin) = match text.split_once('-') {
        Some((name, margin)) => (name.trim(), Some(margin.trim())),
        None => (text, None),
    };
    if !MARKS.contains(&name) {
        let near = super::near::nearest(name, MARKS).unwrap_or("watermark.low");
        return Err(format!("unknown mark `{name}`; did you mean `{near}`?"));
    }
    let margin = match margin {
        None => None,
        Some(margin) if margin.ends_with('%') => Some(Margin::Percent(percent(margin)?)),
        Some(margin) => Some(Margin::Bytes(bytes(margin)?)),
    };
    Ok(Bound::Mark { name: name.to_owned(), margin })
}

fn percent(text: &str) -> Result<Number, String> {
    match text.strip_suffix('%') {
        Some(digits) => number(digits.trim()),
        None if number(text).is_ok() => Err(format!("`{text}` has no unit; write `{text}%`")),
        None => Err(format!("`{text}` is not a percentage; write one like `10%`")),
    }
}

fn factor(text: &str) -> Result<Number, String> {
    match text.strip_suffix(['x', '×']) {
        Some(digits) => number(digits.trim_end()),
        None if number(text).is_ok() => Err(format!("`{text}` has no unit; write `{text}x`")),
        None => Err(format!("`{text}` is not a factor; write one like `3x` or `0.2x`")),
    }
}

pub fn amount(text: &str, unit: Unit) -> Result<Number, String> {
    match unit {
        Unit::Bytes if number(text).is_ok() => {
            Err(format!("`{text}` has no unit; write one like `{text}GB`"))
        }
        Unit::Bytes => bytes(text),
        Unit::Seconds => Span::parse(text).map(|span| whole_or_part(span.0.as_secs_f64())),
        _ if text.ends_with('%') => Err(format!("`{text}` has no whole here; write an amount like `1_000`")),
        _ => number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(op: Op, number: i64) -> Condition {
        Condition::new(op, Bound::Value(Number::Int(number)))
    }

    fn parsed(text: &str, scale: Scale) -> Written {
        parse(text, scale).unwrap()
    }

    #[test]
    fn every_comparator_has_two_spellings() {
        for (words, sign, op) in [
            ("at least 85%", ">= 85%", Op::AtLeast),
            ("above 85%", "> 85%", Op::Above),
            ("at most 85%", "<= 85%", Op::AtMost),
            ("below 85%", "<85 %", Op::Below),
        ] {
            assert_eq!(parsed(words, Scale::Percent).when, value(op, 85));
            assert_eq!(parsed(sign, Scale::Percent).when, value(op, 85));
        }
    }

    #[test]
    fn clauses_come_in_any_order_with_or_without_commas() {
        let whole = parsed("at least 90% for 2m, recover_for 5m, clear below 88%", Scale::Fullness);
        assert_eq!(whole, parsed(">= 90%, clear < 88% for 2m recover_for 5m", Scale::Fullness));
        assert_eq!(whole.fire_after, Some(Duration::from_secs(120)));
        assert_eq!(whole.recover_after, Some(Duration::from_secs(300)));
        assert_eq!(whole.clear, Some(value(Op::Below, 88)));
    }

    #[test]
    fn free_space_below_is_used_space_above() {
        let free = |gigabytes: i64| Bound::Free(Number::Int(gigabytes * 1024 * 1024 * 1024));
        assert_eq!(parsed("below 50GB", Scale::Fullness).when, Condition::new(Op::Above, free(50)));
        assert_eq!(parsed("<= 50gb", Scale::Fullness).when, Condition::new(Op::AtLeast, free(50)));
        let hysteresis = parsed("below 50GB, clear above 60 GiB", Scale::Fullness);
        assert_eq!(hysteresis.clear, Some(Condition::new(Op::Below, free(60))));
    }

    #[test]
    fn marks_take_a_margin() {
        let mark = |margin| Bound::Mark { name: "watermark.low".to_owned(), margin };
        assert_eq!(parsed(">= watermark.low", Scale::Fullness).when.bound, mark(None));
        assert_eq!(
            parsed("at least watermark.low - 5%", Scale::Fullness).when.bound,
            mark(Some(Margin::Percent(Number::Int(5))))
        );
        assert_eq!(
            parsed("at least watermark.low - 1.5KB", Scale::Fullness).when.bound,
            mark(Some(Margin::Bytes(Number::Int(1536))))
        );
    }

    #[test]
    fn health_and_reachability_are_words() {
        assert_eq!(parsed("yellow for 5m", Scale::Health).when, value(Op::AtLeast, 1));
        assert_eq!(parsed("at least red", Scale::Health).when, value(Op::AtLeast, 2));
        assert_eq!(parsed("red, clear green", Scale::Health).clear, Some(value(Op::AtMost, 0)));
        assert_eq!(parsed("unreachable for 1m", Scale::Reachability).when, value(Op::AtLeast, 1));
    }

    #[test]
    fn room_is_an_amount_or_a_share_of_its_limit() {
        assert_eq!(parsed("< 500", Scale::Room(Unit::Shards)).when, value(Op::Below, 500));
        assert_eq!(parsed("below 5%", Scale::Room(Unit::Shards)).when.bound, Bound::Share(Number::Int(5)));
        assert_eq!(
            parsed("> 1_800_000_000", Scale::Amount(Unit::Documents)).when,
            value(Op::Above, 1_800_000_000)
        );
        assert_eq!(parsed("above 15m", Scale::Amount(Unit::Seconds)).when, value(Op::Above, 900));
    }

    #[test]
    fn a_factor_says_how_many_times_as_much() {
        assert_eq!(parsed("above 3x for 5m", Scale::Factor).when, value(Op::Above, 3));
        let fifth = Bound::Value(Number::Float(0.2));
        assert_eq!(parsed("< 0.2 x, clear above 0.5x", Scale::Factor).when, Condition::new(Op::Below, fifth));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (text, scale, part) in [
            ("85%", Scale::Percent, "names no comparator"),
            ("at least 85", Scale::Percent, "write `85%`"),
            ("at least 85", Scale::Fullness, "`85GB` for free"),
            ("at least 85pc", Scale::Fullness, "write one like `50GB`"),
            ("above", Scale::Percent, "a number is missing"),
            ("aboveground 5%", Scale::Percent, "names no comparator"),
            ("", Scale::Health, "a threshold is missing"),
            ("orange", Scale::Health, "`orange` names no comparator"),
            ("at least watermark.lo", Scale::Fullness, "did you mean `watermark.low`?"),
            ("> 10% for 5", Scale::Percent, "`5` has no unit"),
            ("> 10% for", Scale::Percent, "a duration is missing"),
            ("> 10% for 5m for 6m", Scale::Percent, "`for` is said twice"),
            ("> 10%, clear 8%", Scale::Percent, "write `clear below 8%`"),
            ("> 1__0_", Scale::Room(Unit::Shards), "is not a number"),
            ("> 5%", Scale::Amount(Unit::Documents), "has no whole here"),
            ("> nan", Scale::Amount(Unit::Documents), "is not a number"),
            ("above 3", Scale::Factor, "write `3x`"),
            ("above thrice", Scale::Factor, "is not a factor"),
        ] {
            let error = parse(text, scale).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
