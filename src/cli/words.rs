//! Small words that several commands share.

use std::env;

use chrono_tz::Tz;

use crate::{
    model::{Number, Op, Time, Unit, matcher::Labels, wording},
    store::OpenAlert,
};

/// An alert of the store, as matchers see it. The kind of its check is not stored.
pub fn labels(open: &OpenAlert) -> Labels<'_> {
    Labels {
        rule: &open.key.rule,
        cluster: &open.key.cluster,
        check: "",
        level: open.alert.level,
        entity: &open.entity,
        labels: &open.card.labels,
    }
}

/// `≥ 90 %`; of a scale's top, only its name.
pub fn limit(op: Op, bound: Number, unit: Unit) -> String {
    let sign = match op {
        Op::AtLeast => "≥",
        Op::Above => ">",
        Op::AtMost => "≤",
        Op::Below => "<",
    };
    match value(bound, unit) {
        top if op == Op::AtLeast && is_top(&top) => top,
        bound => format!("{sign} {bound}"),
    }
}

/// Nothing is worse, so "at least" says nothing.
pub fn is_top(word: &str) -> bool {
    matches!(word, "red" | "unreachable")
}

/// A value in a column, where the rule says what is counted.
pub fn value(value: Number, unit: Unit) -> String {
    match unit {
        Unit::Documents | Unit::Shards | Unit::Count => value.to_string(),
        unit => unit.show(value),
    }
}

/// Who asks, for a record.
pub fn who() -> String {
    env::var("SUDO_USER").or_else(|_| env::var("USER")).unwrap_or_else(|_| "somebody".to_owned())
}

/// `1 rule`, `2 rules`.
pub fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

/// A time in a column: `10:02`, `18 Nov 10:02:05`. As messages write it, but for the zone, which the columns share.
pub fn clock(at: Time, now: Time, zone: Tz) -> String {
    let whole = wording::when(at, now, zone);
    whole.rsplit_once(' ').map_or(whole.clone(), |(clock, _zone)| clock.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_a_column_names_the_day_only_when_it_is_another() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let (now, zone) = (at("2026-03-02T12:00:00Z"), chrono_tz::Europe::Copenhagen);
        assert_eq!(clock(at("2026-03-02T10:02:00Z"), now, zone), "11:02");
        assert_eq!(clock(at("2026-03-01T10:02:05Z"), now, zone), "1 Mar 11:02:05");
    }
}
