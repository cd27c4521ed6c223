//! A body of the operator's own making: a template over the notification.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::model::{
    Entity, Kind, Level, Number, Reading, Time, Transition, Unit,
    author::{About, Context},
    notification::{Change, Notification, Status},
    template::{self, Form},
    wording,
};

/// What a body may speak of.
const NAMES: [&str; 16] = [
    "alerts",
    "at",
    "cluster",
    "digest",
    "labels",
    "level",
    "note",
    "notification_id",
    "rule",
    "runbook",
    "status",
    "summary",
    "test",
    "text",
    "title",
    "version",
];

#[derive(Debug, Serialize)]
struct Whole<'a> {
    version: u8,
    notification_id: &'a str,
    rule: &'a str,
    summary: &'a str,
    title: String,
    cluster: &'a str,
    at: Time,
    status: Status,
    level: Level,
    text: &'a str,
    labels: &'a BTreeMap<String, String>,
    runbook: Option<&'a str>,
    note: Option<&'a str>,
    digest: bool,
    test: bool,
    alerts: Vec<Alert<'a>>,
}

/// What a rule's `message` may speak of, and who it is.
#[derive(Debug, Serialize)]
struct Alert<'a> {
    #[serde(flatten)]
    context: Context<'a>,
    alert_key: &'a str,
    episode_id: &'a str,
    event_id: &'a str,
    note: Option<&'a str>,
}

/// The body; it is JSON where `form` says so, or an error.
pub fn render(template: &str, form: Form, notification: &Notification) -> Result<String, String> {
    let about = About::of(notification);
    let alert = |change| Alert::of(about, change);
    let whole = Whole {
        version: notification.version,
        notification_id: &notification.notification_id,
        rule: &notification.rule,
        summary: &notification.summary,
        title: wording::title(notification),
        cluster: &notification.cluster,
        at: notification.at,
        status: notification.status,
        level: notification.level,
        text: &notification.text,
        labels: &notification.labels,
        runbook: notification.runbook.as_deref(),
        note: notification.note.as_deref(),
        digest: notification.digest.is_some(),
        test: notification.test,
        alerts: notification.alerts.iter().map(alert).collect(),
    };
    let body = template::render(template, &whole, form)?.text;
    if form == Form::Json {
        let parsed = serde_json::from_str::<Value>(&body);
        parsed.map_err(|error| format!("the body is no JSON ({error}); a value brings its own quotes: write `{{\"text\": {{{{ text }}}}}}`"))?;
        return Ok(super::escaped(&body));
    }
    Ok(body)
}

impl<'a> Alert<'a> {
    fn of(about: About<'a>, change: &'a Change) -> Self {
        Self {
            context: Context::of(about, change),
            alert_key: &change.alert_key,
            episode_id: &change.episode_id,
            event_id: &change.event_id,
            note: change.note.as_deref(),
        }
    }
}

/// What is wrong with a template, as far as it is seen before it is needed.
pub fn complaint(template: &str, form: Form) -> Option<String> {
    match template::unknown_names(template, &NAMES) {
        Err(why) => return Some(format!("`body`: {why}")),
        Ok(unknown) if !unknown.is_empty() => {
            return Some(format!("`body` knows no `{}`; it knows {}", unknown[0], NAMES.join(", ")));
        }
        Ok(_) => {}
    }
    // facts and labels of its own are not known yet: only what is no JSON is a mistake for sure
    let tried = render(template, form, &example());
    tried.err().filter(|why| why.starts_with("the body is no JSON")).map(|why| format!("`body`: {why}"))
}

fn example() -> Notification {
    let transition = Transition {
        entity: Entity::of("node", "es-1"),
        kind: Kind::Fired,
        level: Level::Warning,
        previous_level: None,
        since: Time::UNIX_EPOCH,
        at: Time::UNIX_EPOCH,
        n: 0,
        reading: Some(Reading::new(Number::Int(91), Unit::Percent)),
        threshold: Some(Number::Int(85)),
        peak: Some(Number::Int(91)),
        ending: None,
    };
    Notification {
        version: 1,
        notification_id: "example".to_owned(),
        rule: "example".to_owned(),
        summary: "an \"example\"".to_owned(),
        title: None,
        cluster: "main".to_owned(),
        at: Time::UNIX_EPOCH,
        status: Status::Firing,
        level: Level::Warning,
        text: "an\nexample".to_owned(),
        labels: BTreeMap::new(),
        runbook: None,
        alerts: vec![Change::new("example", "main", &transition)],
        readings: Vec::new(),
        note: None,
        digest: None,
        test: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    #[test]
    fn every_name_is_given_and_every_given_name_is_known() {
        let all: Vec<String> = NAMES.iter().map(|name| format!("{{{{ {name} }}}}")).collect();
        let body = render(&format!("[{}]", all.join(",")), Form::Json, &example()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Value>>(&body).unwrap().len(), NAMES.len());
    }

    #[test]
    fn a_body_stays_json_whatever_a_document_holds() {
        let template = "{\"text\": {{ text }}, \"nodes\": [{% for a in alerts %}{{ a.entity.node }}{% if not loop.last %},{% endif %}{% endfor %}], \"n\": {{ alerts[0].value_number }}}";
        for nasty in ["\"", "\\", "\"}],\"x\":{", "\u{202e}\u{1b}\n", "{{ 7*7 }}", "</script>"] {
            let mut notification = samples::notification(vec![Change {
                entity: Entity::of("node", nasty),
                ..samples::change(Kind::Fired, Level::Critical)
            }]);
            notification.text = nasty.to_owned();
            let body = render(template, Form::Json, &notification).unwrap();
            assert!(!body.contains('\u{202e}') && !body.contains('\u{1b}'), "{body}");
            let json: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((json["text"].as_str(), json["nodes"][0].as_str()), (Some(nasty), Some(nasty)));
            assert_eq!(json.as_object().unwrap().len(), 3);
        }
    }

    #[test]
    fn quotes_of_its_own_and_names_that_are_none_are_told_when_loaded() {
        assert_eq!(complaint("{\"text\": {{ text }}}", Form::Json), None);
        assert_eq!(
            complaint("{\"x\": {{ alerts[0].facts.used_bytes }}}", Form::Json),
            None,
            "known only by then"
        );
        let quoted = complaint("{\"text\": \"{{ text }}\"}", Form::Json).unwrap();
        assert!(quoted.contains("brings its own quotes"), "{quoted}");
        assert!(complaint("{\"text\": {{ txet }}}", Form::Json).unwrap().contains("`txet`"));
        assert!(complaint("{{ text ", Form::Json).is_some());
        assert_eq!(complaint("{{ title }}: {{ text }}", Form::Text), None);
    }
}
