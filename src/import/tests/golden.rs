//! One translation of each type, word by word.

use super::*;

/// What is the same in all of these rules.
fn becomes(old: Value, verdict: Verdict, check: Value, levels: Value, no_data: &str) {
    let import = of(old);
    let rule = rule(&import);
    assert_eq!(rule["check"], check);
    assert_eq!((&rule["levels"], &rule["no_data"]), (&levels, &Value::from(no_data)));
    assert_eq!(import.report.rules[0].verdict, verdict, "{:?}", import.report.rules[0].differences);
    assert_eq!(rule["schedule"], "every 1m");
}

#[test]
fn any_counts_since_the_last_look() {
    let check = json!({ "count": { "index": "logs-*", "window": "1m", "filter": "level:ERROR" } });
    let filter = json!([{ "query": { "query_string": { "query": "level:ERROR" } } }]);
    let old = json!({ "type": "any", "filter": filter, "realert": { "minutes": 30 } });
    let levels = json!({ "warning": { "when": "at least 1", "recover_for": "30m" } });
    becomes(old, Verdict::Exact, check, levels, "resolve");
}

#[test]
fn a_blacklist_is_a_query() {
    let filter = "user:\"a\\\"b\" OR user:\"root\"";
    let check = json!({ "count": { "index": "logs-*", "window": "1m", "filter": filter } });
    let old = json!({ "type": "blacklist", "compare_key": "user", "blacklist": ["a\"b", "root", "/never/"] });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "at least 1" }), "resolve");
    let old = json!({ "type": "blacklist", "compare_key": ["a", "b"], "blacklist": ["x"] });
    assert!(why(&of(old)).contains("2 fields"));
    let old = json!({ "type": "blacklist", "compare_key": "a", "blacklist": ["!file /etc/list"] });
    assert!(why(&of(old)).contains("put its lines"));
}

#[test]
fn a_whitelist_is_what_is_not_listed() {
    let listed = json!({ "query_string": { "query": "user:\"a\" OR user:/b.*/" } });
    let filter = json!({ "bool": { "must_not": [listed], "filter": [{ "exists": { "field": "user" } }] } });
    let check = json!({ "count": { "index": "logs-*", "window": "1m", "filter": filter } });
    let old = json!({ "type": "whitelist", "compare_key": "user", "whitelist": ["a", "/b.*/"], "ignore_null": true });
    becomes(old, Verdict::Exact, check, json!({ "warning": "at least 1" }), "resolve");
    let old = json!({ "type": "whitelist", "compare_key": "user", "whitelist": ["a"] });
    assert!(why(&of(old)).contains("ignore_null"));
}

#[test]
fn frequency_counts_a_window() {
    let check = json!({ "count": { "index": "logs-*", "window": "10m", "per": ["user"] } });
    let old =
        json!({ "type": "frequency", "num_events": 5, "timeframe": { "minutes": 10 }, "query_key": "user" });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "at least 5" }), "resolve");
    let check = json!({ "count": { "index": "logs-*", "window": "10m" } });
    let old = json!({ "type": "frequency", "num_events": 5, "timeframe": { "minutes": 10 }, "use_count_query": true, "query_key": "user", "priority": 1 });
    becomes(old, Verdict::Exact, check, json!({ "critical": "at least 5" }), "resolve");
}

#[test]
fn flatline_fires_in_silence() {
    let check = json!({ "count": { "index": "logs-*", "window": "10m" } });
    let old = json!({ "type": "flatline", "threshold": 3, "timeframe": { "minutes": 10 } });
    becomes(old, Verdict::Exact, check, json!({ "warning": "below 3" }), "fire warning");
    let old = json!({ "type": "flatline", "threshold": 0, "timeframe": { "minutes": 10 } });
    assert!(why(&of(old)).contains("never matches"));
}

#[test]
fn cardinality_is_a_metric_and_both_sides_are_two_rules() {
    let check = json!({ "metric": { "index": "logs-*", "window": "1h", "cardinality": "user" } });
    let old = json!({ "type": "cardinality", "cardinality_field": "user", "min_cardinality": 2, "timeframe": { "hours": 1 } });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "below 2" }), "fire warning");
    let old = json!({ "type": "cardinality", "cardinality_field": "user", "min_cardinality": 2, "max_cardinality": 9, "timeframe": { "hours": 1 } });
    let ids: Vec<Value> = of(old).files["r"].iter().map(|rule| rule["id"].clone()).collect();
    assert_eq!(ids, ["r", "r-low"]);
}

#[test]
fn a_metric_aggregation_looks_over_the_buffer() {
    let check = json!({ "metric": { "index": "logs-*", "window": "15m", "avg": "took" } });
    let old = json!({ "type": "metric_aggregation", "metric_agg_key": "took", "metric_agg_type": "avg", "max_threshold": 0.5 });
    becomes(old, Verdict::Exact, check, json!({ "warning": "above 0.5" }), "resolve");
    let percentile = json!({ "field": "took", "percent": 99 });
    let check = json!({ "metric": { "index": "logs-*", "window": "1m", "percentile": percentile } });
    let old = json!({ "type": "metric_aggregation", "metric_agg_key": "took", "metric_agg_type": "percentiles", "percentile_range": 99, "max_threshold": 5, "use_run_every_query_size": true });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "above 5" }), "resolve");
    let check = json!({ "count": { "index": "logs-*", "window": "15m", "filter": { "exists": { "field": "took" } } } });
    let old = json!({ "type": "metric_aggregation", "metric_agg_key": "took", "metric_agg_type": "value_count", "min_threshold": 5 });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "below 5" }), "fire warning");
    let old = json!({ "type": "metric_aggregation", "metric_agg_key": "took", "metric_agg_type": "avg", "max_threshold": 5, "metric_agg_script": { "script": "1" } });
    let why = why(&of(old));
    assert!(why.contains("`search` rule") && why.contains("allow_scripts: true"), "{why}");
}

#[test]
fn a_number_of_nothing_is_too_small_where_it_is_zero_to_elastalert() {
    let silence = |more: Value| {
        let mut old = json!({ "type": "metric_aggregation", "metric_agg_key": "took", "min_threshold": 5 });
        old.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule(&of(old))["no_data"].clone()
    };
    for kind in ["sum", "cardinality", "value_count"] {
        assert_eq!(silence(json!({ "metric_agg_type": kind })), "fire warning", "{kind}");
        // a group without documents is not there, and neither is a bucket of time
        assert_eq!(silence(json!({ "metric_agg_type": kind, "query_key": "host" })), "resolve", "{kind}");
        let buckets = json!({ "metric_agg_type": kind, "bucket_interval": { "minutes": 5 } });
        assert_eq!(silence(buckets), "resolve", "{kind}");
    }
    assert_eq!(silence(json!({ "metric_agg_type": "avg" })), "resolve");
    assert_eq!(silence(json!({ "metric_agg_type": "sum", "min_threshold": 0 })), "resolve");
}

#[test]
fn the_least_number_of_documents_is_asked_of_groups_alone() {
    let check = |more: Value| {
        let mut old = json!({ "type": "metric_aggregation", "metric_agg_key": "took", "metric_agg_type": "max", "max_threshold": 5, "min_doc_count": 9 });
        old.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let import = of(old);
        (rule(&import)["check"].clone(), import.report.rules[0].differences.join("\n"))
    };
    assert_eq!(check(json!({ "query_key": "host" })).0["metric"]["min_total"], 9);
    assert_eq!(check(json!({})).0["metric"].get("min_total"), None);
    let (counted, told) = check(json!({ "query_key": "host", "metric_agg_type": "value_count" }));
    assert!(counted["count"].is_object() && told.contains("`min_doc_count`"), "{counted} {told}");
}

#[test]
fn a_percentage_is_a_ratio() {
    let numerator = json!({ "range": { "status": { "gte": 500 } } });
    let check =
        json!({ "ratio": { "index": "logs-*", "window": "5m", "numerator": numerator, "min_total": 20 } });
    let old = json!({ "type": "percentage_match", "match_bucket_filter": [numerator], "max_percentage": 10, "min_denominator": 20, "buffer_time": { "minutes": 5 } });
    becomes(old, Verdict::Exact, check, json!({ "warning": "above 10%" }), "resolve");
}

#[test]
fn what_elastalert_itself_refuses_is_impossible() {
    for (old, word) in [
        (json!({}), "`type` is missing"),
        (json!({ "type": "frequenzy" }), "knows no type"),
        (json!({ "type": "my_rules.Mine" }), "in Python"),
        (json!({ "type": "frequency", "timeframe": { "minutes": 1 } }), "num_events"),
        (json!({ "type": "frequency", "num_events": "5", "timeframe": { "minutes": 1 } }), "no whole number"),
        (json!({ "type": "frequency", "num_events": 5 }), "`timeframe` is missing"),
        (json!({ "type": "frequency", "num_events": 5, "timeframe": "5m" }), "no span"),
        (json!({ "type": "any", "filter": { "term": { "a": 1 } } }), "no list"),
        (json!({ "type": "any", "index": "*" }), "every index"),
        (json!({ "type": "any", "alert": 5 }), "names alerters"),
        (json!({ "type": "metric_aggregation", "metric_agg_key": "a", "metric_agg_type": "avg" }), "neither"),
    ] {
        let import = of(old.clone());
        assert!(why(&import).contains(word), "{old}: {}", why(&import));
        assert_eq!(import.report.rules[0].verdict, Verdict::Impossible);
    }
}

#[test]
fn a_second_rule_of_one_name_is_refused_as_elastalert_does() {
    let rule = json!({ "name": "r", "type": "any", "index": "a", "alert": "debug" });
    let Value::Object(rule) = rule else { panic!("a map") };
    let source = |file: &str| Source { file: file.to_owned(), rule: Ok(rule.clone()) };
    let import = translate(&Map::new(), &[source("a.yaml"), source("b.yaml")]);
    assert_eq!(import.report.rules[1].verdict, Verdict::Impossible);
    assert!(import.report.rules[1].why.as_deref().unwrap().contains("a.yaml"));
}

#[test]
fn rules_without_a_name_are_told_apart_by_where_their_files_are() {
    let rule = json!({ "type": "any", "index": "a", "alert": "debug" });
    let Value::Object(rule) = rule else { panic!("a map") };
    let source = |file: &str| Source { file: file.to_owned(), rule: Ok(rule.clone()) };
    let import = translate(&Map::new(), &[source("one/a.yaml"), source("two/a.yaml")]);
    let ids: Vec<&Value> = import.files.values().flatten().map(|rule| &rule["id"]).collect();
    assert_eq!(ids, ["a", "a-2"], "{:?}", import.report.rules);
}

#[test]
fn a_spike_is_compared_with_the_time_before() {
    let reference = json!({ "before": "5m", "buckets": 1 });
    let check = json!({ "spike": { "index": "logs-*", "window": "5m", "reference": reference, "min_reference": 10, "min_current": 20 } });
    let old = json!({ "type": "spike", "spike_height": 3, "spike_type": "up", "timeframe": { "minutes": 5 }, "threshold_ref": 10, "threshold_cur": 20 });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "at least 3x" }), "resolve");
    let falling = |kind: &str| {
        let old =
            json!({ "type": "spike", "spike_height": 4, "spike_type": kind, "timeframe": { "minutes": 5 } });
        rule(&of(old))
    };
    assert_eq!(falling("down")["levels"], json!({ "warning": "at most 0.25x" }));
    assert_eq!(falling("both")["check"]["spike"]["both_ways"], true);
    let old =
        json!({ "type": "spike", "spike_height": 1, "spike_type": "up", "timeframe": { "minutes": 5 } });
    assert!(why(&of(old)).contains("every window"));
}

#[test]
fn a_spike_of_values_is_one_of_their_mean_whatever_its_thresholds() {
    let check = json!({ "spike": { "index": "logs-*", "window": "5m", "avg": "took", "reference": { "before": "5m", "buckets": 1 } } });
    let spike = |more: Value| {
        let mut old = json!({ "type": "spike", "spike_height": 3, "spike_type": "up", "timeframe": { "minutes": 5 }, "field_value": "took" });
        old.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        old
    };
    let old = spike(json!({ "threshold_ref": 10, "threshold_cur": 20 }));
    becomes(old, Verdict::Approximated, check, json!({ "warning": "at least 3x" }), "resolve");
    assert!(why(&of(spike(json!({ "use_count_query": true })))).contains("means of their counts"));
}

#[test]
fn a_falling_spike_promises_no_rule_that_is_not_made() {
    let import = of(
        json!({ "type": "spike", "spike_height": 4, "spike_type": "down", "timeframe": { "minutes": 5 } }),
    );
    let told = import.report.rules[0].differences.join("\n");
    assert!(told.contains("no rule of this import tells of a dead pipeline"), "{told}");
}

#[test]
fn a_truth_value_is_no_entry_of_a_list() {
    for (kind, list) in [
        ("whitelist", json!(["DK", "SE", false])),
        ("blacklist", json!(["a", true])),
        ("blacklist", json!([404])),
    ] {
        let old = json!({ "type": kind, "compare_key": "source.country", kind: list, "ignore_null": true });
        let why = why(&of(old.clone()));
        assert!(why.contains("which is no text") && why.contains("refuses this rule too"), "{old}: {why}");
    }
    let old =
        json!({ "type": "whitelist", "compare_key": "c", "whitelist": ["DK", false], "ignore_null": true });
    assert!(why(&of(old)).contains("bare `NO`"));
    let old = json!({ "type": "blacklist", "compare_key": "c", "blacklist": "DK" });
    assert!(why(&of(old)).contains("no list"));
}

#[test]
fn a_spike_of_a_number_is_compared_with_the_number_before() {
    let reference = json!({ "before": "5m", "buckets": 1 });
    let check = json!({ "spike": { "index": "logs-*", "window": "5m", "avg": "took", "reference": reference, "min_reference": 0.5 } });
    let spike = |more: Value| {
        let mut old = json!({ "type": "spike_aggregation", "spike_height": 3, "spike_type": "up", "timeframe": { "minutes": 5 }, "metric_agg_key": "took", "metric_agg_type": "avg", "use_run_every_query_size": true });
        old.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        old
    };
    let old = spike(json!({ "threshold_ref": 0.5 }));
    becomes(old, Verdict::Approximated, check, json!({ "warning": "at least 3x" }), "resolve");
    let long = rule(&of(spike(json!({ "use_run_every_query_size": false }))));
    assert_eq!(
        (&long["check"]["spike"]["window"], &long["check"]["spike"]["min_reference"]),
        (&json!("15m"), &json!(0))
    );
    let counted = rule(&of(spike(json!({ "metric_agg_type": "value_count", "threshold_cur": 9 }))));
    assert_eq!(counted["check"]["spike"]["filter"], json!({ "exists": { "field": "took" } }));
    assert_eq!(
        (counted["check"]["spike"].get("avg"), &counted["check"]["spike"]["min_current"]),
        (None, &json!(9))
    );
    let least = |more: Value| rule(&of(spike(more)))["check"]["spike"].get("min_reference").cloned();
    assert_eq!(least(json!({ "query_key": "host" })), None, "a group without a number before is no rise");
    assert_eq!(least(json!({ "query_key": "host", "metric_agg_type": "value_count" })), Some(json!(1)));
    for (refused, word) in [
        (json!({ "bucket_interval": { "minutes": 1 } }), "bucket_interval"),
        (json!({ "metric_agg_script": "1" }), "script"),
        (json!({ "metric_agg_type": "median" }), "median"),
        (json!({ "metric_agg_key": null }), "`metric_agg_key` is missing"),
        (json!({ "timeframe": null }), "`timeframe` is missing"),
    ] {
        assert!(why(&of(spike(refused.clone()))).contains(word), "{refused}");
    }
}

#[test]
fn a_change_remembers_for_its_timeframe() {
    let check = json!({ "change": { "index": "logs-*", "window": "1m", "per": ["host"], "fields": ["version"], "within": "1h" } });
    let old = json!({ "type": "change", "compare_key": "version", "query_key": "host", "ignore_null": true, "timeframe": { "hours": 1 } });
    becomes(old, Verdict::Approximated, check, json!({ "warning": "at least 1" }), "resolve");
    let old = json!({ "type": "change", "compare_key": "version", "ignore_null": true });
    assert!(why(&of(old)).contains("`query_key` is missing"));
}

#[test]
fn each_of_several_fields_is_a_rule_of_new_terms() {
    let old = json!({ "type": "new_term", "fields": ["user", ["host.keyword", "port"]], "terms_window_size": { "days": 7 } });
    let import = of(old);
    let rules = &import.files["r"];
    let expected = json!({ "new_term": { "index": "logs-*", "window": "1m", "fields": ["user.keyword"], "history": "7d" } });
    assert_eq!(rules[0]["check"], expected);
    assert_eq!(rules[1]["check"]["new_term"]["fields"], json!(["host.keyword", "port.keyword"]));
    assert_eq!((&rules[0]["id"], &rules[1]["id"]), (&json!("r"), &json!("r-2")));
    assert!(why(&of(json!({ "type": "new_term", "query_key": ["a", "b"] }))).contains("write `fields`"));
}
