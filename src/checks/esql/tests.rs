use serde_json::{Value, json};

use super::{
    super::tests::{look, observe, ok, only_reading, readings, reason, shown},
    *,
};
use crate::model::{Number, query::Question as Any};

/// The answer to the example.
pub fn errors() -> Value {
    json!({
        "took": 5, "is_partial": false,
        "columns": [{ "name": "errors", "type": "long" }, { "name": "service.name", "type": "keyword" }],
        "values": [[12, "shop"], [3, "search"]],
    })
}

fn example() -> Esql {
    serde_saphyr::from_str(Esql::EXAMPLE.strip_prefix("esql: ").unwrap()).unwrap()
}

fn esql(query: &str, more: &str) -> Esql {
    serde_saphyr::from_str(&format!("{{ query: '{query}', value: n{more} }}")).unwrap()
}

fn of(kind: &str, cell: Value) -> Observation {
    let answer = json!({ "columns": [{ "name": "n", "type": kind }], "values": [[cell]] });
    observe(&esql("ROW n = 1", ""), &[ok(answer)])
}

#[test]
fn each_row_is_judged_by_itself_and_a_known_one_that_is_not_there_has_no_data() {
    let seen = observe(&example(), &[ok(errors())]);
    assert_eq!(readings(&seen)["service.name=shop"].value, Number::Int(12));
    assert_eq!(readings(&seen)["service.name=search"].value, Number::Int(3));
    let Observation::Seen { others, .. } = seen else { unreachable!() };
    assert_eq!(others, Others::NoData);
}

#[test]
fn numbers_of_every_type_are_numbers_and_integers_stay_exact() {
    let exact = 9_007_199_254_740_993_i64;
    assert_eq!(only_reading(&of("long", json!(exact))).value, Number::Int(exact));
    assert_eq!(only_reading(&of("double", json!(1.5))).value, Number::Float(1.5));
    assert_eq!(only_reading(&of("unsigned_long", json!(u64::MAX))).value, Number::Int(i64::MAX));
    assert!(matches!(of("long", Value::Null), Observation::NoData(_)));
}

#[test]
fn what_is_no_number_says_how_it_becomes_one() {
    for (kind, cell, words) in [
        ("date", json!("2026-11-21T12:00:00.000Z"), "DATE_DIFF"),
        ("keyword", json!("x"), "TO_DOUBLE"),
        ("boolean", json!(true), "TO_INTEGER"),
        ("long", json!([1, 2]), "MV_MAX(n)"),
        ("long", json!({}), "something that is no number"),
    ] {
        let seen = of(kind, cell);
        assert!(reason(&seen).text.contains(words), "{kind}: {seen:?}");
    }
}

#[test]
fn several_values_in_one_row_blind_no_other() {
    let mut answer = errors();
    answer["values"][0][0] = json!([1, 2]);
    let seen = observe(&example(), &[ok(answer)]);
    assert_eq!(readings(&seen).keys().collect::<Vec<_>>(), ["service.name=search"]);
}

#[test]
fn a_table_that_does_not_fit_the_rule_says_what_it_has() {
    let other = Esql { value: "n".to_owned(), ..example() };
    assert_eq!(
        reason(&observe(&other, &[ok(errors())])).text,
        "the table has no column `n`; it has `errors`, `service.name`"
    );
    let whole = Esql { per: Vec::new(), ..example() };
    assert!(reason(&observe(&whole, &[ok(errors())])).text.starts_with("2 rows, and `per` names no column"));
    let mut answer = errors();
    answer["values"][1][1] = json!("shop");
    assert!(reason(&observe(&example(), &[ok(answer)])).text.starts_with("two rows are service.name=shop"));
}

#[test]
fn no_row_is_no_data() {
    let answer = json!({ "columns": errors()["columns"], "values": [] });
    assert!(matches!(observe(&example(), &[ok(answer)]), Observation::NoData(_)));
}

#[test]
fn the_index_is_read_from_the_query_where_it_can_be_told() {
    for (query, index) in [
        ("FROM logs-* | LIMIT 1", Some("logs-*")),
        ("from logs-*, \"eu:audit\" METADATA _id | STATS n = COUNT(*)", Some("logs-*,eu:audit")),
        ("ROW n = 1", None),
        ("FROM <logs-{now/d}>", None),
        ("FROM (FROM a)", None),
        ("", None),
    ] {
        assert_eq!(esql(query, "").index().as_deref(), index, "{query}");
    }
    let queries = example().queries(&look(), &Memory::default());
    let Any::Esql(asked) = &queries[0].question else { panic!("{queries:?}") };
    assert_eq!(asked.during.as_ref().map(|during| during.window), Some(look().window));
}

#[test]
fn nonsense_is_complained_about() {
    for (query, more) in
        [("", ""), ("ROW n = 1", ", per: [n]"), ("ROW n = 1", ", per: [a, a]"), ("FROM a", ", window: 0s")]
    {
        assert_eq!(esql(query, more).complaints().len(), 1, "{query}{more}");
    }
}

#[test]
fn what_people_read() {
    insta::assert_snapshot!(shown(&example(), &observe(&example(), &[ok(errors())])));
}
