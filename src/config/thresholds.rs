//! The levels of one rule: read against what the check measures, and compared with one another.

use std::{cmp::Ordering, collections::BTreeMap, time::Duration};

use super::{
    at::{At, TextOr},
    complaint::{Complaint, Report},
    level::{self, Written},
    place::Place,
    rule_form::{LevelForm, LevelsForm},
};
use crate::{
    checks::Defaults,
    model::{Bound, Condition, Level, LevelPolicy, Number, Op, Scale, condition::Margin},
};

/// What the levels of a rule came to.
#[derive(Debug, Default)]
pub struct Levels {
    pub policies: Vec<LevelPolicy>,
    pub notify: BTreeMap<Level, Vec<At<String>>>,
}

/// `fallback` is to blame where the levels are the check's own.
pub fn read(
    form: Option<&At<LevelsForm>>,
    scale: Scale,
    defaults: &Defaults,
    fallback: Place,
    report: &mut Report,
) -> Levels {
    let written = form.map(|form| form.value.written()).unwrap_or_default();
    if !written.is_empty() {
        return read_written(&written, scale, report);
    }
    if let Some(form) = form {
        report.add(form.error("`levels` names none; write one like `critical: …`"));
    } else if defaults.levels.is_empty() {
        report.add(missing(scale).at(fallback));
    }
    let parsed = defaults.levels.iter().filter_map(|(at, text)| {
        let written = level::parse(text, scale);
        report.take(written.map_err(|why| Complaint::error(why).at(fallback))).map(|written| (*at, written))
    });
    Levels { policies: parsed.map(|(at, written)| policy(at, written)).collect(), notify: BTreeMap::new() }
}

fn missing(scale: Scale) -> Complaint {
    let hint = match scale {
        Scale::Percent => "write some like `levels: { critical: above 10% }`",
        Scale::Factor => "write some like `levels: { warning: above 3x }`",
        _ => "write some like `levels: { critical: above 1_000 }`",
    };
    Complaint::error("`levels` is missing, and this check has none of its own").hint(hint)
}

fn read_written(written: &[(Level, &At<TextOr<LevelForm>>)], scale: Scale, report: &mut Report) -> Levels {
    let mut levels = Levels::default();
    let mut places = Vec::new();
    for (at, form) in written {
        let Some(read) = report.take(read_one(form, scale)) else { continue };
        if let TextOr::Long(LevelForm { notify: Some(notify), .. }) = &form.value {
            levels.notify.insert(*at, notify.clone());
        }
        report.take(check_one(&read, scale, *at).map_err(|why| form.error(why)));
        levels.policies.push(policy(*at, read));
        places.push(form.place);
    }
    check_order(&levels.policies, &places, report);
    levels
}

fn read_one(form: &At<TextOr<LevelForm>>, scale: Scale) -> Result<Written, Complaint> {
    match &form.value {
        TextOr::Text(text) => level::parse(text, scale).map_err(|why| form.error(why)),
        TextOr::Long(long) => {
            let when = level::condition(&long.when.value, scale).map_err(|why| long.when.error(why))?;
            let clear = match &long.clear {
                None => None,
                Some(text) => Some(level::clear(&text.value, scale).map_err(|why| text.error(why))?),
            };
            let fire_after = long.fire_after.map(|span| span.0);
            Ok(Written { when, clear, fire_after, recover_after: long.recover_after.map(|span| span.0) })
        }
    }
}

fn policy(level: Level, written: Written) -> LevelPolicy {
    let clear = written.clear.unwrap_or_else(|| written.when.complement());
    LevelPolicy {
        level,
        when: written.when,
        clear,
        fire_after: written.fire_after.unwrap_or(Duration::ZERO),
        recover_after: written.recover_after.unwrap_or(Duration::ZERO),
    }
}

fn check_one(written: &Written, scale: Scale, level: Level) -> Result<(), String> {
    let Written { when, clear, .. } = written;
    let up_only = matches!(
        scale,
        Scale::Health | Scale::Reachability | Scale::Condition | Scale::Liveness | Scale::Fullness
    );
    if up_only && !when.op.points_up() {
        let shown = when.show(scale.unit());
        return Err(format!("`{level}` would fire while all is well ({shown}); turn the comparator round"));
    }
    let Some(clear) = clear else { return Ok(()) };
    if clear.op.points_up() == when.op.points_up() {
        return Err(format!(
            "`clear` of `{level}` points the same way as its threshold; write the opposite comparator"
        ));
    }
    if overlap(when, clear) {
        return Err(format!(
            "`{}` and `clear {}` both hold for some values; move one of them: a gap between them is fine",
            when.show(scale.unit()),
            clear.show(scale.unit())
        ));
    }
    Ok(())
}

/// Where a bound is on its scale; only bounds of one kind can be compared before there is an answer.
fn position(bound: &Bound) -> (String, Number) {
    let minus = |number: &Number| match number {
        Number::Int(value) => Number::Int(value.saturating_neg()),
        Number::Float(value) => Number::Float(-value),
    };
    match bound {
        Bound::Value(number) => ("value".to_owned(), *number),
        Bound::Share(percent) => ("share".to_owned(), *percent),
        Bound::Free(bytes) => ("free".to_owned(), minus(bytes)),
        Bound::Mark { name, margin: None } => (format!("{name} percent"), Number::Int(0)),
        Bound::Mark { name, margin: Some(Margin::Percent(margin)) } => {
            (format!("{name} percent"), minus(margin))
        }
        Bound::Mark { name, margin: Some(Margin::Bytes(margin)) } => (format!("{name} bytes"), minus(margin)),
    }
}

fn compare(a: &Bound, b: &Bound) -> Option<Ordering> {
    let ((kind_a, a), (kind_b, b)) = (position(a), position(b));
    (kind_a == kind_b).then(|| a.cmp(&b))
}

/// Whether some value satisfies both, which point opposite ways.
fn overlap(when: &Condition, clear: &Condition) -> bool {
    let Some(order) = compare(&when.bound, &clear.bound) else { return false };
    let equal = matches!(when.op, Op::AtLeast | Op::AtMost) && matches!(clear.op, Op::AtLeast | Op::AtMost);
    match order {
        Ordering::Equal => equal,
        Ordering::Less => when.op.points_up(),
        Ordering::Greater => !when.op.points_up(),
    }
}

/// Levels point the same way, and a worse one is no easier to reach.
fn check_order(levels: &[LevelPolicy], places: &[Place], report: &mut Report) {
    for (pair, place) in levels.windows(2).zip(places.iter().skip(1)) {
        let [mild, worse] = pair else { continue };
        let (m, w) = (mild.level, worse.level);
        if mild.when.op.points_up() != worse.when.op.points_up() {
            report.add(
                Complaint::error(format!("`{w}` points the other way than `{m}`"))
                    .hint("levels of one rule point the same way; make two rules of them")
                    .at(*place),
            );
            continue;
        }
        let Some(order) = compare(&worse.when.bound, &mild.when.bound) else { continue };
        let up = mild.when.op.points_up();
        let includes = |op: Op| matches!(op, Op::AtLeast | Op::AtMost);
        let easier = match order {
            Ordering::Equal => includes(worse.when.op) && !includes(mild.when.op),
            Ordering::Less => up,
            Ordering::Greater => !up,
        };
        if easier {
            report.add(
                Complaint::error(format!("`{w}` is reached before `{m}`"))
                    .hint("from `info` over `warning` to `critical`, thresholds get harder to reach")
                    .at(*place),
            );
        } else if order == Ordering::Equal && worse.fire_after <= mild.fire_after {
            report.add(
                Complaint::warning(format!("`{m}` is never told"))
                    .hint(format!("`{w}` has the same threshold and fires no later"))
                    .at(*place),
            );
        }
    }
}
