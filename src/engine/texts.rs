//! The words of people: a rule's `message` and `title`, and what the settings say in their place at one sink.
//!
//! A text that fails is left out, so that the built-in words are sent, and is an alert of its own.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    config::{Rule, settings::SinkTexts},
    engine::{Engine, lock, own::Own},
    model::{
        Kind,
        author::{About, Context},
        notification::{Change, Notification},
        template::{self, Form, Rendered},
    },
    sinks::Sink,
};

/// Whose texts were filled in during a turn, and what was wrong with them.
#[derive(Debug, Default)]
pub struct Faults(Mutex<BTreeMap<String, Option<String>>>);

impl Faults {
    fn note(&self, of: &str, fault: Option<String>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = faults.entry(of.to_owned()).or_default();
        *known = known.take().or(fault);
    }

    /// No text was filled in.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What failed, and why.
    pub fn into_failed(self) -> BTreeMap<String, String> {
        let all = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.into_iter().filter_map(|(of, fault)| Some((of, fault?))).collect()
    }

    fn fill(&self, of: &str, text: &str, context: &Context<'_>) -> Option<Rendered> {
        match template::render(text, context, Form::Text) {
            Ok(rendered) => {
                self.note(of, None);
                Some(rendered)
            }
            Err(why) => {
                tracing::warn!(of, why, "template failed");
                self.note(of, Some(why));
                None
            }
        }
    }
}

/// The rule author's words about one alert.
pub fn message(faults: &Faults, rule: &Rule, cluster: &str, change: &mut Change) {
    let Some(text) = rule.message.as_ref().filter(|_| speaks_of(rule, change)) else { return };
    let about = About {
        rule: &rule.id,
        cluster,
        summary: &rule.summary,
        labels: &rule.labels,
        runbook: rule.runbook.as_deref(),
        count: 1,
    };
    let rendered = faults.fill(&format!("rule {}", rule.id), text, &Context::of(about, change));
    put(change, rendered);
}

/// The rule's title, then what the settings say for this sink in place of title and messages.
pub fn of_sink(
    faults: &Faults,
    rule: &Rule,
    (sink, texts): (&str, Option<&SinkTexts>),
    whole: &mut Notification,
) {
    let title = |whole: &Notification, of: &str, text: &str| {
        let worst = whole.alerts.first()?;
        Some(faults.fill(of, text, &Context::of(About::of(whole), worst))?.text)
    };
    let is_meant = whole.alerts.first().is_some_and(|worst| speaks_of(rule, worst));
    if let Some(text) = rule.title.as_ref().filter(|_| is_meant) {
        whole.title = title(whole, &format!("rule {}", rule.id), text);
    }
    let Some(texts) = texts else { return };
    let of = format!("sink {sink}");
    if let Some(text) = &texts.title {
        whole.title = title(whole, &of, text).or(whole.title.take());
    }
    let Some(text) = &texts.message else { return };
    for n in 0..whole.alerts.len() {
        let rendered = faults.fill(&of, text, &Context::of(About::of(whole), &whole.alerts[n]));
        put(&mut whole.alerts[n], rendered);
    }
}

/// A template that the sink itself fills in.
pub fn own_of_sink(faults: &Faults, (name, sink): (&str, &dyn Sink), whole: &Notification) {
    if sink.has_template() {
        faults.note(&format!("sink {name}"), sink.fault(whole));
    }
}

/// The words of a rule that tells events are about what happened, and not about how late that is told.
fn speaks_of(rule: &Rule, change: &Change) -> bool {
    change.kind == Kind::Happened || !rule.check.tells_events()
}

fn put(change: &mut Change, rendered: Option<Rendered>) {
    let Some(Rendered { text, links }) = rendered else { return };
    change.message = Some(text).filter(|text| !text.trim().is_empty());
    change.links = links;
}

impl Engine {
    /// A text that failed is told, until it works again.
    pub(super) async fn own_up(&self, faults: Faults) {
        let faults = std::mem::take(&mut *lock(&faults.0));
        for (of, fault) in faults {
            let number = u64::from(fault.is_some());
            self.say_of_itself(Own::Template { of }, number, &fault.unwrap_or_default()).await;
        }
    }

    /// A text that is not there any more cannot fail.
    pub(super) async fn mind_texts(&self) {
        let told = self.own.lock().await.templates();
        for of in told.into_iter().filter(|of| !self.has_text(of)) {
            self.say_of_itself(Own::Template { of }, 0, "").await;
        }
    }

    /// Whether `rule NAME` or `sink NAME` has words of its own.
    fn has_text(&self, of: &str) -> bool {
        match of.split_once(' ') {
            Some(("rule", id)) => {
                let rules = self.rules();
                rules.rules.get(id).is_some_and(|rule| rule.title.is_some() || rule.message.is_some())
            }
            Some(("sink", name)) => {
                let has_template = |sink: &std::sync::Arc<dyn Sink>| sink.has_template();
                self.settings.texts.contains_key(name)
                    || self.settings.sinks.get(name).is_some_and(has_template)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        engine::{
            town::{Town, high, routed, to_ear},
            world::{at, rule},
        },
        model::{
            Ending, Entity, Facts, Level, samples,
            silence::{Silence, Terms},
        },
    };

    fn with_facts(change: Change, facts: &Value) -> Change {
        Change { facts: Facts(facts.as_object().unwrap().clone()), ..change }
    }

    #[test]
    fn the_texts_of_the_rules_that_come_along_can_say_every_alert_that_they_may_meet() {
        let file: Value = serde_saphyr::from_str(include_str!("../../rules/zeebe.yaml")).unwrap();
        let text = |id: &str, key: &str| {
            let rule = file["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id).unwrap();
            rule[key].as_str().unwrap().to_owned()
        };
        let said = |text: &str, change: &Change| {
            let whole = samples::notification(vec![change.clone()]);
            let context = Context::of(About::of(&whole), change);
            template::render(text, &context, Form::Text).map(|rendered| rendered.text)
        };
        let incidents = text("zeebe-incidents", "message");
        let open =
            json!({ "open": 4, "examples": ["incident 10: the card was refused", "incident 11: no card"] });
        for (change, facts, words) in [
            (samples::change(Kind::Fired, Level::Warning), open, "incident 10: the card was refused"),
            (samples::change(Kind::Reminded, Level::Warning), json!({ "open": 4, "examples": [] }), ""),
            (samples::resolved(Ending::Cleared), json!({}), ""),
        ] {
            assert_eq!(said(&incidents, &with_facts(change, &facts)).as_deref(), Ok(words), "{facts}");
        }
        let raised = ["title", "message"].map(|key| text("zeebe-incident-raised", key));
        let per = [("value.bpmnProcessId", "order"), ("value.errorType", "IO_MAPPING_ERROR")];
        let event = Change { entity: Entity::new(per), ..samples::change(Kind::Happened, Level::Warning) };
        for (facts, words) in [
            (json!({ "value": { "elementId": "pay", "errorMessage": "no card" } }), "pay: no card"),
            (json!({ "value": { "workflowKey": 7 } }), "(unknown): "),
            (json!({ "left_out": "too large to be fetched" }), ""),
        ] {
            let event = with_facts(event.clone(), &facts);
            assert_eq!(said(&raised[0], &event).as_deref(), Ok("Incident in order"));
            assert_eq!(said(&raised[1], &event).as_deref(), Ok(words), "{facts}");
        }
    }

    #[test]
    fn the_words_about_events_are_not_said_of_the_alert_that_they_come_late() {
        let check = "{ index: logs, from: beginning }";
        let check: crate::checks::Documents = serde_saphyr::from_str(check).unwrap();
        let text = Some("{{ facts.message }}".to_owned());
        let rule = Rule { check: Arc::new(check), message: text.clone(), title: text.clone(), ..rule(false) };
        let said = |change: Change| {
            let faults = Faults::default();
            let mut whole = samples::notification(vec![change]);
            message(&faults, &rule, "main", &mut whole.alerts[0]);
            of_sink(&faults, &rule, ("ear", None), &mut whole);
            assert_eq!(faults.into_failed(), BTreeMap::new());
            (whole.title, whole.alerts[0].message.clone())
        };
        let behind = json!({ "behind": "20m" });
        for late in [samples::change(Kind::Fired, Level::Warning), samples::resolved(Ending::Cleared)] {
            assert_eq!(said(with_facts(late, &behind)), (None, None));
        }
        let event = samples::change(Kind::Happened, Level::Info);
        let words = Some("disk full".to_owned());
        assert_eq!(said(with_facts(event, &json!({ "message": "disk full" }))), (words.clone(), words));
    }

    #[tokio::test]
    async fn what_is_withheld_gets_its_words_when_it_is_told() {
        let mut rule = routed("errors");
        rule.message = Some("{{ kind }} at {{ value }}".to_owned());
        let mut town = Town::new(to_ear(), vec![(rule, high(&[("10:00", "10:10")]))], "09:58").await;
        town.live_until("10:05").await;
        let (reason, who) = ("patching".to_owned(), "ada".to_owned());
        let terms = Terms { until: at("10:20"), reason, who, created: at("10:05") };
        town.silences = vec![Silence::new(super::super::town::matchers(&["rule=errors"]), terms)];
        for minute in ["10:11", "10:15"] {
            town.live_until(minute).await;
            let told = town.told("errors").await;
            let withheld = told.values().next().unwrap()["ear"].withheld.clone().unwrap();
            assert_eq!((withheld.change.kind, withheld.change.message), (Kind::Resolved, None));
        }
        town.live_until("10:22").await;
        let words: Vec<Option<&str>> =
            town.heard.iter().map(|(.., change)| change.message.as_deref()).collect();
        assert_eq!(words, [Some("fired at 30 %"), Some("resolved at 1 %")]);
    }
}
