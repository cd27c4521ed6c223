use serde_json::json;

use super::{
    super::tests::{failed, fixture, observe, ok, only_reading, shown},
    *,
};

const CHECK: ElasticsearchUnreachable = ElasticsearchUnreachable {};

fn after(cause: Cause, text: &str) -> Observation {
    observe(&CHECK, &[failed(cause, text)])
}

#[test]
fn an_unreachable_cluster_is_told_although_the_cluster_is_down() {
    let seen = after(Cause::Unreachable, "`es-1:9200` refuses connections");
    let reading = only_reading(&seen);
    assert_eq!((reading.value, reading.unit), (Number::Int(1), Unit::Reachability));
    assert_eq!(reading.facts.text("reason"), Some("`es-1:9200` refuses connections"));
}

#[test]
fn any_complete_answer_is_reachable_whatever_its_colour() {
    let reading_of = |body| only_reading(&observe(&CHECK, &[ok(body)])).value;
    assert_eq!(fixture("health")["status"], "red");
    assert_eq!(reading_of(fixture("health")), Number::Int(0));
}

#[test]
fn json_that_is_not_elasticsearchs_is_no_answer_of_it() {
    let seen = observe(&CHECK, &[ok(json!({ "hello": "world" }))]);
    assert_eq!(only_reading(&seen).value, Number::Int(1));
    assert!(shown(&CHECK, &seen).contains("not Elasticsearch's"));
}

#[test]
fn a_well_formed_403_proves_reachability_and_a_401_does_not() {
    let refused = |status| {
        let reason = Reason::new(Cause::Refused, format!("answers, but refuses us ({status})"));
        only_reading(&observe(&CHECK, &[Err(reason.with_status(status))])).value
    };
    assert_eq!((refused(403), refused(401)), (Number::Int(0), Number::Int(1)));
    let login_page = after(Cause::Refused, "answers, but refuses us (403) with `text/html` instead of JSON");
    assert_eq!(only_reading(&login_page).value, Number::Int(1));
}

#[test]
fn what_blinds_every_other_rule_never_blinds_this_one() {
    use Cause::*;
    for cause in [Unreachable, Timeout, Refused, Overloaded, Failing, Partial, Malformed, Lagging] {
        assert_eq!(only_reading(&after(cause, "why")).value, Number::Int(1), "{cause:?}");
    }
    for cause in [Unsupported, Invalid, Missing] {
        assert_eq!(only_reading(&after(cause, "why")).value, Number::Int(0), "{cause:?}");
    }
    assert!(matches!(after(Fault, "a panic"), Observation::Indeterminate(_)));
}

#[test]
fn who_answers_is_never_called_down() {
    for cause in [Cause::Refused, Cause::Overloaded, Cause::Failing, Cause::Timeout, Cause::Malformed] {
        let text = shown(&CHECK, &after(cause, "why")).to_lowercase();
        assert!(!text.split(|c: char| !c.is_alphabetic()).any(|word| word == "down"), "{text}");
    }
}

#[test]
fn what_people_read() {
    let text: Vec<String> = [
        (Cause::Unreachable, "`es-1:9200` refuses connections"),
        (Cause::Timeout, "no answer within 10s"),
        (Cause::Refused, "answers, but refuses us (401): unable to authenticate user"),
        (Cause::Overloaded, "overloaded (429)"),
        (Cause::Failing, "failing (500)"),
        (Cause::Malformed, "answered with `text/html` instead of JSON; is this Elasticsearch?"),
    ]
    .map(|(cause, text)| shown(&CHECK, &after(cause, text)))
    .to_vec();
    insta::assert_snapshot!(text.join("\n"));
}
