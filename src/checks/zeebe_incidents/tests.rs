use serde_json::{Value, json};

use super::*;
use crate::{
    checks::tests::{look, readings, reason},
    model::query::{Document, Group as Numbers, Mark, PageAnswer, Question, SearchAnswer},
};

fn base() -> i64 {
    look().window.end.timestamp_millis() - 60_000
}

fn document(sequence: i64, source: Value) -> Document {
    let at = (base() + sequence * 10) * 1_000_000;
    let mark = Mark((1 << 51) + sequence, 0);
    Document {
        index: "z".to_owned(),
        id: format!("1-{sequence}"),
        partition: 1,
        mark,
        at,
        source: Some(source),
    }
}

fn record(sequence: i64, intent: &str, key: i64) -> Document {
    let value = json!({
        "bpmnProcessId": "order", "elementId": "pay", "errorType": "JOB_NO_RETRIES", "tenantId": "<default>",
        "processInstanceKey": 77, "elementInstanceKey": 78, "jobKey": -1, "errorMessage": "the card\nwas refused",
    });
    document(
        sequence,
        json!({ "recordType": "EVENT", "valueType": "INCIDENT", "intent": intent, "key": key, "value": value }),
    )
}

/// Sequence, intent and key of each record.
pub fn page(records: &[(i64, &str, i64)]) -> PageAnswer {
    let documents = records.iter().map(|(sequence, intent, key)| record(*sequence, intent, *key)).collect();
    PageAnswer { documents, more: false }
}

fn check() -> ZeebeIncidents {
    serde_saphyr::from_str("{ index: \"zeebe-record_incident_*\" }").unwrap()
}

/// Looks that are so many seconds apart, each with what is new to it; how many are open after each.
struct Story {
    at: i64,
    memory: Memory,
}

impl Story {
    fn begin() -> Self {
        Self { at: 0, memory: Memory::default() }
    }

    fn see(&mut self, seconds: i64, page: PageAnswer) -> Observation {
        self.at += seconds;
        let end = look().window.end + TimeDelta::seconds(self.at);
        let look = Look { window: Window { start: end, end }, ..look() };
        let answers = [Ok(Response::Page(page)), Ok(Response::Page(PageAnswer::default()))];
        let (observation, memory) = check().read(&look, &answers, std::mem::take(&mut self.memory));
        self.memory = memory;
        observation
    }

    fn open(&mut self, seconds: i64, records: &[(i64, &str, i64)]) -> u64 {
        let seen = self.see(seconds, page(records));
        readings(&seen).values().map(|reading| reading.facts.count("open").unwrap()).sum()
    }
}

#[test]
fn incidents_are_open_from_created_to_resolved_and_a_little_longer() {
    let mut story = Story::begin();
    assert_eq!(story.open(0, &[(1, "CREATED", 10), (2, "CREATED", 11)]), 2);
    assert_eq!(story.open(1, &[(3, "RESOLVED", 10)]), 2, "it may have failed");
    assert_eq!(story.open(6, &[]), 1);
    assert_eq!(story.open(1, &[(4, "RESOLVED", 11)]), 1);
    let seen = story.see(6, page(&[]));
    assert_eq!(seen, Observation::Seen { findings: BTreeMap::new(), others: Others::Zero });
}

#[test]
fn resolving_that_fails_is_no_recovery_wherever_the_looks_are_cut() {
    let failed = |story: &mut Story, cut: bool| {
        let (resolved, mut created) = (record(2, "RESOLVED", 10), record(3, "CREATED", 20));
        created.at = resolved.at;
        if cut {
            assert_eq!(
                story.see(1, PageAnswer { documents: vec![resolved], more: false }).to_string(),
                "1 seen"
            );
            return story.see(1, PageAnswer { documents: vec![created], more: false });
        }
        story.see(1, PageAnswer { documents: vec![resolved, created], more: false })
    };
    for cut in [false, true] {
        let mut story = Story::begin();
        assert_eq!(story.open(0, &[(1, "CREATED", 10)]), 1);
        let seen = failed(&mut story, cut);
        assert_eq!(readings(&seen).values().next().unwrap().value, Number::Int(1), "cut: {cut}");
        assert_eq!(story.open(10, &[]), 1);
        assert_eq!(story.open(1, &[(4, "RESOLVED", 20)]), 1);
        assert_eq!(story.open(10, &[]), 0);
    }
}

/// The same record, so many seconds before the first look.
fn dated(mut record: Document, seconds: i64) -> Document {
    record.at = (look().window.end - TimeDelta::seconds(seconds)).timestamp_nanos_opt().unwrap();
    record
}

#[test]
fn what_was_resolved_long_ago_is_not_open_at_the_first_look_however_many_pages_that_reads() {
    let incident = |n: i64| {
        let made = dated(record(2 * n, "CREATED", n), 86_400);
        [made, dated(record(2 * n + 1, "RESOLVED", n), 86_385)]
    };
    let documents: Vec<Document> = (1..=300).flat_map(incident).collect();
    for cut in [0, 2, 3, 599] {
        let mut story = Story::begin();
        let (first, rest) = documents.split_at(cut);
        if cut > 0 {
            story.see(0, PageAnswer { documents: first.to_vec(), more: true });
        }
        let seen = story.see(1, PageAnswer { documents: rest.to_vec(), more: false });
        assert_eq!(
            seen,
            Observation::Seen { findings: BTreeMap::new(), others: Others::Zero },
            "cut at {cut}"
        );
    }
}

#[test]
fn at_the_first_look_a_resolve_that_failed_long_ago_leaves_one_open_and_a_new_one_may_still_fail() {
    let mut story = Story::begin();
    let failed = ["RESOLVED", "CREATED"].into_iter().zip([10, 20]);
    let old = failed.zip(2..).map(|((intent, key), n)| dated(record(n, intent, key), 3600));
    let mut documents: Vec<Document> =
        [dated(record(1, "CREATED", 10), 3700)].into_iter().chain(old).collect();
    documents.extend([dated(record(4, "CREATED", 30), 60), dated(record(5, "RESOLVED", 30), 2)]);
    let seen = story.see(0, PageAnswer { documents, more: false });
    assert_eq!(readings(&seen).values().next().unwrap().value, Number::Int(2));
    assert_eq!(story.open(2, &[]), 2, "4 s are not the 5 s that it is held");
    assert_eq!(story.open(1, &[]), 1);
}

#[test]
fn what_ended_between_two_looks_counts_from_its_own_time_and_what_comes_late_from_now() {
    let mut story = Story::begin();
    assert_eq!(story.open(0, &[(1, "CREATED", 10), (2, "CREATED", 11)]), 2);
    let documents = vec![dated(record(3, "RESOLVED", 10), -200), dated(record(4, "RESOLVED", 11), 200)];
    let seen = story.see(300, PageAnswer { documents, more: false });
    assert_eq!(
        readings(&seen).values().next().unwrap().value,
        Number::Int(1),
        "its resolve may have failed as late"
    );
    assert_eq!(story.open(5, &[]), 0);
}

#[test]
fn a_broker_whose_clock_is_ahead_holds_nothing_open() {
    let mut story = Story::begin();
    let documents = vec![dated(record(1, "CREATED", 10), -3600), dated(record(2, "RESOLVED", 10), -3600)];
    assert_eq!(story.see(0, PageAnswer { documents, more: false }).to_string(), "1 seen");
    assert_eq!(story.open(5, &[]), 0);
}

#[test]
fn a_record_that_becomes_visible_after_the_one_behind_it_leaves_nothing_open() {
    let mut story = Story::begin();
    assert_eq!(story.open(0, &[(5, "RESOLVED", 10)]), 0);
    assert_eq!(story.open(1, &[(4, "CREATED", 10)]), 0);
    assert_eq!(story.open(1, &[(6, "CREATED", 11)]), 1);
}

#[test]
fn an_incident_whose_creation_was_deleted_is_not_counted_below_zero() {
    let mut story = Story::begin();
    assert_eq!(story.open(0, &[(7, "RESOLVED", 3), (8, "CREATED", 4)]), 1);
    assert_eq!(story.open(60, &[]), 1);
}

#[test]
fn a_migrated_incident_is_counted_where_it_is_now() {
    let mut story = Story::begin();
    story.see(0, page(&[(1, "CREATED", 10)]));
    let mut migrated = record(2, "MIGRATED", 10);
    migrated.source.as_mut().unwrap()["value"]["elementId"] = "ship".into();
    let seen = story.see(1, PageAnswer { documents: vec![migrated], more: false });
    let all = readings(&seen);
    assert_eq!(all.len(), 1);
    assert!(all.keys().next().unwrap().contains("elementId=ship"), "{all:?}");
}

#[test]
fn a_migrated_incident_is_open_wherever_its_creation_is() {
    let mut story = Story::begin();
    // the index of the day on which it was made is deleted; of the other, what came first becomes visible last
    assert_eq!(story.open(0, &[(2, "MIGRATED", 10), (3, "MIGRATED", 11)]), 2);
    assert_eq!(story.open(1, &[(1, "CREATED", 11)]), 2, "it is no other");
    assert_eq!(story.open(1, &[(5, "RESOLVED", 12), (6, "RESOLVED", 10), (7, "RESOLVED", 11)]), 2);
    assert_eq!(story.open(1, &[(4, "MIGRATED", 12)]), 2, "it has ended already");
    assert_eq!(story.open(10, &[]), 0);
}

#[test]
fn whatever_version_wrote_it_a_record_is_read() {
    let old = json!({
        "intent": "CREATED", "key": i64::MAX, "recordType": "EVENT",
        "value": { "workflowId": "w", "activityId": "a", "errorType": "SOMETHING_NEW", "tenantId": null,
                   "workflowInstanceKey": "9007199254740993", "elementInstanceKey": null, "jobKey": -1 },
    });
    let record::Kind::Record(read) = record::of(&document(1, old)) else { panic!("not read") };
    assert_eq!(
        (read.key, read.instance, read.element_instance),
        (i64::MAX, Some(9_007_199_254_740_993), None)
    );
    let entity = read.group.entity();
    let labels: Vec<&str> = entity.labels().map(|(_, value)| value).collect();
    assert_eq!(labels, ["w", "a", "SOMETHING_NEW", "<default>"]);
    for (source, kind) in [
        (json!({ "intent": "CREATED", "key": null, "recordType": "EVENT" }), record::Kind::Unreadable),
        (json!({ "intent": "CREATED", "key": -1 }), record::Kind::Unreadable),
        (json!({ "key": 1 }), record::Kind::Unreadable),
        (json!("nonsense"), record::Kind::Unreadable),
        (json!({ "intent": "CREATE", "key": 1, "recordType": "COMMAND" }), record::Kind::Other),
        (json!({ "intent": "CREATED", "key": 1, "valueType": "JOB" }), record::Kind::Other),
        (json!({ "intent": "REVIEWED", "key": 1 }), record::Kind::Other),
    ] {
        assert_eq!(record::of(&document(1, source.clone())), kind, "{source}");
    }
}

#[test]
fn very_many_open_incidents_are_counted_although_not_all_are_known() {
    let mut story = Story::begin();
    let all: Vec<(i64, &str, i64)> = (1..=60_000).map(|n| (n, "CREATED", n)).collect();
    let seen = story.see(0, page(&all));
    let reading = readings(&seen).values().next().copied().unwrap().clone();
    assert_eq!((reading.value, reading.facts.count("only_counted")), (Number::Int(60_000), Some(10_000)));
    assert!(serde_json::to_string(&story.memory).unwrap().len() < 3 << 20);
    assert_eq!(story.open(1, &[(60_001, "RESOLVED", 60_000)]), 59_999);
}

#[test]
fn while_pages_are_left_nothing_is_concluded() {
    let mut story = Story::begin();
    let seen = story.see(0, PageAnswer { more: true, ..page(&[(1, "CREATED", 10)]) });
    assert_eq!(reason(&seen).cause, Cause::Lagging);
    assert!(check().has_more(&story.memory));
    assert_eq!(story.open(1, &[]), 1);
}

#[test]
fn a_broker_that_begins_anew_is_followed_from_its_beginning() {
    let mut story = Story::begin();
    let key = |n: i64| (1_i64 << 51) + n;
    story.see(0, page(&[(1, "CREATED", key(1)), (9, "CREATED", key(2))]));
    let mut anew = record(1, "CREATED", key(1));
    anew.at += 60_000_000_000;
    anew.id = "1-9999".to_owned();
    let answers = [
        Ok(Response::Page(PageAnswer::default())),
        Ok(Response::Page(PageAnswer { documents: vec![anew], more: false })),
    ];
    let (seen, memory) = check().read(&look(), &answers, story.memory);
    assert_eq!(reason(&seen).cause, Cause::Lagging);
    let kept = ZeebeIncidents::kept(&memory);
    assert_eq!(kept.open.groups().count(), 0);
    let queries = check().queries(&look(), &memory);
    let Question::Page(asked) = &queries[0].question else { panic!("{queries:?}") };
    assert!(asked.after.is_empty() && asked.except.is_empty());
}

#[test]
fn no_index_is_no_incident_only_where_the_exporter_writes_anything_else() {
    let missing = || Err(Reason::new(Cause::Missing, "no index matches"));
    let total = |total: u64| {
        let group = Numbers { total, ..Numbers::default() };
        Ok(Response::Search(SearchAnswer { groups: [(Entity::empty(), group)].into() }))
    };
    let read = |answers: &[Result<Response, Reason>]| check().read(&look(), answers, Memory::default()).0;
    assert_eq!(
        read(&[missing(), total(5), missing()]),
        Observation::Seen { findings: BTreeMap::new(), others: Others::Zero }
    );
    for answers in [[missing(), total(0), missing()], [missing(), missing(), missing()]] {
        assert_eq!(reason(&read(&answers)).cause, Cause::Missing);
    }
    let queries = check().queries(&look(), &Memory::default());
    for (at, index) in [(1, "zeebe-record_*_*"), (2, "zeebe-record_incident_*")] {
        let Question::Search(search) = &queries[at].question else { panic!("{queries:?}") };
        assert_eq!((search.index.as_str(), queries[at].optional), (index, true));
    }
    // incidents that an exporter before 8.3 wrote are there, and cannot be followed by what they do not have
    let lacking = || {
        Err(Reason::new(
            Cause::Missing,
            "field missing: no index of `zeebe-record_incident_*` has `sequence`",
        ))
    };
    for own in [total(3), total(0), Err(Reason::new(Cause::Timeout, "too slow"))] {
        let seen = read(&[lacking(), total(5), own]);
        assert!(reason(&seen).text.ends_with("before 8.3 it is `sequence: position`"), "{seen:?}");
    }
}

#[test]
fn people_read_which_process_what_happened_and_what_to_do() {
    let mut story = Story::begin();
    let seen =
        story.see(0, page(&[(1, "CREATED", 10), (2, "CREATED", 11), (3, "CREATED", 12), (4, "CREATED", 13)]));
    let Observation::Seen { findings, .. } = &seen else { panic!("{seen:?}") };
    let (entity, Finding::Value(reading)) = findings.iter().next().unwrap() else { panic!("{seen:?}") };
    assert_eq!(reading.facts.get("examples").unwrap()[0], "incident 10 of instance 77: the card was refused");
    assert_eq!(reading.facts.get("examples").unwrap().as_array().unwrap().len(), 3);
    let advice = check().advise(entity, reading);
    assert_eq!(advice.cause.as_deref(), Some("4 incidents of `order` at `pay`: JOB_NO_RETRIES"));
    assert!(advice.next_step.unwrap().contains("retries"));
}
