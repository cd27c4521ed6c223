//! Made-up rules and timelines.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::model::{Cause, Reason, policy::MissingThen};

/// One level in plain numbers; times in seconds.
#[derive(Clone, Debug)]
pub struct Plan {
    pub level: Level,
    pub when: i64,
    pub clear: i64,
    pub fire_after: i64,
    pub recover_after: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    Value(i64),
    Unknown,
    NoData,
    Absent,
    Indeterminate,
}

#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub at: i64,
    pub seen: Seen,
}

/// What missing data means, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    pub keep: Option<i64>,
    pub then: Then,
}

#[derive(Clone, Copy, Debug)]
pub enum Then {
    Resolve,
    Fire(Level, Option<i64>),
}

impl Silence {
    pub fn may_fire(&self) -> bool {
        self.keep.is_some() && matches!(self.then, Then::Fire(..))
    }

    fn missing(&self) -> Missing {
        let keep = self.keep.map(|keep| secs(keep.unsigned_abs()));
        match self.then {
            Then::Resolve => Missing { keep, then: MissingThen::Resolve, forget: None },
            Then::Fire(level, forget) => {
                let forget = forget.map(|forget| secs(forget.unsigned_abs()));
                Missing { keep, then: MissingThen::Fire(level), forget }
            }
        }
    }
}

/// A rule over one entity, and what it is shown.
#[derive(Clone, Debug)]
pub struct Case {
    pub up: bool,
    /// Mildest first.
    pub plans: Vec<Plan>,
    pub no_data: Silence,
    pub absent: Silence,
    pub reach: i64,
    pub looks: Vec<Look>,
}

impl Case {
    pub fn policy(&self) -> Policy {
        let (when, clear) = if self.up { (Op::AtLeast, Op::Below) } else { (Op::AtMost, Op::Above) };
        let bound = |number: i64| Bound::Value(Number::Int(number));
        let levels = self.plans.iter().map(|plan| LevelPolicy {
            level: plan.level,
            when: Condition::new(when, bound(plan.when)),
            clear: Condition::new(clear, bound(plan.clear)),
            fire_after: secs(plan.fire_after.unsigned_abs()),
            recover_after: secs(plan.recover_after.unsigned_abs()),
        });
        let mut policy = policy(levels.collect());
        (policy.no_data, policy.absent) = (self.no_data.missing(), self.absent.missing());
        policy
    }

    pub fn tick(&self, look: &Look) -> Tick {
        Tick::new(at(look.at), secs(self.reach.unsigned_abs()))
    }

    /// All looks, shown to the product.
    pub fn run(&self) -> World {
        let mut world = World::new(self.policy());
        for look in &self.looks {
            world.look(self.tick(look), &look.seen.of(&node()));
        }
        world
    }
}

impl Seen {
    pub fn finding(self) -> Option<Finding> {
        match self {
            Self::Value(number) => Some(value(number)),
            Self::Unknown => Some(Finding::Unknown(Reason::new(Cause::Partial, "silent"))),
            Self::NoData => Some(Finding::NoData("nothing".to_owned())),
            Self::Absent | Self::Indeterminate => None,
        }
    }

    pub fn of(self, entity: &Entity) -> Observation {
        match self {
            Self::Indeterminate => Observation::Indeterminate(Reason::new(Cause::Timeout, "slow")),
            Self::Absent => seen(&[], Others::Absent),
            other => seen(&[(entity.clone(), other.finding().unwrap())], Others::Untouched),
        }
    }
}

pub fn cases(share: u32) -> ProptestConfig {
    let cases = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = cases.unwrap_or(100_000_u32) / 100 * share;
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(cases)
    }
}

fn span() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![0, 0, 1, 60, 90, 120, 300])
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let numbers = (0..9_i64, 0..3_i64, span(), span());
    let levels = prop::sample::select(vec![0b001_usize, 0b010, 0b011, 0b101, 0b110, 0b111]);
    (vec(numbers, 3), levels, any::<[bool; 3]>()).prop_map(|(numbers, levels, [ordered, up, _])| {
        let chosen = Level::ALL.into_iter().enumerate().filter(|(bit, _)| levels & (1 << bit) != 0);
        let mut plans: Vec<Plan> = chosen
            .zip(numbers)
            .map(|((_, level), (when, gap, fire_after, recover_after))| {
                let clear = if up { when - gap } else { when + gap };
                Plan { level, when, clear, fire_after, recover_after }
            })
            .collect();
        if ordered {
            let mut marks: Vec<(i64, i64)> = plans.iter().map(|plan| (plan.when, plan.clear)).collect();
            marks.sort_unstable();
            if !up {
                marks.reverse();
            }
            for (plan, (when, clear)) in plans.iter_mut().zip(marks) {
                (plan.when, plan.clear) = (when, clear);
            }
        }
        plans
    })
}

fn silence() -> impl Strategy<Value = Silence> {
    let keep = prop::sample::select(vec![None, Some(0), Some(60), Some(300)]);
    let forget = prop::sample::select(vec![None, Some(300), Some(900)]);
    let then = (prop::sample::select(Level::ALL.to_vec()), forget, any::<bool>())
        .prop_map(|(level, forget, fire)| if fire { Then::Fire(level, forget) } else { Then::Resolve });
    (keep, then).prop_map(|(keep, then)| Silence { keep, then })
}

fn what_is_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        12 => (0..9_i64).prop_map(Seen::Value),
        1 => Just(Seen::Unknown),
        1 => Just(Seen::Indeterminate),
        2 => Just(Seen::NoData),
        2 => Just(Seen::Absent),
    ]
}

pub fn looks(seen: impl Strategy<Value = Seen>) -> impl Strategy<Value = Vec<Look>> {
    let gaps = prop::sample::select(vec![1_i64, 30, 60, 60, 60, 60, 120, 600, 7200]);
    // the same thing is often seen several times in a row
    let runs = vec((seen, vec(gaps, 1..4)), 1..14);
    runs.prop_map(|runs| {
        let mut at = 0;
        let mut looks = Vec::new();
        for (seen, gaps) in runs {
            for gap in gaps {
                at += gap;
                looks.push(Look { at, seen });
            }
        }
        looks
    })
}

pub fn case() -> impl Strategy<Value = Case> {
    let rest = (silence(), silence(), prop::sample::select(vec![60_i64, 120, 600]));
    (plans(), any::<bool>(), rest, looks(what_is_seen())).prop_map(
        |(plans, flipped, (no_data, absent, reach), looks)| {
            // `plans` made `clear` lie on the side that its own `up` wanted
            let up = plans.iter().all(|plan| plan.clear <= plan.when)
                && (flipped || plans.iter().any(|plan| plan.clear < plan.when));
            Case { up, plans, no_data, absent, reach, looks }
        },
    )
}
