//! Schedules, reminders, words and clusters.

use super::*;

fn differences(import: &Import) -> String {
    import.report.rules[0].differences.join("\n")
}

#[test]
fn realert_is_a_reminder_and_the_pace_comes_from_where_it_is_said() {
    let import = of(
        json!({ "type": "any", "realert": { "hours": 1 }, "run_every": { "minutes": 5 }, "query_delay": { "minutes": 2 } }),
    );
    let rule = rule(&import);
    assert_eq!((&rule["repeat"], &rule["schedule"]), (&json!("1h"), &json!("every 5m")));
    assert_eq!((&rule["query_delay"], &rule["check"]["count"]["window"]), (&json!("2m"), &json!("5m")));
    assert_eq!(super::rule(&of(json!({ "type": "any" }))).get("repeat"), None);
}

#[test]
fn what_would_be_gathered_or_slowed_is_told() {
    let import = of(json!({
        "type": "any", "aggregation": { "minutes": 5 }, "exponential_realert": { "hours": 1 }, "realert": { "minutes": 0 },
        "top_count_keys": ["a"], "match_enhancements": ["my.Own"], "limit_execution": "* 8-17 * * *", "strange": 1,
        "timestamp_type": "unix_ms",
    }));
    let told = differences(&import);
    for word in [
        "gathered for 5m",
        "exponential_realert",
        "realert: 0",
        "top_count_keys",
        "Python is not run",
        "limit_execution",
        "`strange`",
        "mapped as a date",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(rule(&import)["schedule"], json!({ "cron": "* 8-17 * * *", "timezone": "UTC" }));
}

#[test]
fn what_only_the_global_configuration_says_is_told_as_well() {
    let global = json!({
        "run_every": { "minutes": 1 }, "match_enhancements": ["my.Drop"], "slack_username_override": "bot", "profile": "p",
        "notify_email": ["a@example.org"], "es_host": "es", "es_conn_timeout": 55,
    });
    let import = over(
        global,
        json!({ "type": "any", "alert": ["slack", "debug", "slack"], "slack_webhook_url": "x" }),
    );
    let told = differences(&import);
    for word in ["`match_enhancements`", "`slack_username_override`"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(!told.contains("notify_email"), "{told}");
    assert!(import.report.notes.iter().any(|note| note.contains("AWS_PROFILE")), "{:?}", import.report.notes);
    assert_eq!(import.settings["clusters"]["main"]["timeout"], "55s");
    assert_eq!(rule(&import)["notify"], json!(["slack", "debug"]));
}

#[test]
fn owner_priority_and_description_stay() {
    let import = of(
        json!({ "type": "any", "owner": "search", "priority": 3, "description": "\nToo slow\nmore", "category": "x", "is_enabled": false }),
    );
    let rule = rule(&import);
    assert_eq!(rule["labels"], json!({ "owner": "search", "category": "x", "priority": "3" }));
    assert_eq!((&rule["summary"], &rule["enabled"]), (&json!("Too slow"), &json!(false)));
    assert!(rule["levels"].get("info").is_some());
}

fn worded(more: Value) -> (Value, String) {
    let mut old = json!({ "type": "frequency", "num_events": 5, "timeframe": { "minutes": 1 }, "query_key": ["user.name", "host"] });
    old.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let import = of(old);
    (rule(&import), differences(&import))
}

#[test]
fn texts_speak_of_entity_value_and_the_rules_own_words() {
    let (rule, _) = worded(json!({
        "alert_subject": "{0} x {{{1}}} of {2} at {3}", "alert_subject_args": ["num_hits", "name", "user.name", "@timestamp"],
        "alert_text": "{who} on {where!s:>5}, {}", "alert_text_kw": { "user.name": "who", "host": "where" },
    }));
    let title = "{{ value }} x {{ '{' }}r{{ '}' }} of {{ entity[\"user.name\"] }} at {{ at }}";
    assert_eq!(rule["title"], title);
    assert_eq!(rule.get("message"), None, "a place without an argument");
    let (rule, _) = worded(json!({
        "alert_text": "{{ user.name }} and {{ _data[\"host\"] }}: {{num_events}}", "alert_text_type": "alert_text_jinja",
    }));
    assert_eq!(rule["message"], "{{ entity[\"user.name\"] }} and {{ entity[\"host\"] }}: 5");
}

#[test]
fn a_text_that_speaks_of_the_document_is_left_out_in_words() {
    for text in [
        json!({ "alert_text": "{0}", "alert_text_args": ["message"] }),
        json!({ "alert_text": "{{ message }}", "alert_text_type": "alert_text_jinja" }),
        json!({ "alert_text": "{% for a in b %}{% endfor %}", "alert_text_type": "alert_text_jinja" }),
        json!({ "alert_text": "{{ a | upper }}", "alert_text_type": "alert_text_jinja" }),
        json!({ "alert_text": "{0", "alert_text_args": ["user.name"] }),
        json!({ "alert_text": "{9}", "alert_text_args": ["user.name"] }),
    ] {
        let (rule, told) = worded(text.clone());
        assert_eq!(rule.get("message"), None, "{text}");
        assert!(told.contains("`alert_text` is left out"), "{text}: {told}");
    }
}

#[test]
fn one_unknown_argument_takes_nothing_else_away() {
    let (rule, told) = worded(json!({
        "alert_subject": "{0} logins of {1} from {2} by {1}", "alert_subject_args": ["num_hits", "message", "user.name"],
    }));
    assert_eq!(rule["title"], "{{ value }} logins of … from {{ entity[\"user.name\"] }} by …");
    assert!(
        told.contains("`alert_subject` says `…` in place of `message` of the matched document, which is not"),
        "{told}"
    );
    let (rule, told) = worded(json!({
        "alert_text": "{{ message }} and {{ source.ip }} at {{ host }}", "alert_text_type": "alert_text_jinja",
    }));
    assert_eq!(rule["message"], "… and … at {{ entity[\"host\"] }}");
    assert!(
        told.contains("in place of `message`, `source.ip` of the matched document, which are not"),
        "{told}"
    );
}

#[test]
fn the_low_one_of_two_rules_is_not_called_too_many() {
    let import = of(json!({
        "type": "percentage_match", "match_bucket_filter": [{ "term": { "a": 1 } }], "description": "Too many 5xx",
        "max_percentage": 10, "min_percentage": 1,
    }));
    let summaries: Vec<&Value> = import.files["r"].iter().map(|rule| &rule["summary"]).collect();
    assert_eq!(summaries, ["Too many 5xx", "r: below 1%"]);
}

#[test]
fn an_alerter_that_elastalert_does_not_know_is_refused_with_the_nearest_name() {
    for (alerter, word) in [
        ("slak", "did you mean `slack`?"),
        ("http_post2", "did you mean `post2`?"),
        ("carrier_pigeon", "which refuses this rule too"),
    ] {
        let import = of(json!({ "type": "any", "alert": ["debug", alerter] }));
        assert_eq!(import.report.rules[0].verdict, Verdict::Impossible);
        assert!(super::why(&import).contains(word), "{alerter}: {}", super::why(&import));
    }
    for (alerter, word) in [
        ("smseagle", "highwater has no such sink"),
        ("my_module.Mine", "in Python"),
        ("ms_teams", "only `ms_power_automate`"),
    ] {
        let import = of(json!({ "type": "any", "alert": alerter, "ms_teams_webhook_url": "https://a/b" }));
        assert_eq!(import.report.rules[0].verdict, Verdict::Approximated);
        assert!(differences(&import).contains(word), "{alerter}: {}", differences(&import));
    }
}

#[test]
fn each_es_host_is_a_cluster() {
    let global = json!({ "es_host": "es-1", "es_port": 9243, "use_ssl": true, "verify_certs": false, "es_url_prefix": "/es/", "es_username": "u", "es_password": "p" });
    let rule = |more: Value| {
        let mut rule = json!({ "type": "any", "index": "a", "alert": "debug" });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Value::Object(rule) = rule else { panic!("a map") };
        rule
    };
    let Value::Object(global) = global else { panic!("a map") };
    let a = Source { file: "a.yaml".to_owned(), rule: Ok(rule(json!({ "name": "a" }))) };
    let b = Source { file: "b.yaml".to_owned(), rule: Ok(rule(json!({ "name": "b", "es_host": "es-2" }))) };
    let import = translate(&global, &[a, b]);
    let clusters = &import.settings["clusters"];
    assert_eq!(clusters["main"]["urls"], json!(["https://es-1:9243/es"]));
    assert_eq!(
        clusters["main"]["auth"]["basic"],
        json!({ "username": "u", "password": "${env:ES_PASSWORD}" })
    );
    assert_eq!(clusters["main"]["tls"], json!({ "insecure_skip_verify": true }));
    assert_eq!(clusters["main-2"]["urls"], json!(["https://es-2:9243/es"]));
    assert_eq!(import.files["a"][0]["clusters"], json!(["main"]));
    assert_eq!(import.files["b"][0]["clusters"], json!(["main-2"]));
}
