//! No secret of the old files is in anything that is written or shown.

use super::*;

const ALERTERS: [&str; 44] = [
    "alertmanager",
    "tencent_sms",
    "email",
    "jira",
    "opsgenie",
    "stomp",
    "debug",
    "command",
    "sns",
    "sqs",
    "ms_power_automate",
    "slack",
    "mattermost",
    "pagerduty",
    "exotel",
    "twilio",
    "victorops",
    "telegram",
    "googlechat",
    "gitter",
    "servicenow",
    "alerta",
    "post",
    "post2",
    "pagertree",
    "hivealerter",
    "zabbix",
    "discord",
    "dingtalk",
    "lark",
    "line",
    "webex_webhook",
    "workwechat",
    "chatwork",
    "datadog",
    "ses",
    "rocketchat",
    "gelf",
    "iris",
    "indexer",
    "matrixhookshot",
    "yzj",
    "flashduty",
    "smseagle",
];

/// Keys that hold secrets, in ElastAlert2's schema and documentation.
const SECRETS: [&str; 42] = [
    "es_password",
    "es_bearer",
    "es_api_key",
    "slack_webhook_url",
    "ms_power_automate_webhook_url",
    "opsgenie_key",
    "pagerduty_service_key",
    "twilio_account_sid",
    "twilio_auth_token",
    "http_post_url",
    "http_post2_url",
    "telegram_bot_token",
    "discord_webhook_url",
    "mattermost_webhook_url",
    "googlechat_webhook_url",
    "alertmanager_basic_auth_login",
    "alertmanager_basic_auth_password",
    "victorops_api_key",
    "victorops_routing_key",
    "gitter_webhook_url",
    "rocket_chat_webhook_url",
    "webex_webhook_id",
    "matrixhookshot_webhook_url",
    "dingtalk_access_token",
    "lark_bot_id",
    "work_wechat_bot_id",
    "line_channel_access_token",
    "pagertree_integration_url",
    "flashduty_integration_key",
    "chatwork_apikey",
    "datadog_api_key",
    "datadog_app_key",
    "ses_aws_secret_key",
    "sns_aws_secret_access_key",
    "iris_api_token",
    "smseagle_token",
    "tencent_sms_secret_key",
    "exotel_auth_token",
    "alerta_api_key",
    "stomp_password",
    "password",
    "kibana_password",
];

fn everything() -> Map<String, Value> {
    let mut rule = Map::new();
    for (n, key) in SECRETS.into_iter().enumerate() {
        rule.insert(key.to_owned(), Value::from(format!("s3cr3t-{n}")));
    }
    for (key, value) in [
        ("name", json!("all")),
        ("type", json!("any")),
        ("index", json!("logs")),
        ("es_host", json!("user:s3cr3t-es@127.0.0.1")),
        ("email", json!(["ops@example.org"])),
        ("from_addr", json!("a@example.org")),
        ("smtp_auth_file", json!("auth.yaml")),
        ("twilio_to_number", json!("+4512345678")),
        ("twilio_from_number", json!("+4512345679")),
        ("telegram_room_id", json!("-100")),
        ("line_to", json!("U1")),
        ("alertmanager_hosts", json!(["http://127.0.0.1:9093"])),
        ("http_post_headers", json!({ "authorization": "Bearer s3cr3t-header" })),
        ("http_post2_headers", json!({ "X-Key": "s3cr3t-header-2" })),
        ("http_post_static_payload", json!({ "token": "s3cr3t-payload" })),
        ("alert_text", json!("{0} {1}")),
        ("alert_text_args", json!(["es_password", "name"])),
        ("command", json!(["send", "--key", "s3cr3t-argument"])),
        ("alert", json!(ALERTERS.to_vec())),
    ] {
        rule.insert(key.to_owned(), value);
    }
    rule
}

#[test]
fn no_secret_is_in_what_is_written_or_told() {
    let source = Source { file: "all.yaml".to_owned(), rule: Ok(everything()) };
    let import = translate(&Map::new(), &[source]);
    let written = yaml(&import.settings) + &import.text("all");
    let told = serde_json::to_string(&import.report).unwrap();
    assert!(!written.contains("s3cr3t"), "{written}");
    assert!(!told.contains("s3cr3t"), "{told}");
    assert!(!format!("{import:?}").contains("s3cr3t"));
    assert!(
        written.contains("${env:SLACK_WEBHOOK_URL}")
            && written.contains("${env:HTTP_POST_HEADER_AUTHORIZATION}")
    );
}

#[test]
fn every_alerter_of_elastalert_is_a_sink_or_says_why_not() {
    for alerter in ALERTERS {
        let mut rule = everything();
        rule.insert("alert".to_owned(), json!([alerter]));
        let import = translate(&Map::new(), &[Source { file: "all.yaml".to_owned(), rule: Ok(rule) }]);
        let sinks = import.settings["sinks"].as_object().unwrap();
        let report = &import.report.rules[0];
        let silent = report.differences.iter().any(|words| words.contains("tells nobody"));
        assert_eq!(sinks.contains_key("stdout"), silent, "{alerter}: {sinks:?} {report:?}");
        assert_eq!(sinks.contains_key(&alerter.replace('_', "-")), !silent, "{alerter}: {sinks:?}");
    }
}

#[test]
fn rules_that_tell_the_same_place_share_a_sink() {
    let rule = |name: &str, url: &str| {
        let rule = json!({ "name": name, "type": "any", "index": "a", "alert": ["slack"], "slack_webhook_url": url });
        let Value::Object(rule) = rule else { panic!("a map") };
        Source { file: format!("{name}.yaml"), rule: Ok(rule) }
    };
    let import = translate(&Map::new(), &[rule("a", "x"), rule("b", "x"), rule("c", "$OTHER")]);
    let expected = json!({
        "slack": { "slack": { "webhook_url": "${env:SLACK_WEBHOOK_URL}" } },
        "slack-2": { "slack": { "webhook_url": "${env:OTHER}" } },
    });
    assert_eq!(import.settings["sinks"], expected);
    let from: Vec<&str> = import.report.variables.iter().map(|variable| variable.from.as_str()).collect();
    assert_eq!(from, ["`slack_webhook_url` of a.yaml", "`slack_webhook_url` of c.yaml"]);
}

#[test]
fn a_sink_that_would_be_refused_is_not_written() {
    let import = of(json!({ "type": "any", "alert": ["email"], "email": "not an address" }));
    assert!(import.report.rules[0].differences.iter().any(|words| words.contains("is no address")));
    assert_eq!(rule(&import)["notify"], json!(["stdout"]));
}
