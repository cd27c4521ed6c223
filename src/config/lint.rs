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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::checks::Kind;

    /// Each look of these begins where the last one ended.
    const REACH_BACK: [&str; 2] = ["change", "new_term"];

    #[test]
    fn documents_between_two_windows_are_warned_of_where_no_look_reaches_back_to_them() {
        let mut windowed = 0;
        for (name, example) in Kind::ALL {
            let check = serde_saphyr::from_str::<Kind>(example).unwrap().into_check();
            let Some(window) = check.window() else { continue };
            windowed += 1;
            let every = |step: Duration| narrow_window(&*check, &Schedule::Every(step));
            assert!(every(window).is_none(), "{name}: windows that touch leave nothing out");
            let warned = every(window + Duration::from_secs(1)).is_some();
            assert_eq!(warned, !REACH_BACK.contains(name), "{name}");
        }
        assert!(windowed > REACH_BACK.len());
    }
}
