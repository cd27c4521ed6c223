//! The sentences of the rules about judging, each as a property. `HIGHWATER_CASES` sets how many cases there are in all.

use proptest::prelude::*;

use super::{
    made::{Case, Look, Seen, case, cases, looks},
    reference::{Event, judge},
    *,
};
use crate::model::{Attention, Kind, Schedule, Timing, notification::Change};

/// What was told, in the reference's words.
fn events(told: &[Transition]) -> Vec<Event> {
    let seconds = |time: Time| (time - at(0)).num_seconds();
    let event = |told: &Transition| Event {
        at: seconds(told.at),
        kind: told.kind,
        level: told.level,
        since: seconds(told.since),
        peak: told.peak.map(|peak| peak.as_f64() as i64),
        ending: told.ending,
    };
    told.iter().map(event).collect()
}

/// Every change as its bytes at a sink, identities included.
fn bytes(told: &[Transition]) -> Vec<String> {
    told.iter().map(|told| serde_json::to_string(&Change::new("rule", "main", told)).unwrap()).collect()
}

fn restarted(state: &RuleState) -> RuleState {
    let reread = |(entity, alert): (&Entity, &Alert)| {
        let text = serde_json::to_string(alert).unwrap();
        (entity.clone(), serde_json::from_str(&text).unwrap())
    };
    RuleState {
        alerts: state.alerts.iter().map(reread).collect(),
        blind: state.blind.clone(),
        course: state.course,
    }
}

/// A finite number as a cluster may answer it.
fn fraction(look: &Look) -> Finding {
    match look.seen {
        Seen::Value(number) => {
            let odd = (look.at % 997) as f64 / 997.0;
            Finding::Value(Reading::new(Number::Float(number as f64 + odd / 3.0), Unit::Percent))
        }
        other => other.finding().unwrap_or(Finding::Absent),
    }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn what_is_told_is_what_a_slow_and_obvious_machine_tells(case in case()) {
        prop_assert_eq!(events(&case.run().told), judge(&case));
    }
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn indeterminate_looks_change_no_alert_and_no_age(
        case in case(),
        blind in proptest::collection::vec((0..40_usize, any::<bool>()), 1..8),
    ) {
        let mut more = case.clone();
        more.looks.retain(|look| !matches!(look.seen, Seen::Unknown | Seen::Indeterminate));
        let without = more.run();
        for (place, alone) in blind {
            let place = place % (more.looks.len() + 1);
            let before = place.checked_sub(1).map_or(0, |before| more.looks[before].at);
            let seen = if alone { Seen::Unknown } else { Seen::Indeterminate };
            more.looks.insert(place, Look { at: before, seen });
        }
        let with = more.run();
        prop_assert_eq!(&with.told, &without.told);
        let open = |world: &World| -> Vec<Alert> {
            world.state.alerts.values().filter(|alert| !alert.is_inactive()).cloned().collect()
        };
        prop_assert_eq!(open(&with), open(&without));
    }

    #[test]
    fn no_entity_changes_anothers_state(case in case(), other in case()) {
        let alone = case.run();
        let (here, there) = (node(), Entity::of("node", "es-2"));
        let mut both = World::new(case.policy());
        for (n, look) in case.looks.iter().enumerate() {
            if look.seen == Seen::Indeterminate {
                both.look(case.tick(look), &look.seen.of(&here));
                continue;
            }
            let mut findings = Vec::new();
            findings.extend(look.seen.finding().map(|finding| (here.clone(), finding)));
            let theirs = other.looks[n % other.looks.len()].seen;
            findings.extend(theirs.finding().map(|finding| (there.clone(), finding)));
            // an exhaustive answer says that whoever is not in it is gone
            let others = if look.seen == Seen::Absent { Others::Absent } else { Others::Untouched };
            both.look(case.tick(look), &seen(&findings, others));
        }
        both.told.retain(|told| told.entity == here);
        prop_assert_eq!(both.told, alone.told);
        prop_assert_eq!(both.state.alerts.get(&here), alone.state.alerts.get(&here));
    }

    #[test]
    fn fired_and_resolved_alternate_and_a_level_is_told_once_until_it_was_left(case in case()) {
        let mut open: Option<(Level, Time)> = None;
        let mut seen = std::collections::BTreeSet::new();
        for told in case.run().told {
            match (open, told.kind) {
                (None, Kind::Fired) => {}
                (Some((level, _)), Kind::Raised) => prop_assert!(told.level > level),
                (Some((level, _)), Kind::Lowered) => prop_assert!(told.level < level),
                (Some((level, _)), Kind::Resolved | Kind::Reminded) => prop_assert_eq!(told.level, level),
                (open, kind) => prop_assert!(false, "{open:?} then {kind:?}"),
            }
            prop_assert_eq!(open.map(|(level, _)| level), told.previous_level);
            prop_assert!(open.is_none_or(|(_, since)| since == told.since), "the episode changed its start");
            prop_assert!(seen.insert((told.since, told.kind, told.n)), "one identity twice: {told:?}");
            open = (told.kind != Kind::Resolved).then_some((told.level, told.since));
        }
    }

    #[test]
    fn cutting_a_timeline_at_every_instant_changes_nothing_that_is_told(case in case()) {
        let mut whole = World::new(case.policy());
        let mut cut = World::new(case.policy());
        for look in &case.looks {
            let observation = match look.seen {
                Seen::Value(_) => Observation::one(node(), fraction(look)),
                other => other.of(&node()),
            };
            whole.look(case.tick(look), &observation);
            cut.state = restarted(&cut.state);
            cut.look(case.tick(look), &observation);
        }
        prop_assert_eq!(bytes(&cut.told), bytes(&whole.told));
        prop_assert_eq!(restarted(&cut.state).alerts, whole.state.alerts);
    }

    #[test]
    fn replaying_a_tick_gives_the_same_identities_and_bytes(case in case()) {
        let mut world = World::new(case.policy());
        for look in &case.looks {
            let before = world.state.clone();
            let told = world.told.len();
            world.look(case.tick(look), &look.seen.of(&node()));
            let again = step(&case.policy(), before, &look.seen.of(&node()), false, case.tick(look));
            prop_assert_eq!(bytes(&again.transitions), bytes(&world.told[told..]));
            prop_assert_eq!(&again.state, &world.state);
        }
    }

    #[test]
    fn a_lasting_breach_fires_within_its_for_and_two_minutes_whatever_happened_between(
        fire_after in 0..600_i64,
        start in 0..60_i64,
        between in proptest::collection::vec((20..=60_i64, 0..4_u8), 5..10),
    ) {
        let policy = policy(vec![level(Level::Critical, 90, 90, fire_after.unsigned_abs(), 0)]);
        let mut world = World::new(policy);
        let mut now = start;
        for (gap, blind) in between.into_iter().cycle().take(55) {
            // blind looks in between, and then a determinate one at most a minute after the last
            if blind == 0 {
                world.look(tick(now + gap / 2), &Seen::Indeterminate.of(&node()));
            }
            world.see(now, 95);
            now += gap;
        }
        let fired = world.told.first().map(|told| (told.at - at(start)).num_seconds());
        prop_assert!(now > start + fire_after + 120, "too short a timeline to prove anything");
        prop_assert!(fired.is_some_and(|fired| fired <= fire_after + 120), "{fired:?}");
    }

    #[test]
    fn the_finer_grid_never_fires_later(
        (fine, times) in (prop::sample::select(vec![1_u64, 15, 60, 300]), prop::sample::select(vec![1_u64, 2, 3, 10, 60])),
        (fine_unsettled, times_unsettled) in (prop::sample::select(vec![5_u64, 15, 60]), prop::sample::select(vec![1_u64, 2, 4, 60])),
        crossing in 0..40_000_i64,
        fire_after in prop::sample::select(vec![0_u64, 1, 60, 90, 300]),
    ) {
        let fires = |every: u64, unsettled: u64| first_fired(every, unsettled, crossing, fire_after);
        let (finer, coarser) = (fires(fine, fine_unsettled), fires(fine * times, fine_unsettled * times_unsettled));
        prop_assert!(finer <= coarser, "finer {finer:?}, coarser {coarser:?}");
    }

    #[test]
    fn a_restart_may_add_looks_and_never_removes_one(
        every in prop::sample::select(vec![1_u64, 7, 60, 300, 900]),
        unsettled in prop::sample::select(vec![1_u64, 7, 60, 90]),
        from in 0..100_000_i64,
    ) {
        let timing = timing(every, unsettled);
        let settled = Attention::default();
        let fresh = Attention { unsettled: true, ..settled };
        let planned = timing.next_after(at(from), settled).unwrap();
        let mut tick = timing.next_after(at(from), fresh).unwrap();
        for _ in 0..50_000 {
            if tick >= planned {
                break;
            }
            tick = timing.next_after(tick, fresh).unwrap();
        }
        prop_assert_eq!(tick, planned);
    }
}

fn timing(every: u64, unsettled: u64) -> Timing {
    Timing {
        schedule: Schedule::Every(secs(every)),
        while_firing: None,
        while_unsettled: Schedule::Every(secs(unsettled)),
        query_delay: secs(0),
        offset: secs(0),
        max_catch_up: secs(3600),
        windowed: false,
    }
}

/// When a signal that crosses once and stays is told, on a rule that looks as its own grids say.
fn first_fired(every: u64, unsettled: u64, crossing: i64, fire_after: u64) -> Time {
    let timing = timing(every, unsettled);
    let mut world = World::new(policy(vec![level(Level::Critical, 90, 90, fire_after, 0)]));
    let before = Attention { firing: false, unsettled: false };
    let mut now = timing.latest_at(at(crossing) - secs(1), before).unwrap();
    loop {
        let number = if now >= at(crossing) { 95 } else { 10 };
        world.look(Tick::new(now, timing.reach(now)), &Observation::one(node(), value(number)));
        if let Some(told) = world.told.first() {
            return told.at;
        }
        let attention = Attention { firing: world.state.is_firing(), unsettled: world.state.is_unsettled() };
        now = timing.next_after(now, attention).unwrap();
    }
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn equality_belongs_to_one_side(value in number(), bound in number(), op in op()) {
        prop_assert_ne!(op.holds(value, bound), op.complement().holds(value, bound));
        let free_or_used = op.mirrored().holds(bound, value);
        prop_assert_eq!(op.holds(value, bound), free_or_used);
    }

    #[test]
    fn the_order_of_entities_is_irrelevant(timeline in looks((0..9_i64).prop_map(Seen::Value)), turn in 1..4_usize) {
        let policy = policy(vec![level(Level::Warning, 4, 3, 60, 60), level(Level::Critical, 7, 6, 0, 120)]);
        let names = ["a", "b", "c", "d"].map(|name| Entity::of("node", name));
        let told = |turned: usize| {
            let mut world = World::new(policy.clone());
            for (n, look) in timeline.iter().enumerate() {
                let findings: Vec<(Entity, Finding)> = (0..4_usize)
                    .map(|who| {
                        let number = timeline[(n * 3 + who * 7) % timeline.len()].seen;
                        (names[(who + turned) % 4].clone(), number.finding().unwrap())
                    })
                    .collect();
                world.look(tick(look.at), &seen(&findings, Others::Absent));
            }
            let mut of: Vec<Vec<Event>> = Vec::new();
            for who in 0..4 {
                let theirs = world.told.iter().filter(|told| told.entity == names[(who + turned) % 4]).cloned();
                of.push(events(&theirs.collect::<Vec<_>>()));
            }
            of
        };
        prop_assert_eq!(told(turn), told(0));
    }
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::Int),
        (-4..4_i64).prop_map(Number::Int),
        (-4..4_i64).prop_map(|n| Number::Float(n as f64)),
        (-9..9_i64).prop_map(|n| Number::Float(n as f64 / 2.0)),
        ((1_i64 << 53) - 2..(1_i64 << 53) + 3).prop_map(Number::Int),
        (-1e19..1e19_f64).prop_map(Number::Float),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec![Op::Above, Op::AtLeast, Op::Below, Op::AtMost])
}

#[test]
fn a_case_is_said_in_full_when_it_fails() {
    // the printed case is what somebody will copy into a timeline: it has to hold every look
    let looks = vec![Look { at: 60, seen: Seen::Value(3) }];
    let case = Case { looks, ..crooked() };
    assert!(format!("{case:?}").contains("Look { at: 60, seen: Value(3) }"));
}

fn crooked() -> Case {
    use super::made::{Plan, Silence, Then};
    let plan = |level, when, fire_after| Plan { level, when, clear: when, fire_after, recover_after: 0 };
    let keep = Silence { keep: None, then: Then::Resolve };
    let plans = vec![plan(Level::Warning, 8, 0), plan(Level::Critical, 5, 300)];
    Case { up: true, plans, no_data: keep, absent: keep, reach: 120, looks: Vec::new() }
}

#[test]
fn a_level_that_is_pending_keeps_its_age_when_one_with_a_higher_threshold_ends() {
    // marks are resolved per node, so a milder level can have the higher threshold there
    let looks = [8, 6, 6, 6, 6, 6, 6]
        .into_iter()
        .zip(0..)
        .map(|(number, minute)| Look { at: minute * 60, seen: Seen::Value(number) });
    let world = Case { looks: looks.collect(), ..crooked() }.run();
    assert_eq!(world.story(), ["0:00 fired warning", "1:00 resolved warning cleared", "5:00 fired critical"]);
    assert_eq!(world.told[2].since, at(60));
}
