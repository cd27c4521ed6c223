use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::{
    super::{
        common::written::{Document, look_at, looked, second},
        tests::{failed, look, only_reading, readings, reason, shown},
    },
    *,
};
use crate::model::query::Group;

/// Users with their documents; the newest of each is a minute old.
pub fn users(groups: &[(&str, u64)]) -> SearchAnswer {
    let at = Number::Int((look().window.end - Duration::from_secs(60)).timestamp_millis());
    let group = |&(user, total): &(&str, u64)| {
        let entity = match user {
            "" => Entity::empty(),
            user => Entity::new([("user.name", user), ("source.country", "DK")]),
        };
        let metrics = [(FIRST.to_owned(), Some(at)), (NEWEST.to_owned(), Some(at))].into();
        (entity, Group { total, metrics, ..Group::default() })
    };
    SearchAnswer { groups: groups.iter().map(group).collect() }
}

fn check(more: &str) -> NewTerm {
    serde_saphyr::from_str(&format!("{{ index: \"audit-*\", window: 10m, fields: [user]{more} }}")).unwrap()
}

const TEN_MINUTES: Duration = Duration::from_secs(600);
const HOUR: i64 = 3600;

/// Looks at the given seconds, one after the other; what each found to be new.
fn told(check: &NewTerm, written: &[Document], looks: &[i64]) -> Vec<Vec<String>> {
    let mut memory = Memory::default();
    let mut told = Vec::new();
    for at in looks {
        let (seen, next) = looked(check, &look_at(*at, check.window.0), memory, written);
        memory = next;
        told.push(new_in(&seen));
    }
    told
}

fn new_in(seen: &Observation) -> Vec<String> {
    let found = readings(seen).into_iter().filter(|(_, reading)| reading.value > Number::Int(0));
    found.map(|(entity, _)| entity.replace("user=", "")).collect()
}

fn by(user: &str, seconds: i64) -> Document {
    Document::at(seconds, &[("user", user)])
}

#[test]
fn the_first_look_learns_and_a_value_is_new_as_long_as_the_window() {
    let written =
        [by("kim", HOUR), by("kim", 9 * HOUR), by("lee", 9 * HOUR + 100), by("lee", 9 * HOUR + 500)];
    let looks = [9 * HOUR + 60, 9 * HOUR + 300, 9 * HOUR + 600, 9 * HOUR + 900, 9 * HOUR + 1200];
    let told = told(&check(""), &written, &looks);
    assert_eq!(told, [vec![], vec!["lee"], vec!["lee"], vec![], vec![]]);
}

#[test]
fn known_after_holds_longer_than_the_window_only_while_there_are_documents() {
    let lee = |n: i64| by("lee", 9 * HOUR + n * 300);
    let written: Vec<Document> = (0..4).map(lee).chain([by("kim", HOUR), by("kim", 10 * HOUR)]).collect();
    let looks: Vec<i64> = (0..7).map(|n| 9 * HOUR + 1 + n * 300).collect();
    let told = told(&check(", known_after: 1h"), &written, &looks);
    assert_eq!(told, [vec!["lee"], vec!["lee"], vec!["lee"], vec!["lee"], vec!["lee"], vec![], vec![]]);
}

#[test]
fn without_any_history_the_first_look_only_learns() {
    let written = [by("kim", HOUR), by("lee", HOUR + 400)];
    assert_eq!(told(&check(""), &written, &[HOUR + 10, HOUR + 410]), [vec![], vec!["lee"]]);
}

#[test]
fn a_value_that_was_away_for_as_long_as_the_history_is_new_again() {
    let check = check(", history: 1d");
    let written = [
        by("kim", HOUR),
        by("lee", HOUR + 5),
        by("kim", 20 * HOUR),
        by("lee", 26 * HOUR),
        by("kim", 26 * HOUR),
    ];
    let told = told(&check, &written, &[HOUR + 10, 20 * HOUR + 10, 26 * HOUR + 10]);
    assert_eq!(told, [vec![], vec![], vec!["lee"]]);
}

#[test]
fn what_came_while_nobody_looked_is_not_missed() {
    let written = [by("kim", HOUR), by("lee", 5 * HOUR), by("kim", 9 * HOUR)];
    assert_eq!(told(&check(""), &written, &[HOUR + 10, 9 * HOUR + 10]), [vec![], vec!["lee"]]);
}

#[test]
fn an_empty_window_is_no_data_and_nothing_new_is_zero() {
    let written = [by("kim", HOUR)];
    let check = check("");
    let (seen, memory) = looked(&check, &look_at(HOUR + 10, TEN_MINUTES), Memory::default(), &written);
    let reading = only_reading(&seen);
    assert_eq!((reading.value, reading.facts.count("known")), (Number::Int(0), Some(1)));
    let (seen, memory) = looked(&check, &look_at(5 * HOUR, TEN_MINUTES), memory, &written);
    let Observation::Seen { findings, others } = seen else { panic!("{seen:?}") };
    assert!(matches!(findings[&Entity::empty()], Finding::NoData(_)) && findings.len() == 1);
    assert_eq!(others, Others::Over, "what is over does not wait for documents");
    assert_eq!(check.known(&memory).unwrap().until(), Some(second(5 * HOUR)));
}

#[test]
fn a_look_that_proves_nothing_leaves_the_memory_as_it_was() {
    let check = check(", max_lag: 5s");
    let memory = looked(&check, &look_at(HOUR, TEN_MINUTES), Memory::default(), &[by("kim", HOUR - 1)]).1;
    let partial = [failed(Cause::Partial, "2 of 7 shards failed"), failed(Cause::Partial, "")];
    let (seen, after) = check.read(&look(), &partial, memory.clone());
    assert_eq!((reason(&seen).cause, &after), (Cause::Partial, &memory));
    let lagging = looked(&check, &look_at(HOUR + 300, TEN_MINUTES), memory.clone(), &[by("lee", HOUR + 200)]);
    assert_eq!((reason(&lagging.0).cause, &lagging.1), (Cause::Lagging, &memory));
}

#[test]
fn a_history_without_the_fields_is_empty_but_one_that_failed_proves_nothing() {
    let check = check("");
    let mut answers =
        vec![Ok(Response::Search(users(&[("kim", 1)]))), Ok(Response::Search(users(&[("", 1)])))];
    answers.extend(check.history(&look()).iter().map(|_| failed(Cause::Missing, "field missing")));
    let seen = check.read(&look(), &answers, Memory::default()).0;
    assert_eq!(only_reading(&seen).value, Number::Int(0));
    *answers.last_mut().unwrap() = failed(Cause::Timeout, "slow");
    assert_eq!(reason(&check.read(&look(), &answers, Memory::default()).0).cause, Cause::Timeout);
}

#[test]
fn the_parts_of_the_history_touch_and_end_where_the_window_begins() {
    for (more, parts) in [("", 10), (", history: 1h", 1), (", history: 3d", 2), (", history: 400d", 10)] {
        let (check, look) = (check(more), look_at(0, TEN_MINUTES));
        let history = check.history(&look);
        assert_eq!(history.len(), parts, "{more}");
        assert_eq!(history[0].start, look.window.end - check.history.0);
        assert!(history.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(history.last().unwrap().end, look.window.start);
    }
}

#[test]
fn too_many_values_are_told_and_none_is_forgotten_and_all_that_fit_are_small() {
    let check = check("");
    let many = |count: usize| {
        let mut known = Known::default();
        for n in 0..count {
            known.see(&Entity::of("user", n.to_string()), second(HOUR));
        }
        known.write(&check.mark(), second(HOUR))
    };
    let full = many(known::MOST).unwrap();
    assert!(full.0.to_string().len() < 1 << 20, "{}", full.0.to_string().len());
    assert_eq!(many(known::MOST + 1), None);
    let (seen, after) = looked(&check, &look_at(HOUR + 60, TEN_MINUTES), full.clone(), &[by("lee", HOUR)]);
    let reason = reason(&seen);
    assert!(
        reason.cause == Cause::Partial && reason.text.contains("more than 60,000 different values of `user`")
    );
    assert_eq!(after, full);
}

#[test]
fn what_was_remembered_of_another_question_or_is_damaged_is_learnt_anew() {
    let memory = looked(&check(""), &look_at(HOUR, TEN_MINUTES), Memory::default(), &[by("kim", 1)]).1;
    assert!(check("").known(&memory).is_some() && check(", known_after: 1h").known(&memory).is_some());
    assert!(check(", filter: \"a:b\"").known(&memory).is_none());
    for damage in ["seen", "new"] {
        let mut memory = memory.clone();
        memory.0[damage] = serde_json::json!("AAAA?");
        assert!(check("").known(&memory).is_none());
    }
}

#[test]
fn what_people_read() {
    let check: NewTerm = serde_saphyr::from_str::<BTreeMap<String, NewTerm>>(NewTerm::EXAMPLE)
        .unwrap()
        .remove("new_term")
        .unwrap();
    let mut answers =
        vec![Ok(Response::Search(users(&[("kim", 3), ("lee", 2)]))), Ok(Response::Search(users(&[("", 9)])))];
    answers.extend(check.history(&look()).iter().map(|_| Ok(Response::Search(users(&[("lee", 1)])))));
    let seen = check.read(&look(), &answers, Memory::default()).0;
    insta::assert_snapshot!(shown(&check, &seen));
    let quiet = check.nothing_new(&Known::default());
    insta::assert_snapshot!(shown(&check, &Observation::Seen { findings: quiet, others: Others::Over }));
}

#[test]
fn nonsense_is_complained_about() {
    for nonsense in [", history: 10m", ", known_after: 0s", ", max_lag: 10m", ", time_field: \"*\""] {
        assert_eq!(check(nonsense).complaints().len(), 1, "{nonsense}");
    }
    for fields in ["[]", "[\"a*\"]", "[a, a]"] {
        let text = format!("{{ index: a, window: 1m, fields: {fields} }}");
        assert_eq!(serde_saphyr::from_str::<NewTerm>(&text).unwrap().complaints().len(), 1, "{fields}");
    }
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(1_000)) }
}

proptest! {
    #![proptest_config(cases())]

    /// Looks at any distance, with a memory that goes through the store each time, against what the documents themselves say.
    #[test]
    fn a_value_begins_to_be_new_exactly_where_the_documents_say_so(
        writes in vec((0..6_u8, 0..5_000_i64), 0..60),
        steps in vec(1..900_i64, 1..20),
    ) {
        let check = check(", history: 1h");
        let written: Vec<Document> = writes.iter().map(|(user, at)| by(&user.to_string(), *at)).collect();
        let first = 600;
        let mut looks = vec![first];
        for step in steps {
            looks.push(looks.last().unwrap() + step);
        }
        let learns = !written.iter().any(|document| document.at < second(0));
        let (mut before, mut until) = (BTreeSet::new(), 0);
        for (at, told) in looks.iter().zip(told(&check, &written, &looks)) {
            let told: BTreeSet<String> = told.into_iter().collect();
            let start = until.min(at - 600).max(at - HOUR);
            let within = |from: i64, to: i64| -> BTreeSet<String> {
                let of = |(user, at): &(u8, i64)| (from..to).contains(at).then(|| user.to_string());
                writes.iter().filter_map(of).collect()
            };
            let known = within(at - HOUR, until.max(at - HOUR));
            let fresh: BTreeSet<String> = within(until.max(start), *at).difference(&known).cloned().collect();
            let began: BTreeSet<String> = told.difference(&before).cloned().collect();
            let expected = if learns && *at == first { BTreeSet::new() } else { fresh };
            prop_assert_eq!(began, expected, "at {}", at);
            (before, until) = (told, *at);
        }
    }
}
