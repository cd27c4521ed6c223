use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Asked, Belated, Destination, Endpoint, Message, Portions, Sink, Verdict, answered, in_words,
    page::{Page, neutral},
};
use crate::model::{
    notification::{Delivery, Handle},
    secret::Secret,
    wording,
};

/// PagerDuty's Events API v2: an incident for each alert, triggered, given its severity, and resolved by its `dedup_key`.
///
/// A recovery resolves only what PagerDuty took before; what it never heard of is triggered first. Acknowledging is left to people.
/// Of more than 20 alerts that fire at once, the worst 20 are incidents of their own, and one more stands for all others.
/// A new `routing_key` cannot resolve what the old one triggered.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagerduty {
    /// The integration key of a service or of an event orchestration: 32 characters.
    pub routing_key: Secret,
    /// `https://events.pagerduty.com` where nothing else is said; of the European region `https://events.eu.pagerduty.com`.
    #[serde(default = "url")]
    pub url: Secret,
}

/// Characters of a summary (PagerDuty's reference of the Events API v2).
const SUMMARY: usize = 1024;
/// All details together: an event may have 512 KB.
const DETAILS: usize = 20_000;
const TEXT: usize = 10_000;
const NAME: usize = 255;
const LINK: usize = 2000;
const LINKS: usize = 10;

impl Pagerduty {
    pub const EXAMPLE: &str =
        "pagerduty: { routing_key: \"${env:PAGERDUTY_ROUTING_KEY}\", url: \"https://events.pagerduty.com\" }";
}

fn url() -> Secret {
    Secret::literal("https://events.pagerduty.com")
}

impl Sink for Pagerduty {
    fn destination(&self) -> Destination {
        let mut endpoint = Endpoint::new(self.url.clone());
        endpoint.body_secrets.push(("routing_key".to_owned(), self.routing_key.clone()));
        Destination::Http(endpoint)
    }

    /// What never became an incident there is one first, even if it has ended meanwhile: somebody has to hear of it.
    fn render(&self, delivery: &Delivery, handle: Option<&Handle>) -> Message {
        let page = Page::of(delivery);
        if page.is_over() && handle.is_some() { resolve(&page) } else { trigger(&page) }
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let page = Page::of(delivery);
        if page.is_over() { plain_resolve(&page) } else { plain_trigger(&page) }
    }

    fn render_instead(&self, delivery: &Delivery, refused: &Message) -> Message {
        let page = Page::of(delivery);
        if is_trigger(refused) { plain_trigger(&page) } else { plain_resolve(&page) }
    }

    fn classify(&self, asked: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = in_words(status, body);
        match status {
            202 => taken(asked),
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            200..=299 => Verdict::Misconfigured {
                why: format!("{why}; PagerDuty would say 202: is `url` its Events API's?"),
            },
            300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            401..=405 | 407 | 410 => Verdict::Misconfigured { why },
            400 if is_about_the_key(body) => Verdict::Misconfigured { why },
            _ => Verdict::Never { why },
        }
    }

    fn portions(&self) -> Portions {
        Portions::Each { most: 20, single: 20 }
    }

    fn belated(&self) -> Belated {
        Belated::Each
    }

    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("routing_key", &self.routing_key)]
    }

    fn complaints(&self) -> Vec<String> {
        super::complaint_about_url("url", &self.url).into_iter().collect()
    }
}

/// A trigger of what is over meanwhile is followed by its end.
fn taken(asked: &Asked<'_>) -> Verdict {
    let page = Page::of(asked.delivery);
    let handle = Some(Handle(page.key().to_owned()));
    if page.is_over() && is_trigger(asked.message) {
        return Verdict::Then { handle, message: Box::new(resolve(&page)) };
    }
    Verdict::Accepted { handle }
}

fn is_trigger(message: &Message) -> bool {
    let Message::Http(request) = message else { return false };
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    body["event_action"] == "trigger"
}

/// `Invalid routing key`, `Length of 'routing_key' is incorrect`
fn is_about_the_key(body: &str) -> bool {
    body.to_ascii_lowercase().replace('_', " ").contains("routing key")
}

fn trigger(page: &Page<'_>) -> Message {
    let mut trigger = json!({
        "event_action": "trigger",
        "dedup_key": page.key(),
        "client": "highwater",
        "payload": payload(page),
    });
    let links = links(page);
    if !links.is_empty() {
        trigger["links"] = links.into();
    }
    event(trigger)
}

/// Its payload says why it ended; PagerDuty keeps it in the incident's log.
fn resolve(page: &Page<'_>) -> Message {
    let mut payload = payload(page);
    let text = page.text();
    payload["summary"] = wording::cut(text.lines().next().unwrap_or_default(), SUMMARY).into();
    event(json!({ "event_action": "resolve", "dedup_key": page.key(), "payload": payload }))
}

fn plain_trigger(page: &Page<'_>) -> Message {
    let mut payload = payload(page);
    payload["custom_details"] = json!({});
    event(json!({ "event_action": "trigger", "dedup_key": page.key(), "payload": payload }))
}

fn plain_resolve(page: &Page<'_>) -> Message {
    event(json!({ "event_action": "resolve", "dedup_key": page.key() }))
}

fn payload(page: &Page<'_>) -> Value {
    let mut details = page.details(DETAILS);
    details.insert("text".to_owned(), wording::cut(&page.text(), TEXT).into());
    json!({
        "summary": wording::cut(&page.headline(), SUMMARY),
        "source": page.source(),
        "severity": page.level(),
        "timestamp": page.notification.at.to_rfc3339(),
        "group": wording::cut(&neutral(&page.notification.cluster), NAME),
        "class": wording::cut(&neutral(&page.notification.rule), NAME),
        "custom_details": details,
    })
}

fn event(body: Value) -> Message {
    Message::json("/v2/enqueue", body.to_string())
}

/// The runbook's, and those that the author made.
fn links(page: &Page<'_>) -> Vec<Value> {
    let runbook = page.notification.runbook.as_deref().map(|url| (url, "runbook"));
    let made = page.change.iter().flat_map(|change| &change.links).take(LINKS);
    let made = made.map(|link| (link.url.as_str(), link.text.as_str()));
    let all = runbook.into_iter().chain(made).filter(|(url, _)| is_link(url));
    all.map(|(url, text)| json!({ "href": url, "text": wording::cut(&neutral(text), NAME) })).collect()
}

fn is_link(url: &str) -> bool {
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && url.len() <= LINK && neutral(url) == url && !url.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests;
