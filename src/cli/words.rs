//! Small words that several commands share.

use crate::model::{Number, Op, Unit};

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

/// `1 rule`, `2 rules`.
pub fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}
