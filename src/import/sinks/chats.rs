//! Chats and whatever else takes a message by HTTP.

use serde_json::{Map, Value, json};

use super::{Made, Making};

/// A chat whose incoming webhook takes one text: the option with its address, where a token goes behind a fixed address, the body.
struct Plain {
    alerter: &'static str,
    key: &'static str,
    /// Before what `key` holds; empty where that is the whole address.
    base: &'static str,
    body: &'static str,
}

const PLAIN: [Plain; 9] = [
    Plain {
        alerter: "rocketchat",
        key: "rocket_chat_webhook_url",
        base: "",
        body: r#"{"text": {{ text }}}"#,
    },
    Plain {
        alerter: "webex_webhook",
        key: "webex_webhook_id",
        base: "https://webexapis.com/v1/webhooks/incoming/",
        body: r#"{"text": {{ text }}}"#,
    },
    Plain {
        alerter: "matrixhookshot",
        key: "matrixhookshot_webhook_url",
        base: "",
        body: r#"{"text": {{ text }}}"#,
    },
    Plain {
        alerter: "gitter",
        key: "gitter_webhook_url",
        base: "",
        body: r#"{"message": {{ text }}, "level": "error"}"#,
    },
    Plain {
        alerter: "dingtalk",
        key: "dingtalk_access_token",
        base: "https://oapi.dingtalk.com/robot/send?access_token=",
        body: r#"{"msgtype": "text", "text": {"content": {{ text }}}}"#,
    },
    Plain {
        alerter: "lark",
        key: "lark_bot_id",
        base: "https://open.feishu.cn/open-apis/bot/v2/hook/",
        body: r#"{"msg_type": "text", "content": {"text": {{ text }}}}"#,
    },
    Plain {
        alerter: "workwechat",
        key: "work_wechat_bot_id",
        base: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
        body: r#"{"msgtype": "text", "text": {"content": {{ text }}}}"#,
    },
    Plain { alerter: "pagertree", key: "pagertree_integration_url", base: "", body: "" },
    Plain {
        alerter: "flashduty",
        key: "flashduty_integration_key",
        base: "https://api.flashcat.cloud/event/push/alert/standard?integration_key=",
        body: r#"{"event_status": {% if status == 'resolved' %}"Ok"{% else %}"Critical"{% endif %}, "alert_key": {{ rule }}, "title_rule": {{ title }}, "description": {{ text }}}"#,
    },
];

/// Those for which highwater has no way at all.
const WITHOUT: [(&str, &str); 13] = [
    ("jira", "it opens no tickets; a `webhook` sink can tell an automation rule of Jira"),
    ("servicenow", "it opens no incidents of ServiceNow; a `webhook` sink can tell a scripted endpoint"),
    ("hivealerter", "it makes no alerts of TheHive"),
    ("iris", "it makes no cases of IRIS"),
    ("zabbix", "it speaks no protocol of Zabbix"),
    ("alerta", "it speaks to no Alerta; a `webhook` sink can"),
    ("datadog", "it makes no events of Datadog; the sink `statsd` counts what is told"),
    ("gelf", "it writes no GELF; the sink `file` writes lines of JSON"),
    ("stomp", "it speaks no STOMP"),
    ("ses", "mail goes by SMTP: use the sink `email` with the SMTP endpoint of Amazon SES"),
    ("sns", "it publishes to no topic of Amazon SNS"),
    ("sqs", "it writes to no queue of Amazon SQS"),
    ("chatwork", "it speaks to no Chatwork"),
];

pub fn made(alerter: &str, making: &mut Making<'_>) -> Made {
    match alerter {
        "slack" => slack(making),
        "ms_power_automate" | "ms_teams" => teams(alerter, making),
        "discord" => preset(making, "discord", ("discord_", "discord_webhook_url")),
        "mattermost" => preset(making, "mattermost", ("mattermost_", "mattermost_webhook_url")),
        "googlechat" => preset(making, "google_chat", ("googlechat_", "googlechat_webhook_url")),
        "telegram" => telegram(making),
        "line" => line(making),
        other => plain(other, making),
    }
}

fn slack(making: &mut Making<'_>) -> Made {
    let urls = making.secrets("slack_webhook_url")?;
    if !making.old.texts("slack_channel_override").is_empty() {
        making.differs("`slack_channel_override`: a webhook writes to its own channel; make one for each");
    }
    making.leaves_out("slack_", &["slack_webhook_url", "slack_channel_override", "slack_timeout"]);
    Ok(urls.into_iter().map(|url| json!({ "slack": { "webhook_url": url } })).collect())
}

fn teams(alerter: &str, making: &mut Making<'_>) -> Made {
    let key = format!("{alerter}_webhook_url");
    if alerter == "ms_teams" {
        making.differs("`ms_teams`: ElastAlert2 2.31 has no such alerter any more, only `ms_power_automate`");
    }
    let urls = making.secrets(&key)?;
    making.leaves_out(&format!("{alerter}_"), &[&key]);
    Ok(urls.into_iter().map(|url| json!({ "teams": { "webhook_url": url } })).collect())
}

fn preset(making: &mut Making<'_>, preset: &str, (prefix, key): (&str, &str)) -> Made {
    let urls = making.secrets(key)?;
    making.leaves_out(prefix, &[key]);
    Ok(urls.into_iter().map(|url| json!({ "webhook": { "url": url, "preset": preset } })).collect())
}

fn telegram(making: &mut Making<'_>) -> Made {
    let host = making.old.text("telegram_api_url").unwrap_or("api.telegram.org").to_owned();
    let host = if host.contains("://") { host } else { format!("https://{host}") };
    let token = making.secret("telegram_bot_token")?;
    let chat = making.old.shown("telegram_room_id").ok_or("`telegram_room_id` is missing")?;
    making.leaves_out("telegram_", &["telegram_api_url", "telegram_bot_token", "telegram_room_id"]);
    let url = format!("{}/bot{token}/sendMessage", host.trim_end_matches('/'));
    Ok(vec![json!({ "webhook": { "url": url, "preset": "telegram", "chat_id": chat } })])
}

fn line(making: &mut Making<'_>) -> Made {
    let token = making.secret("line_channel_access_token")?;
    let to = making.old.shown("line_to").ok_or("`line_to` is missing")?;
    let body = format!(
        "{{\"to\": {}, \"messages\": [{{\"type\": \"text\", \"text\": {{{{ text }}}}}}]}}",
        Value::from(to)
    );
    let sink =
        json!({ "url": "https://api.line.me/v2/bot/message/push", "bearer_token": token, "body": body });
    Ok(vec![json!({ "webhook": sink })])
}

fn plain(alerter: &str, making: &mut Making<'_>) -> Made {
    if let Some((_, why)) = WITHOUT.iter().find(|(name, _)| *name == alerter) {
        return Err((*why).to_owned());
    }
    let Some(plain) = PLAIN.iter().find(|plain| plain.alerter == alerter) else {
        return Err(match alerter.contains('.') {
            true => "it is an alerter of your own, in Python; a `webhook` sink may take its place".to_owned(),
            false => "highwater has no such sink; a `webhook` sink may take its place".to_owned(),
        });
    };
    if making.old.get("dingtalk_sign").is_some() && alerter == "dingtalk" {
        return Err("`dingtalk_sign` is a signature that highwater does not make".to_owned());
    }
    let prefix = &plain.key[..plain.key.find('_').map_or(plain.key.len(), |at| at + 1)];
    let urls = making.secrets(plain.key)?;
    making.leaves_out(prefix, &[plain.key]);
    let sink = |url: String| {
        let mut sink = json!({ "url": format!("{}{url}", plain.base) });
        if !plain.body.is_empty() {
            sink["body"] = Value::from(plain.body);
        }
        json!({ "webhook": sink })
    };
    Ok(urls.into_iter().map(sink).collect())
}

/// `post` and `post2`: the address stays, the body is highwater's.
pub fn post(alerter: &str, making: &mut Making<'_>) -> Made {
    let prefix = if alerter == "post" { "http_post_" } else { "http_post2_" };
    let key = |name: &str| format!("{prefix}{name}");
    let urls = making.secrets(&key("url"))?;
    let mut headers = Map::new();
    for (name, value) in making.map(&key("headers")) {
        if ["content-type", "content-length", "host"].contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        let at = format!("{prefix}header_{name}");
        let reference = making.variables.reference(&value, &at, making.old.file);
        headers.insert(name, Value::from(reference));
    }
    making.differs("the body is highwater's own JSON, or a template of yours in the sink's `body`; the document's fields are not in it");
    making.leaves_out(prefix, &[&key("url"), &key("headers"), &key("timeout"), &key("all_values")]);
    let sink = |url: String| {
        let mut sink = json!({ "url": url });
        if !headers.is_empty() {
            sink["headers"] = Value::Object(headers.clone());
        }
        json!({ "webhook": sink })
    };
    Ok(urls.into_iter().map(sink).collect())
}
