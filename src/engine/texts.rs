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
    let Some(text) = &rule.message else { return };
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
    if let Some(text) = &rule.title {
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
