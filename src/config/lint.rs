//! What is allowed but hardly meant: warnings with a hint.

use super::{complaint::Complaint, schedule};
use crate::{
    checks::Check,
    model::{Bound, LevelPolicy, Number, Op, Scale, Schedule, span},
};

/// A threshold that no reading can pass.
pub fn unreachable(level: &LevelPolicy, scale: Scale) -> Option<Complaint> {
    let (Bound::Value(number) | Bound::Share(number)) = &level.when.bound else { return None };
    let most = match scale {
        Scale::Percent | Scale::Fullness => Some(Number::Int(100)),
        Scale::Health | Scale::Condition => Some(Number::Int(2)),
        _ => None,
    };
    let least = Number::Int(0);
    let never = match level.when.op {
        Op::Above => most.is_some_and(|most| *number >= most),
        Op::AtLeast => most.is_some_and(|most| *number > most),
        Op::Below => *number <= least && !matches!(scale, Scale::Amount(_)),
        Op::AtMost => *number < least && !matches!(scale, Scale::Amount(_)),
    };
    if !never {
        return None;
    }
    let shown = level.when.show(scale.unit());
    Some(
        Complaint::warning(format!("`{}` can never be reached ({shown})", level.level))
            .hint("is the number right?"),
    )
}

/// Documents that no look sees.
pub fn narrow_window(check: &dyn Check, schedule: &Schedule) -> Option<Complaint> {
    let window = check.window().filter(|_| !check.reaches_back())?;
    let step = schedule::step(schedule);
    if window >= step {
        return None;
    }
    let (window, step) = (span::show(window), span::show(step));
    Some(
        Complaint::warning(format!("the window of {window} is shorter than the {step} between looks"))
            .hint("documents in between are never looked at; widen `window` or look more often"),
    )
}
