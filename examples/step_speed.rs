//! How long one `step` over 10,000 entities takes, in milliseconds: the median of each kind of look, worst last.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{collections::BTreeMap, hint::black_box, time::Duration, time::Instant};

use highwater::model::{
    Bound, Condition, Entity, Finding, Level, LevelPolicy, Missing, Number, Observation, Op, Others, Policy,
    Reading, RuleState, Tick, Time, Unit, policy::BlindPolicy, step,
};

const ENTITIES: usize = 10_000;
const TIMES: usize = 21;

fn main() {
    let quiet = RuleState::default();
    let firing = look(quiet.clone(), 95.0, 0).0;
    let looks = [
        ("stays clear", &quiet, 40.0),
        ("fires", &quiet, 95.0),
        ("stays firing", &firing, 95.0),
        ("is lowered", &firing, 87.0),
        ("resolves", &firing, 40.0),
    ];
    let mut worst = Duration::ZERO;
    for (name, before, value) in looks {
        let median = median(before, value);
        println!("{name}: {:.2}", median.as_secs_f64() * 1e3);
        worst = worst.max(median);
    }
    println!("worst: {:.2}", worst.as_secs_f64() * 1e3);
}

fn median(before: &RuleState, value: f64) -> Duration {
    let mut took: Vec<Duration> = (0..TIMES).map(|_| look(before.clone(), value, 1).1).collect();
    took.sort_unstable();
    took[TIMES / 2]
}

/// Every entity reads `value`, give or take a little.
fn look(before: RuleState, value: f64, minute: i64) -> (RuleState, Duration) {
    let findings: BTreeMap<Entity, Finding> = (0..ENTITIES)
        .map(|at| {
            let reading = Reading::new(Number::Float(value + (at % 10) as f64 / 10.0), Unit::Percent);
            (Entity::of("node", format!("es-data-{at}")), Finding::Value(reading))
        })
        .collect();
    let observation = Observation::Seen { findings, others: Others::Absent };
    let at = Time::from_timestamp(minute * 60, 0).unwrap_or_default();
    let (policy, tick) = (policy(), Tick::new(at, Duration::from_secs(120)));
    let started = Instant::now();
    let stepped = step(&policy, before, black_box(&observation), false, tick);
    let took = started.elapsed();
    (black_box(stepped).state, took)
}

fn policy() -> Policy {
    let level = |level, bound| {
        let when = Condition::new(Op::AtLeast, Bound::Value(Number::Int(bound)));
        let (fire_after, recover_after) = (Duration::ZERO, Duration::ZERO);
        LevelPolicy { level, clear: when.complement(), when, fire_after, recover_after }
    };
    Policy {
        levels: vec![level(Level::Info, 85), level(Level::Warning, 88), level(Level::Critical, 90)],
        no_data: Missing::KEEP,
        absent: Missing::resolve(),
        blind: BlindPolicy::default(),
        grouped: false,
        unit: Unit::Percent,
    }
}
