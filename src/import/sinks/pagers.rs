//! Those that call people: `opsgenie`, `pagerduty`, `twilio`, `victorops`, and `alertmanager`.

use serde_json::{Map, Value, json};

use super::{Made, Making};

pub fn opsgenie(making: &mut Making<'_>) -> Made {
    let mut sink = Map::new();
    sink.insert("api_key".to_owned(), Value::from(making.secret("opsgenie_key")?));
    if let Some(url) = making.old.text("opsgenie_addr") {
        let base = url.trim_end_matches('/').trim_end_matches("/v2/alerts");
        sink.insert("url".to_owned(), Value::from(base));
    }
    let responders = responders(making);
    if !responders.is_empty() {
        sink.insert("responders".to_owned(), Value::Array(responders));
    }
    let tags = making.old.texts("opsgenie_tags");
    if !tags.is_empty() {
        sink.insert("tags".to_owned(), Value::from(tags));
    }
    if let Some(priority) = making.old.text("opsgenie_priority") {
        sink.insert(
            "priorities".to_owned(),
            json!({ "critical": priority, "warning": priority, "info": priority }),
        );
    }
    let used =
        ["key", "addr", "teams", "recipients", "default_teams", "default_recipients", "tags", "priority"];
    let used: Vec<String> = used.iter().map(|name| format!("opsgenie_{name}")).collect();
    making.leaves_out("opsgenie_", &used.iter().map(String::as_str).collect::<Vec<_>>());
    Ok(vec![json!({ "opsgenie": sink })])
}

fn responders(making: &mut Making<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    for (key, other, kind) in [
        ("opsgenie_teams", "opsgenie_default_teams", "team"),
        ("opsgenie_recipients", "opsgenie_default_recipients", "user"),
    ] {
        let named = making.old.texts(key);
        let fixed: Vec<String> = named.iter().filter(|name| !name.contains('{')).cloned().collect();
        if fixed.len() < named.len() {
            making.differs(format!("`{key}` that a document names are not called; `{other}` are"));
        }
        let names = if fixed.is_empty() { making.old.texts(other) } else { fixed };
        found.extend(names.into_iter().map(|name| json!({ "type": kind, "name": name })));
    }
    found
}

pub fn pagerduty(making: &mut Making<'_>) -> Made {
    match making.old.text("pagerduty_event_type") {
        None | Some("trigger") => {}
        Some(other) => return Err(format!("an alert that begins cannot `{other}` an incident")),
    }
    if making.old.text("pagerduty_api_version") != Some("v2") {
        making.differs(
            "PagerDuty is told by its Events API v2: the service needs an integration of that version",
        );
    }
    let key = making.secret("pagerduty_service_key")?;
    let used =
        ["pagerduty_service_key", "pagerduty_api_version", "pagerduty_event_type", "pagerduty_client_name"];
    making.leaves_out("pagerduty_", &used);
    Ok(vec![json!({ "pagerduty": { "routing_key": key } })])
}

pub fn twilio(making: &mut Making<'_>) -> Made {
    let sender = if making.old.is("twilio_use_copilot") {
        making.old.shown("twilio_message_service_sid")
    } else {
        making.old.shown("twilio_from_number")
    };
    let sender = sender.ok_or("`twilio_from_number` is missing")?;
    let account = making.secret("twilio_account_sid")?;
    let token = making.secret("twilio_auth_token")?;
    let to = making.old.texts("twilio_to_number");
    let sink = json!({ "account_sid": account, "auth_token": token, "from": sender, "to": to });
    Ok(vec![json!({ "twilio": sink })])
}

pub fn alertmanager(making: &mut Making<'_>) -> Made {
    let hosts = making.old.texts("alertmanager_hosts");
    let mut urls = Vec::new();
    for host in hosts {
        let url = if host.contains("://") { host } else { format!("http://{host}") };
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
        urls.push(match making.old.get("alertmanager_basic_auth_login") {
            Some(_) => {
                let login = making.secret("alertmanager_basic_auth_login")?;
                let password = making.secret("alertmanager_basic_auth_password")?;
                format!("{scheme}://{login}:{password}@{rest}")
            }
            None if rest.contains('@') => {
                making.variables.reference(&url, "alertmanager_hosts", making.old.file)
            }
            None => url,
        });
    }
    if urls.is_empty() {
        return Err("`alertmanager_hosts` is missing".to_owned());
    }
    making.differs("labels are highwater's: `alertname` is the rule, `severity` the level");
    let used = ["hosts", "basic_auth_login", "basic_auth_password", "api_version"];
    let used: Vec<String> = used.iter().map(|name| format!("alertmanager_{name}")).collect();
    making.leaves_out("alertmanager_", &used.iter().map(String::as_str).collect::<Vec<_>>());
    Ok(vec![json!({ "alertmanager": { "urls": urls } })])
}

/// Splunk On-Call: an incident for each rule, which a recovery ends.
pub fn victorops(making: &mut Making<'_>) -> Made {
    let (key, route) = (making.secret("victorops_api_key")?, making.secret("victorops_routing_key")?);
    let kind = making.old.text("victorops_message_type").unwrap_or("CRITICAL").to_owned();
    let url = format!("https://alert.victorops.com/integrations/generic/20131114/alert/{key}/{route}");
    let body = format!(
        "{{\"message_type\": {{% if status == 'resolved' %}}\"RECOVERY\"{{% else %}}\"{kind}\"{{% endif %}}, \"entity_id\": {{{{ rule }}}}, \"entity_display_name\": {{{{ summary }}}}, \"state_message\": {{{{ text }}}}, \"monitoring_tool\": \"highwater\"}}"
    );
    making
        .leaves_out("victorops_", &["victorops_api_key", "victorops_routing_key", "victorops_message_type"]);
    Ok(vec![json!({ "webhook": { "url": url, "body": body } })])
}
