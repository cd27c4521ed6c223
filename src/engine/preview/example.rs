//! A made-up reading, as a rule's thresholds would have it. It has no facts, because only a look has them.

use std::collections::BTreeMap;

use crate::{
    config::Rule,
    model::{Bound, Condition, Level, LevelPolicy, Number, Reading, Scale, Unit, policy::Verdict},
};

/// A disk, where thresholds are measured from its end or from its marks.
const DISK: f64 = (1_u64 << 40) as f64;
/// A limit, where thresholds are shares of it.
const LIMIT: i64 = 1_000;
/// As Elasticsearch has them where nobody sets others.
const MARKS: [(&str, i64); 3] =
    [("watermark.low", 85), ("watermark.high", 90), ("watermark.flood_stage", 95)];
/// Of a rule without levels.
const ANY: Number = Number::Int(90);

/// One that breaches `level` and none that is worse.
pub fn breach(rule: &Rule, level: Level) -> Reading {
    let levels = &rule.policy.levels;
    let fits = |reading: &Reading| {
        let breached = |one: &LevelPolicy| matches!(one.judge(reading), Ok(Verdict::Breach));
        levels.iter().all(|one| breached(one) == (one.level <= level) || one.level < level)
    };
    let condition = rule.policy.level(level).map(|one| &one.when);
    near(rule, condition, fits)
}

/// One that is clear of every level.
pub fn clear(rule: &Rule) -> Reading {
    let levels = &rule.policy.levels;
    let fits = |reading: &Reading| levels.iter().all(|one| matches!(one.judge(reading), Ok(Verdict::Clear)));
    near(rule, levels.first().map(|one| &one.clear), fits)
}

/// The first candidate beside the threshold that `fits`.
fn near(rule: &Rule, condition: Option<&Condition>, fits: impl Fn(&Reading) -> bool) -> Reading {
    let blank = blank(rule);
    let with = |value| Reading { value, ..blank.clone() };
    let Some(bound) = condition.and_then(|condition| condition.resolve(&blank).ok()) else {
        return with(ANY);
    };
    let up = condition.is_some_and(|condition| condition.op.points_up());
    let possible = |value: &Number| is_possible(*value, bound, blank.unit);
    let mut candidates = candidates(bound, up, blank.unit).into_iter().filter(possible).map(with);
    candidates.find(fits).unwrap_or_else(|| with(bound))
}

/// What relative thresholds are resolved by.
fn blank(rule: &Rule) -> Reading {
    let scale = rule.check.scale();
    let mut marks: BTreeMap<String, Number> = BTreeMap::new();
    let mut disk = DISK;
    for bound in rule.policy.levels.iter().flat_map(|level| [&level.when.bound, &level.clear.bound]) {
        match bound {
            Bound::Free(bytes) => disk = disk.max(4.0 * bytes.as_f64()),
            Bound::Mark { name, .. } => {
                let known = MARKS.iter().find(|(known, _)| known == name);
                marks.insert(name.clone(), Number::Int(known.map_or(90, |(_, percent)| *percent)));
            }
            Bound::Value(_) | Bound::Share(_) => {}
        }
    }
    let whole = match scale {
        Scale::Fullness => Number::finite(disk),
        Scale::Room(_) => Some(Number::Int(LIMIT)),
        _ => None,
    };
    Reading { whole, marks, ..Reading::new(ANY, scale.unit()) }
}

/// From a step that people see to none at all, always to the side that `up` points to.
fn candidates(bound: Number, up: bool, unit: Unit) -> Vec<Number> {
    let sign = if up { 1.0 } else { -1.0 };
    let step = |by: f64| match bound {
        Number::Int(whole) if by.fract() == 0.0 => {
            Some(Number::Int(whole.saturating_add((sign * by) as i64)))
        }
        _ => Number::finite(bound.as_f64() + sign * by),
    };
    let tenth = bound.as_f64().abs() / 10.0;
    let steps = match unit {
        Unit::Health | Unit::Reachability | Unit::Condition | Unit::Liveness => vec![0.0, 1.0],
        Unit::Percent => vec![1.0, 0.1, 0.01, 0.0],
        _ if tenth >= 1.0 => vec![tenth.round(), 1.0, 0.1, 0.01, 0.0],
        _ => vec![1.0, tenth, tenth / 10.0, 0.01, 0.0],
    };
    steps.into_iter().filter_map(step).collect()
}

/// Nothing is negative but what is measured below 0, and nothing is fuller than full.
fn is_possible(value: Number, bound: Number, unit: Unit) -> bool {
    let zero = Number::Int(0);
    (value >= zero || bound < zero)
        && (unit != Unit::Percent || value <= Number::Int(100) || bound > Number::Int(100))
}
