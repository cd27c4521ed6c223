use std::time::Duration;

use serde_json::json;

use super::{
    super::tests::{failed, look, observe, only_reading, reason, shown},
    *,
};
use crate::model::{fetch::Body, query::Question};

fn http(more: &str) -> Http {
    serde_saphyr::from_str(&format!("{{ url: \"https://shop.example:8443/stats\"{more} }}")).unwrap()
}

pub fn answer(status: u16, body: Value) -> Result<Response, Reason> {
    let not_after = Some("2026-12-01T12:30:00Z".parse().unwrap());
    let (body, latency) = (Body::Json(body), Duration::from_millis(212));
    Ok(Response::Fetched(Fetched { status, body, latency, not_after }))
}

fn value_of(pointer: &str, body: Value) -> Observation {
    observe(&http(&format!(", pointer: {pointer}")), &[answer(200, body)])
}

#[test]
fn the_number_under_a_pointer_is_the_value_and_stays_an_integer() {
    let depth = json!({ "queue": { "depth": 9_007_199_254_740_993_i64, "lag": "12.5", "open": true, "full": "80%" } });
    let read = |pointer: &str| only_reading(&value_of(pointer, depth.clone())).value;
    assert_eq!(read("/queue/depth"), Number::Int(9_007_199_254_740_993));
    assert_eq!(read("/queue/lag"), Number::Float(12.5));
    assert_eq!((read("/queue/open"), read("/queue/full")), (Number::Int(1), Number::Int(80)));
}

#[test]
fn what_is_no_number_proves_nothing_and_null_is_no_data() {
    for (body, words) in [
        (json!({}), "the answer has nothing at `/n`"),
        (json!({ "n": "many" }), "`/n` is text, and no number"),
        (json!({ "n": [1] }), "`/n` is a list, and no number"),
        (json!({ "n": "NaN" }), "`/n` is text, and no number"),
    ] {
        assert_eq!(reason(&value_of("/n", body)).text, words);
    }
    let Observation::Seen { findings, .. } = value_of("/n", json!({ "n": null })) else { panic!() };
    assert!(matches!(findings[&Entity::empty()], Finding::NoData(_)));
}

#[test]
fn another_answer_than_json_or_another_status_proves_no_value() {
    let check = http(", pointer: /n");
    let page = |body| Fetched { status: 200, body, latency: Duration::ZERO, not_after: None };
    let seen = |fetched| observe(&check, &[Ok(Response::Fetched(fetched))]);
    assert_eq!(reason(&seen(page(Body::Other))).text, "the answer is no JSON");
    assert_eq!(reason(&seen(page(Body::TooLong))).text, "the answer is longer than it may be");
    let seen = observe(&check, &[answer(503, json!({ "n": 1 }))]);
    assert_eq!((reason(&seen).cause, reason(&seen).status), (Cause::Failing, Some(503)));
    let accepted = http(", pointer: /n, status: [503]");
    assert_eq!(only_reading(&observe(&accepted, &[answer(503, json!({ "n": 1 }))])).value, Number::Int(1));
}

#[test]
fn a_service_is_down_when_it_does_not_answer_as_it_should() {
    let is_down = |check: &Http, answer| {
        let seen = observe(check, &[answer]);
        let reading = only_reading(&seen);
        assert_eq!(reading.unit, Unit::Liveness);
        reading.value == Number::Int(1)
    };
    let plain = http("");
    assert!(!is_down(&plain, answer(204, json!(null))));
    for bad in [
        answer(500, json!({})),
        answer(302, json!({})),
        answer(404, json!({})),
        failed(Cause::Unreachable, "cannot be reached: connection refused"),
        failed(Cause::Timeout, "does not answer in time"),
        Ok(Response::Expired("2026-11-01T00:00:00Z".parse().unwrap())),
    ] {
        assert!(is_down(&plain, bad));
    }
    let equals = http(", pointer: /status, equals: UP");
    assert!(!is_down(&equals, answer(200, json!({ "status": "UP" }))));
    assert!(is_down(&equals, answer(200, json!({ "status": "DOWN" }))));
    assert_eq!(reason(&observe(&equals, &[answer(200, json!({}))])).cause, Cause::Malformed);
}

#[test]
fn a_question_that_could_not_be_asked_says_nothing_of_the_service() {
    let missing = || failed(Cause::Invalid, "the environment has no `TOKEN`");
    assert_eq!(reason(&observe(&http(""), &[missing()])).text, "the environment has no `TOKEN`");
}

#[test]
fn latency_status_and_days_left_are_measured() {
    let read = |measure: &str, answers: &[Result<Response, Reason>]| {
        only_reading(&observe(&http(&format!(", measure: {measure}")), answers)).clone()
    };
    assert_eq!(read("latency", &[answer(200, json!(1))]).value, Number::Float(0.212));
    assert_eq!(read("status", &[answer(503, json!(1))]).value, Number::Int(503));
    assert_eq!(read("certificate_days", &[answer(401, json!(1))]).value, Number::Float(10.0));
    let over = Ok(Response::Expired("2026-11-20T12:30:00Z".parse().unwrap()));
    assert_eq!(read("certificate_days", &[over]).value, Number::Float(-1.0));
    let silent = [failed(Cause::Timeout, "does not answer in time")];
    for measure in ["latency", "status", "certificate_days"] {
        reason(&observe(&http(&format!(", measure: {measure}")), &silent));
    }
}

#[test]
fn what_cannot_work_is_complained_about() {
    let complaints = |text: &str| serde_saphyr::from_str::<Http>(text).unwrap().complaints().join("; ");
    for (text, words) in [
        ("{ url: shop }", "`url` has to start with"),
        ("{ url: \"https://me:pw@shop/\" }", "holds no credentials"),
        ("{ url: \"https://a/\", pointer: queue.depth }", "write one like `/queue/depth`"),
        ("{ url: \"https://a/\", measure: value }", "needs a `pointer`"),
        ("{ url: \"https://a/\", equals: UP }", "`equals` needs a `pointer`"),
        ("{ url: \"https://a/\", pointer: /a, measure: latency }", "`pointer` is for"),
        ("{ url: \"http://a/\", measure: certificate_days }", "starts with `https://`"),
        ("{ url: \"https://a/\", auth: { bearer: abc } }", "must not stand here as plain text"),
        ("{ url: \"https://a/\", headers: { X-Api-Key: abc } }", "must not stand here as plain text"),
        ("{ url: \"https://a/\", body: \"{}\" }", "write `method: POST`"),
        ("{ url: \"https://a/\", unit: bytes }", "`unit` is for"),
        ("{ url: \"https://a/\", timeout: 5m }", "between 0 and 2m"),
        ("{ url: \"https://a/\", tls: { client_key: a.pem } }", "need each other"),
    ] {
        assert!(complaints(text).contains(words), "{text}: {}", complaints(text));
    }
    assert_eq!(complaints("{ url: \"${env:URL}\" }"), "");
}

#[test]
fn it_is_asked_as_it_was_written() {
    let check =
        http(", method: POST, body: \"{}\", headers: { accept: text/plain }, auth: { bearer: \"${env:T}\" }");
    let queries = check.queries(&look(), &Memory::default());
    let Question::Fetch(fetch) = &queries[0].question else { panic!() };
    assert_eq!(fetch.method, fetch::Method::Post);
    let names: Vec<&str> = fetch.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Authorization", "accept"]);
    assert_eq!(fetch.headers[0].1.to_string(), "<hidden>${env:T}");
    assert_eq!(check.elsewhere().as_deref(), Some("shop.example:8443"));
}

#[test]
fn what_people_read() {
    let mut text = String::new();
    let mut add = |more: &str, answer: Result<Response, Reason>| {
        let check = http(more);
        text += &shown(&check, &observe(&check, &[answer]));
    };
    add("", answer(200, json!(null)));
    add("", answer(401, json!(null)));
    add("", failed(Cause::Unreachable, "cannot be reached: connection refused"));
    add(", pointer: /status, equals: UP", answer(200, json!({ "status": "D\u{202e}OWN" })));
    add(", pointer: /n", answer(200, json!({ "n": 1204 })));
    add(", measure: latency", answer(200, json!(1)));
    add(", measure: status", answer(503, json!(1)));
    add(", measure: certificate_days", answer(200, json!(1)));
    add(", measure: certificate_days", Ok(Response::Expired("2026-11-20T12:30:00Z".parse().unwrap())));
    insta::assert_snapshot!(text);
}
