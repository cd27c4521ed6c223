use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    judge::{Looked, at_once},
    report::{Report, RuleReport},
    show::{self, View},
    worst::{FailOn, Worst},
};
use crate::{
    config::{self, RuleKey, RuleSet},
    model::{
        Cause, Entity, Finding, Level, Number, Observation, Others, Policy, Reading, Reason, RuleState, Tick,
        Time, Unit,
        policy::{Missing, MissingThen},
        step,
    },
};

fn noon() -> Time {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn shipped() -> RuleSet {
    let settings =
        config::load_with(&[PathBuf::from("config/highwater.yaml")], &[], &[].into(), false).unwrap();
    config::load_rules(&settings).unwrap().set
}

fn judged(id: &str, observation: &Observation, change: impl Fn(&mut Policy), state: RuleState) -> RuleReport {
    let rules = shipped();
    let rule = &rules.rules[id];
    let mut policy = at_once(&rule.policy);
    change(&mut policy);
    let tick = Tick::new(noon(), Duration::from_secs(120));
    let state = step(&policy, state, observation, false, tick).state;
    Looked { rule, policy: &policy, observation, state: &state, tick }.report(&RuleKey::new(id, "main"))
}

fn at_once_of(id: &str, observation: &Observation) -> RuleReport {
    judged(id, observation, |_| {}, RuleState::default())
}

fn node(name: &str, percent: f64) -> (Entity, Finding) {
    let reading = Reading::new(Number::Float(percent), Unit::Percent);
    (
        Entity::of("node", name),
        Finding::Value(
            reading
                .fact("total_bytes", 500_u64 << 30)
                .fact("available_bytes", 44_u64 << 30)
                .fact("path", "/data"),
        ),
    )
}

fn nodes(findings: impl IntoIterator<Item = (Entity, Finding)>) -> Observation {
    Observation::Seen { findings: findings.into_iter().collect(), others: Others::Absent }
}

fn unknown(name: &str) -> (Entity, Finding) {
    let reason =
        Reason::new(Cause::Partial, "its statistics did not arrive (receive_timeout_transport_exception)");
    (Entity::of("node", name), Finding::Unknown(reason))
}

fn one(value: i64, unit: Unit) -> Observation {
    Observation::one(Entity::of("cluster", "main"), Finding::Value(Reading::new(Number::Int(value), unit)))
}

fn yellow() -> Observation {
    let reading = Reading::new(Number::Int(1), Unit::Health).fact("missing", "1 of 7 shards");
    Observation::one(Entity::of("cluster", "main"), Finding::Value(reading))
}

fn partial() -> Observation {
    let words = "2 of 7 shards failed (too_many_buckets_exception: trying to create too many buckets, must be at most 65536)";
    Observation::Indeterminate(
        Reason::new(Cause::Partial, words).accepted_by("http_logs_*,-http_logs_api-2023.01.01"),
    )
}

fn everything() -> Report {
    let shards = (0..12).map(|shard| {
        let entity = Entity::new([("index", "http_logs_api".to_owned()), ("shard", shard.to_string())]);
        (entity, Finding::Value(Reading::new(Number::Int(1_000_000 * shard), Unit::Documents)))
    });
    let feature = Reason::new(Cause::Unsupported, "this cluster has no such feature (410)");
    let rules = vec![
        at_once_of(
            "elasticsearch-storage",
            &nodes([
                node("es-data-hot-1.search.example.internal", 91.24),
                node("es-2", 86.0),
                node("es-3", 41.0),
                node("es-4", 12.0),
                unknown("es-5"),
            ]),
        ),
        at_once_of("cluster-health", &yellow()),
        at_once_of("http-5xx", &partial()),
        at_once_of("shard-capacity", &Observation::NotApplicable(feature)),
        at_once_of("shard-documents", &nodes(shards)),
        at_once_of("elasticsearch-unreachable", &one(0, Unit::Reachability)),
    ];
    Report::new(noon(), rules, FailOn::Warning)
}

fn shown(report: &Report, width: Option<usize>) -> String {
    let view = View { width, zone: chrono_tz::Tz::UTC, took: Duration::from_millis(312) };
    anstream::adapter::strip_str(&show::table(report, view)).to_string()
}

#[test]
fn the_table_is_worst_first_and_says_why_at_120_columns() {
    insta::assert_snapshot!(shown(&everything(), Some(120)));
}

#[test]
fn the_table_fits_80_columns() {
    let text = shown(&everything(), Some(80));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_is_cut_in_a_pipe() {
    assert!(shown(&everything(), None).contains("es-data-hot-1.search.example.internal"));
}

#[test]
fn rules_that_are_blind_for_one_reason_say_it_once() {
    let down = Observation::Indeterminate(Reason::new(Cause::Unreachable, "`es:9200` refuses connections"));
    let rules =
        ["cluster-health", "elasticsearch-storage", "http-5xx"].map(|id| at_once_of(id, &down)).to_vec();
    let text = shown(&Report::new(noon(), rules, FailOn::Warning), None);
    assert_eq!(
        text.matches("cluster main cannot be reached: `es:9200` refuses connections").count(),
        1,
        "{text}"
    );
    assert!(text.contains("3 unknown · checked in 0.3 s · exit 3"), "{text}");
}

#[test]
fn what_cannot_be_reached_is_said_once_and_called_a_cluster_only_where_it_is_one() {
    let down = |words: &str| Observation::Indeterminate(Reason::new(Cause::Unreachable, words));
    let said = |rule: &str, words: &str| {
        shown(&Report::new(noon(), vec![at_once_of(rule, &down(words))], FailOn::Warning), None)
    };
    let text = said("cluster-health", "`es:9200` cannot be reached: no route to host");
    assert!(text.contains("cluster main: `es:9200` cannot be reached: no route to host"), "{text}");
    let mut report = at_once_of("cluster-health", &down("cannot be reached: Connection refused"));
    report.unreachable = Some("127.0.0.1:18113".to_owned());
    let text = shown(&Report::new(noon(), vec![report], FailOn::Warning), None);
    assert!(text.contains(" 127.0.0.1:18113 cannot be reached: Connection refused"), "{text}");
    assert!(!text.contains("cluster 127"), "{text}");
}

#[test]
fn who_is_asked_elsewhere_is_no_cluster() {
    let mut rule = (*shipped().rules["cluster-health"]).clone();
    let kind = "http: { url: \"https://127.0.0.1:18113/\", pointer: /n }";
    let kind: crate::checks::Kind = serde_saphyr::from_str(kind).unwrap();
    rule.check = kind.into_check();
    let (state, tick) = (RuleState::default(), Tick::new(noon(), Duration::from_secs(60)));
    let observation =
        Observation::Indeterminate(Reason::new(Cause::Unreachable, "cannot be reached: Connection refused"));
    let policy = at_once(&rule.policy);
    let looked = Looked { rule: &rule, policy: &policy, observation: &observation, state: &state, tick };
    let report = looked.report(&RuleKey::new("http", "127.0.0.1:18113"));
    assert_eq!(report.unreachable.as_deref(), Some("127.0.0.1:18113"));
}

#[test]
fn many_alerts_of_one_rule_are_counted() {
    let report = at_once_of("elasticsearch-storage", &nodes((0..100).map(|n| node(&format!("n{n}"), 95.0))));
    let text = shown(&Report::new(noon(), vec![report], FailOn::Warning), None);
    assert!(text.contains("70 more"), "{text}");
    assert!(text.contains("100 critical · "), "{text}");
}

#[test]
fn the_json_has_exactly_the_fixed_names() {
    let json = serde_json::to_value(everything()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&json), ["checked_at", "worst", "exit_code", "rules"]);
    assert_eq!(keys(&json["rules"][0]), ["rule", "cluster", "outcome", "reason", "alerts"]);
    let storage = json["rules"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["rule"] == "elasticsearch-storage")
        .unwrap();
    let alert = &storage["alerts"][3];
    assert_eq!(keys(alert), ["entity", "state", "reason", "level", "value", "unit", "threshold", "facts"]);
    let states: Vec<&Value> =
        storage["alerts"].as_array().unwrap().iter().map(|alert| &alert["state"]).collect();
    assert_eq!(states, ["firing", "inactive", "inactive", "unknown", "firing"]);
    assert_eq!((&alert["entity"]["node"], &alert["level"]), (&"es-5".into(), &Value::Null));
}

#[test]
fn no_data_counts_as_the_rule_says() {
    let nothing = Observation::NoData("no documents in the window".to_owned());
    let worst = |missing: Missing| {
        judged("http-5xx", &nothing, |policy| policy.no_data = missing, RuleState::default()).worst()
    };
    assert_eq!(worst(Missing::KEEP), Worst::Unknown);
    assert_eq!(worst(Missing::keep_then(Duration::from_secs(60), MissingThen::Resolve)), Worst::Unknown);
    assert_eq!(worst(Missing::resolve()), Worst::Clear);
    assert_eq!(worst(Missing::fire(Level::Critical)), Worst::Critical);
}

#[test]
fn an_entity_without_data_counts_as_the_rule_says_beside_others() {
    let quiet =
        (Entity::of("node", "es-2"), Finding::NoData("3 documents, fewer than `min_total` 50".to_owned()));
    let seen = nodes([node("es-1", 10.0), quiet]);
    let report = |missing: Missing| {
        judged("elasticsearch-storage", &seen, |policy| policy.no_data = missing, RuleState::default())
    };
    assert_eq!(report(Missing::KEEP).worst(), Worst::Unknown);
    assert_eq!(report(Missing::resolve()).worst(), Worst::Clear);
    assert_eq!(
        report(Missing::resolve()).alerts[1].reason.as_deref(),
        Some("no data: 3 documents, fewer than `min_total` 50")
    );
}

#[test]
fn a_reading_whose_threshold_cannot_be_resolved_is_unknown() {
    let rule = judged(
        "elasticsearch-storage",
        &nodes([node("es-1", 99.0)]),
        |policy| {
            let name = "watermark.low".to_owned();
            policy.levels[0].when.bound = crate::model::Bound::Mark { name, margin: None };
        },
        RuleState::default(),
    );
    assert_eq!(rule.worst(), Worst::Unknown);
    assert_eq!(rule.alerts[0].reason.as_deref(), Some("`watermark.low` is not known here"));
}

#[test]
fn what_is_known_to_fire_still_counts_when_a_look_cannot_tell() {
    let tick = Tick::new(noon() - Duration::from_secs(60), Duration::from_secs(120));
    let policy = at_once(&shipped().rules["elasticsearch-storage"].policy);
    let before = step(&policy, RuleState::default(), &nodes([node("es-1", 95.0)]), false, tick).state;
    let report = judged("elasticsearch-storage", &partial(), |_| {}, before.clone());
    assert_eq!(report.worst(), Worst::Critical);
    let report = judged("elasticsearch-storage", &nodes([unknown("es-1")]), |_| {}, before);
    assert_eq!((report.worst(), report.alerts[0].unproven), (Worst::Critical, true));
}

#[test]
fn not_applicable_is_clear_and_named() {
    let feature = Observation::NotApplicable(Reason::new(Cause::Unsupported, "no such feature"));
    let report = Report::new(noon(), vec![at_once_of("shard-capacity", &feature)], FailOn::Info);
    assert_eq!(report.exit_code, 0);
    assert!(shown(&report, None).contains("1 not applicable"), "{}", shown(&report, None));
}

#[test]
fn a_pending_alert_is_not_settled_and_says_what_it_waits_for() {
    let lasting = |policy: &mut Policy| {
        policy.levels.iter_mut().for_each(|level| level.fire_after = Duration::from_secs(120))
    };
    let rule = judged("elasticsearch-storage", &nodes([node("es-1", 95.0)]), lasting, RuleState::default());
    let report = Report::new(noon(), vec![rule], FailOn::Warning);
    assert_eq!((report.exit_code, report.is_settled()), (0, false));
    assert!(shown(&report, None).contains("critical if it lasts: 0s of 2m"), "{}", shown(&report, None));
}
