//! Options that are not taken over: what they would have done is told, unless it makes no difference.

use serde_json::{Map, Value};

use super::{clusters::is_about_clusters, old::Old, report::RuleReport};

/// Options that something was made of, or that change nothing of what fires.
const READ: [&str; 62] = [
    "name",
    "type",
    "index",
    "alert",
    "import",
    "rule_file",
    "filter",
    "is_enabled",
    "description",
    "owner",
    "priority",
    "category",
    "timestamp_field",
    "timestamp_type",
    "timeframe",
    "num_events",
    "threshold",
    "query_key",
    "compare_key",
    "blacklist",
    "whitelist",
    "ignore_null",
    "filter_by_list",
    "cardinality_field",
    "max_cardinality",
    "min_cardinality",
    "metric_agg_key",
    "metric_agg_type",
    "percentile_range",
    "max_threshold",
    "min_threshold",
    "min_doc_count",
    "match_bucket_filter",
    "max_percentage",
    "min_percentage",
    "min_denominator",
    "use_count_query",
    "use_terms_query",
    "terms_size",
    "doc_type",
    "buffer_time",
    "run_every",
    "query_delay",
    "realert",
    "use_strftime_index",
    "bucket_interval",
    "use_run_every_query_size",
    "attach_related",
    "forget_keys",
    "alert_subject",
    "alert_subject_args",
    "alert_text",
    "alert_text_args",
    "alert_text_kw",
    "alert_text_type",
    "alert_missing_value",
    "query_timezone",
    "fields",
    "terms_window_size",
    "spike_height",
    "spike_type",
    "limit_execution",
];

const READ_TOO: [&str; 24] = [
    "include",
    "include_fields",
    "raw_count_keys",
    "use_local_time",
    "max_query_size",
    "max_scrolling",
    "max_scrolling_count",
    "scroll_keepalive",
    "alert_subject_max_len",
    "custom_pretty_ts_format",
    "allow_buffer_time_overlap",
    "metric_format_string",
    "percentage_format_string",
    "window_step_size",
    "use_keyword_postfix",
    "alert_on_missing_field",
    "threshold_ref",
    "threshold_cur",
    "field_value",
    "alert_on_new_data",
    "aggregation",
    "exponential_realert",
    "realert_key",
    "metric_agg_script",
];

/// Options of rules that mean something which is not the same here.
const TOLD: [(&str, &str); 15] = [
    ("top_count_keys", "the most frequent values are not counted for the message"),
    ("match_enhancements", "Python is not run: what it would have added or dropped is not"),
    ("run_enhancements_first", "Python is not run"),
    ("scan_entire_timeframe", "each look covers its whole window anyway"),
    ("search_extra_index", "every index of the pattern is read anyway"),
    ("aggregation_key", "the alerts of one look are one message, whatever they are about"),
    ("summary_table_fields", "a message lists its alerts, without a table of fields"),
    ("generate_kibana_discover_url", "no link to Kibana is made; a `message` may hold one of yours"),
    ("generate_opensearch_discover_url", "no link to Dashboards is made; a `message` may hold one of yours"),
    ("aggregate_by_match_time", "nothing is held back to be aggregated"),
    ("notify_alert", "what goes wrong with a rule is told to the sinks of `self`"),
    ("notify_email", "what goes wrong with a rule is told to the sinks of `self`"),
    ("limit_execution_coverage", "each look judges its own window alone"),
    ("sync_bucket_interval", "windows end at the looks, which lie on full multiples of the schedule"),
    ("_source_enabled", "documents themselves are not read"),
];

pub fn options(old: &Old<'_>, report: &mut RuleReport) {
    for (key, words) in TOLD {
        // who hears of errors is a matter of the whole configuration, and told there
        let said = if key.starts_with("notify_") { old.own(key) } else { old.get(key) };
        if said.is_some_and(|value| *value != Value::Bool(false)) {
            report.differs(format!("`{key}`: {words}"));
        }
    }
    timestamps(old, report);
    let strange: Vec<String> =
        old.keys().filter(|key| is_strange(key)).map(|key| format!("`{key}`")).collect();
    if !strange.is_empty() {
        report.differs(format!("not understood, and left out: {}", strange.join(", ")));
    }
}

fn timestamps(old: &Old<'_>, report: &mut RuleReport) {
    let kind = old.text("timestamp_type").unwrap_or("iso").trim().to_ascii_lowercase();
    if kind != "iso" {
        let field = old.text("timestamp_field").unwrap_or("@timestamp");
        report.differs(format!("`timestamp_type: {kind}`: `{field}` has to be mapped as a date"));
    }
}

/// What options of alerters, and of words about documents, begin with.
const BEGINNINGS: [&str; 55] = [
    "alerta_",
    "alertmanager_",
    "ses_",
    "sns_",
    "sqs_",
    "chatwork_",
    "datadog_",
    "dingtalk_",
    "discord_",
    "email",
    "smtp_",
    "exotel_",
    "flashduty_",
    "gitter_",
    "gelf_",
    "googlechat_",
    "hive_",
    "http_post",
    "indexer_",
    "iris_",
    "jira_",
    "kibana_",
    "lark_",
    "line_",
    "matrixhookshot_",
    "mattermost_",
    "ms_",
    "opensearch_",
    "opsgenie_",
    "pagerduty_",
    "pagertree_",
    "rocket_chat_",
    "servicenow_",
    "slack_",
    "smseagle_",
    "stomp_",
    "summary_",
    "telegram_",
    "tencent_",
    "twilio_",
    "victorops_",
    "webex_",
    "work_",
    "workwechat_",
    "yzj_",
    "zbx_",
    "bucket_",
    "aws_",
    "jinja_",
    "include_rule_params",
    "shorten_",
    "timestamp_",
    "top_count_",
    "boto_",
    "statsd_",
];

/// Options of alerters without such a beginning.
const LOOSE: [&str; 8] = [
    "cc",
    "bcc",
    "from_addr",
    "command",
    "pipe_match_json",
    "pipe_alert_text",
    "fail_on_non_zero_exit",
    "assets_dir",
];

fn is_strange(key: &str) -> bool {
    !(READ.contains(&key)
        || READ_TOO.contains(&key)
        || LOOSE.contains(&key)
        || is_about_clusters(key)
        || TOLD.iter().any(|(told, _)| *told == key)
        || BEGINNINGS.iter().any(|prefix| key.starts_with(prefix)))
}

/// What the global configuration says that highwater does otherwise.
pub fn settings(global: &Map<String, Value>) -> Vec<String> {
    const NOTES: [(&str, &str); 9] = [
        ("writeback_index", "no index is written: highwater keeps its state in a file (`store`)"),
        ("notify_email", "what goes wrong with highwater itself is told to the sinks of `self`"),
        ("notify_alert", "what goes wrong with highwater itself is told to the sinks of `self`"),
        ("profile", "credentials are found where Amazon's own tools find them: set `AWS_PROFILE`"),
        ("alert_time_limit", "what could not be delivered is tried for `delivery.give_up_after`"),
        ("old_query_limit", "after an outage windows are judged for `max_catch_up` (1h) back"),
        ("statsd_host", "for counters, see the sink `statsd`"),
        ("rules_loader", "rules are read from files"),
        ("disable_rules_on_error", "no rule is ever disabled by an error"),
    ];
    let said = NOTES.into_iter().filter(|(key, _)| global.contains_key(*key));
    said.map(|(key, words)| format!("`{key}`: {words}")).collect()
}
