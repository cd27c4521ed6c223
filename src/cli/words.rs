//! Small words that several commands share.

/// `at least 90 %`; of a scale's top, only its name.
pub fn limit(op: &str, bound: &str) -> String {
    match bound {
        "red" | "unreachable" => bound.to_owned(),
        bound => format!("{op} {bound}"),
    }
}

/// `1 rule`, `2 rules`.
pub fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}
