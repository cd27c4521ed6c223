//! A body of the operator's own making: a template over the notification.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::model::{
    Level, Time,
    author::{About, Context},
    example,
    notification::{Change, Notification, Status},
    template::{self, Fault, Form},
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
    fill(template, form, notification).map_err(|wrong| wrong.words)
}

/// What is wrong with a body.
struct Wrong {
    words: String,
    /// Whatever is told, it would be wrong in the same way.
    by_itself: bool,
}

fn fill(template: &str, form: Form, notification: &Notification) -> Result<String, Wrong> {
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
    let body = template::fill(template, &whole, form).map_err(Wrong::of)?.text;
    if form == Form::Json {
        serde_json::from_str::<Value>(&body).map_err(|error| Wrong::no_json(&error))?;
        return Ok(super::escaped(&body));
    }
    Ok(body)
}

impl Wrong {
    fn of(fault: Fault) -> Self {
        Self { by_itself: matches!(fault, Fault::Endless(_)), words: fault.words() }
    }

    fn no_json(error: &serde_json::Error) -> Self {
        let words = format!(
            "the body is no JSON ({error}); a value brings its own quotes: write `{{\"text\": {{{{ text }}}}}}`"
        );
        Self { words, by_itself: true }
    }
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
    match template::unknown(template, &NAMES) {
        Err(why) => return Some(format!("`body`: {why}")),
        Ok(unknown) if !unknown.is_empty() => {
            return Some(format!("`body` knows {}; {}", unknown[0].words(), unknown[0].hint));
        }
        Ok(_) => {}
    }
    // facts and labels of its own are not known yet: a mistake for sure is only what goes wrong by itself, whatever is told
    let mut wrong = Vec::new();
    for notification in example::notifications() {
        wrong.push(fill(template, form, &notification).err().filter(|wrong| wrong.by_itself)?);
    }
    let words = wrong.swap_remove(0).words;
    let hint = if words.contains("; ") { "" } else { SHORTER };
    Some(format!("`body`: {words}{hint}"))
}

const SHORTER: &str = "; go through `alerts` alone, and leave long texts out";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entity, Kind, samples};

    #[test]
    fn every_name_is_given_and_every_given_name_is_known() {
        let all: Vec<String> = NAMES.iter().map(|name| format!("{{{{ {name} }}}}")).collect();
        let body = render(&format!("[{}]", all.join(",")), Form::Json, &example::notifications()[0]).unwrap();
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
        let filter = complaint("{\"text\": {{ text | uper }}}", Form::Json).unwrap();
        assert_eq!(filter, "`body` knows no filter `uper`; did you mean `upper`?");
        assert_eq!(complaint("{{ title }}: {{ text }}", Form::Text), None);
    }

    #[test]
    fn a_body_that_never_ends_or_is_too_long_is_told_when_loaded() {
        let spin = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";
        for form in [Form::Json, Form::Text] {
            let said = complaint(spin, form).unwrap();
            assert!(said.starts_with("`body`: it does not end within 20000 steps"), "{said}");
            assert!(said.contains("; go through `alerts` alone"), "{said}");
        }
        let flood = format!("{}{{{{ text }}}}", "x".repeat(70_000));
        assert!(complaint(&flood, Form::Text).unwrap().contains("longer than 65536 bytes"));
    }

    #[test]
    fn what_depends_on_what_is_told_is_no_mistake_yet() {
        let loops = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}";
        for condition in
            ["test", "digest", "status == 'resolved'", "level == 'critical'", "labels.team == 'a'"]
        {
            let some = format!("{{% if {condition} %}}{loops}{{% endif %}}{{{{ text }}}}");
            assert_eq!(complaint(&some, Form::Json), None, "{some}");
        }
        let by_size =
            "{% for a in alerts %}{% for i in range(a.facts.n) %}{% endfor %}{% endfor %}{{ text }}";
        assert_eq!(complaint(by_size, Form::Json), None);
        assert_eq!(complaint("{{ labels.team | int }}{{ alerts[7].value }}", Form::Text), None);
    }
}
