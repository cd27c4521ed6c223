use serde_json::json;

use super::{
    super::tests::{fixture, look, observe, ok, readings, reason, shown},
    *,
};

fn check(index: &str) -> ShardDocuments {
    ShardDocuments { index: index.to_owned() }
}

fn copies(primary: u64, deleted: u64) -> Value {
    let copy = |primary: bool, count: u64, deleted: u64| json!({ "routing": { "primary": primary }, "docs": { "count": count, "deleted": deleted } });
    json!([copy(false, 7, 7), copy(true, primary, deleted)])
}

fn stats(indices: Value) -> Result<Response, Reason> {
    ok(json!({ "_shards": { "total": 9, "successful": 5, "failed": 0 }, "indices": indices }))
}

fn health(active: &[(&str, u64)]) -> Result<Response, Reason> {
    let indices: Value =
        active.iter().map(|(name, shards)| (*name, json!({ "active_shards": shards }))).collect();
    ok(json!({ "status": "green", "timed_out": false, "indices": indices }))
}

#[test]
fn the_primary_counts_with_its_deleted_documents() {
    let indices =
        json!({ "a": { "shards": { "0": copies(1_500_000_000, 400_000_000), "1": copies(1, 0) } } });
    let seen = observe(&check("*"), &[stats(indices), health(&[("a", 4)])]);
    let readings = readings(&seen);
    assert_eq!(readings["index=a,shard=0"].value, Number::Int(1_900_000_000));
    assert_eq!(readings["index=a,shard=1"].value, Number::Int(1));
}

#[test]
fn unassigned_shards_are_absent_and_no_error() {
    let seen = observe(&check("*"), &[ok(fixture("stats_docs")), ok(fixture("health_names"))]);
    let entities: Vec<String> = readings(&seen).into_keys().collect();
    assert_eq!(
        entities,
        ["index=lonely,shard=0", "index=orders,shard=0", "index=orders,shard=1", "index=orders,shard=2"]
    );
    let replica_only = json!({ "a": { "shards": { "0": [copies(1, 1)[0]] } } });
    let seen = observe(&check("*"), &[stats(replica_only), health(&[("a", 1)])]);
    assert!(readings(&seen).is_empty());
    assert!(matches!(seen, Observation::Seen { others: Others::Absent, .. }));
}

#[test]
fn an_index_that_the_role_may_not_see_is_said_and_not_left_out() {
    let one = || stats(json!({ "a": { "shards": { "0": copies(1, 0) } } }));
    let seen = observe(&check("*"), &[one(), health(&[("a", 1), ("b", 1), ("c", 2)])]);
    assert_eq!(reason(&seen).text, "sees 1 of 3 indices; grant `monitor` on b, c");
    assert_eq!(reason(&seen).accept.as_deref(), Some("*,-b,-c"));
    let seen = observe(&check("*"), &[one(), health(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)])]);
    assert_eq!(reason(&seen).text, "sees 1 of 5 indices; grant `monitor` on b, c, d and 1 more");
    assert_eq!(reason(&seen).accept, None);
}

#[test]
fn the_engines_own_indices_may_stay_unseen_but_backing_indices_are_the_users() {
    let one = || stats(json!({ "a": { "shards": { "0": copies(1, 0) } } }));
    let seen = observe(&check("*"), &[one(), health(&[("a", 1), (".security-7", 1)])]);
    assert_eq!(readings(&seen).len(), 1);
    let seen = observe(&check("*"), &[one(), health(&[("a", 1), (".ds-logs-2026.11.21-000001", 1)])]);
    assert_eq!(reason(&seen).cause, Cause::Refused);
}

#[test]
fn an_index_that_is_red_altogether_is_not_one_that_may_not_be_seen() {
    let one = stats(json!({ "a": { "shards": { "0": copies(1, 0) } } }));
    assert_eq!(readings(&observe(&check("*"), &[one, health(&[("a", 1), ("red", 0)])])).len(), 1);
}

#[test]
fn a_pattern_that_matches_nothing_proves_nothing_and_an_empty_cluster_has_no_data() {
    let none = || [stats(json!({})), ok(json!({ "status": "green", "timed_out": false }))];
    assert_eq!(reason(&observe(&check("logs-*"), &none())).text, "no open index matches `logs-*`");
    assert!(matches!(observe(&check("*"), &none()), Observation::NoData(_)));
    let red = observe(&check("*"), &[stats(json!({})), health(&[("a", 0)])]);
    assert_eq!(red, Observation::NoData("no shard of 1 index is allocated".to_owned()));
}

#[test]
fn a_cluster_without_any_index_is_no_mistake_though_its_statistics_are_about_nothing() {
    let refused = || Err(Reason::new(Cause::Missing, "no index matches: the answer is about 0 shards"));
    assert!(matches!(observe(&check("*"), &[refused(), health(&[])]), Observation::NoData(_)));
    assert_eq!(reason(&observe(&check("*"), &[refused(), health(&[("a", 1)])])).cause, Cause::Missing);
    assert_eq!(reason(&observe(&check("logs-*"), &[refused(), health(&[])])).cause, Cause::Missing);
}

#[test]
fn counts_above_two_to_the_53_are_exact() {
    let many = (1_u64 << 53) + 1;
    let indices = json!({ "a": { "shards": { "0": copies(many, 0) } } });
    let seen = observe(&check("*"), &[stats(indices), health(&[("a", 1)])]);
    assert_eq!(readings(&seen)["index=a,shard=0"].value, Number::count(many));
}

#[test]
fn the_pattern_is_safe_in_both_paths() {
    for query in check("a/_delete?x,logs-*").queries(&look(), &Memory::default()) {
        let crate::model::query::Question::Call(call) = query.question else { panic!() };
        assert!(call.path.contains("a%2F_delete%3Fx,logs-*"), "{}", call.path);
        assert!(call.params.contains(&("expand_wildcards".to_owned(), "open,hidden".to_owned())));
    }
    assert_eq!(check("").complaints().len(), 1);
}

#[test]
fn what_people_read() {
    let check = check("*");
    let indices = json!({ "orders": { "shards": { "0": copies(1_500_000_000, 600_000_000), "1": copies(1_900_000_000, 5) } } });
    insta::assert_snapshot!(shown(&check, &observe(&check, &[stats(indices), health(&[("orders", 4)])])));
}
