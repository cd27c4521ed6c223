//! Which documents count is said once, in `filter`, and by no question forgotten.

use std::collections::BTreeSet;

use super::*;

/// Forms of a kind that ask more than its example does.
const OTHER_FORMS: [(&str, &str); 4] = [
    ("change", "change: { index: a, window: 10m, fields: [version], per: [service], ignore_null: false }"),
    ("heartbeat", "heartbeat: { from: { index: a }, every: 5m }"),
    ("metric", "metric: { index: a, window: 5m, derivative: { field: sent, counter: true }, per: [host] }"),
    (
        "spike",
        "spike: { index: a, window: 5m, reference: { before: 1h, buckets: 6 }, avg: took, per: [host] }",
    ),
];

fn planted() -> Value {
    json!({ "term": { "planted": "here" } })
}

/// Every check that takes a filter, with one; a new kind is asked without being named here.
fn filtered() -> Vec<(&'static str, Arc<dyn Check>)> {
    let mut checks = Vec::new();
    for (name, text) in Kind::ALL.iter().chain(&OTHER_FORMS) {
        let mut form: Value = serde_saphyr::from_str(text).unwrap();
        let own = &mut form[*name];
        let place = if own["from"].is_object() { &mut own["from"] } else { own };
        place["filter"] = planted();
        match serde_json::from_value::<Kind>(form) {
            Ok(kind) => checks.push((*name, kind.into_check())),
            Err(error) => assert!(error.to_string().contains("unknown field `filter`"), "{name}: {error}"),
        }
    }
    checks
}

/// Whether no document passes that the planted filter does not let pass.
fn demands(filter: &Value) -> bool {
    let all = |part: &Value| match part {
        Value::Array(parts) => parts.iter().any(demands),
        part => demands(part),
    };
    *filter == planted()
        || ["/bool/filter", "/bool/must"].iter().any(|at| filter.pointer(at).is_some_and(all))
}

/// What a check may remember: nothing, what complete answers leave, and what an index that is not there does.
fn memories(name: &str, check: &dyn Check) -> Vec<Memory> {
    let (.., answers) = complete().into_iter().find(|(kind, ..)| *kind == name).unwrap();
    let missing = vec![failed(Cause::Missing, "no such index"); answers.len()];
    let after = |answers: &[Result<Response, Reason>]| check.read(&look(), answers, Memory::default()).1;
    vec![Memory::default(), after(&answers), after(&missing)]
}

/// Only whether there is any document at all may be asked of all of them: once, as one whole, and beside the question itself.
#[test]
fn no_question_forgets_which_documents_count() {
    let mut later = look();
    later.window = Window::ending(later.window.end + Duration::from_secs(900), Duration::from_secs(900));
    let mut forgotten = BTreeSet::new();
    for (name, check) in filtered() {
        for memory in memories(name, &*check) {
            let mut of_all = 0;
            for (at, query) in check.queries(&later, &memory).into_iter().enumerate() {
                let (filter, whole) = match &query.question {
                    Question::Search(search) => (&search.filter, search.per.is_empty()),
                    Question::Page(page) => (&page.filter, false),
                    other => panic!("{name}: where is the filter in {other:?}?"),
                };
                if filter.as_ref().is_some_and(|filter| demands(filter.query())) {
                    continue;
                }
                of_all += 1;
                if filter.is_some() || !whole || at == 0 || of_all > 1 {
                    forgotten.insert(format!("{name}, question {at}"));
                }
            }
        }
    }
    assert_eq!(forgotten, BTreeSet::new());
}
