use serde_json::json;

use super::*;
use crate::{
    checks::tests::{look, only_reading},
    model::{
        Cause,
        query::{Mark, PageAnswer, Question},
    },
};

/// So many documents of the last seconds before the look.
pub fn page(n: i64) -> PageAnswer {
    let end = look().window.end.timestamp_nanos_opt().unwrap();
    let document = |n: i64| Document {
        index: "logs-1".to_owned(),
        id: format!("d{n}"),
        partition: 0,
        mark: Mark(end - (100 - n) * 1_000_000_000, n),
        at: end - (100 - n) * 1_000_000_000,
        source: Some(
            json!({ "message": format!("line {n}"), "host": { "name": "es-1" }, "n": i64::MAX - n }),
        ),
    };
    PageAnswer { documents: (0..n).map(document).collect(), more: false }
}

fn check(yaml: &str) -> Documents {
    serde_saphyr::from_str(yaml).unwrap()
}

fn answers(page: PageAnswer) -> Vec<Result<Response, Reason>> {
    vec![Ok(Response::Page(page))]
}

#[test]
fn each_document_is_one_event_with_all_that_it_says() {
    let check = check("{ index: logs-*, per: [host.name], from: beginning, level: warning }");
    let events = check.events(&look(), &answers(page(2)), &Memory::default());
    assert_eq!(events.len(), 2);
    let event = &events[1];
    assert_eq!((event.level, event.entity.get("host.name")), (Level::Warning, Some("es-1")));
    assert_eq!(event::message(&event.facts), Some("line 1"));
    assert_eq!(event.facts.get("n"), Some(&json!(i64::MAX - 1)), "64-bit integers stay integers");
    assert_eq!((event.facts.text("_index"), event.facts.text("_id")), (Some("logs-1"), Some("d1")));
    assert_ne!(events[0].name, event.name);
}

#[test]
fn what_was_told_is_not_told_again() {
    let check = check("{ index: logs-*, from: beginning }");
    let (observation, memory) = check.read(&look(), &answers(page(2)), Memory::default());
    assert_eq!(only_reading(&observation).value, Number::Int(0));
    let events = check.events(&look(), &answers(page(3)), &memory);
    assert_eq!(events.iter().map(|event| event.facts.text("_id").unwrap()).collect::<Vec<_>>(), ["d2"]);
}

#[test]
fn a_page_that_cannot_be_had_moves_nothing_and_forgets_nothing() {
    let check = check("{ index: logs-* }");
    let failed = vec![Err(Reason::new(Cause::Timeout, "too slow"))];
    let (observation, memory) = check.read(&look(), &failed, Memory::default());
    assert!(matches!(observation, Observation::Indeterminate(_)));
    let since = memory.0["trail"]["since"].clone();
    let later = Look {
        window: crate::model::Window::ending(look().window.end + Duration::from_secs(60), Duration::ZERO),
        ..look()
    };
    let (_, memory) = check.read(&later, &failed, memory);
    assert_eq!(memory.0["trail"]["since"], since, "`now` is the first look, whatever became of it");
}

#[test]
fn a_page_that_cannot_be_had_keeps_the_place_where_the_one_before_it_ended() {
    let check = check("{ index: logs-*, from: beginning }");
    let (_, memory) = check.read(&look(), &answers(page(3)), Memory::default());
    let asked = check.queries(&look(), &memory);
    for cause in [Cause::Timeout, Cause::Missing] {
        let (_, after) = check.read(&look(), &[Err(Reason::new(cause, "no page"))], memory.clone());
        assert_eq!(after, memory, "{cause:?}");
        assert_eq!(check.queries(&look(), &after), asked, "{cause:?}");
    }
}

#[test]
fn a_document_that_comes_late_is_told_within_the_overlap_and_not_after_it() {
    // they are 100 to 90 seconds old
    let mut seen = page(11);
    let late = PageAnswer { documents: vec![seen.documents.remove(5)], more: false };
    for (overlap, told) in [("2m", vec!["d5"]), ("1m", vec![])] {
        let check = check(&format!("{{ index: logs-*, from: beginning, overlap: {overlap} }}"));
        let (_, memory) = check.read(&look(), &answers(seen.clone()), Memory::default());
        let events = check.events(&look(), &answers(late.clone()), &memory);
        let ids: Vec<&str> = events.iter().map(|event| event.facts.text("_id").unwrap()).collect();
        assert_eq!(ids, told, "an overlap of {overlap}");
    }
}

#[test]
fn how_far_it_is_behind_is_what_it_measures_also_while_it_is_held_back() {
    let check = check("{ index: logs-*, from: beginning, page: 2 }");
    let (observation, memory) =
        check.read(&look(), &answers(PageAnswer { more: true, ..page(2) }), Memory::default());
    assert_eq!(only_reading(&observation).value, Number::Int(99));
    assert!(check.has_more(&memory));
    let held = check.held_back(&look(), &memory);
    assert_eq!(only_reading(&held).value, Number::Int(99));
    let advice = check.advise(&Entity::empty(), only_reading(&held));
    assert_eq!(advice.cause.as_deref(), Some("documents of `logs-*` are told 1m 39s late"));
    assert!(advice.next_step.unwrap().contains("highwater sinks"));
}

#[test]
fn the_question_goes_on_where_the_last_answer_ended() {
    let check =
        check("{ index: logs-*, from: 1h, overlap: 10s, page: 7, fields: [message], per: [host.name] }");
    let (_, memory) = check.read(&look(), &answers(page(3)), Memory::default());
    let queries = check.queries(&look(), &memory);
    let Question::Page(asked) = &queries[0].question else { panic!("{queries:?}") };
    assert_eq!(asked.since, Some(look().window.end - TimeDelta::hours(1)));
    assert_eq!(
        asked.after[&0],
        page(3).documents[1].mark,
        "older than the overlap, but the newest stays known"
    );
    assert_eq!(asked.except["logs-1"], ["d2"]);
    assert_eq!((asked.size, &asked.source[..]), (7, &["message".to_owned(), "host.name".to_owned()][..]));
}

#[test]
fn another_order_begins_anew() {
    let by_time = check("{ index: logs-*, from: beginning }");
    let (_, memory) = by_time.read(&look(), &answers(page(3)), Memory::default());
    let by_number =
        check("{ index: logs-*, from: beginning, sequence: { field: sequence, partition: partitionId } }");
    let queries = by_number.queries(&look(), &memory);
    let Question::Page(asked) = &queries[0].question else { panic!("{queries:?}") };
    assert!(asked.after.is_empty() && asked.except.is_empty());
}

#[test]
fn a_document_too_large_to_be_fetched_is_told_without_its_fields() {
    let check = check("{ index: logs-*, from: beginning, per: [host.name] }");
    let mut large = page(1);
    large.documents[0].source = None;
    let events = check.events(&look(), &answers(large), &Memory::default());
    assert_eq!(events[0].facts.text("left_out"), Some("too large to be fetched"));
    assert_eq!(events[0].facts.text("_id"), Some("d0"));
}

#[test]
fn what_cannot_work_is_told_when_loaded() {
    let complaints = |yaml: &str| check(yaml).complaints();
    assert_eq!(complaints("{ index: logs-* }"), Vec::<String>::new());
    assert!(complaints("{ index: logs-*, page: 0 }")[0].contains("`page`"));
    assert!(complaints("{ index: logs-*, per: [\"a*\"] }")[0].contains("names of fields"));
    assert!(complaints("{ index: \"\" }")[0].contains("`index`"));
    let error = serde_saphyr::from_str::<Documents>("{ index: a, from: yesterday }").unwrap_err().to_string();
    assert!(error.contains("`beginning`"), "{error}");
}
