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

/// Services with their versions, and how many seconds before the end of the window each was last seen.
pub fn versions(groups: &[(&str, &str, u64)]) -> SearchAnswer {
    let group = |&(service, version, ago): &(&str, &str, u64)| {
        let at = Number::Int((look().window.end - Duration::from_secs(ago)).timestamp_millis());
        let metrics = [(NEWEST.to_owned(), Some(at))].into();
        (
            Entity::new([("service", service), ("version", version)]),
            Group { total: 3, metrics, ..Group::default() },
        )
    };
    SearchAnswer { groups: groups.iter().map(group).collect() }
}

fn check(more: &str) -> Change {
    serde_saphyr::from_str(&format!("{{ index: \"a-*\", window: 10m, fields: [state], per: [host]{more} }}"))
        .unwrap()
}

fn on(host: &str, state: &str, seconds: i64) -> Document {
    Document::at(seconds, &[("host", host), ("state", state)])
}

/// What changed on which host, look by look: `a: up > down`.
fn told(check: &Change, written: &[Document], looks: &[i64]) -> Vec<Vec<String>> {
    let mut memory = Memory::default();
    let mut told = Vec::new();
    for at in looks {
        let (seen, next) = looked(check, &look_at(*at, check.window.0), memory, written);
        memory = next;
        told.push(changes_in(&seen));
    }
    told
}

fn changes_in(seen: &Observation) -> Vec<String> {
    let text = |reading: &Reading, name: &str| reading.facts.text(name).unwrap().to_owned();
    let found = readings(seen).into_iter().filter(|(_, reading)| reading.value > Number::Int(0));
    found
        .map(|(on, of)| {
            format!("{}: {} > {}", on.replace("host=", ""), text(of, "before"), text(of, "after"))
        })
        .collect()
}

#[test]
fn a_change_is_told_until_the_new_value_has_stood_for_one_window() {
    let written: Vec<Document> = (0..12)
        .flat_map(|n| [on("a", if n < 3 { "up" } else { "down" }, n * 300), on("b", "up", n * 300)])
        .collect();
    let looks: Vec<i64> = (0..7).map(|n| n * 300 + 1).collect();
    let told = told(&check(""), &written, &looks);
    let changed = vec!["a: up > down"];
    assert_eq!(told, [vec![], vec![], vec![], changed.clone(), changed, vec![], vec![]]);
}

#[test]
fn what_changed_and_changed_back_between_two_looks_is_seen() {
    let written = [on("a", "up", 1), on("a", "down", 300), on("a", "up", 400)];
    let (_, memory) = looked(&check(""), &look_at(10, Duration::from_secs(600)), Memory::default(), &written);
    let (seen, _) = looked(&check(""), &look_at(500, Duration::from_secs(600)), memory, &written);
    let reading = only_reading(&seen);
    assert_eq!(
        (reading.value, reading.facts.text("before"), reading.facts.text("after")),
        (Number::Int(1), Some("up"), Some("up"))
    );
    assert!(check("").advise(&Entity::of("host", "a"), reading).cause.unwrap().contains("was `up` again"));
}

#[test]
fn a_change_while_nobody_looked_is_not_missed_but_what_is_older_than_within_is_forgotten() {
    let written = [on("a", "up", 1), on("a", "down", 7_000)];
    assert_eq!(told(&check(""), &written, &[10, 20_000])[1], ["a: up > down"]);
    assert_eq!(told(&check(", within: 1h"), &written, &[10, 7_010])[1], Vec::<String>::new());
}

#[test]
fn documents_that_come_late_change_nothing() {
    let check = check("");
    let window = Duration::from_secs(600);
    let (_, memory) = looked(&check, &look_at(500, window), Memory::default(), &[on("a", "up", 400)]);
    let (seen, _) =
        looked(&check, &look_at(510, window), memory, &[on("a", "up", 400), on("a", "down", 300)]);
    assert_eq!(only_reading(&seen).value, Number::Int(0));
}

#[test]
fn a_list_is_one_value_and_several_fields_count_together() {
    let tags = [on("a", "x", 1), on("a", "y", 1), on("a", "x", 300), on("a", "y", 300), on("a", "x", 500)];
    assert_eq!(told(&check(""), &tags[..4], &[10, 310]), [vec![], Vec::<String>::new()]);
    assert_eq!(told(&check(""), &tags, &[310, 510])[1], ["a: x, y > x"]);
    let both: Change = serde_saphyr::from_str("{ index: a, window: 10m, fields: [mode, state] }").unwrap();
    let of = |mode: &str, state: &str, at: i64| Document::at(at, &[("mode", mode), ("state", state)]);
    let told = told(&both, &[of("m", "up", 1), of("n", "up", 300)], &[10, 310]);
    assert_eq!(told, [vec![], vec![": mode=m,state=up > mode=n,state=up"]]);
}

#[test]
fn a_field_that_goes_missing_is_a_change_only_where_that_is_asked_for() {
    let written = [on("a", "up", 1), Document::at(300, &[("host", "a")]), on("a", "up", 500)];
    let looks = [10, 310, 510];
    assert_eq!(told(&check(""), &written, &looks), [vec![], vec![], Vec::<String>::new()]);
    let told = told(&check(", ignore_null: false"), &written, &looks);
    assert_eq!(told, [vec![], vec!["a: up > (none)"], vec!["a: (none) > up"]]);
}

#[test]
fn where_no_document_has_the_field_any_more_it_is_missing_and_where_none_ever_had_nothing_is_proven() {
    let check = check(", ignore_null: false");
    let nulls = || {
        let metrics =
            [(NEWEST.to_owned(), Some(Number::Int(look().window.end.timestamp_millis() - 1)))].into();
        let group = Group { total: 3, metrics, ..Group::default() };
        Ok(Response::Search(SearchAnswer { groups: [(Entity::of("host", "a"), group)].into() }))
    };
    let all = || Ok(Response::Search(crate::checks::count::tests::all(3)));
    let answers = [failed(Cause::Missing, "field missing"), all(), nulls()];
    let (seen, memory) = check.read(&look(), &answers, Memory::default());
    assert_eq!((reason(&seen).cause, memory), (Cause::Missing, Memory::default()));
    let seconds = (look().window.end - second(0)).num_seconds();
    let memory = looked(
        &check,
        &look_at(seconds - 60, Duration::from_secs(600)),
        Memory::default(),
        &[on("a", "up", seconds - 90)],
    )
    .1;
    assert_eq!(changes_in(&check.read(&look(), &answers, memory).0), ["a: up > (none)"]);
}

#[test]
fn a_look_that_proves_nothing_leaves_the_memory_as_it_was_and_an_empty_window_is_no_data() {
    let check = check("");
    let window = Duration::from_secs(600);
    let memory = looked(&check, &look_at(10, window), Memory::default(), &[on("a", "up", 1)]).1;
    for at in 0..2 {
        let mut answers =
            [Ok(Response::Search(versions(&[]))), Ok(Response::Search(crate::checks::count::tests::all(9)))];
        answers[at] = failed(Cause::Partial, "2 of 7 shards failed");
        assert_eq!(check.read(&look(), &answers, memory.clone()).1, memory);
    }
    let (seen, _) = looked(&check, &look_at(5_000, window), memory, &[]);
    let Observation::Seen { findings, others } = seen else { panic!("{seen:?}") };
    assert!(matches!(findings[&Entity::empty()], Finding::NoData(_)) && findings.len() == 1);
    assert_eq!(others, Others::Over, "what is over does not wait for documents");
}

#[test]
fn too_much_to_remember_is_told_and_long_values_are_kept_apart() {
    let (long, other) = ("é".repeat(5_000), "é".repeat(5_001));
    assert!(known::shortened(long.clone()).chars().count() < 165);
    assert_ne!(known::shortened(long.clone()), known::shortened(other));
    let host = |n: usize| on(&n.to_string(), &format!("{n} {long}"), 1);
    let many: Vec<Document> = (0..5_000).map(host).collect();
    let (seen, memory) = looked(&check(""), &look_at(10, Duration::from_secs(600)), Memory::default(), &many);
    assert!(reason(&seen).text.starts_with("more than 1 MiB"), "{seen:?}");
    assert_eq!(memory, Memory::default());
    let (_, memory) =
        looked(&check(""), &look_at(10, Duration::from_secs(600)), Memory::default(), &many[..2_000]);
    assert!(memory.0.to_string().len() <= 1 << 20);
    assert!(check(", filter: \"a:b\"").known(&memory).is_none(), "another question");
}

#[test]
fn what_people_read() {
    let check: Change = serde_saphyr::from_str::<BTreeMap<String, Change>>(Change::EXAMPLE)
        .unwrap()
        .remove("change")
        .unwrap();
    let values = versions(&[("shop", "1.0", 300), ("shop", "1.1", 60), ("mail", "2", 5)]);
    let all = crate::checks::count::tests::all(9);
    let answers = [Ok(Response::Search(values)), Ok(Response::Search(all))];
    insta::assert_snapshot!(shown(&check, &check.read(&look(), &answers, Memory::default()).0));
}

#[test]
fn nonsense_is_complained_about() {
    for nonsense in [", within: 10m", ", max_lag: 10m", ", time_field: \"*\""] {
        assert_eq!(check(nonsense).complaints().len(), 1, "{nonsense}");
    }
    for fields in ["[]", "[\"a*\"]", "[a, a]", "[host]"] {
        let text = format!("{{ index: a, window: 1m, per: [host], fields: {fields} }}");
        assert_eq!(serde_saphyr::from_str::<Change>(&text).unwrap().complaints().len(), 1, "{fields}");
    }
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("HIGHWATER_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(1_000)) }
}

proptest! {
    #![proptest_config(cases())]

    /// Looks at any distance, each from a memory that went through the store: a look finds a change exactly where two documents
    /// after one another differ, the newer of which came since the look before.
    #[test]
    fn each_change_is_found_by_exactly_one_look(
        values in vec((0..3_u8, 1..400_i64), 1..40),
        steps in vec(1..900_i64, 1..20),
    ) {
        let check = check("");
        let (mut at, mut written, mut line) = (0, Vec::new(), Vec::new());
        for (value, step) in values {
            at += step;
            written.push(on("a", &value.to_string(), at));
            line.push((at, value));
        }
        let first = steps[0] - 600;
        let (mut memory, mut until, mut now) = (Memory::default(), first, 0);
        for step in steps {
            now += step;
            let (seen, next) = looked(&check, &look_at(now, check.window.0), memory, &written);
            memory = next;
            let within = |from: i64, to: i64| line.iter().filter(move |(at, _)| (from..to).contains(at));
            let mut values: BTreeSet<u8> = within(until, now).map(|(_, value)| *value).collect();
            let newer = !values.is_empty();
            values.extend(within(first, until).next_back().map(|(_, value)| *value));
            let changed = known_change(&check, &memory, now);
            prop_assert_eq!(changed, newer && values.len() > 1, "at {} of {:?}: {:?}", now, &line, seen);
            until = now;
        }
    }
}

/// Whether the look at this tick found a change.
fn known_change(check: &Change, memory: &Memory, tick: i64) -> bool {
    let changed = check.known(memory).and_then(|known| known.changed(&Entity::of("host", "a")).cloned());
    changed.is_some_and(|changed| {
        serde_json::to_value(changed).unwrap()["at"] == second(tick).timestamp_millis()
    })
}
