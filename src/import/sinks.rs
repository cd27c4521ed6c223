//! Alerters become sinks: one for each address, shared by all rules that tell it.

mod chats;
mod mail;
mod pagers;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    names::unique,
    old::{Old, scalar},
    report::RuleReport,
    secrets::Variables,
};
use crate::{model::near, sinks};

/// The sinks so far, by their names.
#[derive(Debug, Default)]
pub struct Sinks {
    taken: BTreeSet<String>,
    made: Vec<(String, Value)>,
}

/// What one alerter is made from.
struct Making<'a> {
    /// The rule with the alerter's own options over it.
    old: Old<'a>,
    variables: &'a mut Variables,
    differences: Vec<String>,
}

/// Sinks of a kind, or why there are none.
type Made = Result<Vec<Value>, String>;

impl Sinks {
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    pub fn section(&self) -> Value {
        Value::Object(self.made.iter().cloned().collect())
    }

    /// The sinks that a rule tells. What cannot be told is a difference, never silence.
    pub fn of(
        &mut self,
        old: &Old<'_>,
        variables: &mut Variables,
        report: &mut RuleReport,
    ) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for (alerter, options) in alerters(old)? {
            known(&alerter)?;
            let mut making =
                Making { old: old.with(&options), variables: &mut *variables, differences: Vec::new() };
            match made(&alerter, &mut making).and_then(checked) {
                Ok(sinks) => {
                    let differences = std::mem::take(&mut making.differences);
                    differences.into_iter().for_each(|words| report.differs(words));
                    names.extend(sinks.into_iter().map(|sink| self.name(&alerter, sink)));
                }
                Err(why) => report.differs(format!("`{alerter}` tells nobody: {why}")),
            }
        }
        if names.is_empty() {
            report.differs(
                "nothing that it tells exists here: it writes to standard output, for you to choose",
            );
            names.push(self.name("stdout", json!({ "stdout": {} })));
        }
        let mut known = BTreeSet::new();
        names.retain(|name| known.insert(name.clone()));
        Ok(names)
    }

    fn name(&mut self, alerter: &str, sink: Value) -> String {
        if let Some((name, _)) = self.made.iter().find(|(_, known)| *known == sink) {
            return name.clone();
        }
        let name = unique(&mut self.taken, &alerter.replace('_', "-"));
        self.made.push((name.clone(), sink));
        name
    }
}

/// What ElastAlert2 2.31 can tell by name; a name with a dot is Python of somebody's own.
const ALERTERS: [&str; 44] = [
    "alerta",
    "alertmanager",
    "chatwork",
    "command",
    "datadog",
    "debug",
    "dingtalk",
    "discord",
    "email",
    "exotel",
    "flashduty",
    "gelf",
    "gitter",
    "googlechat",
    "hivealerter",
    "indexer",
    "iris",
    "jira",
    "lark",
    "line",
    "matrixhookshot",
    "mattermost",
    "ms_power_automate",
    "opsgenie",
    "pagerduty",
    "pagertree",
    "post",
    "post2",
    "rocketchat",
    "servicenow",
    "ses",
    "slack",
    "smseagle",
    "sns",
    "sqs",
    "stomp",
    "telegram",
    "tencent_sms",
    "twilio",
    "victorops",
    "webex_webhook",
    "workwechat",
    "yzj",
    "zabbix",
];

/// An alerter that ElastAlert does not know keeps it from starting.
fn known(alerter: &str) -> Result<(), String> {
    // what it was called before still stands in many files
    if ALERTERS.contains(&alerter) || alerter.contains('.') || alerter == "ms_teams" {
        return Ok(());
    }
    // `http_post2` is how its options begin
    let bare = alerter.strip_prefix("http_").unwrap_or(alerter);
    let near = near::nearest(bare, ALERTERS).map(|near| format!("; did you mean `{near}`?"));
    let near = near.unwrap_or_default();
    Err(format!("`{alerter}` is no alerter of ElastAlert2 2.31, which refuses this rule too{near}"))
}

/// Its name, and the options that hold for it.
type Alerter = (String, Map<String, Value>);

/// `alert: [slack, { email: { email: a@b } }]`, each with the rule under its own options.
fn alerters(old: &Old<'_>) -> Result<Vec<Alerter>, String> {
    let listed = match old.get("alert") {
        None => return Err("`alert` is missing: ElastAlert refuses this rule too".to_owned()),
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    };
    let mut found = Vec::new();
    for one in listed {
        match one {
            Value::String(name) => found.push((name, old.all().clone())),
            Value::Object(map) => {
                let Some((name, options)) = map.into_iter().next() else { continue };
                let mut all = old.all().clone();
                if let Value::Object(options) = options {
                    all.extend(options);
                }
                found.push((name, all));
            }
            _ => return Err("`alert` names alerters: ElastAlert refuses this rule too".to_owned()),
        }
    }
    Ok(found)
}

fn made(alerter: &str, making: &mut Making<'_>) -> Made {
    match alerter {
        "debug" => Ok(vec![json!({ "stdout": {} })]),
        "email" => mail::email(making),
        "opsgenie" => pagers::opsgenie(making),
        "pagerduty" => pagers::pagerduty(making),
        "twilio" => pagers::twilio(making),
        "alertmanager" => pagers::alertmanager(making),
        "victorops" => pagers::victorops(making),
        "post" | "post2" => chats::post(alerter, making),
        "command" => Err("highwater runs no programs; let a `webhook` sink call whatever runs it".to_owned()),
        "indexer" => Err("highwater keeps a history of its own: see the sink `elasticsearch`".to_owned()),
        other => chats::made(other, making),
    }
}

/// What the configuration would refuse is not written.
fn checked(made: Vec<Value>) -> Made {
    for sink in &made {
        let kind: sinks::Kind = serde_json::from_value(sink.clone()).map_err(|why| why.to_string())?;
        if let Some(complaint) = kind.into_sink().complaints().into_iter().next() {
            return Err(complaint);
        }
    }
    Ok(made)
}

impl Making<'_> {
    /// A reference to a secret that has to be there.
    fn secret(&mut self, key: &str) -> Result<String, String> {
        let value = self.old.shown(key).ok_or_else(|| format!("`{key}` is missing"))?;
        Ok(self.variables.reference(&value, key, self.old.place(key)))
    }

    /// A reference for each of several.
    fn secrets(&mut self, key: &str) -> Result<Vec<String>, String> {
        let values = self.old.texts(key);
        if values.is_empty() {
            return Err(format!("`{key}` is missing"));
        }
        Ok(values.iter().map(|value| self.variables.reference(value, key, self.old.place(key))).collect())
    }

    fn differs(&mut self, words: impl Into<String>) {
        self.differences.push(words.into());
    }

    /// Options of the alerter that say what has no place here.
    fn leaves_out(&mut self, prefix: &str, used: &[&str]) {
        let keys = self.old.all_keys().into_iter();
        let keys = keys.filter(|key| key.starts_with(prefix) && !used.contains(key));
        let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
        if !keys.is_empty() {
            self.differs(format!("left out: {}", keys.join(", ")));
        }
    }

    /// A map of texts, as of headers.
    fn map(&self, key: &str) -> Vec<(String, String)> {
        let map = self.old.get(key).and_then(Value::as_object);
        let entries = map.into_iter().flatten();
        entries.filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect()
    }
}
