//! What is known to differ, and what must be there for the comparison to mean anything.

use super::compare::Compared;

/// Rules on which the two do not agree look by look, and why. `docs/elastalert.md` explains each.
pub const DIFFERENT: &[(&str, &str)] = &[
    (
        "flatline-by-service",
        "documents without the key are a group of ElastAlert's, silent for ever after the first",
    ),
    (
        "flatline-forget",
        "the same, and a group that appears is judged at once, where ElastAlert waits for a timeframe",
    ),
    ("flatline-terms", "a group that appears is judged at once, where ElastAlert waits for a timeframe"),
    ("metric-buckets", "ElastAlert judges a bucket again for as long as its buffer holds it"),
    ("metric-max", "ElastAlert judges a minute again for as long as its buffer holds it"),
    (
        "spike-both",
        "after a match ElastAlert is silent for two timeframes: it misses the fall after the rise",
    ),
];

/// Rules that are meant to find nothing.
const SILENT: &[&str] = &["frequency-quiet"];

pub fn judge(all: &[Compared]) {
    let mut wrong = Vec::new();
    for one in all.iter().filter(|one| one.verdict != "impossible") {
        let known = DIFFERENT.iter().any(|(rule, _)| *rule == one.rule);
        let agrees = one.missed.is_empty() && one.extra.is_empty();
        if agrees == known {
            let words = if known { "is said to differ, and does not" } else { "differs" };
            wrong.push(format!("{} {words}: missed {:?}, extra {:?}", one.rule, one.missed, one.extra));
        }
        if (one.matches == 0) != SILENT.contains(&one.rule.as_str()) {
            wrong.push(format!("{} has {} matches", one.rule, one.matches));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
