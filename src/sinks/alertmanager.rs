mod alerts;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Asked, Destination, Endpoint, Message, Portions, Sink, Verdict, answered, in_words};
use crate::model::{
    notification::{Delivery, Handle},
    secret::{Part, Secret},
    span::Span,
};

/// Alertmanager, by its API v2; its own routes, silences and receivers decide what becomes of an alert.
///
/// Labels are `alertname` (the rule), `severity` (the level), `cluster`, the entity's and the rule's own, named as Prometheus
/// allows; annotations are `summary`, `description`, `runbook_url`, and on an end `reason`. An alert that fires is sent again every
/// minute and ends there by itself when it was not heard of for three of them; a recovery ends it at once. A change of level ends
/// the alert of the old severity and begins that of the new.
/// Each of several URLs gets every message. It counts as delivered when one took it: the others get it with the next minute's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    /// Every server of the cluster, without `/api/v2`; `http://user:password@host` where it asks for a password.
    pub urls: Vec<Secret>,
    /// How often an alert that fires is sent again: 10s to 1h, `1m` where nothing else is said.
    #[serde(default = "every_minute")]
    pub refresh: Span,
}

impl Alertmanager {
    pub const EXAMPLE: &str = "alertmanager: { urls: [\"http://127.0.0.1:9093\"] }";
}

const fn every_minute() -> Span {
    Span::seconds(60)
}

impl Sink for Alertmanager {
    fn destination(&self) -> Destination {
        Destination::Cluster(self.urls.iter().cloned().map(Endpoint::new).collect())
    }

    fn render(&self, delivery: &Delivery, _: Option<&Handle>) -> Message {
        let alerts = alerts::of(delivery, self.lives_on(), true);
        Message::json("/api/v2/alerts", alerts)
    }

    fn render_plain(&self, delivery: &Delivery) -> Message {
        let alerts = alerts::of(delivery, self.lives_on(), false);
        Message::json("/api/v2/alerts", alerts)
    }

    fn classify(&self, _: &Asked<'_>, answer: &Answer) -> Verdict {
        let (status, after, body) = match answered(answer) {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let why = in_words(status, body);
        match status {
            200 => Verdict::Accepted { handle: None },
            408 | 425 | 429 | 500..=599 => Verdict::Later { after, why },
            201..=299 => Verdict::Misconfigured {
                why: format!("{why}; Alertmanager would say 200: are `urls` its servers'?"),
            },
            300..=399 => Verdict::Misconfigured { why: format!("{why}; redirects are not followed") },
            401..=405 | 407 | 410 => Verdict::Misconfigured { why },
            _ => Verdict::Never { why },
        }
    }

    fn portions(&self) -> Portions {
        Portions::Together
    }

    fn refresh(&self) -> Option<Duration> {
        Some(self.refresh.0)
    }

    /// Where it holds a password.
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let named = |part: &Part| matches!(part, Part::Literal(text) if text.contains('@'));
        self.urls.iter().filter(|url| url.parts.iter().any(named)).map(|url| ("urls", url)).collect()
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> =
            self.urls.iter().filter_map(|url| super::complaint_about_url("urls", url)).collect();
        if self.urls.is_empty() {
            complaints
                .push("`urls` names no Alertmanager; write `urls: [\"http://127.0.0.1:9093\"]`".to_owned());
        }
        if !(10..=3600).contains(&self.refresh.0.as_secs()) {
            complaints.push(format!("`refresh` is {}; it has to be from 10s to 1h", self.refresh));
        }
        complaints
    }
}

impl Alertmanager {
    /// How long Alertmanager believes an alert of which it hears no more: two messages may be lost.
    fn lives_on(&self) -> Duration {
        self.refresh.0 * 3
    }
}
