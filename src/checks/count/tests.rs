use std::time::Duration;

use super::{
    super::common::documents::NEWEST,
    super::tests::{failed, look, observe, only_reading, readings, reason, shown},
    *,
};
use crate::model::{
    Bound, Cause, Condition, Level, LevelPolicy, Missing, Op, Policy, RuleState, Tick, Transition,
    policy::BlindPolicy,
    query::{Group, Question, SearchAnswer},
    step,
};

/// Groups by user with their matching documents.
pub fn matching(groups: &[(&str, u64)]) -> SearchAnswer {
    let group = |&(user, total): &(&str, u64)| {
        let entity = if user.is_empty() { Entity::empty() } else { Entity::of("user.name", user) };
        (entity, Group { total, ..Group::default() })
    };
    SearchAnswer { groups: groups.iter().map(group).collect() }
}

/// All documents of the window; the newest is five seconds old.
pub fn all(total: u64) -> SearchAnswer {
    let newest = (look().window.end - Duration::from_secs(5)).timestamp_millis();
    let metrics = BTreeMap::from([(NEWEST.to_owned(), (total > 0).then_some(Number::Int(newest)))]);
    SearchAnswer { groups: [(Entity::empty(), Group { total, metrics, ..Group::default() })].into() }
}

fn count(more: &str) -> Count {
    let text = format!("{{ index: \"audit-*\", window: 10m, filter: \"outcome:failure\"{more} }}");
    serde_saphyr::from_str(&text).unwrap()
}

fn seen(check: &Count, groups: &[(&str, u64)], total: u64) -> Observation {
    observe(check, &[Ok(Response::Search(matching(groups))), Ok(Response::Search(all(total)))])
}

#[test]
fn a_count_is_exact_beyond_ten_thousand() {
    assert_eq!(only_reading(&seen(&count(""), &[("", 1_000_003)], 2_000_000)).value, Number::Int(1_000_003));
}

#[test]
fn nothing_that_matches_is_zero_but_nothing_at_all_is_no_data() {
    assert_eq!(only_reading(&seen(&count(""), &[("", 0)], 12)).value, Number::Int(0));
    assert!(matches!(seen(&count(""), &[("", 0)], 0), Observation::NoData(_)));
    assert!(matches!(seen(&count(", per: [user.name]"), &[], 0), Observation::NoData(_)));
}

#[test]
fn a_known_group_that_no_document_names_counts_zero() {
    let seen = seen(&count(", per: [user.name]"), &[("kim", 7)], 12);
    assert_eq!(readings(&seen).keys().collect::<Vec<_>>(), ["user.name=kim"]);
    let Observation::Seen { others, .. } = seen else { unreachable!() };
    assert_eq!(others, Others::Zero);
}

/// What is told of a count per user, look by look: minutes, groups that match, and all documents.
fn told(op: Op, no_data: Missing, looks: &[(&[(&str, u64)], u64)]) -> Vec<String> {
    let check = count(", per: [user.name]");
    let bound = || Bound::Value(Number::Int(1));
    let clear = if op == Op::Below { Op::AtLeast } else { Op::Below };
    let level = LevelPolicy {
        level: Level::Warning,
        when: Condition::new(op, bound()),
        clear: Condition::new(clear, bound()),
        fire_after: Duration::ZERO,
        recover_after: Duration::ZERO,
    };
    let blind = BlindPolicy::default();
    let (absent, unit) = (Missing::KEEP, Unit::Documents);
    let policy = Policy { levels: vec![level], no_data, absent, blind, grouped: true, unit };
    let (mut state, mut told) = (RuleState::default(), Vec::new());
    for (minute, (groups, total)) in (0..).zip(looks) {
        let tick = Tick::new(look().window.end + Duration::from_secs(60 * minute), Duration::from_secs(120));
        let stepped = step(&policy, state, &seen(&check, groups, *total), false, tick);
        let words = |change: &Transition| {
            format!("{minute} {} {}", change.kind.name(), change.entity).trim_end().to_owned()
        };
        told.extend(stepped.transitions.iter().map(words));
        state = stepped.state;
    }
    told
}

#[test]
fn where_no_group_is_known_the_count_of_the_whole_is_zero_until_a_group_matches() {
    let looks: [(&[(&str, u64)], u64); 4] = [(&[], 9), (&[], 9), (&[("kim", 3)], 9), (&[("kim", 3)], 9)];
    assert_eq!(told(Op::Below, Missing::KEEP, &looks), ["0 fired", "2 resolved"]);
    for no_data in [Missing::KEEP, Missing::fire(Level::Warning)] {
        let kim = ["2 fired user.name=kim"];
        assert_eq!(told(Op::AtLeast, no_data, &looks), kim, "that none matches is fine");
    }
}

#[test]
fn an_alert_about_no_documents_ends_with_documents_although_no_group_matches() {
    let looks: [(&[(&str, u64)], u64); 3] = [(&[], 0), (&[], 0), (&[], 9)];
    let silent = Missing::fire(Level::Warning);
    assert_eq!(told(Op::AtLeast, silent, &looks), ["0 fired", "2 resolved"]);
    assert_eq!(told(Op::Below, silent, &looks), ["0 fired"], "nobody matches: it is still too few");
    assert_eq!(told(Op::AtLeast, Missing::KEEP, &looks), [""; 0]);
}

#[test]
fn a_known_group_stands_for_itself_and_the_whole_says_nothing_beside_it() {
    let looks: [(&[(&str, u64)], u64); 2] = [(&[("kim", 3)], 9), (&[], 9)];
    assert_eq!(told(Op::Below, Missing::fire(Level::Warning), &looks), ["1 fired user.name=kim"]);
}

#[test]
fn one_question_that_failed_proves_nothing() {
    let partial = || failed(Cause::Partial, "2 of 7 shards failed");
    let (some, any) = (Ok(Response::Search(matching(&[("", 500)]))), Ok(Response::Search(all(900))));
    for answers in [[partial(), any], [some, partial()]] {
        assert_eq!(reason(&observe(&count(""), &answers)).cause, Cause::Partial);
    }
}

#[test]
fn a_pipeline_that_lags_proves_nothing() {
    let check = count(", max_lag: 3s");
    assert_eq!(reason(&seen(&check, &[("", 1)], 12)).cause, Cause::Lagging);
    let fine = count(", max_lag: 5m");
    assert_eq!(only_reading(&seen(&fine, &[("", 1)], 12)).value, Number::Int(1));
}

#[test]
fn what_matches_is_asked_for_per_group_and_what_there_is_as_a_whole() {
    let queries = count(", per: [user.name], max_lag: 5m").queries(&look(), &Memory::default());
    let search = |at: usize| match &queries[at].question {
        Question::Search(search) => search.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((search(0).per.len(), search(0).filter.is_some(), search(0).metrics.len()), (1, true, 0));
    assert_eq!((search(1).per.len(), search(1).filter.is_some(), search(1).metrics.len()), (0, false, 1));
}

#[test]
fn what_people_read() {
    let check = count(", per: [user.name]");
    insta::assert_snapshot!(shown(&check, &seen(&check, &[("kim", 1_204), ("lee", 1)], 90_000)));
    let silent = Reading::new(Number::Int(0), Unit::Documents).fact("documents", 0);
    let advice = check.advise(&Entity::of("user.name", "kim"), &silent);
    assert!(advice.next_step.unwrap().contains("since when it is silent"));
    assert_eq!(check.defaults().levels, Vec::<(Level, &str)>::new());
}

#[test]
fn nonsense_is_complained_about() {
    for nonsense in [", per: [\"a*\"]", ", per: [a, a]", ", max_lag: 10m", ", time_field: \"\""] {
        assert_eq!(count(nonsense).complaints().len(), 1, "{nonsense}");
    }
}
